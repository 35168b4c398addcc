"""Settings, the end of the first run, the simulated town, and the authority to install."""

import hashlib
import plistlib

from tests.api.town import Town

from civiscope.security import certificate_facts


async def test_settings_are_read_changed_and_refused_by_field(town: Town) -> None:
    async with await town.client_as("administrator") as client:
        (page,) = (await client.get("/api/v1/settings")).json()
        assert (page["name"], page["changed_us"], page["changed_by"]) == ("site", None, None)
        answer = await client.put("/api/v1/settings/site", json={"value": {"name": "New pier"}})
        assert answer.json()["value"] == {"name": "New pier"}
        assert (await client.get("/api/v1/session")).json()["site"]["name"] == "New pier"
        assert (await client.get("/api/v1/setup")).json()["site_name"] == "New pier"
        wrong = await client.put("/api/v1/settings/site", json={"value": {"name": ""}})
        assert wrong.status_code == 422
        assert wrong.json()["error"]["fields"] == {"name": "the name is empty"}
        assert (await client.put("/api/v1/settings/moons", json={"value": {}})).status_code == 404
        assert (await client.put("/api/v1/settings/site", json={"value": []})).status_code == 422


async def test_the_first_run_ends_once_for_all(town: Town) -> None:
    async with await town.client_as("administrator") as client:
        assert (await client.post("/api/v1/first-run/done")).status_code == 204
        assert town.faces.pages.first_run_done


async def test_the_simulated_town_starts_and_is_written_down(town: Town) -> None:
    async with await town.client_as("administrator") as client:
        assert (await client.get("/api/v1/simulator")).json() == {"state": "absent", "cameras": []}
        started = (await client.post("/api/v1/simulator")).json()
        assert started["state"] == "running"
        assert started["cameras"][0] == {
            "name": "Quay", "address": "rtsp://127.0.0.1:8554/quay", "onvif_address": None,
        }  # fmt: skip
        assert (await client.get("/api/v1/simulator")).json() == started
    entry = next(one for one in await town.faces.audit.entries() if one.what == "simulator.start")
    assert entry.who == "administrator"


async def test_anybody_may_fetch_and_compare_the_authority(town: Town) -> None:
    async with town.client() as client:
        told = (await client.get("/api/v1/authority")).json()
        pem = (await client.get("/api/v1/authority.pem")).content
        der = (await client.get("/api/v1/authority.der")).content
        profile = await client.get("/api/v1/authority.mobileconfig")
    assert told["fingerprint_sha256"] == hashlib.sha256(der).hexdigest()
    assert told["names"] == ["localhost"]
    assert certificate_facts(pem).der == der
    assert told["not_after_us"] == certificate_facts(pem).not_after_us
    assert profile.headers["content-type"] == "application/x-apple-aspen-config"
    (payload,) = plistlib.loads(profile.content)["PayloadContent"]
    assert payload["PayloadType"] == "com.apple.security.root"
    assert payload["PayloadContent"] == der
