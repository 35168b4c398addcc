"""The shipped pipeline over drawn clips: events, paths, counts and cost, live and native."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from civiscope.analytics import CLASSES, Detections, ObjectClass, ScoreLevels
from civiscope.base import AppError
from civiscope.cli.main import commands
from civiscope.evaluation import (
    AnalysisResult,
    AnalysisWish,
    EventTruth,
    accuracy_section,
    analyze,
    read_event_truth,
    read_result,
    read_scene,
    score_events,
    suite_runs,
    write_accuracy,
)
from civiscope.evaluation.suite import SUITE, SuiteRow, suite_table
from civiscope.media import EncoderSettings, PlanarPicture, encode_clip

WIDTH, HEIGHT, FPS, SECONDS = 320, 192, 10, 13
SCENE = {
    "version": 1,
    "name": "a box crosses",
    "zones": [{"name": "right half", "points": [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]}],
    "lines": [{"name": "middle", "points": [[0.5, 1], [0.5, 0]]}],
    "analytics": [
        {"plugin": "zone", "zone": "right half", "settings": {"classes": ["person"], "min_dwell_s": 0}},
        {"plugin": "line", "line": "middle", "settings": {"classes": ["person"]}},
    ],
}


class BrightDetector:
    """Takes what is bright for a person."""

    name = "bright"
    classes = frozenset({ObjectClass.PERSON})
    levels = ScoreLevels(strong=0.5, weak=0.2)

    def size_for(self, width_px: int, height_px: int) -> tuple[int, int]:
        return width_px, height_px

    def detect(self, rgb: NDArray[np.uint8]) -> Detections:
        rows, columns = np.nonzero(rgb[..., 1] > 180)
        if len(rows) < 40:
            return Detections.none()
        height, width = rgb.shape[:2]
        box = (columns.min() / width, rows.min() / height, columns.max() / width, rows.max() / height)
        classes = np.array([CLASSES.index(ObjectClass.PERSON)], np.int8)
        return Detections(np.array([box], np.float32), np.array([0.9], np.float32), classes)


def pictures() -> Iterator[PlanarPicture]:
    """Two seconds of nothing, then a bright box walks from left to right and away."""
    for number in range(FPS * SECONDS):
        luma = np.full((HEIGHT, WIDTH), 60, np.uint8)
        left = (number - 2 * FPS) * 8 - 24
        if number >= 2 * FPS:
            luma[60:140, max(0, left) : max(0, left + 24)] = 230
        grey = bytes([128]) * (WIDTH * HEIGHT // 4)
        yield PlanarPicture(WIDTH, HEIGHT, luma.tobytes(), grey, grey)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "crossing.mp4"
    encode_clip(path, pictures(), EncoderSettings(rate_fps=FPS, gop_frames=FPS))
    return path


def look(clip: Path, folder: Path, *, native: bool) -> AnalysisResult:
    path = folder / "scene.json"
    path.write_text(json.dumps(SCENE))
    scene, text = read_scene(path)
    return analyze(AnalysisWish(clip, scene, text, BrightDetector(), native))


@pytest.mark.parametrize("native", [False, True])
def test_a_box_that_crosses_is_told_once(clip: Path, tmp_path: Path, native: bool) -> None:
    found = look(clip, tmp_path, native=native)
    assert (found.clip.frames, found.clip.fps, found.clip.duration_s) == (FPS * SECONDS, FPS, SECONDS)
    assert found.run.fps == (FPS if native else 5)
    crossing_s = 2 + (WIDTH / 2 + 12) / 8 / FPS
    truth = EventTruth.model_validate(
        {
            "version": 1,
            "kinds": ["zone.entered", "zone.left", "line.crossed"],
            "events": [
                {"kind": "zone.entered", "zone": "right half", "class": "person", "from_s": crossing_s - 0.5,
                 "to_s": crossing_s + 1},
                {"kind": "zone.left", "zone": "right half", "from_s": crossing_s, "to_s": SECONDS},
                {"kind": "line.crossed", "zone": "middle", "direction": "a_to_b", "from_s": crossing_s - 0.5,
                 "to_s": crossing_s + 1},
            ],
        }
    )  # fmt: skip
    score = score_events(truth, found.events)
    assert score.is_exact, (score, found.events)
    assert found.counts == {"middle": {"a_to_b": {"person": 1}, "b_to_a": {}}}
    (present,) = [one for one in found.events if one.kind == "zone.present"]
    assert present.end_s is not None
    assert present.end_s > present.start_s
    (path,) = found.paths
    assert len(path.points) >= (20 if native else 8)
    assert found.cost.frames == FPS * SECONDS if native else 5 * SECONDS
    assert 0 < found.cost.detector_calls < found.cost.frames
    assert found.troubles == ()


def test_boxes_are_in_pixels_of_the_clip_with_frames_from_one(clip: Path, tmp_path: Path) -> None:
    found = look(clip, tmp_path, native=True)
    placed = found.placed()
    for one in placed:
        if one.box[0] > 4 and one.box[0] + one.box[2] < WIDTH - 4:
            assert one.box[0] == pytest.approx((one.frame - 1 - 2 * FPS) * 8 - 24, abs=14)
            assert one.box[1] == pytest.approx(60, abs=6)


def test_a_result_comes_back_from_its_file(clip: Path, tmp_path: Path) -> None:
    found = look(clip, tmp_path, native=False)
    path = tmp_path / "result.json"
    path.write_text(found.to_json())
    assert read_result(path) == found
    whole = json.loads(path.read_text())
    assert whole["version"] == 1
    assert {"class", "start_s", "start_frame"} <= whole["events"][0].keys()
    path.write_text(json.dumps(whole | {"version": 2}))
    with pytest.raises(AppError, match="version"):
        read_result(path)


def test_a_setting_that_does_not_fit_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "scene.json"
    for change, words in (
        ({"plugin": "zone", "zone": "right half", "settings": {"min_dwell_s": -1}}, "min_dwell_s"),
        ({"plugin": "magic", "zone": "right half"}, "magic"),
    ):
        path.write_text(json.dumps(SCENE | {"analytics": [change]}, indent=1))
        scene, text = read_scene(path)
        with pytest.raises(AppError, match=rf"line \d+.*{words}"):
            analyze(AnalysisWish(tmp_path / "none.mp4", scene, text, BrightDetector()))


@pytest.mark.parametrize("data", [b"", b"no clip at all" * 100, b"\0\0\0\x18ftypmp42" + bytes(64)])
def test_a_file_that_is_no_clip_is_told_in_words(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    with pytest.raises(AppError, match=r"clip\.mp4"):
        look(path, tmp_path, native=False)


def test_the_command_scores_a_result(clip: Path, tmp_path: Path) -> None:
    result, truth = tmp_path / "result.json", tmp_path / "truth.json"
    result.write_text(look(clip, tmp_path, native=True).to_json())
    expected = [{"kind": "line.crossed", "from_s": 0, "to_s": end_s} for end_s in (8, 1)]
    truth.write_text(json.dumps({"version": 1, "kinds": ["line.crossed"], "events": expected}))
    told = CliRunner().invoke(commands, ["eval", "events", str(truth), str(result)])
    assert told.exit_code == 0
    assert "1 of 2 right, 0 unexpected" in told.stdout
    mot = tmp_path / "gt.txt"
    mot.write_text("21,1,0,60,10,80,1\n")
    told = CliRunner().invoke(commands, ["eval", "tracking", str(mot), str(mot)])
    assert "hota: 1.0000" in told.stdout
    told = CliRunner().invoke(commands, ["eval", "detection", str(mot), str(result)])
    assert "n = 1 boxes" in told.stdout


def test_the_standard_clips_have_scenes_and_truth_that_read() -> None:
    runs = suite_runs()
    assert {run.name for run in runs} >= {"visits", "crossings", "motorway", "bottles", "campus"}
    for run in runs:
        read_scene(SUITE / run.scene)
        assert run.truth or run.mot
        if run.truth:
            read_event_truth(SUITE / run.truth)


def test_the_scoreboard_keeps_what_else_it_says(tmp_path: Path) -> None:
    def row(name: str, *, is_met: bool | None) -> SuiteRow:
        return SuiteRow(name, "live", "bright", "events", "1 of 1", 1, is_met, "day")

    table = suite_table(
        [row("good", is_met=True), row("told", is_met=None), row("bad", is_met=False)], "Words."
    )
    assert table.index("bad") < table.index("good") < table.index("told")
    assert "1 of 2 promises are missed" in table
    page = tmp_path / "scoreboard.md"
    page.write_text("# Scoreboard\n\nSpeed.\n")
    write_accuracy(page, table)
    write_accuracy(page, "second")
    assert page.read_text().startswith("# Scoreboard\n\nSpeed.\n")
    assert "second" in accuracy_section(page.read_text())
    assert "1 of 2 promises" not in page.read_text()
