"""A volume as a reader sees it: follows the index, and the segments that are still being written."""

import contextlib
import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from civiscope.base import AppError, ErrorKind, ProtocolError, SegmentId, StreamId
from civiscope.recording.catalogue import Catalogue, StreamCatalogue
from civiscope.recording.container import extend
from civiscope.recording.index import INDEX_HEADER_BYTES, INDEX_PATH, read_index_header, read_records
from civiscope.recording.keys import read_key_file
from civiscope.recording.model import (
    Extent,
    SegmentOpening,
    SegmentState,
    SegmentSummary,
    certificate_path,
    key_path,
)
from civiscope.recording.segment_reader import SegmentReader, StoredPart

_CACHED_SEGMENTS = 64
_MAX_WRAP_BYTES = 64 * 1024


@dataclass(slots=True)
class _Growing:
    """A segment that was open when it was last looked at."""

    opening: SegmentOpening
    read_bytes: int = 0
    parts: list[StoredPart] = field(default_factory=list)
    extents: list[Extent] = field(default_factory=list)


class VolumeView:
    """Reads one volume while the recorder writes it; opens nothing for writing. Not thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.catalogue = Catalogue()
        self._header = b""
        self._read_bytes = 0
        self._growing: dict[SegmentId, _Growing] = {}
        self._parts: OrderedDict[SegmentId, list[StoredPart]] = OrderedDict()

    def refresh(self) -> None:
        """Take in what the index says by now; a volume that is not there yet, or no more, is empty."""
        try:
            with open(self.path / INDEX_PATH, "rb", buffering=0) as file:
                header = file.read(INDEX_HEADER_BYTES)
                if header != self._header:
                    self._begin(header)
                file.seek(self._read_bytes)
                records, length = read_records(file.read())
        except (OSError, ProtocolError):
            return
        self._read_bytes += length
        self.catalogue.apply(records)
        for segment_id in [one for one in self._growing if one not in self.catalogue.open]:
            del self._growing[segment_id]

    def _begin(self, header: bytes) -> None:
        """The index is another one than before: it was rewritten, with another epoch."""
        read_index_header(header)
        self.catalogue = Catalogue()
        self._growing.clear()
        self._header, self._read_bytes = header, INDEX_HEADER_BYTES

    def stream(self, stream_id: StreamId) -> StreamCatalogue:
        """What the index says of a stream; empty if it says nothing."""
        return self.catalogue.streams.get(stream_id) or StreamCatalogue()

    def growing(self, stream_id: StreamId) -> list[SegmentSummary]:
        """Segments of a stream that are being written, as far as they are by now."""
        found: list[SegmentSummary] = []
        for opening in list(self.catalogue.open.values()):
            if opening.stream_id != stream_id:
                continue
            one = self._growing.setdefault(opening.segment_id, _Growing(opening))
            self._follow(one)
            if one.extents:
                found.append(_growing_summary(one))
        return found

    def parts(self, summary: SegmentSummary) -> list[StoredPart]:
        """All parts of a segment; nothing if its file went meanwhile."""
        growing = self._growing.get(summary.segment_id)
        if growing is not None:
            return growing.parts
        known = self._parts.get(summary.segment_id)
        if known is None:
            known = self._read_parts(summary)
            self._parts[summary.segment_id] = known
            if len(self._parts) > _CACHED_SEGMENTS:
                self._parts.popitem(last=False)
        self._parts.move_to_end(summary.segment_id)
        return known

    @contextmanager
    def segment(self, path: str) -> Iterator[SegmentReader]:
        """A segment's file, open while the block runs; AppError(MISSING) if it is gone."""
        try:
            descriptor = os.open(self.path / path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise AppError(
                ErrorKind.MISSING,
                f"the recording {path} is gone ({error.strerror}): its retention may have ended; ask again",
            ) from error
        try:
            yield SegmentReader(lambda offset, length: os.pread(descriptor, length, offset))
        except OSError as error:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                f"the recording {path} cannot be read ({error.strerror}): check the disk and the kernel log",
            ) from error
        finally:
            os.close(descriptor)

    def wrapped_key(self, summary: SegmentSummary) -> bytes:
        """The wrapped data key of a segment; AppError(MISSING) if it was destroyed."""
        try:
            data = (self.path / key_path(summary.stream_id, summary.key_id)).read_bytes()
        except OSError as error:
            raise AppError(
                ErrorKind.MISSING,
                f"the key {summary.key_id} of this recording is not on the volume: it was destroyed",
            ) from error
        return read_key_file(data[:_MAX_WRAP_BYTES])

    def case_wraps(self, summary: SegmentSummary) -> list[bytes]:
        """The whole case wraps of a segment's data key; none while nobody holds it."""
        folder = (self.path / key_path(summary.stream_id, summary.key_id)).parent
        found: list[bytes] = []
        for path in sorted(folder.glob(f"{summary.key_id}.*.case")):
            with contextlib.suppress(OSError, ProtocolError):
                found.append(read_key_file(path.read_bytes()[:_MAX_WRAP_BYTES]))
        return found

    def certificate(self, digest: bytes) -> bytes:
        """The node certificate (DER) that a segment names; AppError(MISSING) if it is not there."""
        try:
            return (self.path / certificate_path(digest)).read_bytes()
        except OSError as error:
            raise AppError(
                ErrorKind.MISSING, "the certificate of the node that signed is not on the volume"
            ) from error

    def _read_parts(self, summary: SegmentSummary) -> list[StoredPart]:
        try:
            with self.segment(summary.path) as reader:
                found = reader.end(summary.size_bytes) if summary.state is SegmentState.WHOLE else None
                if found is not None:
                    return found[1]
                return [part for part in reader.parts(summary.size_bytes) if _is_counted(part, summary)]
        except AppError:
            return []

    def _follow(self, one: _Growing) -> None:
        """Read the heads of the parts that came since; one that is not wholly there yet waits."""
        try:
            with self.segment(one.opening.path) as reader:
                size_bytes = (self.path / one.opening.path).stat().st_size
                for frame in reader.frames(size_bytes, one.read_bytes or None):
                    one.read_bytes = frame.end_offset
                    part = reader.part_of(frame)
                    if part is not None:
                        one.parts.append(part)
                        extend(one.extents, part.facts)
        except (AppError, OSError):
            return


def _is_counted(part: StoredPart, summary: SegmentSummary) -> bool:
    """False for a part that mending found torn: it is in no extent."""
    first = part.facts.first_sequence
    return any(one.first_sequence <= first <= one.last_sequence for one in summary.extents)


def _growing_summary(one: _Growing) -> SegmentSummary:
    opening = one.opening
    return SegmentSummary(
        opening.stream_id, opening.run_id, opening.segment_id, opening.key_id, opening.key_hour,
        one.read_bytes, len(one.parts), sum(part.facts.unit_count for part in one.parts),
        SegmentState.OPEN, bytes(32), tuple(one.extents),
    )  # fmt: skip
