"""Events, coverage and pictures at the door: filters, pages, bounds, and what is not one's business."""

from uuid import UUID

import httpx
from tests.api.town import Town
from tests.events.world import observation

from civiscope.analytics import CoverageChanged, ObservationMade
from civiscope.base import ChannelId, new_id
from civiscope.devices import CameraDraft
from civiscope.events import Event, told_by_analytic
from civiscope.security import GrantDraft, Role, terminal_principal

V1 = "/api/v1"
ADMIN = terminal_principal("test")
AT_US = 5_000_000


async def camera(town: Town, name: str) -> ChannelId:
    return (await town.faces.devices.add_camera(CameraDraft(name, f"rtsp://192.0.2.1/{name}"))).channel_id


async def happened(town: Town, channel: ChannelId | None, at_us: int = AT_US, **more: object) -> Event:
    fact: ObservationMade = observation(at_us, channel_id=channel, **more)
    event = await town.faces.events.record(told_by_analytic(fact))
    assert event is not None
    return event


async def one_of_pier(town: Town, pier: ChannelId, role: Role = Role.VIEWER) -> httpx.AsyncClient:
    people = town.faces.accounts.people
    user = await people.create_user("pia", "seven gulls over the pier", [], ADMIN)
    await people.grant(user.id, GrantDraft(role, pier), ADMIN)
    return await town.client_as("pia")


async def test_events_are_told_whole(town: Town) -> None:
    pier = await camera(town, "pier")
    event = await happened(town, pier, picture=b"sealed")
    async with await town.client_as("viewer") as client:
        (told,) = (await client.get(f"{V1}/events")).json()["events"]
        assert told == {
            "id": str(event.id), "channel_id": str(pier), "source": "analytic", "plugin": "zone",
            "kind": "zone.entered", "began_us": AT_US, "ended_us": None, "lasts": False,
            "object_class": "person", "track_id": 4, "box_n": [0.1, 0.2, 0.3, 0.9],
            "place_n": [0.2, 0.9], "zone": "Mole", "direction": "", "score": 0.8,
            "values": {"dwell": "2"}, "detector": "builtin", "has_picture": True,
        }  # fmt: skip
        assert (await client.get(f"{V1}/events/{event.id}")).json() == told


async def test_pages_go_on_where_the_last_one_ended(town: Town) -> None:
    pier = await camera(town, "pier")
    made = [await happened(town, pier, AT_US + number // 3) for number in range(10)]
    seen: list[str] = []
    async with await town.client_as("viewer") as client:
        params: dict[str, str | int] = {"channel": str(pier), "limit": 4}
        while True:
            answer = (await client.get(f"{V1}/events", params=params)).json()
            seen += [one["id"] for one in answer["events"]]
            if answer["next"] is None:
                break
            params["before"] = answer["next"]
    assert len(seen) == len(set(seen)) == 10
    assert set(seen) == {str(event.id) for event in made}


async def test_filters_are_put_together(town: Town) -> None:
    pier = await camera(town, "pier")
    await happened(town, pier, kind="line.crossed", object_class="car", score=0.3)
    wanted = await happened(town, pier, AT_US + 1, kind="line.crossed")
    await happened(town, pier, AT_US + 2)
    async with await town.client_as("viewer") as client:
        query = "kind=line.crossed&kind=zone.left&class=person&zone=Mole&min_score=0.5&text=mol"
        found = (await client.get(f"{V1}/events?{query}&from_us=1&to_us=9999999")).json()["events"]
        assert [one["id"] for one in found] == [str(wanted.id)]
        for text in ("%", "_", "%25", "*", "'; DROP TABLE event; --"):
            answer = await client.get(f"{V1}/events", params={"text": text})
            assert answer.json()["events"] == [], text


BEYOND_LIMITS: list[str] = [
        "limit=0", "limit=1001", "min_score=2", "min_score=nan", "from_us=9&to_us=9", "from_us=-1",
        "channel=pier", "before=x", "text=" + "x" * 201, "kind=", "&".join(["kind=a"] * 65),
        "&".join(f"channel={new_id()}" for _ in range(65)),
    ]  # fmt: skip


async def test_what_is_beyond_the_limits_is_refused(town: Town) -> None:
    async with await town.client_as("viewer") as client:
        for query in BEYOND_LIMITS:
            assert (await client.get(f"{V1}/events?{query}")).status_code == 422, query


async def test_histogram_and_coverage(town: Town) -> None:
    pier, gate = await camera(town, "pier"), await camera(town, "gate")
    for at_us in (1, 2, 2_000_000):
        await happened(town, pier, at_us)
    await town.faces.events.cover(CoverageChanged(pier, 1_000, "analysed"))
    await town.faces.events.cover(CoverageChanged(pier, 2_000, "shed", "too much moves"))
    async with await town.client_as("viewer") as client:
        where = f"channel={pier}&channel={gate}&from_us=0&to_us=3000000"
        counted = (await client.get(f"{V1}/events/histogram?{where}&bucket_us=1000000")).json()
        assert counted == {
            "channels": [
                {"id": str(pier), "counts": [[0, 2], [2_000_000, 1]]}, {"id": str(gate), "counts": []},
            ]
        }  # fmt: skip
        covered = (await client.get(f"{V1}/coverage?{where}")).json()
        assert covered["channels"][0]["spans"] == [
            {"start_us": 1_000, "end_us": 2_000, "reason": "analysed", "detail": ""},
            {"start_us": 2_000, "end_us": None, "reason": "shed", "detail": "too much moves"},
        ]
        for bad in (f"{where}&bucket_us=1000", "from_us=0&to_us=9&bucket_us=1000"):
            assert (await client.get(f"{V1}/events/histogram?{bad}")).status_code == 422


async def test_guessed_ids_of_foreign_cameras_are_not_there(town: Town) -> None:
    pier, gate = await camera(town, "pier"), await camera(town, "gate")
    own, foreign, nowhere = [await happened(town, channel) for channel in (pier, gate, None)]
    async with await one_of_pier(town, pier) as client:
        shown = (await client.get(f"{V1}/events")).json()["events"]
        assert [one["id"] for one in shown] == [str(own.id)]
        unknown = await client.get(f"{V1}/events/{new_id()}")
        for event in (foreign, nowhere):
            answer = await client.get(f"{V1}/events/{event.id}")
            assert (answer.status_code, answer.text) == (404, unknown.text)
        for path in ("events?", "events/histogram?bucket_us=1000&", "coverage?"):
            one = await client.get(f"{V1}/{path}channel={gate}&from_us=1&to_us=9")
            other = await client.get(f"{V1}/{path}channel={new_id()}&from_us=1&to_us=9")
            assert (one.status_code, one.text) == (404, other.text)


async def test_an_event_of_no_camera_is_the_sites(town: Town) -> None:
    event = await happened(town, None)
    async with await town.client_as("viewer") as client:
        assert (await client.get(f"{V1}/events/{event.id}")).json()["channel_id"] is None


async def test_the_officer_reads_no_events(town: Town) -> None:
    async with await town.client_as("dpo") as client:
        for path in ("/events", f"/events/{new_id()}", f"/coverage?channel={new_id()}&from_us=1&to_us=2"):
            assert (await client.get(V1 + path)).status_code == 403


async def test_a_picture_leaves_through_a_look(town: Town) -> None:
    async with await town.client_as("operator") as client:
        wish = {
            "channel_id": str(new_id()), "purpose": "public_safety", "kind": "playback",
            "presentation": "raw", "from_us": 1, "to_us": 9,
        }  # fmt: skip
        look_id = (await client.post(f"{V1}/looks", json=wish)).json()["id"]
        event_id = new_id()
        answer = await client.get(f"{V1}/looks/{look_id}/pictures/{event_id}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        assert answer.content == b"\xff\xd8" + event_id.bytes
        assert answer.headers["cache-control"] == "no-store"
        assert (await client.get(f"{V1}/looks/{UUID(int=1)}/pictures/{event_id}")).status_code == 404
