"""What happened, as values: events as they are told, kept and asked for."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from civiscope.analytics import Phase
from civiscope.base import AppError, ChannelId, ErrorKind, Span

SEARCH_LIMIT = 1_000
"""Events of one page."""
FILTER_LIMIT = 1_000
"""Values of one filter of a query."""
TEXT_LIMIT_CHARS = 200
PICTURE_LIMIT_BYTES = 256 * 1024
BUCKET_LIMIT = 2_000
"""Buckets of one histogram."""
_CURSOR = re.compile(r"(\d{1,18})-([0-9a-f]{32})")
_VALUES_LIMIT = 32
_TIME_LIMIT_US = 253_402_300_799_999_999
"""The end of the year 9999."""


class EventSource(StrEnum):
    """Who says so."""

    ANALYTIC = "analytic"
    DEVICE = "device"
    PERSON = "person"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, whoever told it; times are UTC microseconds, places normalised (`_n`)."""

    id: UUID
    channel_id: ChannelId | None
    """None: of no single channel, as a door contact of a box with several lenses."""
    source: EventSource
    source_id: UUID | None
    """The analytic's or the device's."""
    plugin: str
    kind: str
    began_us: int
    ended_us: int | None = None
    """Of what lasts, once it is over."""
    lasts: bool = False
    object_class: str | None = None
    track_id: int | None = None
    box_n: tuple[float, float, float, float] | None = None
    place_n: tuple[float, float] | None = None
    zone: str = ""
    direction: str = ""
    score: float | None = None
    """0 to 1; None: whoever told it gives none."""
    values: tuple[tuple[str, str], ...] = ()
    detector: str = ""
    has_picture: bool = False

    @property
    def is_going_on(self) -> bool:
        """It lasts, and is not over as far as is known."""
        return self.lasts and self.ended_us is None

    def lasted_us(self, now_us: int) -> int:
        """How long it lasted, or lasts until now."""
        return max(0, (now_us if self.ended_us is None else self.ended_us) - self.began_us)


@dataclass(frozen=True, slots=True)
class EventTold:
    """What somebody says of an event: that it occurred, began, or ended; `event` as the teller knows it.

    Of `ENDED`, `event.began_us` is the moment it ended: when it began is in the store, or comes later.
    """

    event: Event
    phase: Phase
    picture: bytes = field(default=b"", repr=False)
    """Sealed to the site; empty: none."""


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events; empty filters want everything. Newest first, by the moment they began."""

    channels: frozenset[ChannelId] | None = None
    """None: of every channel, and of none."""
    kinds: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    span: Span | None = None
    text: str = ""
    """Stands anywhere in kind, class, zone, plug-in, direction or values; no wildcard means anything."""
    min_score: float | None = None
    limit: int = 100
    before: str = ""
    """`EventPage.next` of the page before."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events, and where to go on."""

    events: tuple[Event, ...]
    next: str | None
    """None: there are no more."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place of an event in the order of all."""

    began_us: int
    event_id: UUID

    def __str__(self) -> str:
        return f"{self.began_us}-{self.event_id.hex}"


def read_cursor(text: str) -> Cursor:
    """AppError(INVALID) if it is none."""
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise AppError(ErrorKind.INVALID, "This is no place to go on from: take `next` of the answer before.")
    return Cursor(int(match[1]), UUID(match[2]))


def check_query(query: EventQuery) -> EventQuery:
    """The query within its limits; AppError(INVALID) in plain words."""
    if not 1 <= query.limit <= SEARCH_LIMIT:
        raise AppError(ErrorKind.INVALID, f"Ask for 1 to {SEARCH_LIMIT} events at once.")
    if len(query.text) > TEXT_LIMIT_CHARS:
        raise AppError(ErrorKind.INVALID, f"Search for at most {TEXT_LIMIT_CHARS} characters.")
    if max(len(query.kinds), len(query.classes), len(query.zones)) > FILTER_LIMIT:
        raise AppError(ErrorKind.INVALID, f"A filter holds at most {FILTER_LIMIT} values.")
    if query.before:
        read_cursor(query.before)
    return query


def tidy(told: EventTold) -> EventTold:
    """The same within bounds, whatever a plug-in or device wrote; INVALID for what has no place in time."""
    event = told.event
    if not 0 <= event.began_us <= _TIME_LIMIT_US:
        raise AppError(ErrorKind.INVALID, f"An event at {event.began_us} µs has no place in time.")
    if len(told.picture) > PICTURE_LIMIT_BYTES:
        raise AppError(
            ErrorKind.INVALID, f"A picture of an event has at most {PICTURE_LIMIT_BYTES} bytes, sealed."
        )
    return EventTold(_bounded(event, bool(told.picture), told.phase), told.phase, told.picture)


def _bounded(event: Event, has_picture: bool, phase: Phase) -> Event:
    cut = event.values[:_VALUES_LIMIT]
    return Event(
        id=event.id, channel_id=event.channel_id, source=event.source, source_id=event.source_id,
        plugin=event.plugin[:64], kind=event.kind[:64], began_us=event.began_us,
        ended_us=event.began_us if phase is Phase.ENDED else None, lasts=phase is not Phase.OCCURRED,
        object_class=(event.object_class or "")[:32] or None, track_id=event.track_id, box_n=event.box_n,
        place_n=event.place_n, zone=event.zone[:120], direction=event.direction[:32], score=event.score,
        values=tuple((name[:TEXT_LIMIT_CHARS], value[:TEXT_LIMIT_CHARS]) for name, value in cut),
        detector=event.detector[:64], has_picture=has_picture,
    )  # fmt: skip
