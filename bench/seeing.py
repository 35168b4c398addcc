"""What looking costs beside decoding: the block map, and the tracker at fifty objects."""

import statistics
import time
from pathlib import Path

import numpy as np

from bench.clips import clip_folder
from bench.coded import coded_footage_file
from bench.measure import Measure, say
from bench.result import Finding
from civiscope.analytics import CLASSES, BlockMap, Detections, ObjectClass, ScoreLevels, Tracker
from civiscope.media import EncoderSettings, FileUnits, PictureDecoder, recode_clip

RATE_FPS = 5
OBJECTS = 50
_ROUNDS = 5


def run(folder: Path, seconds: float) -> list[Finding]:
    """CPU time of one thread, medians; decoding and looking take turns, so that both meet the same caches."""
    del folder
    decode_ms, motion_ms = _costs_ms(FileUnits(_sub_stream(), audio=False), seconds)
    tracker_ms = _tracker_ms(seconds)
    say(f"decode {decode_ms:.3f} ms, block map {motion_ms:.3f} ms a frame; tracker {tracker_ms:.3f} ms")
    return [
        Finding(
            "motion_ratio", motion_ms, "ms/frame", 0.20,
            "decoding the same 640x360, 5 frames a second, 256 kbit/s, one thread", decode_ms,
        ),
        Finding("tracker_ms", tracker_ms, "ms", 0.25, f"{OBJECTS} objects that move, all found"),
    ]  # fmt: skip


def _sub_stream() -> Path:
    """The coded street as a camera's second stream."""
    clip = clip_folder() / f"coded-sub-640x360-{RATE_FPS}fps.mp4"
    if not clip.exists():
        unfinished = clip.with_suffix(".unfinished.mp4")
        settings = EncoderSettings(rate_fps=RATE_FPS, gop_frames=2 * RATE_FPS, bitrate_bps=256_000)
        recode_clip(coded_footage_file(), unfinished, 640, 360, settings)
        unfinished.rename(clip)
    return clip


def _costs_ms(file: FileUnits, seconds: float) -> tuple[float, float]:
    decodes: list[float] = []
    looks: list[float] = []
    end_s = time.monotonic() + seconds / 2
    while time.monotonic() < end_s or len(decodes) < _ROUNDS:
        decoder, block_map = PictureDecoder(file.tracks[0]), BlockMap(640, 360)
        spent = [0, 0]
        count = 0
        for unit in file.units:
            began = time.process_time_ns()
            frames = decoder.decode(unit)
            lumas = [frame.luma() for frame in frames]
            decoded = time.process_time_ns()
            for luma in lumas:
                block_map.look(luma, 1 / RATE_FPS)
            spent[0] += decoded - began
            spent[1] += time.process_time_ns() - decoded
            count += len(frames)
        decodes.append(spent[0] / count / 1e6)
        looks.append(spent[1] / count / 1e6)
    return statistics.median(decodes), statistics.median(looks)


def _tracker_ms(seconds: float) -> float:
    chance = np.random.default_rng(1)
    places, ways = chance.random((OBJECTS, 2)), (chance.random((OBJECTS, 2)) - 0.5) * 0.01
    half = np.array([0.015, 0.04])
    person = np.full(OBJECTS, CLASSES.index(ObjectClass.PERSON), np.int8)
    scores = np.full(OBJECTS, 0.8, np.float32)
    tracker, at_us = Tracker(ScoreLevels(0.4, 0.12)), 0
    costs: list[float] = []
    end_s = time.monotonic() + seconds / 2
    while time.monotonic() < end_s or len(costs) < 200:
        places = (places + ways) % 1
        boxes = np.concatenate((places - half, places + half), 1).astype(np.float32)
        at_us += 1_000_000 // RATE_FPS
        began = time.process_time_ns()
        tracker.update(Detections(boxes, scores, person), at_us, np.ones(len(tracker), bool))
        costs.append((time.process_time_ns() - began) / 1e6)
    return statistics.median(costs)


MEASURE = Measure(
    "seeing",
    20,
    run,
    {
        "motion_ratio": "CPU time of the block map for a frame over that of decoding it, in one thread and "
        "one "
        "run: the coded street of the other measures as a sub stream, with something moving all the time.",
        "tracker_ms": "CPU time of one update with 50 confirmed objects that move and are all found, some of "
        "them over one another.",
    },
)
