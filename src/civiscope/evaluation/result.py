"""What `civiscope analyze` writes: version 1 of the result file (docs/design/evaluation.md)."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from civiscope.base import AppError, ErrorKind
from civiscope.evaluation.formats import read_text
from civiscope.evaluation.sequence import Placed

RESULT_VERSION = 1
_BoxN = tuple[float, float, float, float]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class ClipFacts(_Part):
    """The file that was looked at."""

    file: str
    sha256: str
    width_px: int
    height_px: int
    fps: float
    frames: int
    duration_s: float


class RunFacts(_Part):
    """How it was looked at."""

    mode: Literal["live", "native"]
    """`live`: as a camera's sub stream (640 wide, 5 fps); `native`: every frame at full size."""
    detector: str
    width_px: int
    height_px: int
    fps: float
    software: str


class ResultEvent(_Part):
    """Something that happened; times and frames are the clip's own, from 0."""

    kind: str
    start_s: float
    end_s: float | None = None
    """None for what happens at a moment."""
    start_frame: int
    end_frame: int | None = None
    zone: str = ""
    direction: str = ""
    object_class: str = Field(default="", validation_alias="class", serialization_alias="class")
    track: int | None = None
    place_n: tuple[float, float] | None = None
    box_n: _BoxN | None = None
    score: float = 0.0
    values: dict[str, str] = Field(default_factory=dict)


class PathPoint(_Part):
    """Where a tracked object was."""

    s: float
    frame: int
    box_n: _BoxN
    score: float
    seen: bool
    """False: carried through a frame in which it was not found."""


class ResultPath(_Part):
    """The trajectory of one tracked object; its class is the last one believed."""

    track: int
    object_class: str = Field(validation_alias="class", serialization_alias="class")
    points: tuple[PathPoint, ...]


class Cost(_Part):
    """Processor time of the looking (user and system), without reading the file or making it smaller."""

    cpu_s: float
    decode_s: float
    look_s: float
    frames: int
    moving_frames: int
    detector_calls: int
    cpu_ms_per_clip_s: float


class AnalysisResult(_Part):
    """Everything about one run over one clip."""

    version: Literal[1] = 1
    clip: ClipFacts
    run: RunFacts
    scene: str
    events: tuple[ResultEvent, ...]
    paths: tuple[ResultPath, ...]
    counts: dict[str, dict[str, dict[str, int]]]
    """Line → direction → class → how often."""
    cost: Cost
    troubles: tuple[str, ...] = ()
    """What went wrong on the way: frames that could not be decoded, analytics that were switched off."""

    def placed(self, *, seen_only: bool = True) -> list[Placed]:
        """Paths as boxes in pixels of the clip, frames from 1 as in MOT text."""
        width, height = self.clip.width_px, self.clip.height_px
        return [
            Placed(
                point.frame + 1,
                path.track,
                _pixels(point.box_n, width, height),
                point.score,
                path.object_class,
            )
            for path in self.paths
            for point in path.points
            if point.seen or not seen_only
        ]

    def to_json(self) -> str:
        """The file's text."""
        return self.model_dump_json(by_alias=True, indent=1) + "\n"


def read_result(path: Path) -> AnalysisResult:
    """A result file; INVALID names what does not fit."""
    try:
        return AnalysisResult.model_validate_json(read_text(path))
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "the whole"
        raise AppError(
            ErrorKind.INVALID, f"{path.name} is no result of version 1: {where}: {fault['msg']}."
        ) from None


def _pixels(box_n: _BoxN, width: int, height: int) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box_n
    return (x0 * width, y0 * height, (x1 - x0) * width, (y1 - y0) * height)
