"""Devices through the door: found, tried, added, looked after; and what each person sees of them."""

import json
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.api.town import Town
from tests.devices.fake_drivers import ENDPOINT, told_of, trouble

from civiscope.base import ChannelId, new_id
from civiscope.devices import Described, Drift, FoundDevice, Notification, Trouble
from civiscope.security import GrantDraft, Role, terminal_principal

API = "/api/v1"
HOST = "192.0.2.20"
SERVICE = f"http://{HOST}/onvif/device_service"
TYPED = {"address": f"onvif://{HOST}", "username": "admin", "password": "open-sesame"}
ADDED = {**TYPED, "channels": [{"name": "Left", "place": "Pier"}, {"name": "Right", "input": 1}]}


@pytest.fixture
def camera(town: Town) -> str:
    """A device that answers, at this address."""
    town.drivers.answers[SERVICE] = Described(told_of(HOST, inputs=2))
    return SERVICE


async def added(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.post(f"{API}/devices", json=ADDED)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_device_is_tried_and_nothing_is_stored(town: Town, camera: str) -> None:
    async with await town.client_as("administrator") as client:
        answer = await client.post(f"{API}/devices/try", json={**TYPED, "input": 1})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["verdict"], told["trouble"], told["driver"], told["address"]) == (
            "good",
            None,
            "onvif",
            camera,
        )
        assert told["identity"]["maker"] == "Acme"
        assert [one["profile"] for one in told["inputs"][1]["streams"]] == ["main", "sub"]
        assert told["tracks"][0]["codec"] == "h264"
        assert told["picture_jpeg_base64"]
        assert town.prober.asked[0].url == f"rtsp://{HOST}/m1"
        assert await town.faces.devices.cameras() == []
        (entry,) = await town.faces.audit.entries(1)
        assert (entry.what, entry.why, entry.outcome) == ("camera.probe", "installation", "done")
        assert "open-sesame" not in answer.text + str(await town.faces.audit.details(entry.sequence))


@pytest.mark.parametrize("kind", list(Trouble))
async def test_each_trouble_is_an_answer(town: Town, kind: Trouble) -> None:
    town.drivers.answers[SERVICE] = trouble(kind)
    async with await town.client_as("administrator") as client:
        answer = await client.post(f"{API}/devices/try", json=TYPED)
        assert answer.status_code == 200
        told = answer.json()
        assert (told["verdict"], told["trouble"]["code"]) == ("trouble", kind.value)
        assert told["trouble"]["words"]
        refused = await client.post(f"{API}/devices", json=ADDED)
        assert refused.status_code == 422
        assert refused.json()["error"]["trouble"]["code"] == kind.value
        assert await town.faces.devices.book.all() == []
    assert (await town.faces.audit.entries(1))[0].outcome == "failed"


async def test_what_is_no_address_is_a_trouble_too(town: Town) -> None:
    async with await town.client_as("administrator") as client:
        for address in ("file:///etc/passwd", "exec:ls", "http://169.254.169.254/", ""):
            told = (await client.post(f"{API}/devices/try", json={"address": address})).json()
            assert told["trouble"]["code"] == "address", address
    assert town.drivers.asked == []


async def test_a_trial_shows_no_picture_without_the_purpose(town: Town, camera: str) -> None:
    for permit in await town.faces.purposes.permits():
        if permit.purpose_id == "installation":
            await town.faces.purposes.revoke(permit.id, terminal_principal("test"))
    async with await town.client_as("administrator") as client:
        told = (await client.post(f"{API}/devices/try", json=TYPED)).json()
        assert (told["verdict"], told["picture_jpeg_base64"]) == ("good", None)


async def test_a_device_is_added_with_its_channels(town: Town, camera: str) -> None:
    async with await town.client_as("administrator") as client:
        told = await added(client)
        assert [one["name"] for one in told["channels"]] == ["Left", "Right"]
        left = told["channels"][0]
        assert (left["place"], left["driver"], left["can_steer"], left["purpose"]) == (
            "Pier",
            "onvif",
            True,
            None,
        )
        assert (await client.get(f"{API}/channels")).json() == told["channels"]
        (device,) = (await client.get(f"{API}/devices")).json()
        assert device == told["device"]
        assert (device["address"], device["username"]) == (camera, "admin")
        assert device["channel_ids"] == [one["id"] for one in told["channels"]]
        assert device["desired"]["sub"]["width_px"] == 640
        assert "open-sesame" not in json.dumps([told, device])
        entries = await town.faces.audit.entries(2)
        assert {(entry.what, entry.object) for entry in entries} == {
            ("camera.add", one["id"]) for one in told["channels"]
        }
        again = await client.post(f"{API}/devices", json=ADDED)
        assert again.status_code == 409
        assert "Left" in again.json()["error"]["message"]


@pytest.mark.parametrize(
    "change",
    [
        {"channels": []},
        {"channels": [{"name": "A", "purpose": "curiosity"}]},
        {"channels": [{"name": "A", "group_id": str(new_id())}]},
        {"channels": [{"name": "A", "latitude": 95, "longitude": 1}]},
        {"channels": [{"name": "A", "input": 9}]},
        {"driver": "Exec; rm"},
        {"colour": "red"},
    ],
)
async def test_wrong_devices_are_refused(town: Town, camera: str, change: dict[str, object]) -> None:
    async with await town.client_as("administrator") as client:
        answer = await client.post(f"{API}/devices", json={**ADDED, **change})
        assert answer.status_code in {404, 422}, answer.text
        assert await town.faces.devices.book.all() == []


async def test_what_answers_to_discovery_is_compared_with_what_is_known(town: Town, camera: str) -> None:
    town.drivers.found = (
        FoundDevice("onvif", ENDPOINT, ("http://10.9.9.9/onvif/device_service",), "Known by endpoint"),
        FoundDevice("onvif", "urn:uuid:2", (camera,), "Known by address"),
        FoundDevice("onvif", "urn:uuid:3", ("http://10.0.0.3/onvif/device_service", "\x00"), "New"),
    )
    async with await town.client_as("administrator") as client:
        device_id = (await added(client))["device"]["id"]
        told = (await client.post(f"{API}/devices/discover", json={})).json()
        assert [one["known_device_id"] for one in told["devices"]] == [device_id, device_id, None]


async def test_drivers_and_purposes_are_listed(town: Town) -> None:
    async with await town.client_as("administrator") as client:
        (driver,) = (await client.get(f"{API}/drivers")).json()
        assert (driver["name"], driver["state"]) == ("onvif", "loaded")
        purposes = {one["id"] for one in (await client.get(f"{API}/purposes")).json()}
        assert purposes >= {"public_safety", "installation"}
        town.drivers.is_away = True
        assert (await client.get(f"{API}/drivers")).status_code == 503


async def test_a_device_is_changed(town: Town, camera: str) -> None:
    async with await town.client_as("administrator") as client:
        device_id = (await added(client))["device"]["id"]
        path = f"{API}/devices/{device_id}"
        body: dict[str, object] = {"address": "192.0.2.99", "password": "another", "desired": {"sub": None}}
        changed = await client.patch(path, json=body)
        assert changed.status_code == 200, changed.text
        assert (changed.json()["address"], changed.json()["desired"]["sub"]) == (
            "http://192.0.2.99/onvif/device_service",
            None,
        )
        (entry,) = await town.faces.audit.entries(1)
        details = await town.faces.audit.details(entry.sequence)
        what = {"changed": ["address", "desired", "password"], "address": changed.json()["address"]}
        assert (entry.what, details) == ("device.edit", what)
        planned = (await town.faces.devices.plan())[0]
        assert (planned.url, planned.password.reveal()) == ("rtsp://192.0.2.99/m0", "another")
        for wrong in ({}, {"address": None}, {"address": "rtsp://192.0.2.99/x"}, {"desired": {"x": 1}}):
            assert (await client.patch(path, json=wrong)).status_code == 422, wrong
        assert (await client.patch(f"{API}/devices/{new_id()}", json=body)).status_code == 404


async def test_drift_is_found_and_mended_on_request(town: Town, camera: str) -> None:
    town.drivers.drift = (Drift(0, "sub.fps", "5", "25"),)
    async with await town.client_as("administrator") as client:
        device_id = (await added(client))["device"]["id"]
        checked = (await client.post(f"{API}/devices/{device_id}/check")).json()
        assert checked["drift"] == [{"input": 0, "setting": "sub.fps", "wanted": "5", "found": "25"}]
        assert (checked["checked_us"], checked["trouble"]) == (town.clock.now_us(), None)
        assert town.drivers.configured == []
        mended = (await client.post(f"{API}/devices/{device_id}/configure")).json()
        assert mended["drift"] == []
        assert len(town.drivers.configured) == 1
        (entry,) = await town.faces.audit.entries(1)
        assert (entry.what, entry.object, entry.outcome) == ("device.configure", device_id, "done")
        town.drivers.answers[SERVICE] = trouble(Trouble.AUTHENTICATION)
        troubled = (await client.post(f"{API}/devices/{device_id}/check")).json()
        assert troubled["trouble"]["code"] == "authentication"
        town.drivers.is_away = True
        assert (await client.post(f"{API}/devices/{device_id}/configure")).status_code == 503
        assert (await town.faces.audit.entries(1))[0].outcome == "failed"


async def test_notifications_are_shown(town: Town, camera: str) -> None:
    async with await town.client_as("administrator") as client:
        device = (await added(client))["device"]
        (box,) = await town.faces.devices.book.all()
        told = Notification(7, "Motion", "Changed", (("Source", "V0"),), (("State", "true"),))
        await town.faces.devices.book.keep_notification(box.id, told)
        path = f"{API}/devices/{device['id']}/notifications"
        assert (await client.get(path)).json() == [
            {
                "at_us": 7,
                "topic": "Motion",
                "operation": "Changed",
                "source": {"Source": "V0"},
                "data": {"State": "true"},
            }
        ]


async def test_a_viewer_sees_devices_without_names_to_sign_in(town: Town, camera: str) -> None:
    async with await town.client_as("administrator") as client:
        await added(client)
    async with await town.client_as("viewer") as client:
        (device,) = (await client.get(f"{API}/devices")).json()
        assert device["username"] is None
        assert (await client.post(f"{API}/devices/{device['id']}/check")).status_code == 403


async def test_a_broken_camera_is_replaced(town: Town, camera: str) -> None:
    other = "http://192.0.2.77/onvif/device_service"
    town.drivers.answers[other] = Described(told_of("192.0.2.77"))
    async with await town.client_as("administrator") as client:
        channel = (await added(client))["channels"][0]
        path = f"{API}/cameras/{channel['id']}"
        town.clock.advance(1_000_000)
        answer = await client.post(f"{path}/replace", json={"address": "onvif://192.0.2.77"})
        assert answer.status_code == 200, answer.text
        replaced = answer.json()
        assert (replaced["id"], replaced["name"], replaced["place"]) == (channel["id"], "Left", "Pier")
        assert [one["id"] for one in replaced["streams"]] == [one["id"] for one in channel["streams"]]
        first, second = (await client.get(f"{path}/bindings")).json()
        assert (first["device_id"], first["to_us"]) == (channel["device_id"], second["from_us"])
        assert (second["device_id"], second["to_us"]) == (replaced["device_id"], None)
        assert (await town.faces.audit.entries(1))[0].what == "camera.replace"
        gone = {"address": "onvif://192.0.2.78"}
        assert (await client.post(f"{path}/replace", json=gone)).json()["error"]["trouble"]["code"] == (
            "unreachable"
        )
        assert (await client.post(f"{API}/cameras/{new_id()}/replace", json=gone)).status_code == 404


async def test_addresses_tried_by_adding_and_replacing_leave_a_trace(town: Town, camera: str) -> None:
    """Whoever looks for open ports by way of cameras that are never added is seen in the audit."""
    async with await town.client_as("administrator") as client:
        channel = (await added(client))["channels"][0]["id"]
        body = {"address": "onvif://root:hush-hush@192.0.2.78"}
        calls: list[tuple[str, dict[str, Any]]] = [
            (f"{API}/devices", body | {"channels": [{"name": "Nowhere"}]}),
            (f"{API}/cameras/{channel}/replace", body),
        ]
        for path, wanted in calls:
            before = (await town.faces.audit.entries(1))[0].sequence
            answer = await client.post(path, json=wanted)
            assert answer.json()["error"]["trouble"]["code"] == "unreachable"
            (entry,) = await town.faces.audit.entries(1)
            assert (entry.sequence, entry.what, entry.outcome) == (before + 1, "camera.probe", "failed")
            details = await town.faces.audit.details(entry.sequence)
            assert details == {
                "address": "http://192.0.2.78/onvif/device_service",
                "trouble": "unreachable",
            }


async def test_groups_hold_channels(town: Town, camera: str) -> None:
    async with await town.client_as("administrator") as client:
        north = (await client.post(f"{API}/groups", json={"name": "North"})).json()
        body = {"name": "School", "parent_id": north["id"]}
        school = (await client.post(f"{API}/groups", json=body)).json()
        assert school["parent_id"] == north["id"]
        assert (await client.post(f"{API}/groups", json=body)).status_code == 409
        ids = [one["id"] for one in (await added(client))["channels"]]
        change = {"group_id": school["id"], "place": "Yard", "purpose": "public_safety"}
        answer = await client.patch(f"{API}/channels", json={"ids": ids, "change": change})
        assert answer.json() == {"changed": 2}
        for one in (await client.get(f"{API}/channels")).json():
            assert {name: one[name] for name in change} == change
        entries = await town.faces.audit.entries(2)
        assert {(entry.what, entry.object) for entry in entries} == {("camera.edit", one) for one in ids}
        below = {"parent_id": school["id"]}
        assert (await client.patch(f"{API}/groups/{north['id']}", json=below)).status_code == 422
        assert (await client.patch(f"{API}/groups/{school['id']}", json={"parent_id": None})).json()[
            "parent_id"
        ] is None
        assert (await client.delete(f"{API}/groups/{school['id']}")).status_code == 204
        assert {one["group_id"] for one in (await client.get(f"{API}/channels")).json()} == {None}
        assert [one["name"] for one in (await client.get(f"{API}/groups")).json()] == ["North"]


async def test_who_edits_some_cameras_moves_none_between_groups(town: Town, camera: str) -> None:
    """Rights hang on groups: moving a camera would give it to others, or to oneself for longer."""
    async with await town.client_as("administrator") as client:
        north = (await client.post(f"{API}/groups", json={"name": "North"})).json()["id"]
        south = (await client.post(f"{API}/groups", json={"name": "South"})).json()["id"]
        ids = [one["id"] for one in (await added(client))["channels"]]
        move = {"ids": ids, "change": {"group_id": north}}
        assert (await client.patch(f"{API}/channels", json=move)).status_code == 200
    people, test = town.faces.accounts.people, terminal_principal("test")
    viewer = next(one for one in await town.faces.accounts.users() if one.name == "viewer")
    for one in ids:
        await people.grant(viewer.id, GrantDraft(Role.ADMINISTRATOR, ChannelId(UUID(one))), test)
    async with await town.client_as("viewer") as client:
        for target in (south, None):
            change: dict[str, object] = {"place": "Quay", "group_id": target}
            single = await client.patch(f"{API}/cameras/{ids[0]}", json=change)
            several = await client.patch(f"{API}/channels", json={"ids": ids, "change": change})
            assert (single.status_code, several.status_code) == (403, 403)
            assert "to another group" in single.json()["error"]["message"]
        kept = await client.patch(f"{API}/cameras/{ids[0]}", json={"place": "Quay", "group_id": north})
        assert (kept.status_code, kept.json()["place"]) == (200, "Quay")
    assert {str(one.group_id) for one in await town.faces.devices.cameras()} == {north}


@pytest.mark.parametrize(
    "change",
    [{}, {"audio": None}, {"purpose": "curiosity"}, {"group_id": str(new_id())}, {"name": "all the same"}],
)
async def test_a_wrong_change_changes_nothing(town: Town, camera: str, change: dict[str, object]) -> None:
    async with await town.client_as("administrator") as client:
        ids = [one["id"] for one in (await added(client))["channels"]]
        answer = await client.patch(f"{API}/channels", json={"ids": ids, "change": change})
        assert answer.status_code in {404, 422}
        some = await client.patch(
            f"{API}/channels", json={"ids": [*ids, str(new_id())], "change": {"place": "Nowhere"}}
        )
        assert some.status_code == 404
        cameras = await town.faces.devices.cameras()
        assert [(one.name, one.place) for one in cameras] == [("Left", "Pier"), ("Right", "")]


async def test_null_empties_a_field(town: Town, camera: str) -> None:
    async with await town.client_as("administrator") as client:
        channel = (await added(client))["channels"][0]
        path = f"{API}/cameras/{channel['id']}"
        here = {"latitude": 42.5, "longitude": 27.5, "purpose": "public_safety"}
        assert (await client.patch(path, json=here)).json()["latitude"] == 42.5
        emptied = {"latitude": None, "longitude": None, "purpose": None, "place": None}
        told = (await client.patch(path, json=emptied)).json()
        assert (told["latitude"], told["purpose"], told["place"], told["name"]) == (None, None, "", "Left")
        assert (await client.patch(path, json={"latitude": 5})).status_code == 422


async def test_a_camera_has_a_time_of_keeping_of_its_own(town: Town, camera: str) -> None:
    async with await town.client_as("administrator") as client:
        channel = (await added(client))["channels"][0]
        assert channel["keep_hours"] is None
        path = f"{API}/cameras/{channel['id']}"
        assert (await client.patch(path, json={"keep_hours": 240.5})).json()["keep_hours"] == 240.5
        for wrong in (0, -1, 87_841, "72", True):
            assert (await client.patch(path, json={"keep_hours": wrong})).status_code == 422
        assert (await client.patch(path, json={"place": "Quay"})).json()["keep_hours"] == 240.5
        assert (await client.patch(path, json={"keep_hours": None})).json()["keep_hours"] is None


async def test_a_camera_is_steered(town: Town, camera: str) -> None:
    async with await town.client_as("administrator") as client:
        channel_id = (await added(client))["channels"][1]["id"]
    path = f"{API}/cameras/{channel_id}/ptz"
    async with await town.client_as("operator") as client:
        status = (await client.get(path)).json()
        assert status == {
            "pan": 0.5,
            "tilt": None,
            "zoom": 0.0,
            "is_moving": False,
            "presets": [{"token": "1", "name": "Gate"}],
        }
        for _ in range(3):
            assert (await client.post(path, json={"move": {"pan": 0.5}})).status_code == 200
        town.clock.advance(11_000_000)
        await client.post(path, json={"move": {"tilt": -1}})
        await client.post(path, json={"stop": True})
        await client.post(path, json={"preset": "1"})
        await client.post(path, json={"keep": "Door"})
        assert [(index, move.pan, move.tilt) for index, move in town.drivers.moves] == [
            (1, 0.5, 0.0),
            (1, 0.5, 0.0),
            (1, 0.5, 0.0),
            (1, 0.0, -1.0),
            (1, 0.0, 0.0),
        ]
        assert town.drivers.visits == ["1"]
        for wrong in ({}, {"move": {"pan": 2}}, {"stop": True, "preset": "1"}, {"stop": False}):
            assert (await client.post(path, json=wrong)).status_code == 422, wrong
    steered = [entry for entry in await town.faces.audit.entries(20) if entry.what == "camera.steer"]
    assert len(steered) == 3  # two movements 11 s apart, and a position kept
    assert {entry.object for entry in steered} == {channel_id}
    async with await town.client_as("viewer") as client:
        assert (await client.post(path, json={"stop": True})).status_code == 403


async def test_a_fixed_camera_says_that_it_does_not_move(town: Town) -> None:
    async with await town.client_as("administrator") as client:
        body = {"name": "Pier", "address": "rtsp://192.0.2.1/s"}
        channel_id = (await client.post(f"{API}/cameras", json=body)).json()["id"]
        assert (await client.get(f"{API}/cameras/{channel_id}/ptz")).status_code == 503
        assert (await client.get(f"{API}/cameras/{new_id()}/ptz")).status_code == 404


CSV = (
    "name;address;username;password;group;purpose\n"
    f"Good;onvif://{HOST};admin;open-sesame;North;public_safety\n"
    "Away;onvif://192.0.2.21;;;;\n"
    ";onvif://192.0.2.22;;;;\n"
    "No group;onvif://192.0.2.23;;;West;\n"
    "No purpose;onvif://192.0.2.24;;;;curiosity\n"
)


async def test_a_table_is_read_then_added_line_by_line(town: Town, camera: str) -> None:
    async with await town.client_as("administrator") as client:
        group = (await client.post(f"{API}/groups", json={"name": "North"})).json()
        answer = await client.post(f"{API}/devices/import/read", json={"csv": CSV})
        assert answer.status_code == 200, answer.text
        rows = answer.json()["rows"]
        assert [row["line"] for row in rows] == [2, 3, 4, 5, 6]
        assert [row["problem"] is None for row in rows] == [True, True, False, False, False]
        assert rows[0]["draft"]["has_password"] is True
        assert "open-sesame" not in answer.text
        done = await client.post(f"{API}/devices/import", json={"csv": CSV, "lines": [2, 3]})
        good, away = done.json()
        assert (good["line"], good["trouble"], good["problem"]) == (2, None, None)
        assert (away["channel_id"], away["trouble"]["code"]) == (None, "unreachable")
        added_one = await town.faces.devices.camera(ChannelId(UUID(good["channel_id"])))
        assert (added_one.name, str(added_one.group_id), added_one.purpose) == (
            "Good",
            group["id"],
            "public_safety",
        )
        twice = (await client.post(f"{API}/devices/import", json={"csv": CSV, "lines": [2, 4]})).json()
        assert "already there" in twice[0]["problem"]
        assert twice[1]["problem"]
        assert (
            await client.post(f"{API}/devices/import", json={"csv": CSV, "lines": [9]})
        ).status_code == 404
        for lines in ([], [2, 3, 4], [0]):
            body = {"csv": CSV, "lines": lines}
            assert (await client.post(f"{API}/devices/import", json=body)).status_code == 422


async def test_a_table_may_be_larger_than_other_bodies(town: Town) -> None:
    text = "name,address\n" + "".join(
        f'"Gate {"é" * 80} {at}",10.0.{at // 200}.{at % 200 + 1}\n' for at in range(400)
    )
    body = json.dumps({"csv": text})
    assert len(body) > 64 * 1024
    headers = {"Content-Type": "application/json"}
    async with await town.client_as("administrator") as client:
        answer = await client.post(f"{API}/devices/import/read", content=body, headers=headers)
        assert len(answer.json()["rows"]) == 400
        too_large = await client.post(f"{API}/devices/try", content=body, headers=headers)
        assert too_large.status_code == 413
