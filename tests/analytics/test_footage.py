"""What is shipped, on real clips as a camera's sub stream gives them: 640 x 360, 5 frames a second, 256
kbit/s.

`pytest -s tests/analytics/test_footage.py` prints the figures. Nothing is tuned to a clip: each runs with the
defaults of `SeeingSettings`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from numpy.typing import NDArray

from civiscope.analytics import (
    AnalyticOrder,
    Detections,
    Detector,
    ModelShelf,
    Observation,
    PluginShelf,
    build_eye,
)
from civiscope.analytics.detector import overlaps
from civiscope.base import SystemClock
from civiscope.media import EncoderSettings, FileUnits, Frame, PictureDecoder, recode_clip

pytestmark = [pytest.mark.footage, pytest.mark.slow]
SHARED = Path(__file__).resolve().parents[3] / "shared"
SUB_STREAM = EncoderSettings(rate_fps=5, gop_frames=10, bitrate_bps=256_000)
VISITS_10FPS = ((62, 198), (229, 450), (504, 696), (747, 866), (922, 1197), (1237, 1361))
CARS_12FPS = ((77, "b_to_a"), (205, "a_to_b"), (208, "b_to_a"), (330, "a_to_b"))
TABLE = {
    "name": "table",
    "zone": [[0.05, 0.05], [0.95, 0.05], [0.95, 1.0], [0.05, 1.0]],
    "classes": ["person"],
}
DETECTORS = ("yolox_nano", "builtin")
YOLOX_FILE = SHARED / "models" / "yolox_nano.onnx"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> ModelShelf:
    """With YOLOX-nano, where it is on this machine."""
    shelf = ModelShelf(tmp_path_factory.mktemp("models"))
    if YOLOX_FILE.exists():
        shelf.import_file(YOLOX_FILE)
    return shelf


@pytest.fixture(params=DETECTORS)
def detector(request: pytest.FixtureRequest, shelf: ModelShelf) -> Detector:
    """Each in turn; the built-in must be there."""
    if request.param == "yolox_nano" and not YOLOX_FILE.exists():
        pytest.skip(f"no model on this machine: {YOLOX_FILE} is missing")
    return shelf.detector(request.param)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sub streams")


@dataclass(frozen=True)
class Run:
    """What one clip gave."""

    said: tuple[Observation, ...]
    frames: int
    looks: int


def run(clip: Path, detector: Detector, plugin: str, settings: dict[str, Any]) -> Run:
    """As the analyst does it."""
    order = AnalyticOrder(uuid4(), plugin, json.dumps(settings))
    eye, left_out = build_eye(detector, [order], PluginShelf(), SystemClock())
    assert not left_out
    said, looks, count, at_us = [], 0, 0, 0
    for frame in frames(clip):
        at_us = frame.pts * 100 // 9
        seen = eye.look(frame, count, at_us)
        said += [one.observation for one in seen.observations]
        count, looks = count + 1, looks + seen.did_detect
    said += [one.observation for one in eye.end(at_us)]
    return Run(tuple(said), count, looks)


def frames(clip: Path) -> Sequence[Frame]:
    file = FileUnits(clip, audio=False)
    decoder = PictureDecoder(file.tracks[0])
    return [frame for unit in file.units for frame in decoder.decode(unit)] + decoder.flush()


def sub_stream(shared_data: Path, folder: Path, name: str) -> Path:
    target = folder / name
    if not target.exists():
        recode_clip(shared_data / "video" / name, target, 640, 360, SUB_STREAM)
    return target


def tell(capsys: pytest.CaptureFixture[str], words: str) -> None:
    with capsys.disabled():
        print(f"\n    {words}")


def test_six_visits(
    shared_data: Path, folder: Path, detector: Detector, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run(sub_stream(shared_data, folder, "one-by-one-person-detection.mp4"), detector, "zone", TABLE)
    entered = [round(one.at_us / 1e5) for one in found.said if one.kind == "zone.entered"]
    tell(
        capsys,
        f"{detector.name}: visits begin at {entered}; {found.looks} looks at {found.frames} frames",
    )
    for begin, end in VISITS_10FPS:
        assert any(begin <= at <= end for at in entered)
    most = 6 if detector.name == "yolox_nano" else 3 * 6  # the built-in loses near people: 15 were measured
    assert len(entered) <= most


def test_four_cars_with_direction(
    shared_data: Path, folder: Path, detector: Detector, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line leads from left to right: A is the upper half."""
    line = {"name": "middle", "line": [[0.0, 0.5], [1.0, 0.5]], "classes": ["vehicle"]}
    found = run(sub_stream(shared_data, folder, "car-detection.mp4"), detector, "line", line)
    crossed = [(round(one.at_us * 12.5 / 1e6), one.direction) for one in found.said]
    tell(capsys, f"{detector.name}: cars cross at {crossed}, truth {CARS_12FPS}")
    assert sorted(direction for _, direction in crossed) == sorted(direction for _, direction in CARS_12FPS)


@pytest.mark.parametrize("is_native", [False, True])
def test_seven_cars_on_the_motorway(
    shared_data: Path, folder: Path, detector: Detector, is_native: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    line = {"name": "near", "line": [[0.0, 0.8], [1.0, 0.8]], "classes": ["vehicle"]}
    name = "cars_motorway_front.mp4"
    clip = shared_data / "video" / name if is_native else sub_stream(shared_data, folder, name)
    found = run(clip, detector, "line", line)
    crossed = [round(one.at_us * 30 / 1e6) for one in found.said if one.direction == "a_to_b"]
    tell(
        capsys,
        f"{detector.name}, {'native' if is_native else 'sub stream'}: {len(found.said)} cross, {crossed}",
    )
    assert len(found.said) == len(crossed)
    assert 7 <= len(crossed) <= (7 if detector.name == "yolox_nano" else 9)  # the built-in: 8 were measured


def test_no_person_and_no_vehicle_among_bottles(
    shared_data: Path, folder: Path, detector: Detector, capsys: pytest.CaptureFixture[str]
) -> None:
    """A person's arm reaches in from above; it stands nowhere."""
    everywhere = {"name": "all", "zone": [[0, 0], [1, 0], [1, 1], [0, 1]], "classes": ["person", "vehicle"]}
    found = run(sub_stream(shared_data, folder, "bottle-detection.mp4"), detector, "zone", everywhere)
    tell(capsys, f"{detector.name}: {len(found.said)} observations among bottles")
    most = 0 if detector.name == "yolox_nano" else 20  # the built-in takes bottles for vehicles, weakly
    assert len(found.said) <= most


@cache
def pets_truth() -> dict[int, NDArray[np.float32]]:
    """Frame (from 1) → (N, 5): x0 y0 x1 y1 in pixels of 480 x 360, and whether it counts."""
    rows: dict[int, list[list[float]]] = {}
    text = (SHARED / "data" / "gt" / "mot" / "vtest_PETS09-S2L1_keyframes.txt").read_text(encoding="ascii")
    for line in text.splitlines():
        frame, _, x, y, width, height, counts, *_ = map(float, line.split(","))
        rows.setdefault(int(frame), []).append([x, y, x + width, y + height, counts])
    return {frame: np.array(boxes, np.float32) for frame, boxes in rows.items()}


def hits(found: Detections, truth: NDArray[np.float32], score: float) -> tuple[int, int]:
    """Right and false ones at IoU 0.4, best first; what covers a box that does not count is neither."""
    good = (found.classes == 0) & (found.scores >= score)
    boxes = found.boxes_n[good] * np.array([480, 360] * 2, np.float32)
    overlap = overlaps(boxes, truth[:, :4])
    free = np.ones(len(truth), bool)
    right = false = 0
    for row in overlap[np.argsort(-found.scores[good])]:
        may = np.flatnonzero((row >= 0.4) & free)
        counting = [at for at in may[np.argsort(-row[may])] if truth[at, 4] > 0]
        if counting:
            free[counting[0]] = False
            right += 1
        elif len(may):
            free[may[0]] = False
        else:
            false += 1
    return right, false


def test_people_of_pets(shared_data: Path, detector: Detector, capsys: pytest.CaptureFixture[str]) -> None:
    """Recall and precision of persons at the shipped score and input."""
    truth, score = pets_truth(), detector.levels.strong
    right = false = 0
    for frame in frames(shared_data / "video" / "vtest_PETS09-S2L1.mp4"):
        number = round(frame.pts / 9000) + 1
        if number in truth:
            found = detector.detect(frame.rgb(*detector.size_for(frame.width_px, frame.height_px)))
            more = hits(found, truth[number], score)
            right, false = right + more[0], false + more[1]
    people = sum(int((boxes[:, 4] > 0).sum()) for boxes in truth.values())
    recall, precision = right / people, right / (right + false)
    tell(
        capsys,
        f"{detector.name}: recall {recall:.3f}, precision {precision:.3f} of {people} boxes at {score}",
    )
    if detector.name == "yolox_nano":
        assert recall >= 0.94
        assert precision >= 0.93
    else:
        assert recall >= 0.6
        assert precision >= 0.6
