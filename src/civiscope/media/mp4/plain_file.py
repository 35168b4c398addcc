"""A plain MP4 file that starts to play before it is whole: tables first, then the bytes in order given.

The tables are made from what is known of each sample without its bytes, so an export of hours is streamed
and never held in memory. An edit list cuts to the wished moment although the bytes start at the key unit
before it (ISO/IEC 14496-12 §8.6.6).
"""

import struct
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from civiscope.base import ProtocolError, Whose
from civiscope.media.model import TrackConfig, TrackKind
from civiscope.media.mp4.boxes import MOVIE_TIMESCALE_HZ, box, full_box
from civiscope.media.mp4.movie import creation_time_s, file_type, movie_header, track_box
from civiscope.media.mp4.sample_entry import sample_descriptions

_REORDER_LIMIT = 64
"""No codec we record shows a picture more than 16 late.."""
_SAMPLES_PER_CHUNK = 64


@dataclass(frozen=True, slots=True)
class PlainSample:
    """All that the tables say of one access unit; times are ticks of its track."""

    track_id: int
    decode_time: int
    """Any zero, the same for all samples of a track; does not go back."""
    composition_offset: int
    duration: int
    """Counts for the last sample only; before it the difference of decode times is taken."""
    size_bytes: int
    is_key: bool
    configuration: int = 0
    """Which of the track's configurations, in the order given to `PlainFile`."""


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when a track shall be seen, in presentation ticks of that track, [begin, end)."""

    begin: int
    end: int


@dataclass(slots=True)
class _Chunk:
    offset: int
    samples: int
    configuration: int


@dataclass(slots=True)
class _Track:
    configurations: list[TrackConfig]
    decode_times: "array[int]" = field(default_factory=lambda: array("q"))
    compositions: "array[int]" = field(default_factory=lambda: array("i"))
    sizes: "array[int]" = field(default_factory=lambda: array("I"))
    keys: "array[int]" = field(default_factory=lambda: array("I"))
    chunks: list[_Chunk] = field(default_factory=list)
    last_duration: int = 0

    @property
    def duration(self) -> int:
        """Ticks from the first sample's decode time to the end of the last one."""
        return self.decode_times[-1] - self.decode_times[0] + self.last_duration if self.decode_times else 0

    def whole(self) -> Window:
        """All that is there, from the first presentation time on."""
        first = min(map(sum, zip(self.decode_times[:_REORDER_LIMIT], self.compositions, strict=False)))
        return Window(first, first + self.duration)


class PlainFile:
    """Collects the samples of one plain MP4 in the order of their bytes, then writes what stands before them.

    Several configurations of one track (a camera that changed its resolution) are given as several
    `TrackConfig` with the same `track_id`.
    """

    def __init__(self, tracks: Sequence[TrackConfig], epoch_us: int | None = None) -> None:
        self._tracks: dict[int, _Track] = {}
        for track in tracks:
            self._tracks.setdefault(track.track_id, _Track([])).configurations.append(track)
        self._created_s = creation_time_s(epoch_us)
        self._data_bytes = 0
        self._last_track_id = 0

    @property
    def data_bytes(self) -> int:
        """How many bytes of samples must follow the header."""
        return self._data_bytes

    def origins(self) -> dict[int, int]:
        """By track: the decode time of its first sample, which is the origin of its media timeline."""
        return {
            track_id: track.decode_times[0] for track_id, track in self._tracks.items() if track.decode_times
        }

    def add(self, sample: PlainSample) -> None:
        """The next sample in the order of the bytes; `ProtocolError` (ours) if its time goes back."""
        track = self._tracks.get(sample.track_id)
        if track is None:
            raise ProtocolError(f"track {sample.track_id} is not one of this file's", Whose.LOCAL)
        if track.decode_times and sample.decode_time < track.decode_times[-1]:
            raise ProtocolError(f"decode time of track {sample.track_id} goes back", Whose.LOCAL)
        self._place(track, sample)
        track.decode_times.append(sample.decode_time)
        track.compositions.append(sample.composition_offset)
        track.sizes.append(sample.size_bytes)
        if sample.is_key:
            track.keys.append(len(track.sizes))
        track.last_duration = sample.duration
        self._data_bytes += sample.size_bytes

    def _place(self, track: _Track, sample: PlainSample) -> None:
        last = track.chunks[-1] if track.chunks else None
        follows = self._last_track_id == sample.track_id and last is not None
        if (
            last
            and follows
            and last.samples < _SAMPLES_PER_CHUNK
            and last.configuration == sample.configuration
        ):
            last.samples += 1
        else:
            track.chunks.append(_Chunk(self._data_bytes, 1, sample.configuration))
        self._last_track_id = sample.track_id

    def header(self, windows: Mapping[int, Window] | None = None) -> bytes:
        """ftyp, moov and the head of mdat; exactly `data_bytes` bytes of samples must follow.

        All windows must begin at the same moment; a track that starts later gets an empty edit before it.
        Tracks without samples are left out.
        """
        start = file_type((b"isom", b"isom", b"iso6", b"mp41"))
        is_large = self._data_bytes + 16 > 0xFFFF_FFFF
        mdat = (
            struct.pack(">I4sQ", 1, b"mdat", self._data_bytes + 16)
            if is_large
            else struct.pack(">I4s", self._data_bytes + 8, b"mdat")
        )
        windows = windows or {}
        wide = self._data_bytes + self._table_bytes() > 0xFFFF_FFFF
        length = len(start) + len(self._movie(windows, 0, wide)) + len(mdat)
        return start + self._movie(windows, length, wide) + mdat

    def _table_bytes(self) -> int:
        """More than the tables can take."""
        return 1_000_000 + sum(40 * len(track.sizes) for track in self._tracks.values())

    def _movie(self, windows: Mapping[int, Window], data_start: int, wide: bool) -> bytes:
        boxes, durations = [], [0]
        for track_id, track in self._tracks.items():
            if not track.sizes:
                continue
            edits, duration = _edit_list(track, windows.get(track_id) or track.whole())
            tables = sample_descriptions(track.configurations) + _sample_tables(track, data_start, wide)
            first = track.configurations[0]
            boxes.append(track_box(first, self._created_s, duration, track.duration, edits, tables))
            durations.append(duration)
        return box(
            b"moov", movie_header(self._created_s, max(durations), max(self._tracks, default=0) + 1), *boxes
        )


def _edit_list(track: _Track, window: Window) -> tuple[bytes, int]:
    """edts that shows `window` only, and its duration in movie ticks (ISO/IEC 14496-12 §8.6.6)."""
    rate_hz = track.configurations[0].clock_rate_hz
    begin = max(window.begin, track.whole().begin)
    empty = (begin - window.begin) * MOVIE_TIMESCALE_HZ // rate_hz
    shown = max(0, window.end - begin) * MOVIE_TIMESCALE_HZ // rate_hz
    rows = [(empty, -1)] if empty else []
    rows.append((shown, begin - track.decode_times[0]))
    body = b"".join(struct.pack(">QqHH", duration, time, 1, 0) for duration, time in rows)
    return box(b"edts", full_box(b"elst", 1, 0, struct.pack(">I", len(rows)), body)), empty + shown


def _sample_tables(track: _Track, data_start: int, wide: bool) -> bytes:
    """stts, ctts, stss, stsc, stsz and stco or co64 (ISO/IEC 14496-12 §8.6, §8.7)."""
    steps = [after - before for before, after in pairwise(track.decode_times)]
    tables = [_run_lengths(b"stts", 0, "I", [*steps, track.last_duration])]
    if any(track.compositions):
        tables.append(_run_lengths(b"ctts", 1, "i", track.compositions))
    is_video = track.configurations[0].kind is TrackKind.VIDEO
    if is_video and len(track.keys) < len(track.sizes):
        tables.append(full_box(b"stss", 0, 0, struct.pack(">I", len(track.keys)), _big_endian(track.keys)))
    tables.append(_chunk_table(track.chunks))
    sizes = struct.pack(">II", 0, len(track.sizes))
    tables.append(full_box(b"stsz", 0, 0, sizes, _big_endian(track.sizes)))
    offsets = [chunk.offset + data_start for chunk in track.chunks]
    kind, code = (b"co64", "Q") if wide else (b"stco", "I")
    rows = struct.pack(f">{len(offsets)}{code}", *offsets)
    tables.append(full_box(kind, 0, 0, struct.pack(">I", len(offsets)), rows))
    return b"".join(tables)


def _run_lengths(kind: bytes, version: int, code: str, values: Iterable[int]) -> bytes:
    """A table of (count, value); `ProtocolError` (ours) for a step of over 32 bits."""
    rows = [(sum(1 for _ in same), value) for value, same in groupby(values)]
    try:
        body = b"".join(struct.pack(f">I{code}", *row) for row in rows)
    except struct.error:
        raise ProtocolError(
            "the time between two samples does not fit MP4: export two spans", Whose.LOCAL
        ) from None
    return full_box(kind, version, 0, struct.pack(">I", len(rows)), body)


def _chunk_table(chunks: list[_Chunk]) -> bytes:
    """stsc: a row where the number of samples or the configuration changes (ISO/IEC 14496-12 §8.7.4)."""
    rows: list[bytes] = []
    last: tuple[int, int] | None = None
    for number, chunk in enumerate(chunks, 1):
        if (chunk.samples, chunk.configuration) != last:
            rows.append(struct.pack(">III", number, chunk.samples, chunk.configuration + 1))
            last = (chunk.samples, chunk.configuration)
    return full_box(b"stsc", 0, 0, struct.pack(">I", len(rows)), *rows)


def _big_endian(values: "array[int]") -> bytes:
    return struct.pack(f">{len(values)}I", *values)
