"""What comes in about targets, bookmarks and holds; unknown fields are refused."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from civiscope.api.shapes import TimeUs
from civiscope.base import ChannelId, Span
from civiscope.evidence import HoldDraft
from civiscope.notify import DeliveryQuery, DeliveryState, TargetDraft, TargetId
from civiscope.security import CaseId

_Id = Annotated[UUID, Field(strict=False)]
_Text = Annotated[str, Field(min_length=1, max_length=2_000)]
LAST_SEQUENCE = 2**62


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TargetBody(_Shape):
    """A target as somebody writes it; a secret that is null stays as it is."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    notifier: Annotated[str, Field(min_length=1, max_length=32, pattern="^[a-z][a-z0-9_]*$")]
    settings: dict[str, object]
    is_escalation: bool = False
    is_on: bool = True

    def draft(self) -> TargetDraft:
        """As the room takes it."""
        return TargetDraft(self.name, self.notifier, self.settings, self.is_escalation, self.is_on)


class DeliveriesAsked(BaseModel):
    """Which deliveries to list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: UUID | None = None
    state: Literal["waiting", "sent", "failed"] | None = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    before: Annotated[int, Field(ge=1, le=LAST_SEQUENCE)] | None = None

    def query(self) -> DeliveryQuery:
        """As the room takes it."""
        return DeliveryQuery(
            None if self.target is None else TargetId(self.target),
            None if self.state is None else DeliveryState(self.state),
            self.limit,
            self.before,
        )


class BookmarkBody(_Shape):
    """A moment to name."""

    channel_id: _Id
    at_us: TimeUs
    text: _Text
    event_id: _Id | None = None


class HoldBody(_Shape):
    """A span to keep."""

    channel_id: _Id
    from_us: TimeUs
    to_us: TimeUs
    reason: _Text
    until_us: TimeUs | None = None
    case_id: _Id | None = None

    def draft(self) -> HoldDraft:
        """As the room takes it."""
        span = Span(self.from_us, max(self.from_us, self.to_us))
        case_id = None if self.case_id is None else CaseId(self.case_id)
        return HoldDraft(ChannelId(self.channel_id), span, self.reason, self.until_us, case_id)


class CaseBody(_Shape):
    """A case to open."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    reference: Annotated[str, Field(max_length=200)] = ""
