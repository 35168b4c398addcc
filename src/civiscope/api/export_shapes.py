"""What comes in to ask for an export."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from civiscope.api.shapes import TimeUs
from civiscope.base import ChannelId, Span
from civiscope.evidence import ExportKind, ExportOrder

_Id = Annotated[UUID, Field(strict=False)]


class ExportBody(BaseModel):
    """Which cameras, from when to when, as what, and why."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    channels: Annotated[list[_Id], Field(min_length=1, max_length=16)]
    from_us: TimeUs
    to_us: TimeUs
    kind: Literal["case"] = "case"
    purpose: Annotated[str, Field(min_length=1, max_length=200)]
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    case: Annotated[str, Field(max_length=100)] = ""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "ExportBody":
        if self.to_us <= self.from_us:
            raise ValueError("to_us must be later than from_us")
        return self

    def order(self) -> ExportOrder:
        """As the room takes it."""
        channels = tuple(ChannelId(one) for one in self.channels)
        span = Span(self.from_us, self.to_us)
        return ExportOrder(channels, span, ExportKind(self.kind), self.purpose, self.reason, self.case)
