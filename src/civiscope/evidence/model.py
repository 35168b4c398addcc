"""Bookmarks and holds as values: named moments, and spans that no retention deletes."""

from dataclasses import dataclass
from typing import NewType
from uuid import UUID

from civiscope.base import AppError, ChannelId, ErrorKind, Span, StreamId
from civiscope.security import CaseId

BookmarkId = NewType("BookmarkId", UUID)
HoldId = NewType("HoldId", UUID)
TEXT_LIMIT_CHARS = 500
LONGEST_HOLD_US = 7 * 24 * 3_600_000_000
AHEAD_LIMIT_US = 3_600_000_000
"""So far into the future a hold may reach: what is going on now may be held to its end."""
HOLDS_LIMIT = 500
BOOKMARKS_LIMIT = 50_000


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A named moment of a channel. It protects nothing."""

    id: BookmarkId
    channel_id: ChannelId
    at_us: int
    text: str
    made_by: str
    made_us: int
    event_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A span of a channel of which nothing is deleted until it ends."""

    id: HoldId
    channel_id: ChannelId
    from_us: int
    to_us: int
    reason: str
    until_us: int | None
    """Ends by itself then; None: only when somebody ends it."""
    streams: tuple[StreamId, ...]
    """The channel's, as they were when it was made: a device that is replaced changes nothing."""
    made_by: str
    made_us: int
    ended_us: int | None = None
    case_id: CaseId | None = None
    """None: made before there were cases; the site's own wraps keep what it holds."""

    def is_in_force(self, now_us: int) -> bool:
        """Nobody has ended it, and its time is not over."""
        return self.ended_us is None and (self.until_us is None or now_us < self.until_us)

    def end_us(self, now_us: int) -> int | None:
        """When it ended, by a person or by itself; None while it is in force."""
        if self.ended_us is not None or self.is_in_force(now_us):
            return self.ended_us
        return self.until_us


@dataclass(frozen=True, slots=True)
class HoldDraft:
    """A hold to make."""

    channel_id: ChannelId
    span: Span
    reason: str
    until_us: int | None = None
    case_id: CaseId | None = None
    """None: a case is opened, named by the reason, or found under that name among one's own."""


def clean_text(text: str, what: str) -> str:
    """On one line, printable; INVALID when nothing is left or too much."""
    found = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    if not found or len(found) > TEXT_LIMIT_CHARS:
        raise AppError(ErrorKind.INVALID, f"{what} of 1 to {TEXT_LIMIT_CHARS} characters is needed.")
    return found


def check_hold(draft: HoldDraft, now_us: int) -> None:
    """INVALID in plain words when it is too long, in the future, or over before it begins."""
    days = LONGEST_HOLD_US // (24 * 3_600_000_000)
    if draft.span.end_us <= draft.span.start_us:
        raise AppError(ErrorKind.INVALID, "A hold must end after it begins. Choose a later end.")
    if draft.span.end_us - draft.span.start_us > LONGEST_HOLD_US:
        raise AppError(
            ErrorKind.INVALID, f"A hold is at most {days} days long. Hold what matters, or make several."
        )
    if draft.span.end_us > now_us + AHEAD_LIMIT_US:
        raise AppError(
            ErrorKind.INVALID, "A hold reaches at most an hour into the future. Choose an earlier end."
        )
    if draft.until_us is not None and draft.until_us <= now_us:
        raise AppError(ErrorKind.INVALID, "The hold would be over already. Choose a later day, or none.")


def missing_bookmark() -> AppError:
    """One that is not there, or is nobody's business."""
    return AppError(
        ErrorKind.MISSING, "There is no such bookmark. It may have been removed; reload the list."
    )


def missing_hold() -> AppError:
    """One that is not there, or is nobody's business."""
    return AppError(ErrorKind.MISSING, "There is no such hold. Reload the list.")
