"""Raise an alarm: the event needs a person."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from civiscope.alarms import AlarmDraft, Priority
from civiscope.rules.plugin import ActionPlugin, Fired
from civiscope.rules.ports import ActionPorts
from civiscope.rules.words import phrase


class RaiseAlarmSettings(BaseModel):
    """How the alarm shall stand in the list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    priority: Annotated[Priority, Field(title="Priority")] = Priority.NORMAL
    title: Annotated[
        str,
        Field(title="Title", max_length=200, description="Empty: what happened, in words."),
    ] = ""
    procedure: Annotated[
        str,
        Field(title="Procedure", max_length=4_000, description="What the person should do."),
    ] = ""


async def _act(fired: Fired, settings: RaiseAlarmSettings, ports: ActionPorts) -> str:
    event, rule = fired.event, fired.rule
    draft = AlarmDraft(
        rule_id=rule.id,
        rule_name=rule.draft.name,
        title=settings.title or phrase(event, rule.draft.name),
        event_id=event.id,
        at_us=fired.at_us,
        channel_id=event.channel_id,
        kind=event.kind,
        object_class=event.object_class,
        zone=event.zone,
        priority=settings.priority,
        procedure=settings.procedure,
        has_picture=event.has_picture,
    )
    alarm = await ports.alarms.raise_alarm(draft)
    return f"alarm {alarm.id}"


ACTION = ActionPlugin("raise_alarm", "Raise an alarm", RaiseAlarmSettings, _act)
