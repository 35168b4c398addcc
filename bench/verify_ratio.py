"""Verifying a recorded segment, beside reading and hashing the same bytes alone."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

from tests.recording.footage import EPOCH_US, EVERYTHING, Camera, Room, make_site, play

from bench.measure import Measure
from bench.result import Finding
from civiscope.base import ManualClock
from civiscope.recording import Verdict

_BITRATE_BYTES_S = 250_000
_FPS = 15
_REPEATS = 5


def run(folder: Path, seconds: float) -> list[Finding]:
    """One camera of 2 Mbit/s; the least CPU of five readings of each, from the page cache."""
    room = Room(make_site(folder / "keys"), folder / "volume", ManualClock(EPOCH_US))
    recorder, camera = room.recorder(), Camera(room.clock, mean_bytes=_BITRATE_BYTES_S // _FPS)
    camera.start(recorder)
    play(recorder, [camera], int(seconds * _FPS))
    camera.end(recorder)
    recorder.close()
    archive = room.archive()
    files = sorted((folder / "volume" / "segments").glob("*/*.cvs"))
    size_mb = sum(path.stat().st_size for path in files) / 1e6

    def verify() -> None:
        assert {one.verdict for one in archive.verify(camera.stream_id, EVERYTHING)} == {Verdict.WHOLE}

    def read() -> None:
        for path in files:
            with path.open("rb") as file:
                hashlib.file_digest(file, "sha256")

    words = f"reading and SHA-256 of the same {size_mb:.0f} MB, one thread"
    return [
        Finding(
            "verify_ratio",
            _least_ms(verify) / size_mb,
            "ms CPU per MB",
            2.0,
            words,
            _least_ms(read) / size_mb,
        )
    ]


def _least_ms(work: Callable[[], None]) -> float:
    took: list[float] = []
    for _ in range(_REPEATS):
        started = time.process_time()
        work()
        took.append((time.process_time() - started) * 1000)
    return min(took)


MEASURE = Measure(
    "verify_ratio",
    120.0,
    run,
    {
        "verify_ratio": "CPU of `Archive.verify` (open, leaves, roots, chain, signatures) over that of "
        "reading and hashing the files alone; at most 2, which is half the speed"
    },
)
