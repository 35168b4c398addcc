"""Checks an exported proof against its media, with no key of the site (docs/design/proof.md)."""

import base64
import binascii
import json
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from civiscope.base import AppError, NodeId, ProtocolError, Span, StreamId
from civiscope.media import AccessUnit, TrackConfig, UnitFlags
from civiscope.recording import proof
from civiscope.recording.container import PartFacts, PartFlags, SegmentEnd, SegmentHeader
from civiscope.recording.track_lines import read_track_lines, track_line
from civiscope.recording.verification import Finding, Verdict, worst_of
from civiscope.security import SiteTrust

ReadMedia = Callable[[int, int], bytes]
"""(offset, length) → bytes of the media data, counted from its first byte; fewer at its end."""
LINE_LIMIT_BYTES = 4 << 20
_UNIT_FIELDS = 8
_BESIDE_US = 2_000_000
"""A declared hole this near explains that a segment is missing."""
_UNREADABLE = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
    OverflowError,
    binascii.Error,
    struct.error,
)


@dataclass(frozen=True, slots=True)
class ProofVerdict:
    """What was found in one channel's proof and media."""

    stream_id: StreamId | None
    verdict: Verdict
    findings: tuple[Finding, ...]
    signed_by: tuple[NodeId, ...]
    segment_count: int
    part_count: int
    unit_count: int
    """Access units whose bytes are in the media and proved themselves."""
    span: Span | None
    """Of the parts that proved themselves."""


@dataclass(frozen=True, slots=True)
class ProofNeeds:
    """What the check asks for besides the lines."""

    trust: SiteTrust
    certificate: Callable[[str], bytes]
    """The file of the package at a path; AppError when it is not there."""
    media: ReadMedia
    media_bytes: int
    gaps: Sequence[Span] = ()
    """What the manifest declares missing."""


def verify_proof(lines: Iterable[bytes], needs: ProofNeeds) -> ProofVerdict:
    """Never raises for what the bytes are: that is the verdict."""
    check = _Check(needs)
    for number, line in enumerate(lines):
        try:
            check.line(line, is_first=number == 0)
        except (*_UNREADABLE, ProtocolError) as error:
            check.find(Verdict.ALTERED, f"line {number + 1} of the proof cannot be read: {_words(error)}")
            break
    return check.verdict()


def _words(error: Exception) -> str:
    return error.message if isinstance(error, AppError) else str(error) or type(error).__name__


class _Check:
    def __init__(self, needs: ProofNeeds) -> None:
        self._needs = needs
        self._findings: list[Finding] = []
        self._stream_id: StreamId | None = None
        self._segment: _Segment | None = None
        self._signed_by: dict[NodeId, None] = {}
        self._offset = 0
        self._segment_count = self._part_count = self._unit_count = 0
        self._spans: list[Span] = []

    def find(
        self, verdict: Verdict, detail: str, facts: PartFacts | None = None, sequence: int | None = None,
        wall_us: int | None = None,
    ) -> None:  # fmt: skip
        if facts is not None and wall_us is None:
            wall_us = facts.span.start_us
        self._findings.append(
            Finding(verdict, None if facts is None else facts.number, detail, sequence, wall_us)
        )

    def line(self, data: bytes, *, is_first: bool) -> None:
        """One line of the proof."""
        if len(data) > LINE_LIMIT_BYTES:
            raise ProtocolError("it is too long")
        [(kind, value)] = json.loads(data).items()
        if is_first != (kind == "civiscope_proof"):
            raise ProtocolError("a proof begins with civiscope_proof, once")
        match kind:
            case "civiscope_proof":
                self._begin(value)
            case "segment":
                self._open_segment(value)
            case "link":
                facts_bytes, facts = _facts(value)
                self._chained(facts_bytes, facts, _hash(value["root"]))
            case "part":
                self._part(value)
            case "end":
                self._end(SegmentEnd.read(_bytes(value)))
            case "day":
                pass  # checked with the heads of days, by who has them
            case _:
                raise ProtocolError(f"{kind!r} is unknown: use a newer release")

    def verdict(self) -> ProofVerdict:
        """All of it."""
        if self._stream_id is None and not self._findings:
            self.find(Verdict.UNREADABLE, "the proof is empty")
        elif self._offset != self._needs.media_bytes and not self._findings:
            self.find(Verdict.ALTERED, "the media has bytes that no recorder signed")
        span = None
        if self._spans:
            span = Span(min(one.start_us for one in self._spans), max(one.end_us for one in self._spans))
        return ProofVerdict(
            self._stream_id, worst_of(self._findings), tuple(self._findings), tuple(self._signed_by),
            self._segment_count, self._part_count, self._unit_count, span,
        )  # fmt: skip

    def _begin(self, value: Mapping[str, object]) -> None:
        if value["version"] != 1:
            raise ProtocolError("a proof of another version: use a newer release")
        self._stream_id = StreamId(UUID(str(value["stream"])))

    def _open_segment(self, value: Mapping[str, str]) -> None:
        before = self._segment
        segment = _Segment.read(value)
        if segment.header.stream_id != self._stream_id:
            self.find(Verdict.ALTERED, "a segment of another stream was put in")
        if before is not None and segment.header.previous_head != before.head:
            self._missing_between(before, segment)
        try:
            certificate = self._needs.certificate(value["certificate"])
            if proof.digest(certificate) != segment.header.certificate_digest:
                raise ProtocolError("it is not the one that the segment names")
            segment.certificate = certificate
        except AppError as error:
            self.find(Verdict.ALTERED, f"the certificate of the node that signed: {error.message}")
        self._segment = segment
        self._segment_count += 1

    def _missing_between(self, before: "_Segment", after: "_Segment") -> None:
        hole = Span(
            max(0, min(before.end_us, after.header.created_us) - _BESIDE_US),
            max(before.end_us, after.header.created_us) + _BESIDE_US,
        )
        if not any(gap.overlaps(hole) for gap in self._needs.gaps):
            self.find(Verdict.CUT, "segments between two of this proof are missing, and no gap says so")

    def _chained(self, facts_bytes: bytes, facts: PartFacts, root: bytes) -> bytes:
        segment = self._present()
        if facts.number != segment.next_number:
            verdict = Verdict.CUT if facts.number > segment.next_number else Verdict.REORDERED
            self.find(verdict, f"part {segment.next_number} should stand here", facts)
            segment.is_broken = True
        segment.next_number = facts.number + 1
        segment.head = proof.next_head(segment.head, facts_bytes, root)
        segment.end_us = facts.span.end_us
        return segment.head

    def _present(self) -> "_Segment":
        if self._segment is None:
            raise ProtocolError("a part stands before its segment")
        return self._segment

    def _part(self, value: Mapping[str, object]) -> None:
        segment = self._present()
        facts_bytes, facts = _facts(value)
        entries = value["units"]
        if not isinstance(entries, list) or len(entries) != facts.unit_count:
            raise ProtocolError("a part lists other units than it was recorded with")
        findings = len(self._findings)
        stated, proved = self._units(segment, facts, entries)
        head = self._chained(facts_bytes, facts, proof.merkle_root(stated))
        stated_head = _hash(value["head"])
        if head != stated_head and not segment.is_broken:
            self.find(Verdict.ALTERED, "the part does not follow from the one before", facts)
        segment.head, segment.is_broken = stated_head, False
        try:
            node = self._needs.trust.verify_node(
                segment.certificate, _bytes(value["signature"]), proof.part_statement(stated_head),
                facts.arrival_us,
            )  # fmt: skip
            self._signed_by[node] = None
        except AppError as error:
            self.find(Verdict.ALTERED, error.message, facts)
        if len(self._findings) == findings:
            self._part_count += 1
            self._unit_count += proved
            self._spans.append(facts.span)

    def _units(self, segment: "_Segment", facts: PartFacts, entries: list[object]) -> tuple[list[bytes], int]:
        """The leaves as they are stated, and how many units are there and are those."""
        leaves: list[bytes] = []
        proved = 0
        there = [number for number, entry in enumerate(entries) if isinstance(entry, list)]
        if there and there[-1] - there[0] + 1 != len(there):
            self.find(Verdict.CUT, "access units in the middle of a part were left out", facts)
        for number, entry in enumerate(entries):
            if not isinstance(entry, list):
                leaves.append(_hash(entry))
                continue
            unit, offset, leaf = self._unit(facts.first_sequence + number, entry)
            leaves.append(leaf)
            wall_us = segment.wall_us(facts, unit)
            if offset != self._offset:
                self.find(
                    Verdict.REORDERED,
                    "an access unit lies elsewhere in the media",
                    facts,
                    unit.sequence,
                    wall_us,
                )
            self._offset = offset + len(unit.data)
            if segment.leaf(unit) != leaf:
                self.find(
                    Verdict.ALTERED, "an access unit is not the one that was recorded", facts, unit.sequence,
                    wall_us,
                )  # fmt: skip
            else:
                proved += 1
        return leaves, proved

    def _unit(self, sequence: int, entry: list[object]) -> tuple[AccessUnit, int, bytes]:
        if len(entry) != _UNIT_FIELDS:
            raise ProtocolError("an access unit is described by other figures than it should be")
        numbers = [one for one in entry[:-1] if type(one) is int]
        if len(numbers) != _UNIT_FIELDS - 1 or not 0 <= numbers[6] <= self._needs.media_bytes:
            raise ProtocolError("an access unit is described by other figures than it should be")
        track_id, pts, dts, arrival_us, flags, offset, size_bytes = numbers
        data = self._needs.media(offset, size_bytes) if offset >= 0 else b""
        data = data.ljust(size_bytes, b"\0")  # cut off: its leaf is another, and the place is named
        unit = AccessUnit(track_id, sequence, pts, dts, arrival_us, 0, UnitFlags(flags), 0, data)
        return unit, offset, _hash(entry[-1])

    def _end(self, end: SegmentEnd) -> None:
        segment = self._present()
        if end.chain_head != segment.head or end.part_count != segment.next_number:
            self.find(Verdict.CUT, "the signed end speaks of other parts than are there")
        statement = proof.end_statement(end.chain_head, end.part_count)
        try:
            self._needs.trust.verify_node(segment.certificate, end.signature, statement, end.span.end_us)
        except AppError as error:
            self.find(Verdict.ALTERED, error.message)


@dataclass(slots=True)
class _Segment:
    """One segment as far as it was walked."""

    header: SegmentHeader
    tracks: tuple[TrackConfig, ...]
    digests: dict[int, bytes]
    prefix: bytes
    head: bytes
    end_us: int
    next_number: int = 0
    certificate: bytes = b""
    is_broken: bool = False
    """Parts before this place are missing or elsewhere: its chain goes on at the next stated head."""

    @classmethod
    def read(cls, value: Mapping[str, str]) -> "_Segment":
        """From its line; ProtocolError or ValueError for other things."""
        header_bytes, lines = _bytes(value["header"]), value["tracks"].encode("ascii")
        header, length = SegmentHeader.read(header_bytes)
        tracks = read_track_lines(lines)
        return cls(
            header, tracks, {one.track_id: proof.track_hash(track_line(one)) for one in tracks},
            proof.leaf_prefix(header.stream_id, header.run_id),
            proof.first_head(header_bytes[:length], proof.digest(lines), _hash(value["init"])),
            header.created_us,
        )  # fmt: skip

    def leaf(self, unit: AccessUnit) -> bytes:
        """The leaf that these bytes make; another track than the segment has makes none."""
        digest = self.digests.get(unit.track_id)
        return b"" if digest is None else proof.leaf(self.prefix, unit, digest)

    def wall_us(self, facts: PartFacts, unit: AccessUnit) -> int | None:
        """When the unit shows."""
        zero_us = next((zero for track_id, _, zero in facts.track_times if track_id == unit.track_id), None)
        rate_hz = next((one.clock_rate_hz for one in self.tracks if one.track_id == unit.track_id), 0)
        return None if zero_us is None or rate_hz == 0 else zero_us + unit.pts * 1_000_000 // rate_hz


def _facts(value: Mapping[str, object]) -> tuple[bytes, PartFacts]:
    data = _bytes(value["facts"])
    facts, length = PartFacts.read(data)
    if length != len(data) or facts.flags not in PartFlags(0x3F):
        raise ProtocolError("the head of a part is longer than it should be")
    return data, facts


def _bytes(value: object) -> bytes:
    return base64.b64decode(str(value), validate=True)


def _hash(value: object) -> bytes:
    found = bytes.fromhex(str(value))
    if len(found) != proof.HASH_BYTES or str(value) != found.hex():
        raise ProtocolError("a hash has 64 small hexadecimal digits")
    return found
