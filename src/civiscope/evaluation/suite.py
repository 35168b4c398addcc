"""The standard clips: each looked at as shipped, scored, and told with bad results first."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from civiscope.analytics import Detector
from civiscope.base import AppError, ErrorKind
from civiscope.evaluation.analysis import AnalysisWish, analyze
from civiscope.evaluation.detected import detect_frames
from civiscope.evaluation.detection import recall_by_height, score_detections
from civiscope.evaluation.formats import read_mot
from civiscope.evaluation.happenings import read_event_truth, score_events
from civiscope.evaluation.result import AnalysisResult
from civiscope.evaluation.scene import read_scene
from civiscope.evaluation.sequence import Placed, by_frame
from civiscope.evaluation.tracking import score_tracking

SUITE = Path(__file__).parent / "suite"
Mode = Literal["live", "native"]
_HEIGHTS_PX = (0.0, 40.0, 60.0, 80.0, 1e6)
_LEAST_RECALL, _LEAST_PRECISION, _IOU = 0.94, 0.93, 0.4


class SuiteRun(BaseModel):
    """One clip of the suite."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    clip: str
    """Below the folder of footage."""
    scene: str
    truth: str = ""
    """Events, beside the suite."""
    mot: str = ""
    """Boxes and identities in MOT text, below the folder of footage."""
    modes: tuple[Mode, ...]
    conditions: str
    trained_on: tuple[str, ...] = ()
    """Detectors that saw pictures of this clip in their training, or bring one along that did."""

    def told(self, detector: str) -> str:
        """The conditions, with what makes a score say less."""
        return (
            f"{self.conditions}; this clip was in the training of the built-in"
            if detector in self.trained_on
            else self.conditions
        )


@dataclass(frozen=True, slots=True)
class SuiteRow:
    """One score of one clip in one mode by one detector."""

    name: str
    mode: str
    detector: str
    measure: str
    value: str
    count: int
    """How many events or boxes it rests on."""
    is_met: bool | None
    """None: it is told, and nothing was promised."""
    conditions: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _BoxFiles:
    """What boxes are scored on."""

    clip: Path
    truth: Path
    detector: Detector


def suite_runs() -> tuple[SuiteRun, ...]:
    """The standard clips, in order."""
    whole = json.loads((SUITE / "suite.json").read_text(encoding="utf-8"))
    return tuple(SuiteRun.model_validate(one) for one in whole["runs"])


def run_suite(
    footage: Path, detector: Detector, say: Callable[[str], None] = lambda words: None
) -> list[SuiteRow]:
    """Look at every clip that is in the folder; MISSING when none is."""
    rows: list[SuiteRow] = []
    for run in suite_runs():
        clip = footage / run.clip
        if not clip.is_file():
            say(f"{run.name}: {clip} is not there, left out")
            continue
        for mode in run.modes:
            rows += run_clip(run, footage, detector, mode)
            say(
                f"{run.name}, {mode}: "
                + "; ".join(f"{row.measure} {row.value}" for row in rows if row.name == run.name)
            )
    if not rows:
        raise AppError(ErrorKind.MISSING, f"None of the standard clips is in {footage}. Name their folder.")
    return rows


def run_clip(run: SuiteRun, footage: Path, detector: Detector, mode: Mode) -> list[SuiteRow]:
    """Look at one clip and score it."""
    scene, text = read_scene(SUITE / run.scene)
    found = analyze(AnalysisWish(footage / run.clip, scene, text, detector, mode == "native"))
    rows: list[SuiteRow] = []
    if run.truth:
        rows.append(_event_row(run, found, mode))
    if run.mot:
        rows += _box_rows(run, found, _BoxFiles(footage / run.clip, footage / run.mot, detector), mode)
    return rows


def _event_row(run: SuiteRun, found: AnalysisResult, mode: str) -> SuiteRow:
    score = score_events(read_event_truth(SUITE / run.truth), found.events)
    faults = [*(f"missed {one}" for one in score.missed), *(f"unexpected {one}" for one in score.unexpected)]
    value = f"{score.right} of {score.truth} right, {len(score.unexpected)} unexpected"
    return SuiteRow(
        run.name, mode, found.run.detector, "events", value, score.truth, score.is_exact,
        run.told(found.run.detector), "; ".join(faults[:4]),
    )  # fmt: skip


def _box_rows(run: SuiteRun, found: AnalysisResult, files: _BoxFiles, mode: str) -> Iterator[SuiteRow]:
    truth = by_frame(read_mot(files.truth, is_truth=True))
    sure = files.detector.levels.strong
    alone = by_frame(_people(detect_frames(files.clip, files.detector, truth.keys())))
    followed = by_frame(_people(found.placed()))
    count = sum(int((~frame.ignored).sum()) for frame in truth.values())

    def row(measure: str, value: str, is_met: bool | None = None, detail: str = "") -> SuiteRow:
        name = found.run.detector
        return SuiteRow(run.name, mode, name, measure, value, count, is_met, run.told(name), detail)

    score = score_detections(truth, alone, _IOU, sure)
    average = score.average_precision or 0.0
    recall, precision = score.recall or 0.0, score.precision or 0.0
    yield row(
        f"people found from score {sure:g}, recall / precision at IoU {_IOU:g}",
        f"{recall:.3f} / {precision:.3f}",
        recall >= _LEAST_RECALL and precision >= _LEAST_PRECISION,
        f"AP {average:.3f}; promised with YOLOX-nano: {_LEAST_RECALL} / {_LEAST_PRECISION}",
    )
    heights = recall_by_height(truth, followed, _HEIGHTS_PX, _IOU)
    yield row("recall by height, followed", "; ".join(_height_words(*one) for one in heights))
    boxes, paths = score_detections(truth, followed, _IOU), score_tracking(truth, followed)
    yield row(
        "people followed",
        f"recall {boxes.recall or 0.0:.3f}, precision {boxes.precision or 0.0:.3f}, IDF1 {paths.idf1:.3f}, "
        f"HOTA {paths.hota:.3f}, MOTA {paths.mota:.3f}",
        detail=f"{paths.switches} switches over {paths.truth_tracks} people; small: two windows",
    )


def _people(placed: Iterable[Placed]) -> Iterator[Placed]:
    return (one for one in placed if one.label == "person")


def _height_words(low: float, high: float, count: int, right: int) -> str:
    span = f"{low:.0f}-{high:.0f} px" if high < _HEIGHTS_PX[-1] else f"from {low:.0f} px"
    return f"{span} {right} of {count}"


def suite_table(rows: Sequence[SuiteRow], circumstances: str) -> str:
    """The section of the scoreboard: broken promises first, then what was met, then what is only told."""
    ordered = sorted(
        rows, key=lambda row: (row.is_met is None, bool(row.is_met), row.name, row.detector, row.mode)
    )
    missed = [row for row in rows if row.is_met is False]
    promised = [row for row in rows if row.is_met is not None]
    lines = [
        f"**{len(missed)} of {len(promised)} promises are missed.**", "",
        "| | clip | as | detector | measure | score | n | conditions | |",
        "|---|---|---|---|---|---|---|---|---|",
        *[_table_row(row) for row in ordered], "", circumstances, "",
    ]  # fmt: skip
    return "\n".join(lines)


def _table_row(row: SuiteRow) -> str:
    verdict = {True: "met", False: "**missed**", None: "told"}[row.is_met]
    cells = (
        verdict, row.name, row.mode, row.detector, row.measure, row.value, str(row.count), row.conditions,
        row.detail,
    )  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
