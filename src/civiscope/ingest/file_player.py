"""Media files played in real time, round and round, as a camera would send them; runs in libav's process."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from civiscope.base import AppError, Clock, ErrorKind
from civiscope.ingest.foreign_wire import ForeignMessage, ForeignTracks, ForeignUnit
from civiscope.ingest.run import RunTrack
from civiscope.media import Codec, FileUnits, TrackConfig, UnitFlags
from civiscope.media.wire import CodecConfig

MAX_FILES = 10_000
"""Of one folder, in order of name; the rest is left out."""


@dataclass(frozen=True, slots=True)
class FileOrders:
    """A file, or a folder of files."""

    path: Path
    audio: bool


class FilePlayer:
    """Timestamps run on over the seams; the first unit of each round of a track says DISCONTINUITY.

    Files that cannot be read, or have other tracks than the first one, are left out. A file is read whole
    into memory (at most 1 GiB).
    """

    def __init__(self, orders: FileOrders, say: Callable[[ForeignMessage], None], clock: Clock) -> None:
        self._orders = orders
        self._say = say
        self._clock = clock
        self._kinds: list[Codec] = []
        self._start_us = 0
        self._offset_us = 0
        self._never = Event()

    def play(self) -> None:
        """Until `say` fails because nobody hears any more; AppError when there is nothing to play."""
        while True:
            played = 0
            for units in self._files():
                self._play_one(units)
                played += 1
            if not played:
                raise AppError(ErrorKind.INVALID, "Nothing here can be played any more.")

    def _files(self) -> Iterator[FileUnits]:
        """One round. A lone file is read once."""
        path = self._orders.path
        if not path.is_dir():
            units = FileUnits(path, audio=self._orders.audio)
            while True:
                yield units
        failure: AppError | None = None
        found = False
        for name in sorted(entry for entry in path.iterdir() if entry.is_file())[:MAX_FILES]:
            try:
                units = FileUnits(name, audio=self._orders.audio)
            except AppError as error:
                failure = failure or error
                continue
            if not self._kinds or self._kinds == [track.codec for track in units.tracks]:
                found = True
                yield units
        if not found:
            raise failure or AppError(ErrorKind.MISSING, "The folder holds no media file.")

    def _play_one(self, file: FileUnits) -> None:
        is_first = not self._kinds
        if is_first:
            self._kinds = [track.codec for track in file.tracks]
            self._start_us = self._clock.monotonic_us()
            self._say(ForeignTracks(tuple(run_track(track) for track in file.tracks)))
        rates = {track.track_id: track.clock_rate_hz for track in file.tracks}
        fresh = {track.track_id: track for track in file.tracks}
        for unit in file.units:
            self._wait_until(self._offset_us + unit.arrival_us)
            track = fresh.pop(unit.track_id, None)
            begins = track is not None and not is_first
            flags = unit.flags | (UnitFlags.DISCONTINUITY if begins else UnitFlags.NONE)
            timestamp = unit.pts + self._offset_us * rates[unit.track_id] // 1_000_000
            config = codec_config(track) if track is not None and begins else None
            self._say(ForeignUnit(unit.track_id, timestamp & 0xFFFF_FFFF, flags, config, unit.data))
        self._offset_us += max(file.duration_us, 1000)

    def _wait_until(self, at_us: int) -> None:
        left_us = self._start_us + at_us - self._clock.monotonic_us()
        if left_us > 0:
            self._never.wait(left_us / 1e6)


def run_track(track: TrackConfig) -> RunTrack:
    """A file's track as a run knows it."""
    return RunTrack(track.track_id, track.codec, track.clock_rate_hz, codec_config(track))


def codec_config(track: TrackConfig) -> CodecConfig:
    """What a decoder must know of a file's track."""
    return CodecConfig(
        parameter_sets=track.parameter_sets, codec_data=track.codec_data, width_px=track.width_px,
        height_px=track.height_px, sample_rate_hz=track.sample_rate_hz, channel_count=track.channel_count,
    )  # fmt: skip
