"""What is seen, as values: boxes, detections, tracked objects, and what an analytic says of them.

Coordinates are normalised (`_n`): 0 to 1 of the picture's width and height, origin top left.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray


class ObjectClass(StrEnum):
    """What sort of thing it is; a detector knows some of them."""

    PERSON = "person"
    BICYCLE = "bicycle"
    MOTORCYCLE = "motorcycle"
    CAR = "car"
    BUS = "bus"
    TRUCK = "truck"
    VEHICLE = "vehicle"
    """A motor vehicle of a kind the detector does not tell."""
    ANIMAL = "animal"
    BAG = "bag"


CLASSES: tuple[ObjectClass, ...] = tuple(ObjectClass)
"""`Detections.classes` are indices into this."""
VEHICLES = frozenset(
    {ObjectClass.MOTORCYCLE, ObjectClass.CAR, ObjectClass.BUS, ObjectClass.TRUCK, ObjectClass.VEHICLE}
)


def covers(wanted: Collection[ObjectClass], found: ObjectClass) -> bool:
    """True if `found` is wanted: by itself, as one of the vehicles, or as a vehicle that may be the kind.

    An empty collection wants everything.
    """
    if not wanted or found in wanted:
        return True
    if found in VEHICLES and ObjectClass.VEHICLE in wanted:
        return True
    return found is ObjectClass.VEHICLE and not VEHICLES.isdisjoint(wanted)


class Box(NamedTuple):
    """A rectangle in normalised coordinates; x0 < x1, y0 < y1."""

    x0_n: float
    y0_n: float
    x1_n: float
    y1_n: float

    @property
    def foot_n(self) -> tuple[float, float]:
        """Where it stands: the middle of its lower edge."""
        return ((self.x0_n + self.x1_n) / 2, self.y1_n)

    @property
    def height_n(self) -> float:
        """Share of the picture's height."""
        return self.y1_n - self.y0_n


@dataclass(frozen=True, slots=True)
class Detections:
    """What a detector found in one frame.

    `boxes_n`: (N, 4) float32, x0 y0 x1 y1 normalised; `scores`: (N,) float32, 0 to 1; `classes`: (N,) int8,
    indices into `CLASSES`.
    """

    boxes_n: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int8]

    @classmethod
    def none(cls) -> "Detections":
        """Nothing found."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int8))

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True, slots=True)
class TrackedObject:
    """The same thing over frames, as it stands in one of them."""

    track_id: int
    """Grows within a run of a stream; never used twice there."""
    object_class: ObjectClass
    box: Box
    score: float
    """Of the newest detection."""
    is_seen: bool
    """False while it is carried through frames in which it was not found."""
    first_us: int
    """When it was first found; the clock of `SeenFrame.at_us`."""
    seen_count: int
    """In how many frames it was found."""


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """One frame after looking: the confirmed objects in it."""

    index: int
    """Of the stream's frames, counted from 0 within the run; frames that were shed are counted."""
    at_us: int
    """UTC of its arrival, never going back within a run."""
    objects: tuple[TrackedObject, ...]


class Phase(StrEnum):
    """Whether something happened at a moment, or lasts."""

    OCCURRED = "occurred"
    BEGAN = "began"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Observation:
    """What an analytic says. `ENDED` carries the `event_id` of its `BEGAN`."""

    event_id: UUID
    kind: str
    """`zone.entered`, `zone.present`, `zone.left`, `line.crossed`; one of the plug-in's `kinds`."""
    phase: Phase
    at_us: int
    frame_index: int
    track_id: int | None = None
    object_class: ObjectClass | None = None
    box: Box | None = None
    place_n: tuple[float, float] | None = None
    """Where it stands in the picture."""
    zone: str = ""
    """The name of the zone or line."""
    direction: str = ""
    """Of a crossing: `a_to_b` or `b_to_a` (docs/design/seeing.md)."""
    score: float = 0.0
    values: tuple[tuple[str, str], ...] = field(default=())
    """More, as text: counts and the like."""
