"""What settings of analytics on paths have in common: names, classes, points in the picture, least size."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from civiscope.analytics.geometry import Point
from civiscope.analytics.model import ObjectClass, TrackedObject, covers

Coordinate = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
_AT_EDGE_N = 0.015
_MID_AIR_N = 0.8
_LARGE_N = 0.3
PointN = tuple[Coordinate, Coordinate]


def _without_repeats(classes: tuple[ObjectClass, ...]) -> tuple[ObjectClass, ...]:
    return tuple(dict.fromkeys(classes))


class PlacePoint(StrEnum):
    """Which point of a box says where the thing stands."""

    FOOT = "foot"
    MIDDLE = "middle"


class PathSettings(BaseModel):
    """Which objects count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=64, title="Name")]
    classes: Annotated[
        tuple[ObjectClass, ...],
        AfterValidator(_without_repeats),
        Field(title="What counts", description="None: everything.", max_length=len(ObjectClass)),
    ] = ()
    min_height_n: Annotated[
        float,
        Field(
            ge=0.0, le=1.0, title="Least height", description="Share of the picture's height; 0: any size."
        ),
    ] = 0.0

    point: Annotated[
        PlacePoint,
        Field(
            title="Where it stands",
            description="Its foot for cameras that look from the side; its middle for those that look from "
            "straight above.",
        ),
    ] = PlacePoint.FOOT

    def place_of(self, one: TrackedObject) -> Point:
        """Where it stands, within the picture."""
        if self.point is PlacePoint.FOOT:
            return within_picture(one.box.foot_n)
        box = one.box
        return within_picture(((box.x0_n + box.x1_n) / 2, (box.y0_n + box.y1_n) / 2))

    def counts(self, one: TrackedObject) -> bool:
        """Whether this object is of a class and size that is asked for, and stands somewhere."""
        if one.box.height_n < self.min_height_n or not covers(self.classes, one.object_class):
            return False
        return self.point is PlacePoint.MIDDLE or not _hangs_in(one)


def _hangs_in(one: TrackedObject) -> bool:
    """A large part of a person reaches in from the upper edge and ends in mid-air: an arm before the lens.

    The foot of such a box is nobody's foot. What walks in from above shows its feet lower, or is smaller.
    """
    box = one.box
    return (
        one.object_class is ObjectClass.PERSON
        and box.y0_n <= _AT_EDGE_N
        and box.y1_n < _MID_AIR_N
        and box.height_n >= _LARGE_N
    )


def within_picture(point: Point) -> Point:
    """The foot of what is cut by the lower edge stands on the edge."""
    return min(max(point[0], 0.0), 1.0), min(max(point[1], 0.0), 1.0 - 1e-6)
