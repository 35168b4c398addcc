"""When a channel is recorded, by calls: who may, what is refused, and what is ordered."""

from tests.api.town import Town

from civiscope.base import ChannelId, Span
from civiscope.devices import CameraDraft, RecordMode

SECOND_US = 1_000_000
SUNDAY = {"weekday": 6, "from_minute": 1320, "to_minute": 360}
NIGHT: dict[str, object] = {"name": "night", "spans": [SUNDAY]}


async def camera(town: Town) -> ChannelId:
    return (await town.faces.devices.add_camera(CameraDraft("Pier", "rtsp://192.0.2.1/a"))).channel_id


async def test_a_policy_is_read_and_set_whole(town: Town) -> None:
    channel_id = await camera(town)
    path = f"/api/v1/channels/{channel_id}/recording"
    async with await town.client_as("administrator") as client:
        always = {"mode": "continuous", "hours": None, "pre_roll_s": 5.0, "post_roll_s": 20.0}
        assert (await client.get(path)).json() == always
        night = {"mode": "schedule", "hours": NIGHT, "pre_roll_s": 0.0, "post_roll_s": 30.0}
        assert (await client.put(path, json=night)).json() == night
        kept = (await town.faces.devices.camera(channel_id)).recording
        assert kept.mode is RecordMode.SCHEDULE
        for wrong in (
            {"mode": "sometimes"},
            {"mode": "schedule"},
            {"mode": "continuous", "hours": NIGHT},
            {"mode": "on_event", "pre_roll_s": 61},
            {"mode": "on_event", "post_roll_s": 0},
            {
                "mode": "schedule",
                "hours": {"name": "x", "spans": [{"weekday": 7, "from_minute": 0, "to_minute": 9}]},
            },
        ):
            assert (await client.put(path, json=wrong)).status_code == 422, wrong
        assert (await client.get(path)).json() == night
        assert (await client.put(path, json=always)).json() == always
    newest = (await town.faces.audit.entries(1))[0]
    assert newest.what == "recording.configure"


async def test_recording_now_is_ordered_with_its_pre_roll(town: Town) -> None:
    channel_id = await camera(town)
    path = f"/api/v1/channels/{channel_id}/record"
    now_us = town.clock.now_us()
    async with await town.client_as("operator") as client:
        answer = await client.post(path, json={"seconds": 30})
        assert answer.json() == {"until_us": now_us + 30 * SECOND_US}
        assert (await client.post(path, json={"seconds": 3_601})).status_code == 422
    assert town.recordings.spans == [(channel_id, Span(now_us - 5 * SECOND_US, now_us + 30 * SECOND_US))]


async def test_who_may_not_is_refused(town: Town) -> None:
    channel_id = await camera(town)
    path = f"/api/v1/channels/{channel_id}"
    async with await town.client_as("viewer") as client:
        assert (await client.get(f"{path}/recording")).status_code == 200
        assert (await client.put(f"{path}/recording", json={"mode": "on_event"})).status_code == 403
        assert (await client.post(f"{path}/record", json={})).status_code == 403
    async with await town.client_as("operator") as client:
        assert (await client.put(f"{path}/recording", json={"mode": "on_event"})).status_code == 403
    assert town.recordings.spans == []
    assert (await town.faces.devices.camera(channel_id)).recording.mode is RecordMode.CONTINUOUS
