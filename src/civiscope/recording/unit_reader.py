"""Opens recorded parts with the site's keys and gives their units back, from a key unit on."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

from civiscope.base import AppError, ErrorKind, ProtocolError, SegmentId, Span
from civiscope.media import TrackConfig, TrackKind
from civiscope.recording.container import PartFacts, PartFlags, PartProof, RecordType, SegmentHeader
from civiscope.recording.model import RecordedUnit, SegmentSummary
from civiscope.recording.proof import digest
from civiscope.recording.sample_index import IndexedUnit, read_sample_index
from civiscope.recording.segment_reader import Open, PlainPart, StoredPart, generations
from civiscope.recording.volume_view import VolumeView
from civiscope.security import DataKey, IntegrityError, KeyContext, Keyring

Placed = tuple[VolumeView, SegmentSummary]
REORDER_US = 2_000_000
"""A picture that others need to be decoded shows at most this long after them."""


@dataclass(frozen=True, slots=True)
class PlacedPart:
    """One part, its segment and its volume."""

    view: VolumeView
    summary: SegmentSummary
    part: StoredPart
    is_cut: bool = False
    """What others need follows nowhere: its units end with the last that shows before the span's end."""


@dataclass(frozen=True, slots=True)
class ProvenPart:
    """One part as its segment's chain has it."""

    number: int
    facts: bytes
    """The part head without its proof."""
    proof: PartProof


@dataclass(frozen=True, slots=True)
class SegmentProof:
    """What a segment says of itself, with the certificate of the node that signed it."""

    header: SegmentHeader
    header_bytes: bytes
    tracks: bytes
    """The body of TRACKS."""
    init_digest: bytes
    parts: tuple[ProvenPart, ...]
    end: bytes | None
    """The head of END; None while the segment grows, or when it was not closed in order."""
    certificate: bytes


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
            for unit, wall_us in list(zip(units, walls, strict=True))[begin : end_of(placed, walls, span)]:
                yield RecordedUnit(unit, wall_us, placed.summary.run_id, tracks)

    def parts(self, segments: Sequence[Placed], span: Span) -> list[PlacedPart]:
        """Parts from the one with the key unit at or before the start, to the last that shows before the end.

        Those between them that show nothing of the span, but are needed to decode it, are there too.
        """
        with self._lock:
            every = [
                PlacedPart(view, summary, part) for view, summary in segments for part in view.parts(summary)
            ]
        first = next((i for i, one in enumerate(every) if one.part.facts.span.overlaps(span)), None)
        if first is None:
            return []
        begin = first
        for index in range(first, -1, -1):
            if index < first and not _goes_on(every[index], every[index + 1]):
                break
            if self._opens(every[index], span.start_us):
                begin = index
                break
        return every[begin:first] + _shown(every, first, span)

    def _opens(self, one: PlacedPart, start_us: int) -> bool:
        """True if the part holds a key unit from which the units at the start can be decoded."""
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

    def segment_proof(self, placed: PlacedPart) -> SegmentProof:
        """What proves the segment of this part, without the bytes of its units."""
        summary = placed.summary
        with placed.view.segment(summary.path) as reader:
            tracks, init = reader.configuration(self._open(placed))
            parts: list[ProvenPart] = []
            end = None
            for frame in reader.frames(summary.size_bytes):
                if frame.type is RecordType.PART:
                    facts, length = PartFacts.read(frame.head)
                    proof = PartProof.read(frame.head[length:])
                    parts.append(ProvenPart(facts.number, frame.head[:length], proof))
                elif frame.type is RecordType.END:
                    end = frame.head
            header = reader.header
            return SegmentProof(
                header, reader.header_bytes, tracks, digest(init), tuple(parts), end,
                placed.view.certificate(header.certificate_digest),
            )  # fmt: skip

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
    return partial(keyring.open, data_key(keyring, view, summary))


def data_key(keyring: Keyring, view: VolumeView, summary: SegmentSummary) -> DataKey:
    """By the site's wrap, or after its destruction by that of a case whose hold keeps the segment."""
    context = KeyContext(summary.stream_id, summary.key_hour, summary.key_id)
    try:
        return keyring.unwrap(view.wrapped_key(summary), context)
    except AppError as error:
        if error.kind is not ErrorKind.MISSING:
            raise
        for wrapped in view.case_wraps(summary):
            try:
                return keyring.unwrap_case(wrapped, context)
            except (IntegrityError, ProtocolError):
                continue
        raise


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


def end_of(placed: PlacedPart, walls: Sequence[int], span: Span) -> int:
    """Behind the last unit of the part that is wanted, of these UTC: all but where the span ends."""
    if not placed.is_cut:
        return len(walls)
    return next((i + 1 for i in range(len(walls) - 1, -1, -1) if walls[i] < span.end_us), 0)


def _shown(every: list[PlacedPart], first: int, span: Span) -> list[PlacedPart]:
    """The parts that show something of the span, and what stands between them in the order of decoding.

    A cut falls anywhere in a group of reordered pictures: a picture that shows behind the span's end, or
    before its start, may stand in a part of its own and be needed by one that shows within.
    """
    wanted = [i for i in range(first, len(every)) if every[i].part.facts.span.overlaps(span)]
    near = Span(max(0, span.start_us - REORDER_US), span.end_us + REORDER_US)
    found: list[PlacedPart] = []
    for index, following in zip(wanted, [*wanted[1:], None], strict=True):
        between = [] if following is None else every[index + 1 : following]
        goes_on = following is not None and _is_unbroken(every[index : following + 1])
        if goes_on and all(one.part.facts.span.overlaps(near) for one in between):
            found += [every[index], *between]
        else:
            found.append(replace(every[index], is_cut=True))
    return found


def _follows(before: PlacedPart, after: PlacedPart) -> bool:
    """Nothing was lost between them; an import goes on over runs, a camera begins each with 0."""
    return after.part.facts.first_sequence == before.part.facts.last_sequence + 1


def _goes_on(before: PlacedPart, after: PlacedPart) -> bool:
    """What the second holds may need the first to be decoded."""
    return before.summary.run_id == after.summary.run_id or _follows(before, after)


def _is_unbroken(parts: Sequence[PlacedPart]) -> bool:
    """Nothing was lost between the units of these parts, and no clock set."""
    return all(
        _follows(before, after) and after.part.facts.correction_us == 0 for before, after in pairwise(parts)
    )
