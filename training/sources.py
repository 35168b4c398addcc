"""The clips whose licence permits training, and which of them are kept back for scoring.

A clip is used only if this table names it and the data's own FILES.csv states the licence written here.
"""

import csv
import hashlib
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

HELD_OUT_SHARE = 5
"""Of the fight set's source videos, every fifth (by hash of its name) is kept back."""


class Labels(Enum):
    """Who says what stands in a clip."""

    TEACHER = auto()
    NOTHING = auto()
    """Neither people nor vehicles are seen, whatever the teacher says."""
    MOVING_VEHICLES = auto()
    """A fixed view from above: all that moves is a vehicle (the teacher knows no roofs)."""
    CAR_PARK = auto()
    """Told by hand."""
    MOTORWAY = auto()
    """Vehicles by the teacher, the cyclist by hand."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One media file and what may be done with it."""

    name: str
    """Its path inside the data folder."""
    licence: str
    source: str
    """What it was cut from: clips of one source are never on both sides."""
    pictures: int
    """How many frames are taken, evenly spread."""
    is_held_out: bool = False
    labels: Labels = Labels.TEACHER
    has_traffic: bool = True
    """False: indoors, where the teacher takes tables for cars; its vehicles and bicycles are dropped."""
    blots_px: tuple[tuple[int, int, int, int], ...] = ()
    """Burned-in text, x0, y0, x1, y1: painted grey, the teacher takes it for lorries."""


_INTEL = "CC-BY-4.0 (Intel)"
_FIGHT = "MIT (repository; footage cut from public YouTube videos by the authors)"

_TRAFFIC_SOURCES = {
    "y8Ye7z26Q-s", "8VqTmuq4HcI", "dVi_8-NHquo", "N8omcR8KP94", "uss1EmwHVYQ", "xCh8elUs3Lc", "scene-nofi077",
}  # fmt: skip
"""Those of the fight set's source videos in which a street, a drive or a car park is seen."""

_OVERLAYS = ((0, 0, 63, 31), (30, 29, 96, 39), (139, 6, 201, 16), (219, 28, 257, 39), (0, 80, 77, 91))

SINGLE_CLIPS = (
    Clip("video/car-detection.mp4", _INTEL, "car-detection", 120, labels=Labels.MOVING_VEHICLES),
    Clip("video/one-by-one-person-detection.mp4", _INTEL, "one-by-one", 110, has_traffic=False),
    Clip("video/bottle-detection.mp4", _INTEL, "bottle", 60, labels=Labels.NOTHING),
    Clip("video/person-bicycle-car-detection.gif", _INTEL, "car park", 41, labels=Labels.CAR_PARK),
    Clip("video/classroom.gif", _INTEL, "classroom", 24, has_traffic=False),
    Clip("video/head-pose-face-detection-female-and-male.gif", _INTEL, "head-pose", 16, has_traffic=False),
    Clip(
        "video/highway_cyclist_320x240.avi",
        "MIT (repository)",
        "motorway of bgslibrary",
        180,
        labels=Labels.MOTORWAY,
        blots_px=_OVERLAYS,
    ),
    Clip("video/dashcam_solidWhiteRight.mp4", "MIT (Udacity CarND)", "dashcam", 90),
    Clip(
        "video/pedestrian_walkway.mp4",
        "MIT (repository)",
        "walkway",
        40,
        is_held_out=True,
        has_traffic=False,
    ),
)

MEASURED_ONLY = (
    Clip("video/cars_motorway_front.mp4", "not to be trained on", "motorway", 30, is_held_out=True),
    Clip("video/people-walking_street.mp4", "not to be trained on", "shopping street", 30, is_held_out=True),
)
"""No licence stated: never trained on; how far the teacher is agreed with may still be measured."""


def permitted_clips(data: Path) -> tuple[Clip, ...]:
    """Every clip that may be trained on or belongs to the clean held-out set.

    Raises ValueError if FILES.csv states another licence than the one a clip was admitted for.
    """
    stated = _stated_licences(data)
    clips = SINGLE_CLIPS + _fight_clips(data)
    for clip in clips:
        if stated.get(clip.name) != clip.licence:
            raise ValueError(
                f"{clip.name} may not be used: FILES.csv states {stated.get(clip.name)!r}, "
                f"it was admitted for {clip.licence!r}"
            )
    return clips


def _fight_clips(data: Path) -> tuple[Clip, ...]:
    with (data / "fight" / "labels.csv").open(encoding="utf-8", newline="") as lines:
        return tuple(
            Clip(
                row["path"],
                _FIGHT,
                row["source_group"],
                12,
                is_held_out=_is_kept_back(row["source_group"]),
                has_traffic=row["source_group"] in _TRAFFIC_SOURCES,
            )
            for row in csv.DictReader(lines)
        )


def _is_kept_back(source: str) -> bool:
    return hashlib.sha256(source.encode()).digest()[0] % HELD_OUT_SHARE == 0


def _stated_licences(data: Path) -> dict[str, str]:
    with (data / "FILES.csv").open(encoding="utf-8", newline="") as lines:
        return {row["path"]: row["licence"] for row in csv.DictReader(lines)}
