"""Set a bookmark: the moment gets a name on the timeline."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from civiscope.rules.plugin import ActionPlugin, Fired, no_room
from civiscope.rules.ports import ActionPorts, BookmarkOrder
from civiscope.rules.words import phrase


class BookmarkSettings(BaseModel):
    """The words on the timeline."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[
        str,
        Field(title="Text", max_length=200, description="Empty: what happened, in words."),
    ] = ""


async def _act(fired: Fired, settings: BookmarkSettings, ports: ActionPorts) -> str:
    if ports.evidence is None:
        raise no_room("set bookmarks")
    event = fired.event
    if event.channel_id is None:
        return "no camera to set it on"
    text = settings.text or phrase(event, fired.rule.draft.name)
    by = f"rule {fired.rule.draft.name}"
    await ports.evidence.add_bookmark(
        BookmarkOrder(event.channel_id, event.began_us, text, by, event.id, fired.id)
    )
    return "bookmark"


ACTION = ActionPlugin("bookmark", "Set a bookmark", BookmarkSettings, _act)
