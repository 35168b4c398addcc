"""What settings of analytics on paths have in common: names, classes, points in the picture, least size."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from civiscope.analytics.geometry import Point
from civiscope.analytics.model import ObjectClass, TrackedObject, covers

Coordinate = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
PointN = tuple[Coordinate, Coordinate]


def _without_repeats(classes: tuple[ObjectClass, ...]) -> tuple[ObjectClass, ...]:
    return tuple(dict.fromkeys(classes))


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

    def counts(self, one: TrackedObject) -> bool:
        """Whether this object is of a class and size that is asked for."""
        return covers(self.classes, one.object_class) and one.box.height_n >= self.min_height_n


def within_picture(point: Point) -> Point:
    """The foot of what is cut by the lower edge stands on the edge."""
    return min(max(point[0], 0.0), 1.0), min(max(point[1], 0.0), 1.0 - 1e-6)
