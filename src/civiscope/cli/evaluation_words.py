"""`civiscope analyze FILE` and `civiscope eval …`: the shipped pipeline on files, and its scores."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from civiscope.analytics import Detector, ModelShelf
from civiscope.app.home import Home
from civiscope.app.settings import default_home
from civiscope.base import AppError, ErrorKind
from civiscope.evaluation import (
    AnalysisWish,
    Placed,
    analyze,
    by_frame,
    read_coco_results,
    read_coco_truth,
    read_event_truth,
    read_labels,
    read_mot,
    read_result,
    read_scene,
    run_suite,
    score_detections,
    score_events,
    score_labels,
    score_tracking,
    suite_table,
    write_accuracy,
    write_mot,
)

evaluation = typer.Typer(no_args_is_help=True, help="Scores against truth, in the field's formats.")

ModelOption = Annotated[
    str, typer.Option("--model", help="Detector by name; left out: the best one installed.")
]
ModelsOption = Annotated[
    Path | None, typer.Option("--models", help="Folder of models; default `models` in the data folder.")
]
TruthArgument = Annotated[Path, typer.Argument(help="What is true.")]
IouOption = Annotated[float, typer.Option(min=0.05, max=0.95, help="Overlap from which a box is right.")]


def analyze_clip(
    clip: Annotated[Path, typer.Argument(help="A video file.")],
    scene: Annotated[Path, typer.Option("--scene", help="Zones, lines and analytics: SCENE.json.")],
    out: Annotated[Path, typer.Option("--out", help="Where the result goes: RESULT.json.")],
    native: Annotated[
        bool, typer.Option("--native", help="Every frame at full size; else as a camera's sub stream.")
    ] = False,
    model: ModelOption = "",
    models: ModelsOption = None,
    mot: Annotated[
        Path | None, typer.Option("--mot", help="Write the paths as MOT text too, in pixels of the clip.")
    ] = None,
) -> None:
    """Look at a clip with exactly the shipped pipeline, without a server; write events, paths and cost."""
    read, text = read_scene(scene)
    found = analyze(AnalysisWish(clip, read, text, detector_of(model, models), native))
    _write(out, found.to_json())
    if mot is not None:
        _write(mot, write_mot(found.placed()))
    seconds = found.clip.duration_s
    typer.echo(
        f"{found.run.detector}, {found.run.width_px}x{found.run.height_px} at {found.run.fps:g} fps: "
        f"{len(found.events)} events, {len(found.paths)} paths in {seconds:.1f} s; "
        f"{found.cost.cpu_ms_per_clip_s:.1f} ms of processor time a second"
    )
    for one in found.events:
        typer.echo(f"{one.start_s:8.2f} s  {one.kind} {one.zone} {one.direction} {one.object_class}".rstrip())
    for words in found.troubles:
        typer.echo(f"trouble: {words}", err=True)


@evaluation.command("detection")
def eval_detection(
    truth: TruthArgument,
    results: Annotated[Path, typer.Argument(help="MOT text, COCO results, or RESULT.json.")],
    iou: IouOption = 0.5,
    min_score: Annotated[float, typer.Option(help="Boxes below it are not counted as found.")] = 0.0,
) -> None:
    """Recall, precision and average precision of boxes, class by class where truth has classes."""
    true, found = _boxes(truth, results)
    for label in sorted({one.label for one in true}):
        here = by_frame(one for one in true if one.label == label)
        boxes = by_frame(one for one in found if not label or one.label == label)
        score = score_detections(here, boxes, iou, min_score)
        typer.echo(
            f"{label or 'all'}: recall {_share(score.recall)}, precision {_share(score.precision)}, "
            f"AP {_share(score.average_precision)} (n = {score.truth} boxes in {score.frames} frames, "
            f"IoU {iou:g})"
        )


@evaluation.command("tracking")
def eval_tracking(
    truth: TruthArgument, results: Annotated[Path, typer.Argument(help="MOT text or RESULT.json.")]
) -> None:
    """HOTA, IDF1, MOTA and their parts, as TrackEval counts them."""
    true, found = _boxes(truth, results)
    score = score_tracking(by_frame(true), by_frame(found))
    for name, value in asdict(score).items():
        typer.echo(f"{name}: {value:.4f}" if isinstance(value, float) else f"{name}: {value}")


@evaluation.command("events")
def eval_events(
    truth: TruthArgument, result: Annotated[Path, typer.Argument(help="RESULT.json of `analyze`.")]
) -> None:
    """Events against truth: right, missed, unexpected."""
    score = score_events(read_event_truth(truth), read_result(result).events)
    for words in score.missed:
        typer.echo(f"missed: {words}")
    for words in score.unexpected:
        typer.echo(f"unexpected: {words}")
    typer.echo(f"{score.right} of {score.truth} right, {len(score.unexpected)} unexpected")


@evaluation.command("labels")
def eval_labels(
    truth: TruthArgument,
    results: Annotated[Path, typer.Argument(help="A table with the columns path and label.")],
) -> None:
    """Whole clips or sounds by their labels: recall and precision of each, worst first."""
    for one in score_labels(read_labels(truth), read_labels(results)):
        typer.echo(
            f"{one.label}: recall {_share(one.recall)}, precision {_share(one.precision)} (n = {one.truth})"
        )


@evaluation.command("suite")
def eval_suite(
    footage: Annotated[Path, typer.Argument(help="The folder with the standard clips.")],
    model: Annotated[
        list[str] | None, typer.Option("--model", help="Detector by name; may be repeated.")
    ] = None,
    models: ModelsOption = None,
    scoreboard: Annotated[
        Path | None, typer.Option("--scoreboard", help="Put the table into this page, as docs/scoreboard.md.")
    ] = None,
) -> None:
    """Look at the standard clips as shipped, and score them; bad results first."""
    names = model or [""]
    rows = [
        row
        for name in names
        for row in run_suite(footage, detector_of(name, models), lambda words: typer.echo(words, err=True))
    ]
    options = "".join(f" --model {name}" for name in names if name)
    circumstances = (
        f"By `civiscope eval suite FOOTAGE{options}`. Few clips, each of one scene: they show that a thing "
        "works there, not how often it does elsewhere. `live`: as a camera's sub stream, 640 pixels wide, "
        "5 fps; `native`: each frame at full size. Nothing is tuned to a clip."
    )
    table = suite_table(rows, circumstances)
    typer.echo(table)
    if scoreboard is not None:
        write_accuracy(scoreboard, table)


def detector_of(model: str, models: Path | None) -> Detector:
    """The detector by name from a folder of models; the best one installed when no name is given."""
    folder = models if models is not None else Home(default_home()).root / "models"
    return ModelShelf(folder).detector(model)


def _boxes(truth: Path, results: Path) -> tuple[list[Placed], list[Placed]]:
    """By the endings: MOT text or COCO truth; MOT text, COCO results or our own result."""
    if truth.suffix == ".json":
        return read_coco_truth(truth), read_coco_results(results, truth)
    found = read_result(results).placed() if results.suffix == ".json" else read_mot(results, is_truth=False)
    return read_mot(truth, is_truth=True), found


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AppError(
            ErrorKind.UNAVAILABLE, f"{path} cannot be written: {error.strerror}. Name another place."
        ) from error
