"""What the built-in detector is worth, beside YOLOX-nano at the same input: the tables of the model card."""

import argparse
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import onnxruntime as ort

from training.boxes import (
    CLASSES,
    PERSON,
    SURE_SCORE,
    VEHICLE,
    Boxes,
    average_precision,
    match,
    recall_precision,
    suppress,
)
from training.labelled import Labelled, Picture, load
from training.pictures import frames
from training.sources import MEASURED_ONLY
from training.teacher import Teacher, fit

SIZES_PX = ((320, 192), (416, 256))
THRESHOLDS = (0.3, 0.4, 0.5)
PETS_SIZES_PX = ((256, 192), (320, 256), (384, 288))
ROUNDS = 150


class Seer(Protocol):
    """Finds labelled boxes, in the picture's pixels, at an input of (width, height)."""

    def see(self, picture: Picture, side_px: tuple[int, int]) -> Boxes:
        """Not suppressed yet."""
        ...


class Builtin:
    """The committed network under ONNX Runtime on one thread."""

    def __init__(self, weights: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = ort.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])

    def see(self, picture: Picture, side_px: tuple[int, int]) -> Boxes:
        """Every place whose best class is over 0.05."""
        fitted, scale = fit(picture, side_px)
        blob = np.ascontiguousarray(fitted.transpose(2, 0, 1)[None], np.float32)
        boxes, scores = (np.asarray(part)[0] for part in self._session.run(None, {"images": blob}))
        best, kind = scores.max(1), scores.argmax(1)
        found = np.concatenate([boxes / scale, best[:, None], kind[:, None]], 1).astype(np.float32)
        return found[best > 0.05]


def main() -> None:
    """Print every table; a few minutes."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("weights", type=Path, help="folder of builtin.onnx and builtin_int8.onnx")
    asked.add_argument("teacher", type=Path)
    asked.add_argument("pictures", type=Path)
    asked.add_argument("data", type=Path)
    asked.add_argument("--every", type=int, default=1, help="of the pictures held out, take every n-th")
    told = asked.parse_args()
    cv2.setNumThreads(1)
    seers: dict[str, Seer] = {
        "built-in fp32": Builtin(told.weights / "builtin.onnx"),
        "built-in int8": Builtin(told.weights / "builtin_int8.onnx"),
        "YOLOX-nano": Teacher(told.teacher),
    }
    print_pets(seers, told.data)
    print_times(seers)
    held_out = [one for one in load(told.pictures) if one.is_held_out]
    print_shares(seers["built-in int8"], held_out[:: told.every])
    print_agreement(seers, held_out[:: told.every])


def print_agreement(seers: dict[str, Seer], held_out: Sequence[Labelled]) -> None:
    """AP50 by set of pictures: against the tiled teacher, or the truth where the pictures are drawn."""
    unlicensed = {clip.source for clip in MEASURED_ONLY}
    sets = {
        "clean clips held out": [
            one for one in held_out if one.source not in unlicensed and not one.source.startswith("street")
        ],
        "clips of no licence": [one for one in held_out if one.source in unlicensed],
        "drawn streets": [one for one in held_out if one.source.startswith("street")],
    }
    print("\n| set (pictures) | input | network | person AP50 | vehicle AP50 |\n|---|---|---|---|---|")
    for title, pictures in sets.items():
        for size in SIZES_PX:
            for name, seer in seers.items():
                found = [suppress(seer.see(one.picture, size)) for one in pictures]
                scores = [f"{_precision(found, pictures, kind):.3f}" for kind in (PERSON, VEHICLE)]
                print(
                    f"| {title} ({len(pictures)}) | {size[0]}x{size[1]} | {name} |", " | ".join(scores), "|"
                )


def print_shares(seer: Seer, held_out: Sequence[Labelled]) -> None:
    """How often boxes of a score are right (overlap of at least half): real clips held out, at 320x192."""
    scores: list[float] = []
    right: list[bool] = []
    for one in held_out:
        if one.source.startswith("street"):
            continue
        found = suppress(seer.see(one.picture, SIZES_PX[0]))
        for kind in range(len(CLASSES)):
            these, truth = _only(found, kind), _only(one.boxes, kind)
            taken = match(these, truth, 0.5)
            vague = (taken >= 0) & (np.append(truth[:, 4], 0)[taken] < SURE_SCORE)
            scores += these[~vague, 4].tolist()
            right += (taken >= 0)[~vague].tolist()
    print("\n| score of the network | boxes | of them right |\n|---|---|---|")
    tenth = np.floor(np.array(scores) * 10 + 1e-6).astype(int)
    for step in range(1, 10):
        these_right = np.array(right)[tenth == step]
        if len(these_right):
            span = f"{step / 10:.1f} to {step / 10 + 0.1:.1f}"
            print(f"| {span} | {len(these_right)} | {these_right.mean():.2f} |")


def print_pets(seers: dict[str, Seer], data: Path) -> None:
    """Recall and precision of people on the key frames of PETS09-S2L1, overlap of at least 0.4."""
    truth = _pets_truth(data / "gt/mot/vtest_PETS09-S2L1_keyframes.txt")
    clip = data / "video/vtest_PETS09-S2L1.mp4"
    pictures = [picture for number, picture in frames(clip, 10**6) if number + 1 in truth]
    wanted = [truth[number] for number in sorted(truth)]
    heads = " | ".join(f"at {threshold}" for threshold in THRESHOLDS)
    print(f"\n| PETS, input | network | {heads} |\n|---|---|" + "---|" * len(THRESHOLDS))
    for size in (*SIZES_PX, *PETS_SIZES_PX):
        for name, seer in seers.items():
            found = [_only(suppress(seer.see(picture, size)), PERSON) for picture in pictures]
            cells = []
            for threshold in THRESHOLDS:
                kept = [boxes[boxes[:, 4] >= threshold] for boxes in found]
                recall, precision = recall_precision(kept, wanted, 0.4)
                cells.append(f"{recall:.3f}/{precision:.3f}")
            print(f"| {size[0]}x{size[1]} | {name} |", " | ".join(cells), "|", flush=True)


def print_times(seers: dict[str, Seer]) -> None:
    """Milliseconds for one picture on one thread, fitting and decoding included; the networks by turns."""
    picture = np.random.default_rng(1).integers(0, 256, (360, 640, 3)).astype(np.uint8)
    print(f"\nload of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print("| input | network | ms, median | ms, best |\n|---|---|---|---|")
    for size in SIZES_PX:
        spent: dict[str, list[float]] = {name: [] for name in seers}
        for _ in range(ROUNDS):
            for name, seer in seers.items():
                started = time.perf_counter()
                seer.see(picture, size)
                spent[name].append((time.perf_counter() - started) * 1e3)
        for name, times in spent.items():
            print(
                f"| {size[0]}x{size[1]} | {name} | {statistics.median(times):.2f} | {min(times):.2f} |",
                flush=True,
            )


def _precision(found: Sequence[Boxes], pictures: Sequence[Labelled], kind: int) -> float:
    assert kind < len(CLASSES)
    sure = [_only(one.boxes[one.boxes[:, 4] >= SURE_SCORE], kind) for one in pictures]
    doubtful = [one.boxes[one.boxes[:, 4] < SURE_SCORE] for one in pictures]
    return average_precision([_only(boxes, kind) for boxes in found], sure, doubtful)


def _only(boxes: Boxes, kind: int) -> Boxes:
    return boxes[boxes[:, 5] == kind]


def _pets_truth(path: Path) -> dict[int, Boxes]:
    """Frame, counted from 1, to its people."""
    found: dict[int, list[tuple[float, ...]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        frame, _, x, y, width, height = (float(part) for part in line.split(",")[:6])
        found.setdefault(int(frame), []).append((x, y, x + width, y + height, 1.0, PERSON))
    return {frame: np.array(boxes, np.float32) for frame, boxes in found.items()}


if __name__ == "__main__":
    main()
