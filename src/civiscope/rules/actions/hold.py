"""Hold the recording around the event: no retention deletes it before the hold ends."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from civiscope.base import Span
from civiscope.rules.plugin import ActionPlugin, Fired, no_room
from civiscope.rules.ports import ActionPorts, HoldOrder
from civiscope.rules.words import phrase

_SECOND_US = 1_000_000
_DAY_US = 86_400_000_000


class HoldSettings(BaseModel):
    """How much is held, and for how long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    before_s: Annotated[float, Field(title="Seconds before", ge=0, le=3_600)] = 60.0
    after_s: Annotated[float, Field(title="Seconds after", gt=0, le=3_600)] = 300.0
    keep_days: Annotated[float, Field(title="Days to keep it", gt=0, le=366)] = 30.0
    reason: Annotated[
        str,
        Field(title="Reason", max_length=200, description="Empty: what happened, in words."),
    ] = ""


async def _act(fired: Fired, settings: HoldSettings, ports: ActionPorts) -> str:
    if ports.evidence is None:
        raise no_room("hold recordings")
    event = fired.event
    if event.channel_id is None:
        return "no camera to hold recordings of"
    span = Span(
        max(0, event.began_us - round(settings.before_s * _SECOND_US)),
        max(event.began_us, event.ended_us or 0) + round(settings.after_s * _SECOND_US),
    )
    reason = settings.reason or phrase(event, fired.rule.draft.name)
    until_us = fired.at_us + round(settings.keep_days * _DAY_US)
    by = f"rule {fired.rule.draft.name}"
    await ports.evidence.hold(HoldOrder(event.channel_id, span, reason, until_us, by, fired.id))
    return "hold"


ACTION = ActionPlugin("hold", "Hold the recording", HoldSettings, _act)
