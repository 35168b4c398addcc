"""The vault on the page: setting, locking, unlocking over the real calls, and what the audit says of it."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.api.town import Town, close_town, open_town

from civiscope.api import ApiSettings
from civiscope.security import Outcome, SiteKeys

WORD = "seven red kites over fields"
OTHER = "eleven grey geese fly home"


@pytest.fixture
async def own_town(
    tmp_path: Path, keys: SiteKeys, prepared: Path, api_settings: ApiSettings
) -> AsyncIterator[Town]:
    """A site whose keys are its own, to be locked."""
    shutil.copytree(keys.folder, tmp_path / "keys")
    folder = shutil.copytree(prepared / "peopled", tmp_path / "home")
    patient = replace(api_settings, answer_limit_s=20.0)  # scrypt and fsync take their time
    made = await open_town(folder, SiteKeys.load(tmp_path / "keys"), patient)
    yield made
    close_town(made)


async def test_the_whole_life_of_a_passphrase(own_town: Town) -> None:
    async with await own_town.client_as("administrator") as client:
        first = (await client.get("/api/v1/vault")).json()
        assert (first["state"], first["kind"]) == ("open", "file")
        assert (await client.post("/api/v1/vault/lock")).status_code == 409
        weak = await client.post("/api/v1/vault/passphrase", json={"new": "short"})
        assert weak.status_code == 422
        made = await client.post("/api/v1/vault/passphrase", json={"new": WORD})
        assert (made.status_code, made.json()["kind"]) == (200, "passphrase")
        own_town.clock.advance(1_000_000)
        locked = (await client.post("/api/v1/vault/lock")).json()
        since_us, key = own_town.clock.now_us(), first["sealing_key"]
        assert locked == {"state": "locked", "kind": "passphrase", "since_us": since_us, "sealing_key": key}
        assert (await client.post("/api/v1/vault/sealing-key")).status_code == 409
        wrong = await client.post("/api/v1/vault/unlock", json={"passphrase": OTHER})
        assert wrong.status_code == 422
        assert "not the vault's passphrase" in wrong.json()["error"]["message"]
        opened = await client.post("/api/v1/vault/unlock", json={"passphrase": WORD})
        assert opened.json()["state"] == "open"
        changed = await client.post("/api/v1/vault/passphrase", json={"old": WORD, "new": OTHER})
        assert changed.status_code == 200
    entries = [
        (one.what, one.outcome) for one in await own_town.faces.audit.entries() if one.object == "vault"
    ]
    assert entries == [
        ("vault.passphrase", Outcome.DONE),
        ("vault.unlock", Outcome.DONE),
        ("vault.unlock", Outcome.REFUSED),
        ("vault.lock", Outcome.DONE),
        ("vault.passphrase", Outcome.DONE),
        ("vault.passphrase", Outcome.FAILED),
        ("vault.lock", Outcome.FAILED),
    ]


async def test_guesses_are_slowed_down(own_town: Town) -> None:
    async with await own_town.client_as("administrator") as client:
        await client.post("/api/v1/vault/passphrase", json={"new": WORD})
        await client.post("/api/v1/vault/lock")
        answers = [
            (await client.post("/api/v1/vault/unlock", json={"passphrase": OTHER})).status_code
            for _ in range(6)
        ]
        assert answers == [422] * 5 + [429] or answers == [422] * 4 + [429] * 2
        late = await client.post("/api/v1/vault/unlock", json={"passphrase": WORD})
        assert late.status_code == 429
        assert late.headers["Retry-After"]
        own_town.clock.advance(31_000_000)
        assert (await client.post("/api/v1/vault/unlock", json={"passphrase": WORD})).status_code == 200


async def test_locked_the_camera_list_stays_and_adding_waits(own_town: Town) -> None:
    async with await own_town.client_as("administrator") as client:
        await client.post("/api/v1/vault/passphrase", json={"new": WORD})
        await client.post("/api/v1/vault/lock")
        body = {"name": "Pier", "address": "rtsp://192.0.2.1/s", "username": "u", "password": "pier-canary"}
        refused = await client.post("/api/v1/cameras", json=body)
        assert refused.status_code == 503
        assert "civiscope vault unlock" in refused.json()["error"]["message"]
        assert "pier-canary" not in refused.text
        assert (await client.get("/api/v1/channels")).status_code == 200
        audit = (await client.get("/api/v1/audit")).json()
        assert audit["intact"] is True
    async with await own_town.client_as("operator") as other:  # signing in needs no vault
        assert (await other.get("/api/v1/vault")).json()["state"] == "locked"
        assert (await other.post("/api/v1/vault/unlock", json={"passphrase": WORD})).status_code == 403
