"""Making a volume whole after a cut: what was synced is kept, what is torn is cut off."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from civiscope.base import ProtocolError, ReasonedSpan, SegmentId, StreamId
from civiscope.recording.catalogue import Catalogue
from civiscope.recording.container import PartFacts, PartProof, RecordFrame, RecordType, extend
from civiscope.recording.index import GapRecord, IndexRecord, SegmentDeletion, read_records
from civiscope.recording.keys import read_key_file
from civiscope.recording.model import (
    Extent,
    GapReason,
    SegmentState,
    SegmentSummary,
    segment_path,
)
from civiscope.recording.segment_reader import SegmentReader
from civiscope.security import KeyId
from civiscope.storage import DiskError, Files

SYNCED_PATH = "synced.cvx"


@dataclass(slots=True)
class _Walk:
    """What was found in one segment so far."""

    end_offset: int
    part_count: int
    unit_count: int
    chain_head: bytes
    extents: list[Extent]
    state: SegmentState = SegmentState.MENDED

    def take(self, frame: RecordFrame) -> None:
        """One more whole part."""
        facts, length = PartFacts.read(frame.head)
        self.chain_head = PartProof.read(frame.head[length:]).chain_head
        self.part_count += 1
        self.unit_count += facts.unit_count
        extend(self.extents, facts)


class Mending:
    """Brings segments and catalogue of a volume together; `records` is what the index must be told."""

    def __init__(self, files: Files, catalogue: Catalogue, now_us: int) -> None:
        self._files = files
        self._catalogue = catalogue
        self._now_us = now_us
        self._synced = _check_points(files)
        self.records: list[IndexRecord] = []
        self.cut_bytes = 0
        self.mended_count = 0

    def run(self) -> list[IndexRecord]:
        """Mend everything; gives the records that bring the index up to date (they are applied already)."""
        self._finish_deletions()
        self._mend_segments()
        self._mark_missing()
        self._open_gaps()
        return self.records

    def _tell(self, *records: IndexRecord) -> None:
        self.records += records
        self._catalogue.apply(records)

    def _finish_deletions(self) -> None:
        for segment_id, stream_id in self._catalogue.deleted.items():
            self._files.remove(segment_path(stream_id, segment_id))

    def _mend_segments(self) -> None:
        unknown = [
            (stream_id, segment_id)
            for stream_id, segment_id in _segments_on_disk(self._files)
            if segment_id not in self._catalogue.stream(stream_id).closed
        ]
        newest = dict(unknown)
        for stream_id, segment_id in unknown:
            summary = self._mend(stream_id, segment_id, is_newest=newest[stream_id] == segment_id)
            if summary is None:
                if (
                    segment_id not in self._synced
                ):  # what was once on the disk is left for a person to look at
                    self._files.remove(segment_path(stream_id, segment_id))
                continue
            self.mended_count += 1
            self._end_gap(summary)
            self._tell(summary, *_holes(summary))

    def _end_gap(self, summary: SegmentSummary) -> None:
        """The index still says that nothing comes, but this came: the gap was over."""
        known = self._catalogue.stream(summary.stream_id).open_gap
        start_us = summary.extents[0].span.start_us
        if known is not None and summary.end_us > known.start_us:
            self._tell(GapRecord(summary.stream_id, known.closed_at(start_us)))

    def _mend(self, stream_id: StreamId, segment_id: SegmentId, is_newest: bool) -> SegmentSummary | None:
        """What is whole in it. Only what the last barriers may not have covered is read byte by byte."""
        path = segment_path(stream_id, segment_id)
        size_bytes = self._files.size_bytes(path)
        try:
            reader = SegmentReader(partial(self._files.read, path))
            header = reader.header
            has_wrap = self._has_wrap(stream_id, header.key_id)
        except (ProtocolError, DiskError):
            return None
        if not has_wrap:
            return None
        walk = None if is_newest or segment_id in self._synced else _ended(reader, size_bytes)
        walk = walk or self._walk(reader, size_bytes)
        if header.segment_id != segment_id or not walk.extents:
            return None
        if walk.end_offset < size_bytes:
            self.cut_bytes += size_bytes - walk.end_offset
            self._files.truncate(path, walk.end_offset)
            self._files.release(path)
        return SegmentSummary(
            header.stream_id, header.run_id, segment_id, header.key_id, header.key_hour, walk.end_offset,
            walk.part_count, walk.unit_count, walk.state, walk.chain_head, tuple(walk.extents),
        )  # fmt: skip

    def _has_wrap(self, stream_id: StreamId, key_id: KeyId) -> bool:
        """A whole wrap is there: the site's, or a case's after the site's was destroyed."""
        folder = f"keys/{stream_id}"
        for name in self._files.names(folder):
            if name.startswith(f"{key_id}."):
                try:
                    read_key_file(self._files.read(f"{folder}/{name}"))
                except (ProtocolError, DiskError):
                    continue
                return True
        return False

    def _walk(self, reader: SegmentReader, size_bytes: int) -> _Walk:
        """From the last check-point on; bodies are checked, since what lies there may be torn."""
        synced = self._synced.get(reader.header.segment_id)
        walk = _Walk(len(reader.header_bytes), 0, 0, bytes(32), [])
        offset: int | None = None
        if synced is not None and synced.size_bytes <= size_bytes:
            offset = synced.size_bytes
            walk = _Walk(
                offset, synced.part_count, synced.unit_count, synced.chain_head, list(synced.extents)
            )
        is_torn = False
        for frame in reader.frames(size_bytes, offset):
            is_torn = is_torn or frame.offset != walk.end_offset
            try:
                reader.body(frame)
            except ProtocolError:
                if frame.type in (RecordType.TRACKS, RecordType.INIT):
                    break  # nothing behind it can be shown
                is_torn = True
                continue
            walk.end_offset = frame.end_offset
            if frame.type is RecordType.PART:
                walk.take(frame)
            elif frame.type is RecordType.END and frame.end_offset + 8 <= size_bytes and not is_torn:
                walk.end_offset = frame.end_offset + 8
                walk.state = SegmentState.WHOLE
        return walk

    def _mark_missing(self) -> None:
        on_disk = set(_segments_on_disk(self._files))
        for summary in list(self._catalogue.segments()):
            if (summary.stream_id, summary.segment_id) not in on_disk:
                self._tell(
                    SegmentDeletion(
                        summary.stream_id, summary.segment_id, self._now_us, GapReason.FILE_MISSING
                    )
                )
        self._catalogue.open.clear()

    def unexplained_streams(self) -> frozenset[str]:
        """Streams with a file that is left for a person to look at: their wraps stay."""
        return frozenset(
            str(stream_id)
            for stream_id, segment_id in _segments_on_disk(self._files)
            if segment_id in self._synced and segment_id not in self._catalogue.stream(stream_id).closed
        )

    def _open_gaps(self) -> None:
        """Streams that were being recorded when the recorder went: the gap begins behind their last unit."""
        for stream_id, stream in self._catalogue.streams.items():
            if stream.open_gap is None and stream.closed:
                last = next(reversed(stream.closed.values()))
                span = ReasonedSpan(last.extents[-1].span.end_us, None, GapReason.OUR_RESTART)
                self._tell(GapRecord(stream_id, span))


def _ended(reader: SegmentReader, size_bytes: int) -> _Walk | None:
    """What a segment that was closed in order says at its end; its END came after a barrier for its parts."""
    try:
        found = reader.end(size_bytes)
    except ProtocolError:
        return None
    if found is None:
        return None
    end, parts = found
    walk = _Walk(size_bytes, end.part_count, end.unit_count, end.chain_head, [], SegmentState.WHOLE)
    for part in parts:
        extend(walk.extents, part.facts)
    return walk


def _segments_on_disk(files: Files) -> Iterable[tuple[StreamId, SegmentId]]:
    """Every file named as a segment; ids sort as they were made, so each stream comes in its order."""
    for folder in files.names("segments"):
        for name in files.names(f"segments/{folder}"):
            try:
                stream_id, segment_id = UUID(folder), UUID(name.removesuffix(".cvs"))
            except ValueError:
                continue
            yield StreamId(stream_id), SegmentId(segment_id)


def _check_points(files: Files) -> dict[SegmentId, SegmentSummary]:
    try:
        records, _ = read_records(files.read(SYNCED_PATH))
    except DiskError:
        return {}
    return {one.segment_id: one for one in records if isinstance(one, SegmentSummary)}


def _holes(summary: SegmentSummary) -> list[GapRecord]:
    """What a cut left out between the good parts of a segment."""
    found: list[GapRecord] = []
    for before, after in zip(summary.extents, summary.extents[1:], strict=False):
        if before.last_sequence + 1 != after.first_sequence and before.span.end_us < after.span.start_us:
            span = ReasonedSpan(before.span.end_us, after.span.start_us, GapReason.OUR_RESTART)
            found.append(GapRecord(summary.stream_id, span))
    return found
