"""Adding, changing, trying and removing cameras through the door."""

import asyncio
import base64
from uuid import UUID

import pytest
from tests.api.town import Town

from civiscope.base import AppError, ChannelId, ErrorKind, new_id
from civiscope.security import terminal_principal

CAMERA = {"name": "Pier", "address": "rtsp://admin:open-sesame@192.0.2.1/s1", "transport": "tcp"}


async def test_a_camera_is_added_listed_changed_and_removed(town: Town) -> None:
    async with await town.client_as("administrator") as client:
        added = await client.post("/api/v1/cameras", json=CAMERA)
        assert added.status_code == 201
        channel = added.json()
        assert channel["name"] == "Pier"
        assert channel["address"] == "rtsp://192.0.2.1/s1"
        assert channel["state"] == "connecting"
        assert channel["streams"][0]["profile"] == "main"
        assert (await client.get("/api/v1/channels")).json() == [channel]
        path = f"/api/v1/cameras/{channel['id']}"
        changed = await client.patch(path, json={"name": "Pier, north", "audio": True})
        assert changed.json()["name"] == "Pier, north"
        removed = await client.delete(path)
        assert (removed.status_code, removed.content) == (204, b"")
        assert (await client.get("/api/v1/channels")).json() == []
        assert (await client.delete(path)).status_code == 404
        assert (await client.patch(path, json={"name": "x"})).status_code == 404


async def test_no_password_comes_back_or_into_the_audit(town: Town) -> None:
    async with await town.client_as("administrator") as client:
        told = (await client.post("/api/v1/cameras", json=CAMERA)).text
        told += (await client.get("/api/v1/channels")).text
        told += (await client.get("/api/v1/audit")).text
        assert (await client.get("/api/v1/audit", params={"before": 1 << 63})).status_code == 422
        for entry in await town.faces.audit.entries(100):
            told += repr(await town.faces.audit.details(entry.sequence))
        assert "open-sesame" not in told
        assert "camera.add" in told
        (address,) = await town.faces.devices.plan()
        assert address.password.reveal() == "open-sesame"


async def test_each_change_is_in_the_audit(town: Town) -> None:
    async with await town.client_as("administrator") as client:
        channel_id = (await client.post("/api/v1/cameras", json=CAMERA)).json()["id"]
        await client.patch(f"/api/v1/cameras/{channel_id}", json={"name": "Quay"})
        await client.delete(f"/api/v1/cameras/{channel_id}")
        told = (await client.get("/api/v1/audit", params={"limit": 3})).json()
        assert told["intact"] is True
        assert [entry["what"] for entry in told["entries"]] == ["camera.remove", "camera.edit", "camera.add"]
        assert {entry["object"] for entry in told["entries"]} == {channel_id}
        assert {entry["who"] for entry in told["entries"]} == {"administrator"}
        assert {entry["from_where"] for entry in told["entries"]} == {"192.0.2.7"}
        older = await client.get(
            "/api/v1/audit", params={"limit": 1, "before": told["entries"][2]["sequence"]}
        )
        assert older.json()["entries"][0]["sequence"] == told["entries"][2]["sequence"] - 1


async def test_a_removed_camera_comes_back_under_its_old_id(town: Town) -> None:
    async with await town.client_as("administrator") as client:
        channel = (await client.post("/api/v1/cameras", json=CAMERA)).json()
        await client.delete(f"/api/v1/cameras/{channel['id']}")
        (removed,) = (await client.get("/api/v1/channels", params={"removed": True})).json()
        assert (removed["id"], removed["state"]) == (channel["id"], "stopped")
        restored = await client.post(f"/api/v1/cameras/{channel['id']}/restore")
        assert restored.json() == channel
        assert (await client.get("/api/v1/channels")).json() == [channel]
        assert (await client.post(f"/api/v1/cameras/{new_id()}/restore")).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"address": "file:///etc/passwd"},
        {"address": "onvif://192.0.2.1"},
        {"address": "gopher://192.0.2.1/"},
        {"address": "rtsp://192.0.2.1:99999/"},
        {"address": 5},
        {"name": ""},
        {"name": "x" * 2000},
        {"transport": "pigeon"},
        {"audio": "yes"},
        {"unknown": 1},
        {"password": "no name with it", "address": "rtsp://192.0.2.1/"},
        {"tls_fingerprint": "zz"},
    ],
)
async def test_wrong_drafts_are_refused_in_words(town: Town, change: dict[str, object]) -> None:
    async with await town.client_as("administrator") as client:
        answer = await client.post("/api/v1/cameras", json={**CAMERA, **change})
        assert answer.status_code == 422
        assert answer.json()["error"]["message"].endswith((".", "."))
        assert await town.faces.devices.cameras() == []


async def test_the_same_camera_twice_is_a_conflict(town: Town) -> None:
    async with await town.client_as("administrator") as client:
        await client.post("/api/v1/cameras", json=CAMERA)
        again = await client.post("/api/v1/cameras", json={**CAMERA, "name": "Other"})
        assert again.status_code == 409
        assert "Pier" in again.json()["error"]["message"]


@pytest.mark.parametrize("body", [{}, {"name": None}, {"colour": "red"}])
async def test_a_change_changes_something(town: Town, body: dict[str, object]) -> None:
    async with await town.client_as("administrator") as client:
        assert (await client.patch(f"/api/v1/cameras/{new_id()}", json=body)).status_code == 422


async def test_channels_tell_what_the_recorder_sees(town: Town) -> None:
    async with await town.client_as("administrator") as client:
        channel_id = (await client.post("/api/v1/cameras", json=CAMERA)).json()["id"]
        camera = await town.faces.devices.camera(ChannelId(UUID(channel_id)))
        town.streams.record(camera.main.id)
        (channel,) = (await client.get("/api/v1/channels")).json()
        assert (channel["state"], channel["since_us"], channel["last_unit_us"]) == ("recording", 5, 9)
        stream = channel["streams"][0]
        assert (stream["codec"], stream["width_px"], stream["fps"]) == ("h264", 1280, 15.0)
        assert stream["has_audio"] is False
        town.streams.known = None
        (channel,) = (await client.get("/api/v1/channels")).json()
        assert (channel["state"], channel["reason"]) == ("lost", "recorder_away")


async def test_a_probe_shows_what_the_camera_sends(town: Town) -> None:
    async with await town.client_as("administrator") as client:
        body = {"address": "rtsp://192.0.2.1/s1", "username": "bob", "password": "word"}
        answer = await client.post("/api/v1/cameras/probe", json=body)
        assert answer.status_code == 200
        told = answer.json()
        assert told["tracks"][0]["codec"] == "h264"
        assert base64.b64decode(told["picture_jpeg_base64"]).startswith(b"\xff\xd8")
        assert told["took_ms"] == 120
        (source,) = town.prober.asked
        assert (source.username, source.password) == ("bob", "word")
        assert await town.faces.devices.cameras() == []
        (entry,) = await town.faces.audit.entries(1)
        assert (entry.what, entry.why, entry.outcome) == ("camera.probe", "installation", "done")


async def test_a_probe_shows_no_picture_without_the_purpose(town: Town) -> None:
    """The picture of a probe is a picture: what the register of purposes refuses is not shown."""
    for permit in await town.faces.purposes.permits():
        if permit.purpose_id == "installation":
            await town.faces.purposes.revoke(permit.id, terminal_principal("test"))
    async with await town.client_as("administrator") as client:
        answer = await client.post("/api/v1/cameras/probe", json={"address": "rtsp://192.0.2.1/s1"})
        assert answer.status_code == 200
        assert answer.json()["picture_jpeg_base64"] is None
        assert answer.json()["tracks"][0]["codec"] == "h264"
    (entry,) = await town.faces.audit.entries(1)
    assert await town.faces.audit.details(entry.sequence) == {
        "address": "rtsp://192.0.2.1/s1",
        "picture": False,
    }


async def test_a_probe_that_fails_is_in_the_audit(town: Town) -> None:
    """Whoever tries addresses one after the other leaves a trace, also where nothing answers."""

    async def nothing(_: object) -> None:
        raise AppError(ErrorKind.UNAVAILABLE, "Nothing listens there.")

    object.__setattr__(town.prober, "probe", nothing)
    async with await town.client_as("administrator") as client:
        body = {"address": "rtsp://bob:word@192.0.2.1/s1"}
        assert (await client.post("/api/v1/cameras/probe", json=body)).status_code == 503
    (entry,) = await town.faces.audit.entries(1)
    assert (entry.what, entry.outcome) == ("camera.probe", "failed")
    assert "word" not in str(await town.faces.audit.details(entry.sequence))


async def test_only_a_few_cameras_are_tried_at_once(town: Town) -> None:
    town.prober.gate.clear()
    async with await town.client_as("administrator") as client:
        body = {"address": "rtsp://192.0.2.1/s1"}
        waiting = [asyncio.create_task(client.post("/api/v1/cameras/probe", json=body)) for _ in range(2)]
        while len(town.prober.asked) < 2:
            await asyncio.sleep(0)
        assert (await client.post("/api/v1/cameras/probe", json=body)).status_code == 429
        town.prober.gate.set()
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}
