"""What the recorder says of its volume, kept for whoever asks; facts go on to the bus."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from civiscope.bus import Fact
from civiscope.recording import (
    SegmentClosed,
    SegmentsDeleted,
    VolumeFailed,
    VolumeRecovered,
    VolumeStatus,
)


class VolumeWatch:
    """Takes facts from the writer thread, answers from any."""

    def __init__(self, folder: Path, used_bytes: int, publish: Callable[[Fact], None]) -> None:
        self._folder = folder
        self._used_bytes = used_bytes
        self._publish = publish
        self._lock = threading.Lock()
        self._fault = "good"

    def take(self, fact: Fact) -> None:
        """One fact of `recording`."""
        with self._lock:
            match fact:
                case SegmentClosed():
                    self._used_bytes += fact.size_bytes
                case SegmentsDeleted():
                    self._used_bytes -= fact.size_bytes
                case VolumeFailed():
                    self._fault = fact.fault
                case VolumeRecovered():
                    self._fault = "good"
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
            return VolumeStatus(str(self._folder), free_bytes, max(0, self._used_bytes), self._fault)
