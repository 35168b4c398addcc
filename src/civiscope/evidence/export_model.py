"""Exports as values: what somebody asked to take away, how far it is, what it became."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType
from uuid import UUID

from civiscope.base import AppError, ChannelId, ErrorKind, PrincipalId, Span
from civiscope.evidence.model import clean_text
from civiscope.security import PrincipalKind

ExportId = NewType("ExportId", UUID)
LONGEST_EXPORT_US = 24 * 3_600_000_000
CHANNELS_LIMIT = 16
WAITING_LIMIT = 20
"""Exports of one person that wait or are being made."""
CASE_LIMIT_CHARS = 100


class ExportKind(StrEnum):
    """What comes out."""

    CASE = "case"
    """A ZIP with MP4 files, their proofs, manifest, signature and chain of custody."""


class ExportState(StrEnum):
    """How far an export is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"
    """It was done; its files and their key are gone."""

    @property
    def is_over(self) -> bool:
        """Nothing more is made of it."""
        return self in {ExportState.DONE, ExportState.FAILED, ExportState.EXPIRED}


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What somebody asks for, and why."""

    channels: tuple[ChannelId, ...]
    span: Span
    kind: ExportKind
    purpose: str
    reason: str
    case: str = ""
    """The case it belongs to, in the asker's own words."""

    def checked(self) -> "ExportOrder":
        """The same with tidy texts; INVALID in plain words for what can never be made."""
        if not 1 <= len(self.channels) <= CHANNELS_LIMIT or len(set(self.channels)) != len(self.channels):
            raise AppError(ErrorKind.INVALID, f"An export is of 1 to {CHANNELS_LIMIT} different cameras.")
        if not 0 < self.span.duration_us <= LONGEST_EXPORT_US:
            raise AppError(
                ErrorKind.INVALID,
                "An export covers at most 24 hours, and ends after it begins. Change the span.",
            )
        reason = clean_text(self.reason, "An export with a reason")
        case = " ".join(self.case.split())[:CASE_LIMIT_CHARS]
        case = "".join(one for one in case if one.isprintable())
        return ExportOrder(self.channels, self.span, self.kind, self.purpose, reason, case)

    def to_json(self) -> dict[str, object]:
        """As it is kept."""
        return {
            "channels": [str(one) for one in self.channels], "from_us": self.span.start_us,
            "to_us": self.span.end_us, "kind": self.kind.value, "purpose": self.purpose,
            "reason": self.reason, "case": self.case,
        }  # fmt: skip

    @classmethod
    def from_json(cls, fields: Mapping[str, object]) -> "ExportOrder":
        """What `to_json` gave."""
        channels = fields["channels"]
        start_us, end_us = fields["from_us"], fields["to_us"]
        assert isinstance(channels, list)
        assert isinstance(start_us, int)
        assert isinstance(end_us, int)
        return cls(
            tuple(ChannelId(UUID(str(one))) for one in channels), Span(start_us, end_us),
            ExportKind(str(fields["kind"])), str(fields["purpose"]), str(fields["reason"]),
            str(fields["case"]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked; what he may is asked anew whenever it matters."""

    id: PrincipalId
    kind: PrincipalKind
    name: str
    from_where: str


@dataclass(frozen=True, slots=True)
class ExportJob:
    """One export, as it stands."""

    id: ExportId
    asker: Asker
    order: ExportOrder
    state: ExportState
    made_us: int
    items: tuple[Mapping[str, object], ...] = field(default=(), repr=False)
    """What of its parts is whole already: a job that was broken off goes on behind them."""
    words: str = ""
    """Why it failed, or what it waits for."""
    finished_us: int | None = None
    expires_us: int | None = None
    size_bytes: int = 0
    fetches: int = 0


def missing_export() -> AppError:
    """One that is not there, or is nobody's business."""
    return AppError(ErrorKind.MISSING, "There is no such export. It may have been removed; reload the list.")
