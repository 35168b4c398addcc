"""What sealing, chain and signature add to recording 36 cameras, and what the index of their frames takes."""

import subprocess
import sys
from pathlib import Path

from tests.product import Cameras

from bench.clips import street_clip
from bench.measure import Measure, say
from bench.result import Finding
from civiscope.base import Span, SystemClock
from civiscope.recording import Archive
from civiscope.recording.segment_reader import SegmentReader
from civiscope.security import SiteKeys

CAMERAS = 36
_ROUNDS = 2
_UNIT = "ms CPU per camera-second"
_EVERYTHING = Span(0, 1 << 62)


def run(folder: Path, seconds: float) -> list[Finding]:
    """Sealed and plain by turns beside the same cameras, so that a busy machine is the same for both."""
    keys = SiteKeys.create(folder / "keys", "bench")
    cameras = Cameras([street_clip()] * CAMERAS).start()
    costs: dict[str, list[float]] = {"sealed": [], "plain": []}
    try:
        for number in range(_ROUNDS):
            for kind, found in costs.items():
                found.append(_cost(kind, folder / f"{kind}{number}", folder / "keys", seconds, cameras.urls))
                say(f"{kind}: {found[-1]:.3f} {_UNIT}")
    finally:
        cameras.stop()
    assert_nothing_lost(keys, folder / "sealed0")
    per_frame, per_frame_heads = index_bytes(folder / "sealed0")
    say(f"with all else that stands in the clear before a part: {per_frame_heads:.1f} bytes a frame")
    sealed, plain = (sum(found) / len(found) for found in costs.values())
    twin = f"the same process, writing parts open, without leaves, chain and signature: {plain:.3g} {_UNIT}"
    return [
        Finding("record_sealed_36", sealed, _UNIT, 1.25, twin, plain),
        Finding("index_bytes_per_frame", per_frame, "bytes", 4.0, f"{CAMERAS} cameras, 15 frames a second"),
    ]


def _cost(kind: str, volume: Path, keys: Path, seconds: float, addresses: list[str]) -> float:
    command = [
        sys.executable,
        "-m",
        "bench.recorder_alone",
        kind,
        str(volume),
        str(keys),
        str(seconds),
        *addresses,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 120)
    return float(done.stdout)


def assert_nothing_lost(keys: SiteKeys, volume: Path) -> None:
    """One run of each camera, no number missing, no gap but the stop at the end."""
    archive = Archive((volume,), keys.keyring(), SystemClock())
    streams = archive.streams()
    assert len(streams) == CAMERAS, f"{len(streams)} streams are on the disk"
    for stream in streams:
        following = 0
        for part in archive.parts(stream, _EVERYTHING):
            assert part.first_sequence == following, f"units are missing of {stream}"
            following += part.unit_count
        gaps = archive.timeline(stream, _EVERYTHING).gaps
        assert all(gap.end_us is None or gap.reason == "clock_stepped" for gap in gaps), gaps


def index_bytes(volume: Path) -> tuple[float, float]:
    """Bytes a frame: of the sample index, and of whole heads of parts with their proof."""
    samples = heads = frames = 0
    for path in (volume / "segments").glob("*/*.cvs"):
        data = path.read_bytes()

        def read(offset: int, length: int, data: bytes = data) -> bytes:
            return data[offset : offset + length]

        for part in SegmentReader(read).parts(len(data)):
            samples += len(part.facts.sample_index)
            heads += len(part.facts.to_bytes())
            frames += part.facts.unit_count
    return samples / frames, heads / frames


MEASURE = Measure(
    "record_sealed_36",
    20.0,
    run,
    {
        "record_sealed_36": "CPU of one process that receives 36 live 720p15 2 Mbit/s cameras by RTSP over "
        "TCP and writes them sealed, chained and signed, nothing lost, beside the same process with a writer "
        "made of the same parts that does none of the three; by turns, two windows each.",
        "index_bytes_per_frame": "The clear sample index on the disk, over all frames of those cameras; "
        "without the heads of parts (times, root, chain head, signature), which are per second.",
    },
)
