"""Events against truth: what should have been said, what was, and what nobody expected."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from civiscope.analytics import ObjectClass, best_assignment, covers
from civiscope.evaluation.formats import read_text
from civiscope.evaluation.json_lines import JsonText
from civiscope.evaluation.result import ResultEvent
from civiscope.evaluation.scene import scene_fault

_NEVER = 1e9


class TrueEvent(BaseModel):
    """One expected event, with the span of seconds in which its beginning may lie."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    kind: str
    from_s: float
    to_s: float
    zone: str = ""
    direction: str = ""
    object_class: str = Field(default="", validation_alias="class", serialization_alias="class")


class EventTruth(BaseModel):
    """What a clip shows; `kinds` are judged, others are not looked at."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1]
    source: str = ""
    """Who says so."""
    kinds: Annotated[tuple[str, ...], Field(min_length=1)]
    events: tuple[TrueEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class EventScore:
    """How the events of the judged kinds compare; `missed` and `unexpected` name them."""

    truth: int
    found: int
    right: int
    missed: tuple[str, ...]
    unexpected: tuple[str, ...]

    @property
    def is_exact(self) -> bool:
        """Everything that should be said was, and nothing else."""
        return self.right == self.truth == self.found


def read_event_truth(path: Path) -> EventTruth:
    """A truth file; AppError that names the line of a fault."""
    written = read_text(path)
    text = JsonText(path.name, written)
    try:
        return EventTruth.model_validate_json(written)
    except ValidationError as error:
        raise scene_fault(path.name, text, error, ()) from None


def score_events(truth: EventTruth, found: Sequence[ResultEvent]) -> EventScore:
    """Match each expected event with one found, of its kind, zone, direction and class, in its time."""
    judged = [one for one in found if one.kind in truth.kinds]
    cost = np.array(
        [[_distance(expected, one) for one in judged] for expected in truth.events], np.float64
    ).reshape(len(truth.events), len(judged))
    pairs = [(row, column) for row, column in best_assignment(cost) if cost[row, column] < _NEVER]
    matched, given = {row for row, _ in pairs}, {column for _, column in pairs}
    return EventScore(
        truth=len(truth.events),
        found=len(judged),
        right=len(pairs),
        missed=tuple(_words_of(one) for at, one in enumerate(truth.events) if at not in matched),
        unexpected=tuple(_found_words(one) for at, one in enumerate(judged) if at not in given),
    )


def _distance(expected: TrueEvent, one: ResultEvent) -> float:
    """How far from the middle of the expected time, in seconds; `_NEVER` if it is another event."""
    if expected.kind != one.kind or (expected.zone and expected.zone != one.zone):
        return _NEVER
    if expected.direction and expected.direction != one.direction:
        return _NEVER
    if not _is_class(expected.object_class, one.object_class):
        return _NEVER
    if not expected.from_s <= one.start_s <= expected.to_s:
        return _NEVER
    return abs(one.start_s - (expected.from_s + expected.to_s) / 2)


def _is_class(expected: str, found: str) -> bool:
    if not expected or expected == found:
        return True
    try:
        return covers({ObjectClass(expected)}, ObjectClass(found))
    except ValueError:
        return False


def _words_of(one: TrueEvent) -> str:
    return (
        f"{one.kind} {one.zone} {one.direction} {one.object_class} in {one.from_s:g}-{one.to_s:g} s".strip()
    )


def _found_words(one: ResultEvent) -> str:
    return f"{one.kind} {one.zone} {one.direction} {one.object_class} at {one.start_s:.1f} s"
