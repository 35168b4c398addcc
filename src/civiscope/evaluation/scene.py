"""A scene: the zones and lines of one view, and what is to be said of them (docs/design/evaluation.md)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from civiscope.base import AppError, ErrorKind
from civiscope.evaluation.formats import read_text
from civiscope.evaluation.json_lines import JsonText

SCENE_VERSION = 1
_Share = Annotated[float, Field(ge=0.0, le=1.0)]
_Point = tuple[_Share, _Share]
_Name = Annotated[str, Field(min_length=1, max_length=80)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SceneShape(_Strict):
    """A named place in the view."""

    name: _Name


class SceneZone(SceneShape):
    """A polygon to watch, in normalised points."""

    points: Annotated[tuple[_Point, ...], Field(min_length=3, max_length=64)]


class SceneLine(SceneShape):
    """A line to watch: A is on its left, looking from its first point to its last (y grows downwards)."""

    points: Annotated[tuple[_Point, ...], Field(min_length=2, max_length=64)]


class SceneAnalytic(_Strict):
    """One analytic: a plug-in, the zone or line it watches, and settings of its own."""

    plugin: _Name
    zone: str = ""
    line: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)


class Scene(_Strict):
    """What a scene file says; version 1."""

    version: Literal[1]
    name: str = ""
    zones: tuple[SceneZone, ...] = ()
    lines: tuple[SceneLine, ...] = ()
    analytics: tuple[SceneAnalytic, ...] = ()

    def settings_of(self, analytic: SceneAnalytic) -> dict[str, Any]:
        """The plug-in's settings with the geometry put in."""
        found: dict[str, Any] = dict(analytic.settings)
        for zone in self.zones:
            if zone.name == analytic.zone:
                found |= {"zone": [list(point) for point in zone.points], "name": zone.name}
        for line in self.lines:
            if line.name == analytic.line:
                found |= {"line": [list(point) for point in line.points], "name": line.name}
        return found


def read_scene(path: Path) -> tuple[Scene, JsonText]:
    """The scene, and its text for naming lines; AppError that names the line of a fault."""
    written = read_text(path)
    text = JsonText(path.name, written)
    try:
        scene = Scene.model_validate_json(written)
    except ValidationError as error:
        raise scene_fault(path.name, text, error, ()) from None
    _check_names(path.name, text, scene)
    return scene, text


def scene_fault(name: str, text: JsonText, error: ValidationError, within: tuple[str | int, ...]) -> AppError:
    """The first fault in words, with its line; `within` is where the validated value stands in the file."""
    fault = error.errors()[0]
    place = (*within, *fault["loc"])
    return _fault(name, text, place, str(fault["msg"]).removeprefix("Value error, "))


def _check_names(name: str, text: JsonText, scene: Scene) -> None:
    """Each zone and line has a name of its own, and analytics name those that are there."""
    known: set[str] = set()
    named: tuple[tuple[str, Sequence[SceneShape]], ...] = (("zones", scene.zones), ("lines", scene.lines))
    for kind, shapes in named:
        for at, shape in enumerate(shapes):
            if shape.name in known:
                raise _fault(name, text, (kind, at, "name"), f"'{shape.name}' is the name of another")
            known.add(shape.name)
    zones, lines = {one.name for one in scene.zones}, {one.name for one in scene.lines}
    for at, one in enumerate(scene.analytics):
        if one.zone and one.zone not in zones:
            raise _fault(name, text, ("analytics", at, "zone"), f"there is no zone '{one.zone}'")
        if one.line and one.line not in lines:
            raise _fault(name, text, ("analytics", at, "line"), f"there is no line '{one.line}'")


def _fault(name: str, text: JsonText, place: tuple[str | int, ...], words: str) -> AppError:
    where = ".".join(str(one) for one in place) or "the whole"
    return AppError(ErrorKind.INVALID, f"{name}, line {text.line_of(place)}: {where}: {words}.")
