"""The next motion and the one before: how far is searched, and what is told."""

from typing import Any

from tests.api.town import Town

from civiscope.base import ChannelId, Span, new_id
from civiscope.devices import CameraDraft

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000


async def found(town: Town, channel: ChannelId, from_us: int, direction: str = "next") -> dict[str, Any]:
    async with await town.client_as("operator") as client:
        answer = await client.get(
            f"/api/v1/channels/{channel}/motion", params={"from_us": from_us, "direction": direction}
        )
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


async def test_the_nearest_motion_on_either_side_within_a_day(town: Town) -> None:
    camera = await town.faces.devices.add_camera(CameraDraft("Pier", "rtsp://192.0.2.1/0"))
    channel, now_us = camera.channel_id, town.clock.now_us()
    early, late = (
        Span(now_us - hours * 3_600_000_000, now_us - hours * 3_600_000_000 + 9) for hours in (9, 2)
    )
    town.timelines.motions = [early, late]
    before = await found(town, channel, early.start_us - DAY_US // 2)
    assert before["motion"] == {"start_us": early.start_us, "end_us": early.end_us}
    assert (await found(town, channel, early.start_us))["motion"]["start_us"] == late.start_us
    assert (await found(town, channel, now_us, "previous"))["motion"]["start_us"] == late.start_us
    assert (await found(town, channel, late.start_us, "previous"))["motion"]["start_us"] == early.start_us
    assert (await found(town, channel, late.start_us + 900_000, "previous"))["motion"]["start_us"] == (
        early.start_us
    )


async def test_nothing_is_searched_beyond_a_day_nor_in_the_future(town: Town) -> None:
    camera = await town.faces.devices.add_camera(CameraDraft("Pier", "rtsp://192.0.2.1/0"))
    now_us = town.clock.now_us()
    told = await found(town, camera.channel_id, now_us - 3 * DAY_US)
    assert told["motion"] is None
    assert told["searched"]["end_us"] == now_us - 2 * DAY_US + 1
    assert (await found(town, camera.channel_id, now_us - 9))["searched"]["end_us"] == now_us
    assert (await found(town, camera.channel_id, now_us + 9))["motion"] is None
    assert all(span.duration_us <= 900_000_000 for span in town.timelines.searched)
    assert (await found(town, camera.channel_id, 0, "previous"))["motion"] is None


async def test_a_stranger_and_a_wrong_direction_are_refused(town: Town) -> None:
    channel = (await town.faces.devices.add_camera(CameraDraft("Pier", "rtsp://192.0.2.1/0"))).channel_id
    async with await town.client_as("operator") as client:
        path = f"/api/v1/channels/{channel}/motion"
        assert (await client.get(path, params={"from_us": 5, "direction": "up"})).status_code == 422
        assert (await client.get(path, params={"from_us": -1})).status_code == 422
        missing = await client.get(f"/api/v1/channels/{new_id()}/motion", params={"from_us": 5})
        assert missing.status_code == 404
    assert town.timelines.searched == []
