"""Reading a segment file: its header, its parts, and with a key its units. Needs no other file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from civiscope.base import ProtocolError
from civiscope.media import AccessUnit, TrackConfig, UnitFlags
from civiscope.media.mp4 import parse_fragment
from civiscope.recording import container
from civiscope.recording.container import PartFacts, PartProof, RecordFrame, RecordType, SegmentHeader
from civiscope.recording.sample_index import read_arrivals, read_sample_index
from civiscope.recording.track_lines import read_track_lines

ReadAt = Callable[[int, int], bytes]
"""(offset, length) → up to that many bytes of one file."""
Open = Callable[[bytes, bytes, bytes], bytes]
"""(nonce, ciphertext, associated) → plain bytes; raises IntegrityError."""

_FIRST_READ_BYTES = 1024
_SCAN_BYTES = 1 << 20
_BOX_HEAD_BYTES = 24


@dataclass(frozen=True, slots=True)
class StoredPart:
    """Where one part lies in its file, and what it says of itself."""

    offset: int
    facts: PartFacts


class SegmentReader:
    """One segment file through `read_at`; ProtocolError for bytes that are not what we write."""

    def __init__(self, read_at: ReadAt) -> None:
        self._read_at = read_at
        data = read_at(0, container.MAX_HEADER_BYTES)
        self.header, length = SegmentHeader.read(data)
        self.header_bytes = data[:length]

    def frame(self, offset: int) -> RecordFrame:
        """The record that starts at `offset`."""
        data = self._read_at(offset, _FIRST_READ_BYTES)
        head_bytes, _ = container.record_length(data)
        wanted = container.RECORD_HEAD_BYTES + head_bytes + container.CRC_BYTES
        if wanted > len(data):
            data += self._read_at(offset + len(data), wanted - len(data))
        return container.read_record_start(data, offset)

    def frames(self, size_bytes: int, offset: int | None = None) -> Iterator[RecordFrame]:
        """Records from `offset` (the first) on, as far as they lie whole within `size_bytes`.

        A damaged one is passed over: the next beginning of a record is looked for. Bodies are not checked.
        """
        offset = len(self.header_bytes) if offset is None else offset
        while offset < size_bytes:
            try:
                frame = self.frame(offset)
            except ProtocolError:
                found = self._next_record(offset + 1, size_bytes)
                if found is None:
                    return
                offset = found
                continue
            if frame.end_offset > size_bytes:
                return
            yield frame
            if frame.type is RecordType.END:
                return
            offset = frame.end_offset

    def _next_record(self, offset: int, size_bytes: int) -> int | None:
        while offset < size_bytes:
            block = self._read_at(offset, _SCAN_BYTES + 3)
            found = block.find(b"CVRC")
            while found >= 0:
                try:
                    return self.frame(offset + found).offset
                except ProtocolError:
                    found = block.find(b"CVRC", found + 1)
            offset += _SCAN_BYTES
        return None

    def body(self, frame: RecordFrame) -> bytes:
        """The body as it lies in the file; ProtocolError if it is cut or its check sum is wrong."""
        data = self._read_at(frame.body_offset, frame.body_bytes + container.CRC_BYTES)
        body = data[: frame.body_bytes]
        if container.crc(body) != data[frame.body_bytes :]:
            raise ProtocolError("the body of a record was changed or cut: its check sum is wrong")
        return body

    def end(self, size_bytes: int) -> tuple[container.SegmentEnd, list[StoredPart]] | None:
        """What the END record says, read from the end of the file; None if it was not closed in order."""
        trailer = self._read_at(max(0, size_bytes - container.TRAILER_BYTES), container.TRAILER_BYTES)
        length = container.read_trailer(trailer)
        if length is None or length + container.TRAILER_BYTES > size_bytes:
            return None
        frame = self.frame(size_bytes - container.TRAILER_BYTES - length)
        if frame.type is not RecordType.END:
            return None
        entries = container.read_entries(self.body(frame))
        return container.SegmentEnd.read(frame.head), [StoredPart(*entry) for entry in entries]

    def parts(self, size_bytes: int, offset: int | None = None) -> list[StoredPart]:
        """The parts from `offset` (all) on, found record by record."""
        found = (self.part_of(frame) for frame in self.frames(size_bytes, offset))
        return [part for part in found if part is not None]

    @staticmethod
    def part_of(frame: RecordFrame) -> StoredPart | None:
        """The part whose record this is; None if it is another record."""
        if frame.type is not RecordType.PART:
            return None
        return StoredPart(frame.offset, PartFacts.read(frame.head)[0])

    def opened(self, frame: RecordFrame, open_: Open) -> bytes:
        """The plain body of a sealed record."""
        nonce = self.header.nonce_prefix + frame.number.to_bytes(4)
        return open_(nonce, self.body(frame), self.header_bytes + frame.bound)

    def configuration(self, open_: Open) -> tuple[bytes, bytes]:
        """The plain bodies of TRACKS and INIT."""
        tracks = self.frame(len(self.header_bytes))
        init = self.frame(tracks.end_offset)
        if (tracks.type, init.type) != (RecordType.TRACKS, RecordType.INIT):
            raise ProtocolError("a segment begins with its tracks and its MP4 beginning; this one does not")
        return self.opened(tracks, open_), self.opened(init, open_)

    def tracks(self, open_: Open) -> tuple[TrackConfig, ...]:
        """The configuration of all tracks of this segment."""
        return read_track_lines(self.configuration(open_)[0])

    def plain_part(self, offset: int, open_: Open) -> "PlainPart":
        """A part, opened."""
        frame = self.frame(offset)
        if frame.type is not RecordType.PART:
            raise ProtocolError("there is no part where one should be: the index and the segment differ")
        facts, length = PartFacts.read(frame.head)
        plain = self.opened(frame, open_)
        return PlainPart(facts, frame.head[:length], PartProof.read(frame.head[length:]), plain)


@dataclass(frozen=True, slots=True)
class PlainPart:
    """One opened part."""

    facts: PartFacts
    facts_bytes: bytes
    proof: PartProof
    plain: bytes

    def media(self) -> memoryview:
        """moof and mdat."""
        return memoryview(self.plain)[: self.facts.media_bytes]

    def units(self, generations: dict[int, int]) -> list[AccessUnit]:
        """All units as they were received; `generations` gives each track's configuration generation."""
        facts = self.facts
        first_dts = {track_id: dts for track_id, dts, _ in facts.track_times}
        index = read_sample_index(facts.sample_index, facts.unit_count, first_dts)
        arrivals = read_arrivals(
            memoryview(self.plain)[facts.media_bytes + _BOX_HEAD_BYTES :],
            facts.unit_count, facts.arrival_us, facts.arrival_monotonic_us,
        )  # fmt: skip
        data: dict[int, list[bytes]] = {}
        for sample in parse_fragment(self.media()).samples:
            data.setdefault(sample.track_id, []).append(bytes(sample.data))
        taken = dict.fromkeys(data, 0)
        units: list[AccessUnit] = []
        for number, (one, (arrival_us, monotonic_us)) in enumerate(zip(index, arrivals, strict=True)):
            samples, at = data.get(one.track_id, []), taken.get(one.track_id, 0)
            if at >= len(samples) or len(samples[at]) != one.size_bytes:
                raise ProtocolError("the sample index of a part and its media differ")
            taken[one.track_id] = at + 1
            units.append(
                AccessUnit(
                    one.track_id,
                    facts.first_sequence + number,
                    one.pts,
                    one.dts,
                    arrival_us,
                    monotonic_us,
                    UnitFlags(one.flags),
                    generations.get(one.track_id, 0),
                    samples[at],
                )
            )
        return units


def generations(tracks: Sequence[TrackConfig]) -> dict[int, int]:
    """Configuration generation by track."""
    return {track.track_id: track.generation for track in tracks}
