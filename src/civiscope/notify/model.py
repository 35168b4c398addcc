"""What is told to whom, as values: messages, targets, deliveries. No picture, no plate, nobody seen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NewType
from uuid import UUID

from civiscope.base import AppError, ErrorKind

TargetId = NewType("TargetId", UUID)
DeliveryId = NewType("DeliveryId", UUID)
SUBJECT_LIMIT_CHARS = 200
TEXT_LIMIT_CHARS = 4_000
NAME_LIMIT_CHARS = 80
_PATH_LIMIT_CHARS = 300
_SHORT_LIMIT_CHARS = 120


class Priority(StrEnum):
    """How much a message matters; when too much waits, the least goes first."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 is the least."""
        return tuple(Priority).index(self)


@dataclass(frozen=True, slots=True)
class Message:
    """What leaves the house: words, ids and a way back to the page. Nothing that was seen or heard."""

    id: UUID
    subject: str
    text: str
    at_us: int
    site_name: str
    path: str = ""
    """Of the page that shows more: `/alarms/0190…`; empty for none."""
    channel_name: str = ""
    alarm_id: UUID | None = None
    event_id: UUID | None = None
    priority: Priority = Priority.NORMAL

    def tidy(self) -> "Message":
        """The same on as many lines as it may have, without control characters, cut to its bounds."""
        return replace(
            self,
            subject=_one_line(self.subject, SUBJECT_LIMIT_CHARS) or "Civiscope",
            text=_lines(self.text),
            site_name=_one_line(self.site_name, _SHORT_LIMIT_CHARS),
            path=_one_line(self.path, _PATH_LIMIT_CHARS) if self.path.startswith("/") else "",
            channel_name=_one_line(self.channel_name, _SHORT_LIMIT_CHARS),
        )


@dataclass(frozen=True, slots=True)
class TargetDraft:
    """A target as somebody writes it; `settings` hold secrets as they were typed, null where one stays."""

    name: str
    notifier: str
    settings: Mapping[str, object]
    is_escalation: bool = False
    """Told too when nobody claims an alarm."""
    is_on: bool = True


@dataclass(frozen=True, slots=True)
class Target:
    """Where messages go: one configuration of one notifier, shown without its secrets."""

    id: TargetId
    name: str
    notifier: str
    settings: Mapping[str, object]
    """Every secret is None here, whether there is one or not."""
    is_escalation: bool
    is_on: bool


class DeliveryState(StrEnum):
    """How one delivery stands."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way to one target."""

    id: DeliveryId
    sequence: int
    """In the order of queueing."""
    target_id: TargetId
    at_us: int
    """When it was queued."""
    state: DeliveryState
    attempts: int
    next_us: int | None
    """When it is tried again; None once it is over."""
    why: str
    """What went wrong last; empty while nothing did."""
    message: Message

    @property
    def subject(self) -> str:
        """Of its message."""
        return self.message.subject


@dataclass(frozen=True, slots=True)
class DeliveryQuery:
    """Which deliveries to show, newest first."""

    target_id: TargetId | None = None
    state: DeliveryState | None = None
    limit: int = 100
    before: int | None = None
    """A sequence: only older ones."""


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Deliveries, and where the next page begins (None: there is none)."""

    deliveries: tuple[Delivery, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class TrialResult:
    """What became of a test message, in words for who pressed the button."""

    ok: bool
    words: str


class SettingsError(AppError):
    """Settings of a target that do not fit; `fields` has words for each."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        told = "; ".join(f"{name}: {words}" for name, words in fields.items())
        super().__init__(ErrorKind.INVALID, f"Some fields do not fit. {told}")
        self.fields = dict(fields)

    def __reduce__(self) -> tuple[type["SettingsError"], tuple[dict[str, str]]]:  # type: ignore[override]  # other args
        return (SettingsError, (self.fields,))


def clean_target_name(text: str) -> str:
    """The name on one line; INVALID when nothing is left or too much."""
    name = " ".join(text.split())
    if not name or len(name) > NAME_LIMIT_CHARS or not name.isprintable():
        raise SettingsError({"name": f"A target has a name of 1 to {NAME_LIMIT_CHARS} printable characters."})
    return name


def _one_line(text: str, limit: int) -> str:
    printable = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(printable.split())[:limit]


def _lines(text: str) -> str:
    kept = (
        " ".join("".join(c if c.isprintable() else " " for c in line).split()) for line in text.splitlines()
    )
    return "\n".join(kept).strip()[:TEXT_LIMIT_CHARS]
