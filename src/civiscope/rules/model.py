"""Rules as values, and whether one fires for an event: pure functions of both and the site's week."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NewType
from uuid import UUID

from civiscope.analytics import ObjectClass, covers
from civiscope.base import AppError, ChannelId, ErrorKind
from civiscope.events import Event, EventSource
from civiscope.security import ScopeBook, TimeProfile

RuleId = NewType("RuleId", UUID)
FiringId = NewType("FiringId", UUID)

RULE_LIMIT = 500
NAME_LIMIT = 80
FILTER_LIMIT = 64
CHANNEL_LIMIT = 1_000
ACTION_LIMIT = 8
LONGEST_S = 86_400.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class EventPattern:
    """When: an empty filter takes everything. A wanted `vehicle` covers cars, buses and the like."""

    kinds: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    sources: tuple[EventSource, ...] = ()


@dataclass(frozen=True, slots=True)
class Places:
    """At: these channels, those of these groups with all below them, or everywhere."""

    channels: frozenset[ChannelId] = frozenset()
    groups: frozenset[UUID] = frozenset()
    everywhere: bool = False
    """Also events of no single channel."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """If: each that is given must hold."""

    min_score: float = 0.0
    """Above 0: what has no score has too little."""
    min_lasting_s: float = 0.0
    """Above 0: fires once the event has lasted so long; what does not last never fires."""
    direction: str = ""


@dataclass(frozen=True, slots=True)
class ActionOrder:
    """Do: an action by its name, with its settings as JSON values."""

    name: str
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """A rule as somebody writes it: when, at, during, if, do."""

    name: str
    when: EventPattern
    at: Places
    actions: tuple[ActionOrder, ...]
    is_on: bool = True
    during: TimeProfile | None = None
    """By the site's clock on the wall; None: always."""
    conditions: Conditions = Conditions()
    rest_s: float = 0.0
    """Not again within this on the same channel, by the events' own times."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it stands; earlier versions stay in the database."""

    id: RuleId
    draft: RuleDraft
    version: int
    changed_us: int
    changed_by: str
    """The name of who changed it last, as it was then."""


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule fired for an event: written down before anything is done."""

    id: FiringId
    rule_id: RuleId
    rule_version: int
    event: Event
    at_us: int
    """When what the rule asks for was fulfilled."""


@dataclass(frozen=True, slots=True)
class DryFiring:
    """A rule would have fired."""

    event_id: UUID
    at_us: int
    channel_id: ChannelId | None


class Answer(Enum):
    """What a rule says to an event."""

    NO = "no"
    NOT_YET = "not yet"
    """It would, if the event goes on until `Judgement.at_us`."""
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer, and the moment it is about."""

    answer: Answer
    at_us: int


def judge(draft: RuleDraft, event: Event, scopes: ScopeBook, now_us: int) -> Judgement:
    """Whether the rule fires for the event as it stands now; resting is another matter (`rests`)."""
    at_us = event.began_us + round(draft.conditions.min_lasting_s * 1_000_000)
    if not (draft.is_on and fits(draft.when, event) and holds(draft.conditions, event)):
        return Judgement(Answer.NO, at_us)
    if not is_at(draft.at, event.channel_id, scopes) or not is_during(draft.during, at_us, scopes):
        return Judgement(Answer.NO, at_us)
    if draft.conditions.min_lasting_s <= 0:
        return Judgement(Answer.YES, at_us)
    if event.is_going_on:
        return Judgement(Answer.YES if now_us >= at_us else Answer.NOT_YET, at_us)
    has_lasted = event.lasts and event.ended_us is not None and event.ended_us >= at_us
    return Judgement(Answer.YES if has_lasted else Answer.NO, at_us)


def fits(pattern: EventPattern, event: Event) -> bool:
    """True if it is such an event."""
    return (
        (not pattern.kinds or event.kind in pattern.kinds)
        and (not pattern.zones or event.zone in pattern.zones)
        and (not pattern.sources or event.source in pattern.sources)
        and _is_of(pattern.classes, event.object_class)
    )


def holds(conditions: Conditions, event: Event) -> bool:
    """True if score and direction are as asked; how long it lasts is not looked at."""
    if conditions.direction and event.direction != conditions.direction:
        return False
    return conditions.min_score <= 0 or (event.score is not None and event.score >= conditions.min_score)


def is_at(places: Places, channel_id: ChannelId | None, scopes: ScopeBook) -> bool:
    """True if the rule is for that place."""
    if places.everywhere:
        return True
    if channel_id is None:
        return False
    return channel_id in places.channels or any(
        channel_id in scopes.groups.get(group, frozenset()) for group in places.groups
    )


def is_during(profile: TimeProfile | None, at_us: int, scopes: ScopeBook) -> bool:
    """True within the weekly plan, by the site's clock."""
    return profile is None or profile.holds((_EPOCH + timedelta(microseconds=at_us)).astimezone(scopes.zone))


def rests(fired_us: int, at_us: int, rest_s: float) -> bool:
    """True if one fired too near to the other, whichever came first."""
    return abs(at_us - fired_us) < rest_s * 1_000_000


def check(draft: RuleDraft) -> RuleDraft:
    """The draft with a tidy name; `RuleError` naming the fields that do not fit. Actions are the shelf's."""
    name = " ".join(draft.name.split())
    faults: dict[str, str] = {}
    if not name or len(name) > NAME_LIMIT or not name.isprintable():
        faults["name"] = f"A rule has a name of 1 to {NAME_LIMIT} characters."
    when = draft.when
    if max(len(when.kinds), len(when.classes), len(when.zones)) > FILTER_LIMIT:
        faults["when"] = f"A filter holds at most {FILTER_LIMIT} values."
    if not (draft.at.everywhere or draft.at.channels or draft.at.groups):
        faults["at"] = "Choose cameras or groups, or everywhere."
    if len(draft.at.channels) + len(draft.at.groups) > CHANNEL_LIMIT:
        faults["at"] = f"A rule names at most {CHANNEL_LIMIT} cameras and groups: take groups, or everywhere."
    if not 1 <= len(draft.actions) <= ACTION_LIMIT:
        faults["actions"] = f"A rule does 1 to {ACTION_LIMIT} things."
    faults |= _check_numbers(draft)
    if faults:
        raise RuleError(faults)
    return RuleDraft(
        name, when, draft.at, draft.actions, draft.is_on, draft.during, draft.conditions, draft.rest_s
    )


class RuleError(AppError):
    """A rule that does not fit; `fields` has words for each field."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        told = "; ".join(f"{name}: {words}" for name, words in fields.items())
        super().__init__(ErrorKind.INVALID, f"Some fields do not fit. {told}")
        self.fields = dict(fields)

    def __reduce__(self) -> tuple[type["RuleError"], tuple[dict[str, str]]]:  # type: ignore[override]  # other args
        return (RuleError, (self.fields,))


def _check_numbers(draft: RuleDraft) -> dict[str, str]:
    faults = {}
    if not 0 <= draft.conditions.min_score <= 1:
        faults["conditions.min_score"] = "A score is from 0 to 1."
    if not 0 <= draft.conditions.min_lasting_s <= LONGEST_S:
        faults["conditions.min_lasting_s"] = "From 0 to 86400 seconds."
    if not 0 <= draft.rest_s <= LONGEST_S:
        faults["rest_s"] = "From 0 to 86400 seconds."
    return faults


def _is_of(wanted: tuple[str, ...], found: str | None) -> bool:
    if not wanted or found in wanted:
        return True
    known = ObjectClass(found) if found in set(ObjectClass) else None
    asked = [ObjectClass(one) for one in wanted if one in set(ObjectClass)]
    return known is not None and bool(asked) and covers(asked, known)
