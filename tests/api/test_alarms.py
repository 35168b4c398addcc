"""Alarms at the door: what one sees, does, is refused; and the socket, filtered at each message."""

from uuid import UUID

import httpx
import pytest
from tests.api.socketing import socket_at
from tests.api.town import Town

from civiscope.alarms import Alarm, AlarmDraft
from civiscope.base import ChannelId, new_id
from civiscope.devices import CameraDraft, ChannelChange
from civiscope.security import GrantDraft, Role, terminal_principal

V1 = "/api/v1"
LIVE = f"{V1}/alarms/live"
ADMIN = terminal_principal("test")
RULE = UUID(int=5)


async def camera(town: Town, name: str, **changes: object) -> ChannelId:
    made = await town.faces.devices.add_camera(CameraDraft(name, f"rtsp://192.0.2.1/{name}"))
    if changes:
        await town.faces.devices.change_cameras([made.channel_id], ChannelChange(**changes))  # type: ignore[arg-type]
    return made.channel_id


async def raised(town: Town, channel: ChannelId | None, zone: str = "Mole") -> Alarm:
    at_us = town.clock.now_us()
    draft = AlarmDraft(
        RULE, "Zone", "Person entered Mole", new_id(), at_us, channel, "zone.entered", "person", zone
    )
    return await town.faces.alarms.raise_alarm(draft)


async def one_of_pier(town: Town, pier: ChannelId) -> httpx.AsyncClient:
    """Somebody who handles alarms of one camera alone."""
    people = town.faces.accounts.people
    user = await people.create_user("pia", "seven gulls over the pier", [], ADMIN)
    await people.grant(user.id, GrantDraft(Role.OPERATOR, pier), ADMIN)
    return await town.client_as("pia")


async def test_an_operator_handles_an_alarm(town: Town) -> None:
    pier = await camera(town, "pier", latitude=42.5, longitude=27.47)
    near = await camera(town, "near", latitude=42.501, longitude=27.47)
    await camera(town, "far", latitude=43.0, longitude=27.47)
    alarm = await raised(town, pier)
    async with await town.client_as("operator") as client:
        (listed,) = (await client.get(f"{V1}/alarms?state=new&state=claimed")).json()["alarms"]
        assert (listed["id"], listed["title"], listed["owner"]) == (str(alarm.id), alarm.title, None)
        assert (await client.get(f"{V1}/alarms?state=closed")).json() == {"alarms": [], "next": None}
        path = f"{V1}/alarms/{alarm.id}"
        claimed = (await client.post(f"{path}/claim", json={"version": 1, "note": "on my way"})).json()
        assert (claimed["state"], claimed["owner"]["name"], claimed["version"]) == ("claimed", "operator", 2)
        until_us = town.clock.now_us() + 60_000_000
        parked = await client.post(f"{path}/park", json={"version": 2, "until_us": until_us})
        assert parked.json()["parked_until_us"] == until_us
        counts = (await client.get(f"{V1}/alarms/counts")).json()
        assert counts == {"new": 0, "claimed": 0, "parked": 1, "rate_per_10_min": 1}
        await client.post(f"{path}/note", json={"version": 3, "note": "a swimmer"})
        closed = await client.post(f"{path}/close", json={"version": 4, "reason": "false alarm"})
        assert closed.json()["close_reason"] == "false alarm"
        whole = (await client.get(path)).json()
        assert [row["what"] for row in whole["history"]] == [
            "raised", "claimed", "parked", "noted", "closed",
        ]  # fmt: skip
        assert whole["history"][1]["note"] == "on my way"
        assert whole["neighbours"] == [str(near)]


async def test_an_alarm_is_forwarded_to_whoever_may_handle_it(town: Town) -> None:
    pier = await camera(town, "pier")
    alarm, other = await raised(town, pier), await raised(town, await camera(town, "yard"))
    await (await one_of_pier(town, pier)).aclose()
    async with await town.client_as("operator") as client:
        path = f"{V1}/alarms/{alarm.id}"
        found = (await client.get(f"{path}/people")).json()
        assert sorted(one["name"] for one in found) == ["administrator", "pia"]
        elsewhere = (await client.get(f"{V1}/alarms/{other.id}/people")).json()
        assert [one["name"] for one in elsewhere] == ["administrator"]
        pia = next(one for one in found if one["name"] == "pia")
        forwarded = await client.post(f"{path}/forward", json={"version": 1, "to_user_id": pia["id"]})
        assert forwarded.json()["owner"] == pia
        assert (await client.get(f"{V1}/alarms/{new_id()}/people")).status_code == 404
    async with await town.client_as("viewer") as client:
        assert (await client.get(f"{path}/people")).status_code == 403


async def test_a_stale_version_is_a_conflict_and_changes_nothing(town: Town) -> None:
    alarm = await raised(town, await camera(town, "pier"))
    async with await town.client_as("operator") as client:
        path = f"{V1}/alarms/{alarm.id}"
        await client.post(f"{path}/claim", json={"version": 1})
        before = (await client.get(path)).json()
        for step, more in (
            ("claim", {}), ("close", {"reason": "x"}), ("note", {"note": "x"}),
            ("park", {"until_us": town.clock.now_us() + 9}),
        ):  # fmt: skip
            answer = await client.post(f"{path}/{step}", json={"version": 1, **more})
            assert answer.status_code == 409, step
        assert (await client.get(path)).json() == before


NONSENSE: list[tuple[str, dict[str, object]]] = [
        ("claim", {}),
        ("claim", {"version": "1"}),
        ("claim", {"version": 10**30}),
        ("claim", {"version": 1, "note": "x" * 2_001}),
        ("claim", {"version": 1, "owner": "me"}),
        ("close", {"version": 1}),
        ("close", {"version": 1, "reason": ""}),
        ("close", {"version": 1, "reason": " "}),
        ("park", {"version": 1, "until_us": 1}),
        ("forward", {"version": 1, "to_user_id": "olga"}),
        ("forward", {"version": 1, "to_user_id": str(new_id())}),
        ("note", {"version": 1, "note": ""}),
    ]  # fmt: skip


async def test_what_makes_no_sense_is_refused(town: Town) -> None:
    alarm = await raised(town, await camera(town, "pier"))
    async with await town.client_as("operator") as client:
        for step, body in NONSENSE:
            answer = await client.post(f"{V1}/alarms/{alarm.id}/{step}", json=body)
            assert answer.status_code == 422, (step, body, answer.text)
        assert (await client.get(f"{V1}/alarms/{alarm.id}")).json()["version"] == 1


async def test_guessed_ids_of_foreign_cameras_are_not_there(town: Town) -> None:
    pier, gate = await camera(town, "pier"), await camera(town, "gate")
    foreign, nowhere = await raised(town, gate), await raised(town, None)
    async with await one_of_pier(town, pier) as client:
        unknown = await client.get(f"{V1}/alarms/{new_id()}")
        for alarm in (foreign, nowhere):
            answer = await client.get(f"{V1}/alarms/{alarm.id}")
            assert (answer.status_code, answer.text) == (404, unknown.text)
            answer = await client.post(f"{V1}/alarms/{alarm.id}/claim", json={"version": 1})
            assert (answer.status_code, answer.text) == (404, unknown.text)
        assert (await client.get(f"{V1}/alarms")).json()["alarms"] == []
        assert (await client.get(f"{V1}/alarms?channel={gate}")).status_code == 404
        assert (await client.get(f"{V1}/alarms/counts")).json()["new"] == 0


async def test_the_socket_tells_counts_and_then_each_change(town: Town) -> None:
    pier = await camera(town, "pier")
    async with await town.client_as("operator") as client, socket_at(town.app, LIVE, client) as peer:
        assert (await peer.next())["type"] == "websocket.accept"
        assert (await peer.text())["counts"]["new"] == 0
        alarm = await raised(town, pier)
        told = (await peer.text())["alarm"]
        assert (told["id"], told["state"]) == (str(alarm.id), "new")
        assert (await peer.text())["counts"] == {
            "new": 1, "claimed": 0, "parked": 0, "rate_per_10_min": 1,
        }  # fmt: skip
        await client.post(f"{V1}/alarms/{alarm.id}/claim", json={"version": 1})
        assert (await peer.text())["alarm"]["state"] == "claimed"
        assert (await peer.text())["counts"]["claimed"] == 1
        peer.say('{"ping": 4}')
        assert await peer.text() == {"pong": 4}
        for nonsense in ("", "[]", "{", '{"ping": true}', "x" * 4_000, "[" * 2_000):
            peer.say(nonsense)
        peer.say('{"ping": 5}')
        assert await peer.text() == {"pong": 5}
        town.app.stop()
        assert (await peer.next())["code"] == 1013


async def test_the_socket_shows_ones_own_alone_and_follows_the_rights(town: Town) -> None:
    pier, gate = await camera(town, "pier"), await camera(town, "gate")
    async with await one_of_pier(town, pier) as client, socket_at(town.app, LIVE, client) as peer:
        await peer.next()
        await peer.text()
        await raised(town, gate)
        await raised(town, None)
        mine = await raised(town, pier)
        assert (await peer.text())["alarm"]["id"] == str(mine.id)
        assert (await peer.text())["counts"]["new"] == 1
        people = town.faces.accounts.people
        (user,) = [one.user for one in await people.overview() if one.user.name == "pia"]
        (grant,) = await people.grants_of(user.id)
        await people.take_back(user.id, grant.id, ADMIN)
        await raised(town, pier, "elsewhere")
        closed = await peer.next()
        assert (closed["type"], closed["code"]) == ("websocket.close", 4403)


async def test_who_signs_out_hears_no_more(town: Town) -> None:
    pier = await camera(town, "pier")
    async with await town.client_as("operator") as client, socket_at(town.app, LIVE, client) as peer:
        await peer.next()
        await peer.text()
        await client.delete(f"{V1}/session")
        await raised(town, pier)
        assert (await peer.next())["code"] == 4401


@pytest.mark.parametrize(
    ("name", "origin", "code"),
    [
        ("viewer", None, 4403),
        ("dpo", None, 4403),
        ("operator", "https://evil.example", 4403),
        ("operator", "null", 4403),
        ("anonymous", None, 4401),
    ],
)
async def test_the_socket_is_for_who_may(town: Town, name: str, origin: str | None, code: int) -> None:
    client = town.client() if name == "anonymous" else await town.client_as(name)
    await raised(town, await camera(town, "pier"))
    where = {} if origin is None else {"origin": origin}
    async with client, socket_at(town.app, LIVE, client, **where) as peer:
        first = await peer.next()
        closed = first if origin is not None else await peer.next()
        assert (closed["type"], closed["code"]) == ("websocket.close", code)
        assert first["type"] == ("websocket.close" if origin is not None else "websocket.accept")
        assert peer.is_silent()


async def test_what_a_person_does_is_in_the_audit(town: Town) -> None:
    alarm = await raised(town, await camera(town, "pier"))
    async with await town.client_as("operator") as client:
        await client.post(f"{V1}/alarms/{alarm.id}/claim", json={"version": 1})
    newest = (await town.faces.audit.entries(1))[0]
    assert (newest.what, newest.who, newest.object, newest.from_where) == (
        "alarm.claim", "operator", f"alarm {alarm.id}", "192.0.2.7",
    )  # fmt: skip
