"""What the recorder says of its volume, kept for whoever asks; facts go on to the bus."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from civiscope.base import SegmentId
from civiscope.bus import Fact
from civiscope.recording import (
    SegmentClosed,
    SegmentOpened,
    SegmentsDeleted,
    VolumeFailed,
    VolumeForecast,
    VolumeRecovered,
    VolumeStatus,
    segment_path,
)


class VolumeWatch:
    """Takes facts from the writer thread, answers from any."""

    def __init__(self, folder: Path, used_bytes: int, publish: Callable[[Fact], None]) -> None:
        self._folder = folder
        self._used_bytes = used_bytes
        self._publish = publish
        self._lock = threading.Lock()
        self._fault = "good"
        self._hours: tuple[int | None, int | None] = (None, None)
        self._open: dict[SegmentId, Path] = {}

    def take(self, fact: Fact) -> None:
        """One fact of `recording`."""
        with self._lock:
            match fact:
                case SegmentOpened():
                    self._open[fact.segment_id] = self._folder / segment_path(fact.stream_id, fact.segment_id)
                case SegmentClosed():
                    self._open.pop(fact.segment_id, None)
                    self._used_bytes += fact.size_bytes
                case SegmentsDeleted():
                    self._used_bytes -= fact.size_bytes
                case VolumeFailed():
                    self._fault = fact.fault
                case VolumeRecovered():
                    self._fault = "good"
                case VolumeForecast():
                    self._hours = fact.hours_left, fact.reach_hours
                case _:
                    pass
        self._publish(fact)

    def status(self) -> VolumeStatus:
        """How the volume stands; free bytes are 0 while its disk cannot be asked."""
        try:
            free_bytes = shutil.disk_usage(self._folder).free
        except OSError:
            free_bytes = 0
        with self._lock:
            growing, closed_bytes, fault, hours = (
                list(self._open.values()), self._used_bytes, self._fault, self._hours,
            )  # fmt: skip
        used_bytes = max(0, closed_bytes) + sum(_size_bytes(path) for path in growing)
        return VolumeStatus(str(self._folder), free_bytes, used_bytes, fault, *hours)


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
