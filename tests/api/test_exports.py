"""Exports through the door: whole packages of real recordings, and nothing of anybody else's camera."""

import asyncio
import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from tests.api.export_town import make_exports
from tests.api.town import ORIGIN, PASSWORD, Town
from tests.evidence.package_maker import MemoryPackage
from tests.recording.footage import Camera, Room, Site, drawn_clip, play_file

from civiscope.api import create_app
from civiscope.base import ChannelId, new_id
from civiscope.devices import CameraDraft
from civiscope.evidence import ExportBook, Manifest, verify_package
from civiscope.privacy import Function, PermitDraft, Purpose
from civiscope.recording import Verdict
from civiscope.security import (
    GrantDraft,
    Permission,
    Role,
    SiteTrust,
    TokenDraft,
    VaultDoor,
    load_keyring,
    load_sealer,
    terminal_principal,
)
from civiscope.viewing import ExportDesk

TEST = terminal_principal("test")
HERE = "192.0.2.7"
EXPORTS = "/api/v1/exports"


@dataclass
class Harbour:
    """Two cameras that were recorded for four seconds, and a desk that makes exports of them."""

    town: Town
    room: Room
    folder: Path
    desk: ExportDesk
    pier: ChannelId
    gate: ChannelId
    from_us: int
    to_us: int
    running: asyncio.Task[None]

    def body(self, *channels: ChannelId, **more: object) -> dict[str, Any]:
        return {
            "channels": [str(one) for one in channels or (self.pier,)], "from_us": self.from_us,
            "to_us": self.to_us, "purpose": "public_safety", "reason": "Collision on the pier", **more,
        }  # fmt: skip

    def new_desk(self) -> ExportDesk:
        faces = self.town.faces
        door = VaultDoor(self.town.keys, self.town.clock)
        return make_exports(
            self.folder, self.town.keys, (self.town.database, faces.audit, door, self.town.clock),
            (faces.accounts, faces.purposes, faces.devices), self.room.archive(),
        )  # fmt: skip

    async def restart(self) -> None:
        """As after the server was killed: another desk on the same database and folder."""
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        self.desk = self.new_desk()
        self.town.app = create_app(replace(self.town.faces, exports=self.desk))
        self.running = asyncio.create_task(self.desk.run())

    async def over(self, client: httpx.AsyncClient, export_id: str) -> dict[str, Any]:
        """The export, once it is made or has failed."""
        while True:
            found = next(one for one in (await client.get(EXPORTS)).json() if one["id"] == export_id)
            if found["state"] not in {"waiting", "running"}:
                assert isinstance(found, dict)
                return found
            await asyncio.sleep(0.02)

    async def made(self, client: httpx.AsyncClient, *channels: ChannelId, **more: object) -> str:
        answer = await client.post(EXPORTS, json=self.body(*channels, **more))
        assert answer.status_code == 201, answer.text
        found = await self.over(client, answer.json()["id"])
        assert found["state"] == "done", found["words"]
        assert found["done_permille"] == 1000
        return str(found["id"])


@pytest.fixture
async def harbour(town: Town, tmp_path: Path) -> AsyncIterator[Harbour]:
    site = Site(town.keys, load_sealer(town.keys.recorder_folder), load_keyring(town.keys.server_folder))
    room = Room(site, tmp_path / "volume", town.clock)
    file = drawn_clip(tmp_path / "clip.mp4", frames=60)
    from_us = town.clock.now_us()
    recorder = room.recorder()
    channels = []
    for name in ("Pier", "Gate"):
        camera = await town.faces.devices.add_camera(CameraDraft(name, f"rtsp://192.0.2.1/{name}"))
        channels.append(camera.channel_id)
        sender = Camera(room.clock, stream_id=camera.main.id)
        play_file(recorder, sender, file)
        sender.end(recorder)
    recorder.close()
    town.clock.advance(60_000_000)
    made = Harbour(
        town, room, tmp_path / "desk", town.faces.exports, channels[0], channels[1], from_us,
        from_us + 8_000_000, asyncio.create_task(asyncio.sleep(0)),
    )  # fmt: skip
    made.folder.mkdir()
    await made.restart()
    yield made
    made.running.cancel()
    await asyncio.gather(made.running, return_exceptions=True)


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert package.testzip() is None
        return {name: package.read(name) for name in package.namelist()}


def check_package(files: dict[str, bytes], town: Town) -> Manifest:
    """Every file is named with its hash, nothing else is there, and the site's key signed it."""
    manifest = Manifest.read(files["manifest.json"])
    named = {one.path: (one.size_bytes, one.sha256) for one in manifest.files}
    there = {
        path: (len(data), hashlib.sha256(data).hexdigest())
        for path, data in files.items()
        if path not in {"manifest.json", "manifest.sig"}
    }
    assert there == named
    trust = SiteTrust.read(files[manifest.authority_certificate])
    trust.verify_manifest(
        files[manifest.signer_certificate], files["manifest.sig"], files["manifest.json"],
        town.clock.now_us(),
    )  # fmt: skip
    found = verify_package(MemoryPackage(files), trust)
    assert (found.verdict, found.findings) == (Verdict.WHOLE, ())
    lines = [line.split("  ") for line in files["SHA256SUMS"].decode().splitlines()]
    sums = {path: sha256 for sha256, path in lines}
    assert sums == {path: sha256 for path, (_, sha256) in named.items() if path != "SHA256SUMS"}
    return manifest


async def test_a_case_holds_files_that_play_and_says_who_and_why(harbour: Harbour) -> None:
    async with await harbour.town.client_as("operator") as client:
        export_id = await harbour.made(client, harbour.pier, harbour.gate, case="4711/26")
        answer = await client.get(f"{EXPORTS}/{export_id}/file")
        assert answer.headers["content-type"] == "application/zip"
        assert answer.headers["content-disposition"].endswith(f'filename="civiscope-{export_id}.zip"')
        assert int(answer.headers["content-length"]) == len(answer.content)
        files = unpacked(answer.content)
        again = unpacked((await client.get(f"{EXPORTS}/{export_id}/file")).content)
    manifest = check_package(files, harbour.town)
    assert (manifest.made.by, manifest.made.purpose) == ("operator", "public_safety")
    assert (manifest.made.reason, manifest.more) == ("Collision on the pier", {"case": "4711/26"})
    assert [one.name for one in manifest.channels] == ["Pier", "Gate"]
    for channel in manifest.channels:
        assert channel.media is not None
        assert channel.proof is not None
        assert files[channel.proof].startswith(b'{"civiscope_proof":')
        with av.open(io.BytesIO(files[channel.media]), "r") as video:
            assert sum(1 for _ in video.decode(video=0)) >= 50
    custody = json.loads(files["custody.json"])
    assert custody["taken"]["by"] == custody["asked"]["by"] == "operator"
    assert [one["what"] for one in custody["audit"]] == ["export.ask", "export.finish"]
    check_package(again, harbour.town)
    since = [one["what"] for one in json.loads(again["custody.json"])["audit"]]
    assert since == ["export.ask", "export.finish", "export.fetch"]


async def test_what_waits_on_the_disk_is_sealed(harbour: Harbour) -> None:
    async with await harbour.town.client_as("operator") as client:
        export_id = await harbour.made(client)
        files = unpacked((await client.get(f"{EXPORTS}/{export_id}/file")).content)
        stored = [path for path in (harbour.folder / "exports").rglob("*") if path.is_file()]
        assert stored
        media = next(data for path, data in files.items() if path.startswith("video/"))
        for path in stored:
            assert media[1000:1032] not in path.read_bytes()
            assert b"ftyp" not in path.read_bytes()
            assert b"civiscope_proof" not in path.read_bytes()


async def test_an_export_is_its_askers_alone(harbour: Harbour) -> None:
    async with await harbour.town.client_as("operator") as client:
        export_id = await harbour.made(client)
        async with await harbour.town.client_as("administrator") as other:
            assert (await other.get(EXPORTS)).json() == []
            for method, path in (
                ("GET", f"{EXPORTS}/{export_id}/file"),
                ("DELETE", f"{EXPORTS}/{export_id}"),
            ):
                answer = await other.request(method, path)
                unknown = await other.request(method, path.replace(export_id, str(new_id())))
                assert answer.status_code == unknown.status_code == 404
                assert answer.json()["error"]["message"] == unknown.json()["error"]["message"]
        assert (await client.get(f"{EXPORTS}/{export_id}/file")).status_code == 200


async def scoped(harbour: Harbour, channel: ChannelId) -> httpx.AsyncClient:
    """Somebody who is an operator of one camera alone."""
    accounts = harbour.town.faces.accounts
    user = await accounts.people.create_user("Paula", PASSWORD, [], TEST)
    await accounts.people.grant(user.id, GrantDraft(Role.OPERATOR, channel), TEST)
    return await harbour.town.client_as("Paula")


async def test_no_list_with_another_persons_camera_is_exported(harbour: Harbour) -> None:
    async with await scoped(harbour, harbour.pier) as client:
        await harbour.made(client, harbour.pier)
        refused = [
            harbour.body(harbour.gate), harbour.body(harbour.pier, harbour.gate),
            harbour.body(harbour.gate, harbour.pier), harbour.body(ChannelId(new_id())),
            harbour.body(harbour.pier, ChannelId(new_id())),
        ]  # fmt: skip
        for body in refused:
            answer = await client.post(EXPORTS, json=body)
            assert answer.status_code == 404, body
        assert len((await client.get(EXPORTS)).json()) == 1
        assert (await client.post(EXPORTS, json=harbour.body(harbour.pier, harbour.pier))).status_code == 422
        assert (await client.post(EXPORTS, json=harbour.body(purpose="curiosity"))).status_code == 403
    refusals = [one for one in await harbour.town.faces.audit.entries() if one.what == "look.export"]
    assert sum(one.outcome.value == "refused" for one in refusals) == 6


async def test_rights_are_asked_again_when_it_is_made_and_when_it_is_fetched(harbour: Harbour) -> None:
    accounts = harbour.town.faces.accounts
    async with await scoped(harbour, harbour.pier) as client:
        export_id = await harbour.made(client)
        harbour.running.cancel()
        await asyncio.gather(harbour.running, return_exceptions=True)
        asked = (await client.post(EXPORTS, json=harbour.body())).json()["id"]
        users = {one.name: one.id for one in await accounts.users()}
        (grant,) = await accounts.people.grants_of(users["Paula"])
        await accounts.people.take_back(users["Paula"], grant.id, TEST)
        await accounts.people.grant(users["Paula"], GrantDraft(Role.OPERATOR, harbour.gate), TEST)
        await harbour.restart()
        async with await harbour.town.client_as("Paula") as later:
            assert (await later.get(f"{EXPORTS}/{export_id}/file")).status_code == 404
            assert (await harbour.over(later, asked))["state"] == "failed"


async def test_an_expired_permit_ends_exporting(harbour: Harbour) -> None:
    purposes, clock = harbour.town.faces.purposes, harbour.town.clock
    manager = (await harbour.town.faces.accounts.sign_in("administrator", PASSWORD, HERE)).principal
    await purposes.declare_purpose(
        Purpose("case_7", "Case 7", "Order of the court", frozenset({Function.EXPORT})), manager
    )
    until_us = clock.now_us() + 60_000_000
    await purposes.grant(
        PermitDraft("case_7", frozenset({Function.EXPORT}), role=Role.OPERATOR, until_us=until_us), manager
    )
    async with await harbour.town.client_as("operator") as client:
        export_id = await harbour.made(client, purpose="case_7")
        assert (await client.get(f"{EXPORTS}/{export_id}/file")).status_code == 200
        clock.advance(61_000_000)
        assert (await client.get(f"{EXPORTS}/{export_id}/file")).status_code == 403
        assert (await client.post(EXPORTS, json=harbour.body(purpose="case_7"))).status_code == 403


async def test_tokens_export_what_they_may_and_removed_ones_nothing(harbour: Harbour) -> None:
    accounts, clock = harbour.town.faces.accounts, harbour.town.clock
    owner = (await accounts.sign_in("administrator", PASSWORD, HERE)).principal
    limits = frozenset({Permission.CHANNEL_LIST, Permission.VIDEO_EXPORT})
    draft = TokenDraft("Court", limits, frozenset({harbour.pier}), clock.now_us() + 3_600_000_000)
    token, text = await accounts.tokens.make(draft, owner, HERE)
    transport = httpx.ASGITransport(harbour.town.app, client=(HERE, 4711))
    headers = {"Authorization": f"Bearer {text.reveal()}"}
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers) as client:
        assert (await client.post(EXPORTS, json=harbour.body(harbour.gate))).status_code == 404
        export_id = await harbour.made(client, harbour.pier)
        async with await harbour.town.client_as("administrator") as person:
            assert (await person.get(f"{EXPORTS}/{export_id}/file")).status_code == 404
        await accounts.tokens.remove(token.id, owner, HERE)
        assert (await client.get(f"{EXPORTS}/{export_id}/file")).status_code == 401
        assert (await client.post(EXPORTS, json=harbour.body(harbour.pier))).status_code == 401


async def test_a_restart_goes_on_behind_what_is_whole(harbour: Harbour) -> None:
    keep = ExportBook.keep_item
    kept: list[str] = []

    async def first_only(self: ExportBook, export_id: Any, item: Any) -> None:
        kept.append(item["name"])
        if len(kept) > 1:
            await asyncio.Event().wait()  # the second camera is written, and the power goes
        await keep(self, export_id, item)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ExportBook, "keep_item", first_only)
        async with await harbour.town.client_as("operator") as client:
            asked = await client.post(EXPORTS, json=harbour.body(harbour.pier, harbour.gate))
            export_id = asked.json()["id"]
            while len(kept) < 2:
                await asyncio.sleep(0.01)
            harbour.running.cancel()
            await asyncio.gather(harbour.running, return_exceptions=True)
    async with await harbour.town.client_as("operator") as client:
        (half,) = (await client.get(EXPORTS)).json()
        assert half["state"] == "running", "what is half made is never shown as done"
        assert (await client.get(f"{EXPORTS}/{export_id}/file")).status_code == 409
    await harbour.restart()
    async with await harbour.town.client_as("operator") as client:
        assert (await harbour.over(client, export_id))["state"] == "done"
        check_package(unpacked((await client.get(f"{EXPORTS}/{export_id}/file")).content), harbour.town)
    looked = [one.object for one in await harbour.town.faces.audit.entries() if one.what == "look.export"]
    assert looked.count(f"channel {harbour.pier}") == 1, "what was whole is not made again"
    assert looked.count(f"channel {harbour.gate}") == 2


async def test_removed_and_expired_exports_are_destroyed(harbour: Harbour) -> None:
    folder = harbour.folder / "exports"
    async with await harbour.town.client_as("operator") as client:
        first, second = await harbour.made(client), await harbour.made(client)
        assert (await client.delete(f"{EXPORTS}/{first}")).status_code == 204
        assert (await client.delete(f"{EXPORTS}/{first}")).status_code == 404
        assert {path.name for path in folder.iterdir()} == {second}
        harbour.town.clock.advance(8 * 24 * 3_600_000_000)
    async with await harbour.town.client_as("operator") as client:
        assert (await client.get(f"{EXPORTS}/{second}/file")).status_code == 409
    await harbour.restart()
    while list(folder.iterdir()):
        await asyncio.sleep(0.01)
    async with await harbour.town.client_as("operator") as client:
        assert [one["state"] for one in (await client.get(EXPORTS)).json()] == ["expired"]
        assert (await client.get(f"{EXPORTS}/{second}/file")).status_code == 409


async def test_nothing_recorded_fails_in_plain_words(harbour: Harbour) -> None:
    async with await harbour.town.client_as("operator") as client:
        body = harbour.body() | {"from_us": 1, "to_us": 2_000_000}
        export_id = (await client.post(EXPORTS, json=body)).json()["id"]
        found = await harbour.over(client, export_id)
        assert (found["state"], "Nothing is recorded" in found["words"]) == ("failed", True)
