"""Record: cameras that are not recorded always are, around the event."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from civiscope.base import ChannelId, Span
from civiscope.rules.plugin import ActionPlugin, Fired, no_room
from civiscope.rules.ports import ActionPorts, RecordOrder

_SECOND_US = 1_000_000


class RecordSettings(BaseModel):
    """Which cameras, and how much."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: Annotated[float, Field(title="Seconds after", ge=1, le=3_600)] = 60.0
    pre_roll_s: Annotated[
        float,
        Field(
            title="Seconds before",
            ge=0,
            le=60,
            description="As far as the camera's own setting keeps them in memory.",
        ),
    ] = 5.0
    channel_ids: Annotated[
        tuple[UUID, ...],
        Field(title="Cameras", max_length=64, description="Ids; empty: the camera of the event."),
    ] = ()


async def _act(fired: Fired, settings: RecordSettings, ports: ActionPorts) -> str:
    if ports.recordings is None:
        raise no_room("record")
    event = fired.event
    own = () if event.channel_id is None else (event.channel_id,)
    channels = tuple(ChannelId(one) for one in settings.channel_ids) or own
    if not channels:
        return "no camera to record"
    start_us = max(0, event.began_us - round(settings.pre_roll_s * _SECOND_US))
    end_us = max(event.began_us, fired.at_us) + round(settings.seconds * _SECOND_US)
    await ports.recordings.record(RecordOrder(channels, Span(start_us, end_us), fired.id))
    return f"{len(channels)} cameras"


ACTION = ActionPlugin("record", "Record", RecordSettings, _act)
