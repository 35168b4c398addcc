"""Tell targets outside: a message by the notifiers that the site has configured."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from civiscope.alarms import Priority
from civiscope.rules.plugin import ActionPlugin, Fired, no_room
from civiscope.rules.ports import ActionPorts, Notice
from civiscope.rules.words import phrase


class NotifySettings(BaseModel):
    """Who is told, and in which words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    target_ids: Annotated[
        tuple[UUID, ...],
        Field(title="Targets", min_length=1, max_length=50, json_schema_extra={"format": "targets"}),
    ]
    text: Annotated[
        str,
        Field(title="Text", max_length=2_000, description="Empty: what happened, in words."),
    ] = ""
    priority: Annotated[Priority, Field(title="Priority")] = Priority.NORMAL


async def _act(fired: Fired, settings: NotifySettings, ports: ActionPorts) -> str:
    if ports.notifier is None:
        raise no_room("notify anybody")
    event = fired.event
    notice = Notice(
        id=fired.id,
        subject=phrase(event, fired.rule.draft.name),
        text=settings.text or f"The rule “{fired.rule.draft.name}” fired.",
        at_us=fired.at_us,
        channel_id=event.channel_id,
        event_id=event.id,
        priority=settings.priority.value,
    )
    await ports.notifier.send(notice, settings.target_ids)
    return f"{len(settings.target_ids)} targets"


ACTION = ActionPlugin("notify", "Notify", NotifySettings, _act)
