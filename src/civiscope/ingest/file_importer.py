"""A file, or a folder of files one after the other, told once with its own times; runs in libav's process."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from civiscope.base import AppError, ErrorKind
from civiscope.ingest.file_player import MAX_FILES, codec_config, run_track
from civiscope.ingest.foreign_wire import ForeignDone, ForeignMessage, ForeignPlaced, ForeignTracks
from civiscope.media import AccessUnit, Codec, FileUnits

_TOLD_NAMES = 5


@dataclass(frozen=True, slots=True)
class ImportOrders:
    """A file, or a folder of files, and the first unit that is wanted."""

    path: Path
    audio: bool
    from_unit: int


@dataclass(slots=True)
class _Place:
    """Where a track stands in this run."""

    first_at_us: int
    """When the first unit of the run shows, from the beginning of the import."""
    first_dts: int
    last_dts: int


class FileImporter:
    """Each unit once, in order of file and decoding; what stands before `from_unit` is counted, not told.

    Each file begins where the one before it ends. pts and dts are the file's, from 0 at the run's first unit;
    `at_us` of a track's first unit is when it shows, and goes on by dts. A file is read whole into memory
    (at most 1 GiB). Files that cannot be read, have other tracks than the first, or are links are left out.
    """

    def __init__(self, orders: ImportOrders, say: Callable[[ForeignMessage], None]) -> None:
        self._orders = orders
        self._say = say
        self._kinds: list[tuple[Codec, int]] = []
        self._left_out: list[str] = []
        self._count = 0
        self._offset_us = 0
        self._base_us = 0
        self._is_told = False
        self._places: dict[int, _Place] = {}

    def run(self) -> None:
        """To the end of the last file; AppError when there is nothing to import."""
        for file in self._files():
            self._tell_file(file)
            self._offset_us += max(file.duration_us, 1000)
        self._say(ForeignDone(self._closing_words()))

    def _files(self) -> Iterator[FileUnits]:
        path = self._orders.path
        if not path.is_dir():
            yield FileUnits(path, audio=self._orders.audio)
            return
        failure: AppError | None = None
        entries = [one for one in path.iterdir() if one.is_file() and not one.is_symlink()]
        for entry in sorted(entries)[:MAX_FILES]:
            try:
                file = FileUnits(entry, audio=self._orders.audio)
            except AppError as error:
                failure = failure or error
                self._left_out.append(entry.name)
                continue
            kinds = [(track.codec, track.clock_rate_hz) for track in file.tracks]
            if kinds != (self._kinds or kinds):
                self._left_out.append(entry.name)
                continue
            self._kinds = kinds
            yield file
        if not self._kinds:
            raise failure or AppError(ErrorKind.MISSING, "The folder holds no media file.")

    def _tell_file(self, file: FileUnits) -> None:
        rates = {track.track_id: track.clock_rate_hz for track in file.tracks}
        fresh = {track.track_id: track for track in file.tracks}
        for unit in file.units:
            number = self._count
            self._count += 1
            if number < self._orders.from_unit:
                continue
            if not self._is_told:
                self._is_told = True
                self._base_us = self._offset_us + unit.pts * 1_000_000 // rates[unit.track_id]
                self._say(ForeignTracks(tuple(run_track(track) for track in file.tracks)))
                fresh = {}
            track = fresh.pop(unit.track_id, None)
            config = None if track is None else codec_config(track)
            pts, dts, at_us = self._times(unit, rates[unit.track_id])
            self._say(ForeignPlaced(unit.track_id, pts, dts, at_us, unit.flags, config, unit.data))

    def _times(self, unit: AccessUnit, rate_hz: int) -> tuple[int, int, int]:
        shift = self._offset_us * rate_hz // 1_000_000 - self._base_us * rate_hz // 1_000_000
        pts, dts = unit.pts + shift, unit.dts + shift
        place = self._places.get(unit.track_id)
        if place is None:
            shown_us = self._offset_us + unit.pts * 1_000_000 // rate_hz
            self._places[unit.track_id] = _Place(shown_us, dts, dts)
            return pts, dts, shown_us
        dts = max(dts, place.last_dts + 1)  # the first pictures of a file are decoded before they show
        place.last_dts = dts
        return pts, dts, place.first_at_us + (dts - place.first_dts) * 1_000_000 // rate_hz

    def _closing_words(self) -> str:
        words = "The file was imported to its end."
        if not self._left_out:
            return words
        names = ", ".join(self._left_out[:_TOLD_NAMES])
        return f"{words} Left out, for they cannot be read or have other tracks: {names}" + (
            f" and {len(self._left_out) - _TOLD_NAMES} more." if len(self._left_out) > _TOLD_NAMES else "."
        )
