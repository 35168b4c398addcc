"""The archive: what is recorded and what is missing, read back while the recorder goes on writing."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path

from civiscope.base import Clock, SegmentId, Span, StreamId, made_at_us, merge_spans
from civiscope.recording.availability import NOTHING_DUE, Availability, availability_of
from civiscope.recording.case_wraps import rewrapped, wraps_wanted
from civiscope.recording.container import PartFlags
from civiscope.recording.export import export_mp4
from civiscope.recording.holds import HeldSpan
from civiscope.recording.lanes import Lanes
from civiscope.recording.ledgers import VolumeLedger, merged_gaps
from civiscope.recording.model import PartRef, RecordedSpan, RecordedUnit, SegmentSummary, Timeline
from civiscope.recording.part_sizes import part_sizes
from civiscope.recording.proved_export import ExportPiece, export_proved, joined
from civiscope.recording.segment_reader import StoredPart
from civiscope.recording.size_motion import LEAD_US, motion_spans
from civiscope.recording.timeline import timeline_of
from civiscope.recording.unit_reader import REORDER_US, Placed, UnitReader
from civiscope.recording.verification import SegmentVerdict, Verifier
from civiscope.recording.volume_view import VolumeView
from civiscope.security import CaseId, CaseKey, Keyring

_LEAD_US = 60_000_000
"""The key unit before a moment is looked for so far back, and always in one segment before."""
_LIVE_WITHIN_US = 60_000_000
"""A camera's segment is begun seconds after its first picture; an older picture was imported."""


class Archive:
    """All volumes of a site as one; thread-safe. Reads only, needs no recorder and no database."""

    def __init__(self, volumes: Sequence[Path], keyring: Keyring, clock: Clock) -> None:
        self._clock = clock
        self._views = [VolumeView(path) for path in volumes]
        self._keyring = keyring
        self._lock = threading.RLock()
        self._lanes: dict[StreamId, tuple[tuple[int, ...], Lanes]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Take in what the volumes' indexes say by now; cheap, to be called about once a second."""
        with self._lock:
            for view in self._views:
                view.refresh()
            streams = self.streams()
        for stream_id in streams:
            with self._lock:
                self._closed_lanes(stream_id)

    def streams(self) -> list[StreamId]:
        """Every stream of which something is, was or should have been recorded."""
        with self._lock:
            return sorted({stream_id for view in self._views for stream_id in view.catalogue.streams})

    def timeline(self, stream_id: StreamId, span: Span) -> Timeline:
        """What is there, with lanes, and what is missing, with reasons; exact to the access unit.

        Holes that no ledger entry covers come as `unexplained`.
        """
        with self._lock:
            growing = [one for view in self._views for one in view.growing(stream_id)]
            recorded = self._recorded(stream_id, growing)
            ledgers = [self._ledger(view, stream_id, growing) for view in self._views]
            is_import = self._is_import(stream_id, growing)
        now_us = self._clock.now_us()
        gaps, open_gaps = merged_gaps(ledgers, now_us)
        return timeline_of(recorded, gaps, open_gaps, span, now_us, is_import=is_import)

    def availability(self, stream_id: StreamId, span: Span) -> Availability:
        """How much of `span` was recorded of what should have been; of an import nothing was due."""
        timeline = self.timeline(stream_id, span)
        with self._lock:
            growing = [one for view in self._views for one in view.growing(stream_id)]
            if self._is_import(stream_id, growing):
                return NOTHING_DUE
        return availability_of(timeline, span, self._clock.now_us())

    def days(self, stream_id: StreamId, span: Span, zone: tzinfo = UTC) -> dict[date, int]:
        """Days, in `zone`, of which something is recorded, in order, and of how many microseconds."""
        with self._lock:
            growing = [one for view in self._views for one in view.growing(stream_id)]
            recorded = [one.span.clip(span) for one in self._recorded(stream_id, growing)]
        found: dict[date, int] = {}
        for one in merge_spans(one for one in recorded if one is not None):
            for day, length_us in _days_of(one, zone):
                found[day] = found.get(day, 0) + length_us
        return found

    def motion(self, stream_id: StreamId, span: Span) -> list[Span]:
        """Where something may have moved, by the sizes of coded pictures; what begins within the span.

        Blocks for some 0.1 s an hour. Needs no key: it works while the vault is locked.
        """
        reach = Span(max(0, span.start_us - LEAD_US), span.end_us)
        with self._lock:
            segments = self._segments(stream_id, reach)
        found = motion_spans(part_sizes(segments, reach, self._lock))
        return [one for one in found if span.contains(one.start_us)]

    def parts(self, stream_id: StreamId, span: Span) -> list[PartRef]:
        """Parts that touch the span, in order of recording."""
        found: list[PartRef] = []
        with self._lock:
            for view, summary in self._segments(stream_id, span):
                found += [
                    _part_ref(summary, part) for part in view.parts(summary) if part.facts.span.overlaps(span)
                ]
        return found

    def read(self, stream_id: StreamId, span: Span) -> Iterator[RecordedUnit]:
        """Units from the key unit at or before the start to the last that shows before the end.

        In order of recording: (run, sequence). AppError(MISSING | LOST_DATA) when bytes or keys are gone or
        changed. Opens one part at a time, so it can be left at any unit.
        """
        with self._lock:
            segments = self._segments(stream_id, span, before=True)
        reader = UnitReader(self._keyring, self._lock)
        return reader.units(segments, span)

    def export_mp4(self, stream_id: StreamId, span: Span) -> Iterator[bytes]:
        """A plain MP4 of the span, without re-encoding, cut to the frame by edit list, made as it is read.

        AppError(MISSING) when nothing is recorded there.
        """
        with self._lock:
            segments = self._segments(stream_id, span, before=True)
        return export_mp4(UnitReader(self._keyring, self._lock), segments, span)

    def export_proved(self, stream_id: StreamId, span: Span, media_path: str) -> Iterator[ExportPiece]:
        """The same file, with what proves it to somebody without a key (docs/design/proof.md)."""
        with self._lock:
            segments = self._segments(stream_id, span, before=True)
        return joined(export_proved(UnitReader(self._keyring, self._lock), segments, span, media_path))

    def verify(self, stream_id: StreamId, span: Span) -> list[SegmentVerdict]:
        """Open and prove every segment that touches the span: whole, cut, reordered or altered, and where."""
        with self._lock:
            segments = self._segments(stream_id, span)
        verifier = Verifier(self._keyring.trust, self._keyring)
        return [verifier.verify(view, summary) for view, summary in segments]

    def case_wraps_wanting(
        self, spans: Sequence[HeldSpan], cases: Mapping[CaseId, CaseKey]
    ) -> tuple[bytes, ...]:
        """Wraps that holds of these cases still lack beside what they hold; UNAVAILABLE while locked.

        What cannot be unwrapped is left out: it was destroyed before it was held, and the log says so.
        """
        with self._lock:
            wanted = list(wraps_wanted(self._views, spans, cases))
        return tuple(one for one in (rewrapped(self._keyring, *each) for each in wanted) if one is not None)

    def _recorded(self, stream_id: StreamId, growing: Sequence[SegmentSummary]) -> list[RecordedSpan]:
        """Spans of closed segments, and behind them of those being written."""
        known = self._closed_lanes(stream_id)
        if not growing:
            return known.spans
        if len(self._views) > 1:  # one that is open on a failed disk lies before what was closed elsewhere
            return _lanes_of(sorted([*self._closed(stream_id), *growing], key=_made)).spans
        row = known.copy()
        for one in growing:
            for extent in one.extents:
                row.add(extent, one.run_id)
        return row.spans

    def _closed_lanes(self, stream_id: StreamId) -> Lanes:
        """Of closed segments; made anew when the index has changed, by `refresh` before anybody asks."""
        closed_at = tuple(view.stream(stream_id).version for view in self._views)
        known = self._lanes.get(stream_id)
        if known is None or known[0] != closed_at:
            known = (closed_at, _lanes_of(self._closed(stream_id)))
            self._lanes[stream_id] = known
        return known[1]

    def _closed(self, stream_id: StreamId) -> list[SegmentSummary]:
        """In the order of recording, which one volume's index has by itself."""
        found = [one for view in self._views for one in view.stream(stream_id).closed.values()]
        return sorted(found, key=_made) if len(self._views) > 1 else found

    def _ledger(
        self, view: VolumeView, stream_id: StreamId, growing: Sequence[SegmentSummary]
    ) -> VolumeLedger:
        """What one volume knows; of what it has recorded only when there are others to be told apart from."""
        stream = view.stream(stream_id)
        recorded: list[Span] = []
        if len(self._views) > 1:
            own = [one for one in growing if one.segment_id in view.catalogue.open]
            recorded = [extent.span for one in (*stream.closed.values(), *own) for extent in one.extents]
        return VolumeLedger(recorded, (*stream.gaps, *stream.erased), stream.open_gap)

    def _is_import(self, stream_id: StreamId, growing: Sequence[SegmentSummary]) -> bool:
        """What came last is older than its file: that nothing new is there says nothing of the recorder."""
        found = list(growing)
        for view in self._views:
            closed = view.stream(stream_id).closed
            found += [closed[next(reversed(closed))]] if closed else []
        newest = max(found, key=lambda one: one.segment_id, default=None)
        return newest is not None and made_at_us(newest.segment_id) - newest.start_us > _LIVE_WITHIN_US

    def _segments(self, stream_id: StreamId, span: Span, before: bool = False) -> list[Placed]:
        """Segments that touch the span, in order; with `before` also what may be needed to decode them."""
        reach = Span(max(0, span.start_us - REORDER_US), span.end_us + REORDER_US) if before else span
        found: list[Placed] = []
        lead: list[Placed] = []
        for placed in self._placed(stream_id):
            touches = any(extent.span.overlaps(reach) for extent in placed[1].extents)
            lead = _led(lead, placed, span) if before else [placed]
            if touches:
                found += lead
                lead = []
        return found

    def _placed(self, stream_id: StreamId) -> list[Placed]:
        """Every segment of a stream, in the order of recording."""
        found = [
            (view, summary)
            for view in self._views
            for summary in (*view.stream(stream_id).closed.values(), *view.growing(stream_id))
        ]
        return sorted(found, key=lambda one: _made(one[1])) if len(self._views) > 1 else found


def _made(summary: SegmentSummary) -> SegmentId:
    return summary.segment_id


def _lanes_of(segments: Sequence[SegmentSummary]) -> Lanes:
    row = Lanes()
    for one in segments:
        for extent in one.extents:
            row.add(extent, one.run_id)
    return row


def _led(lead: list[Placed], one: Placed, span: Span) -> list[Placed]:
    """A segment behind those that lead into it: the one before it, and short ones near the span."""
    if not lead or not _leads_into(lead[-1][1], one[1]):
        return [one]
    near = Span(max(0, span.start_us - _LEAD_US), span.end_us + _LEAD_US)
    short = [before for before in lead[:-1] if Span(before[1].start_us, before[1].end_us).overlaps(near)]
    return [*short, lead[-1], one]


def _leads_into(before: SegmentSummary, after: SegmentSummary) -> bool:
    """Of one run, or of an import that went on: a camera's run begins with 0."""
    return before.extents[-1].last_sequence + 1 == after.extents[0].first_sequence


def _part_ref(summary: SegmentSummary, part: StoredPart) -> PartRef:
    facts = part.facts
    has_clock = bool(facts.flags & PartFlags.CAMERA_CLOCK)
    return PartRef(
        summary.stream_id, summary.run_id, summary.segment_id, facts.number, facts.first_sequence,
        facts.unit_count, facts.span, bool(facts.flags & PartFlags.KEY), facts.media_bytes,
        facts.camera_offset_us if has_clock else None, facts.correction_us,
    )  # fmt: skip


def _days_of(span: Span, zone: tzinfo) -> Iterator[tuple[date, int]]:
    """The days the span touches, and how much of it lies on each; days may be 23 or 25 hours long."""
    at_us = span.start_us
    while at_us < span.end_us:
        day = datetime.fromtimestamp(at_us // 1_000_000, zone).date()
        midnight = datetime.combine(day + timedelta(days=1), time(), zone)
        until_us = min(span.end_us, int(midnight.timestamp()) * 1_000_000)
        yield day, until_us - at_us
        at_us = until_us
