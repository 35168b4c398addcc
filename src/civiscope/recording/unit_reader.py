"""Opens recorded parts with the site's keys and gives their units back, from a key unit on."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from civiscope.base import SegmentId, Span
from civiscope.media import TrackConfig, TrackKind
from civiscope.recording.container import PartFacts, PartFlags
from civiscope.recording.model import RecordedUnit, SegmentSummary
from civiscope.recording.sample_index import IndexedUnit, read_sample_index
from civiscope.recording.segment_reader import Open, PlainPart, StoredPart, generations
from civiscope.recording.volume_view import VolumeView
from civiscope.security import KeyContext, Keyring

Placed = tuple[VolumeView, SegmentSummary]


@dataclass(frozen=True, slots=True)
class PlacedPart:
    """One part, its segment and its volume."""

    view: VolumeView
    summary: SegmentSummary
    part: StoredPart


class UnitReader:
    """Used for one reading; keeps the keys it unwrapped. The lock guards the views."""

    def __init__(self, keyring: Keyring, lock: AbstractContextManager[object]) -> None:
        self._keyring = keyring
        self._lock = lock
        self._keys: dict[object, Open] = {}
        self._tracks: dict[SegmentId, tuple[TrackConfig, ...]] = {}
        self._last_tracks: tuple[TrackConfig, ...] = ()

    def units(self, segments: Sequence[Placed], span: Span) -> Iterator[RecordedUnit]:
        """See `Archive.read`."""
        started = False
        for placed in self.parts(segments, span):
            tracks = self.tracks(placed)
            units = self.open(placed).units(generations(tracks))
            walls = wall_times(placed.part.facts, tracks, [(unit.track_id, unit.pts) for unit in units])
            begin = 0
            if not started:
                keys = [video_key(unit.track_id, unit.is_key, tracks) for unit in units]
                found = _start(keys, walls, span.start_us)
                if found is None:
                    continue
                begin, started = found, True
            for unit, wall_us in list(zip(units, walls, strict=True))[begin : _end(walls, span.end_us)]:
                yield RecordedUnit(unit, wall_us, placed.summary.run_id, tracks)

    def parts(self, segments: Sequence[Placed], span: Span) -> list[PlacedPart]:
        """Parts from the one with the key unit at or before the start, to the end of the span."""
        with self._lock:
            every = [
                PlacedPart(view, summary, part) for view, summary in segments for part in view.parts(summary)
            ]
        first = next((i for i, one in enumerate(every) if one.part.facts.span.overlaps(span)), len(every))
        begin = first
        for index in range(first, -1, -1):
            if index < len(every) and self._opens(every, index, first, span.start_us):
                begin = index
                break
        return every[begin:first] + [one for one in every[first:] if one.part.facts.span.overlaps(span)]

    def _opens(self, every: list[PlacedPart], index: int, first: int, start_us: int) -> bool:
        """True if the part holds a key unit from which the units at the start can be decoded."""
        one = every[index]
        if first < len(every) and one.summary.run_id != every[first].summary.run_id:
            return False
        if not one.part.facts.flags & PartFlags.KEY:
            return False
        tracks = self.tracks(one)
        index_units = indexed(one.part.facts)
        walls = wall_times(one.part.facts, tracks, [(unit.track_id, unit.pts) for unit in index_units])
        return any(
            video_key(unit.track_id, unit.is_key, tracks) and wall_us <= start_us
            for unit, wall_us in zip(index_units, walls, strict=True)
        )

    def tracks(self, placed: PlacedPart) -> tuple[TrackConfig, ...]:
        """Configuration of the segment's tracks; equal ones are one object."""
        known = self._tracks.get(placed.summary.segment_id)
        if known is None:
            with placed.view.segment(placed.summary.path) as reader:
                known = reader.tracks(self._open(placed))
            if known == self._last_tracks:
                known = self._last_tracks
            self._last_tracks = known
            self._tracks[placed.summary.segment_id] = known
        return known

    def open(self, placed: PlacedPart) -> PlainPart:
        """Read and open one part."""
        with placed.view.segment(placed.summary.path) as reader:
            return reader.plain_part(placed.part.offset, self._open(placed))

    def _open(self, placed: PlacedPart) -> Open:
        summary = placed.summary
        known = self._keys.get(summary.key_id)
        if known is None:
            known = opener(self._keyring, placed.view, summary)
            self._keys[summary.key_id] = known
        return known


def opener(keyring: Keyring, view: VolumeView, summary: SegmentSummary) -> Open:
    """What opens the sealed records of a segment; AppError(MISSING | LOST_DATA) without its key."""
    context = KeyContext(summary.stream_id, summary.key_hour, summary.key_id)
    return partial(keyring.open, keyring.unwrap(view.wrapped_key(summary), context))


def indexed(facts: PartFacts) -> list[IndexedUnit]:
    """The units of a part as its sample index tells them."""
    first_dts = {track_id: dts for track_id, dts, _ in facts.track_times}
    return read_sample_index(facts.sample_index, facts.unit_count, first_dts)


def wall_times(
    facts: PartFacts, tracks: Sequence[TrackConfig], times: Sequence[tuple[int, int]]
) -> list[int]:
    """UTC of each (track id, pts) in a part."""
    zero_us = {track_id: zero for track_id, _, zero in facts.track_times}
    rates = {track.track_id: track.clock_rate_hz for track in tracks}
    return [zero_us[track_id] + pts * 1_000_000 // rates[track_id] for track_id, pts in times]


def video_key(track_id: int, is_key: bool, tracks: Sequence[TrackConfig]) -> bool:
    """True where showing can begin: a key unit of a video track, or of any track if there is no video."""
    kinds = {track.track_id: track.kind for track in tracks}
    has_video = TrackKind.VIDEO in kinds.values()
    return is_key and (not has_video or kinds.get(track_id) is TrackKind.VIDEO)


def _start(keys: list[bool], walls: list[int], start_us: int) -> int | None:
    """The last key unit at or before the start, else the first one after it, else None."""
    at = [i for i, is_key in enumerate(keys) if is_key]
    earlier = [i for i in at if walls[i] <= start_us]
    return earlier[-1] if earlier else at[0] if at else None


def _end(walls: list[int], end_us: int) -> int:
    """Behind the last unit that shows before the end; what others need to be decoded stands before it."""
    return next((i + 1 for i in range(len(walls) - 1, -1, -1) if walls[i] < end_us), 0)
