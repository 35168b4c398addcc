"""Recorded spans, gaps and days."""

from typing import Any

from tests.api.town import Town, gap, lane

from civiscope.base import ChannelId, new_id
from civiscope.devices import CameraDraft
from civiscope.recording import Timeline

DAY_US = 86_400_000_000


async def add(town: Town, recorded: Timeline) -> ChannelId:
    number = len(await town.faces.devices.cameras())
    camera = await town.faces.devices.add_camera(CameraDraft("Pier", f"rtsp://192.0.2.1/{number}"))
    town.timelines.recorded[camera.main.id] = recorded
    return camera.channel_id


async def test_spans_are_joined_and_gaps_never_vanish(town: Town) -> None:
    spans = (lane(0, 100, 0), lane(110, 200, 0), lane(150, 180, 1))
    channel = await add(town, Timeline(spans, (gap(100, 110), gap(200, None))))
    async with await town.client_as("operator") as client:
        asked: dict[str, Any] = {"channel": str(channel), "from_us": 0, "to_us": 1000}
        exact = (await client.get("/api/v1/timeline", params=asked)).json()
        assert exact["now_us"] == town.clock.now_us()
        (told,) = exact["channels"]
        assert told["id"] == str(channel)
        assert told["recorded"] == [
            {"start_us": 0, "end_us": 100, "lane": 0},
            {"start_us": 110, "end_us": 200, "lane": 0},
            {"start_us": 150, "end_us": 180, "lane": 1},
        ]
        assert told["gaps"] == [
            {"start_us": 100, "end_us": 110, "reason": "unreachable", "detail": "cable"},
            {"start_us": 200, "end_us": None, "reason": "unreachable", "detail": "cable"},
        ]
        (coarse,) = (await client.get("/api/v1/timeline", params={**asked, "resolution_us": 10})).json()[
            "channels"
        ]
        assert coarse["recorded"][0] == {"start_us": 0, "end_us": 200, "lane": 0}
        assert coarse["gaps"] == told["gaps"]


async def test_several_channels_keep_the_order_asked(town: Town) -> None:
    first = await add(town, Timeline((), ()))
    second = await add(town, Timeline((lane(1, 2, 0),), ()))
    async with await town.client_as("operator") as client:
        asked: dict[str, Any] = {"channel": [str(second), str(first), str(second)], "from_us": 0, "to_us": 5}
        told = (await client.get("/api/v1/timeline", params=asked)).json()
        assert [channel["id"] for channel in told["channels"]] == [str(second), str(first)]


async def test_removed_cameras_keep_their_timeline(town: Town) -> None:
    channel = await add(town, Timeline((lane(1, 2, 0),), ()))
    await town.faces.devices.remove_camera(channel)
    async with await town.client_as("operator") as client:
        asked: dict[str, Any] = {"channel": str(channel), "from_us": 0, "to_us": 5}
        told = (await client.get("/api/v1/timeline", params=asked)).json()
        assert told["channels"][0]["recorded"]


async def test_wrong_questions_are_refused(town: Town) -> None:
    channel = str(await add(town, Timeline((), ())))
    async with await town.client_as("operator") as client:
        questions: list[tuple[dict[str, Any], int]] = [
            ({"channel": channel, "from_us": 5, "to_us": 5}, 422),
            ({"channel": channel, "from_us": 5}, 422),
            ({"from_us": 1, "to_us": 5}, 422),
            ({"channel": "7", "from_us": 1, "to_us": 5}, 422),
            ({"channel": channel, "from_us": 1, "to_us": 10**18}, 422),
            ({"channel": channel, "from_us": 1, "to_us": 5, "resolution_us": -1}, 422),
            ({"channel": [str(new_id()) for _ in range(65)], "from_us": 1, "to_us": 5}, 422),
            ({"channel": str(new_id()), "from_us": 1, "to_us": 5}, 404),
        ]
        for wrong, status in questions:
            answer = await client.get("/api/v1/timeline", params=wrong)
            assert answer.status_code == status, wrong
        days: dict[str, Any] = {"channel": channel, "from_us": 0, "to_us": 500 * DAY_US}
        assert (await client.get("/api/v1/timeline/days", params=days)).status_code == 422


async def test_days_are_asked_in_the_sites_time_zone(town: Town) -> None:
    channel = await add(town, Timeline((lane(1, 2),), ()))
    async with await town.client_as("operator") as client:
        asked: dict[str, Any] = {"channel": str(channel), "from_us": 0, "to_us": DAY_US}
        told = (await client.get("/api/v1/timeline/days", params=asked)).json()
        assert told == {"days": ["2026-11-21"], "recorded_s": [90]}
