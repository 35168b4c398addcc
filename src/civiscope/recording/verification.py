"""Does a recording prove itself: whole, cut, reordered or altered, and where; signed by whom."""

from dataclasses import dataclass
from enum import StrEnum

from civiscope.base import AppError, NodeId, ProtocolError, RunId, SegmentId, StreamId
from civiscope.media import TrackConfig
from civiscope.recording import proof
from civiscope.recording.container import PartFacts, PartProof, RecordFrame, RecordType, SegmentEnd
from civiscope.recording.model import SegmentState, SegmentSummary
from civiscope.recording.segment_reader import Open, SegmentReader, generations
from civiscope.recording.track_lines import read_track_lines, track_line
from civiscope.recording.unit_reader import opener
from civiscope.recording.volume_view import VolumeView
from civiscope.security import Keyring


class Verdict(StrEnum):
    """What is found, from good to bad."""

    WHOLE = "whole"
    OPEN = "open"
    """Good as far as it is; it is still being written."""
    CUT = "cut"
    """What is there is as it was received; its end, or parts of it, are missing."""
    REORDERED = "reordered"
    ALTERED = "altered"
    UNREADABLE = "unreadable"
    """Keys or file are gone, so nothing can be said about the pictures."""


_RANK = list(Verdict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was signed."""

    verdict: Verdict
    part_number: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class SegmentVerdict:
    """What was found in one segment."""

    stream_id: StreamId
    run_id: RunId
    segment_id: SegmentId
    verdict: Verdict
    findings: tuple[Finding, ...]
    signed_by: NodeId | None
    part_count: int
    """Parts that proved themselves."""
    unit_count: int
    chain_head: bytes
    previous_head: bytes
    """Chain head of the stream's segment before, as this one's header says; zeros: it was the first."""


class Verifier:
    """Opens each part, makes leaves, roots and chain anew, and checks every signature."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def verify(self, view: VolumeView, summary: SegmentSummary) -> SegmentVerdict:
        """Never raises for what the bytes are: that is the verdict."""
        try:
            with view.segment(summary.path) as reader:
                certificate = view.certificate(reader.header.certificate_digest)
                open_ = opener(self._keyring, view, summary)
                check = _Check(self._keyring, reader, open_, certificate)
                check.run(summary)
                return check.verdict(summary)
        except AppError as error:
            finding = Finding(Verdict.UNREADABLE, None, error.message)
            return SegmentVerdict(
                summary.stream_id, summary.run_id, summary.segment_id, Verdict.UNREADABLE, (finding,), None,
                0, 0, bytes(32), bytes(32),
            )  # fmt: skip


class _Check:
    def __init__(self, keyring: Keyring, reader: SegmentReader, open_: Open, certificate: bytes) -> None:
        self._keyring = keyring
        self._reader = reader
        self._open = open_
        self._certificate = certificate
        self._findings: list[Finding] = []
        self._signed_by: NodeId | None = None
        self._head = proof.NO_HEAD
        self._part_count = 0
        self._unit_count = 0
        self._tracks: tuple[TrackConfig, ...] = ()
        self._digests: dict[int, bytes] = {}
        self._prefix = proof.leaf_prefix(reader.header.stream_id, reader.header.run_id)
        self._next_number = 0
        self._end: SegmentEnd | None = None

    def run(self, summary: SegmentSummary) -> None:
        """Walk the file from its first record to its last."""
        header = self._reader.header
        if (header.stream_id, header.run_id, header.segment_id) != (
            summary.stream_id, summary.run_id, summary.segment_id,
        ):  # fmt: skip
            self._find(Verdict.ALTERED, None, "the file is that of another segment")
        self._configuration()
        offset = len(self._reader.header_bytes)
        for frame in self._reader.frames(summary.size_bytes):
            if frame.offset != offset:
                self._find(Verdict.ALTERED, self._next_number, "bytes between two records were changed")
            offset = frame.end_offset
            if frame.type is RecordType.PART:
                self._part(frame)
            elif frame.type is RecordType.END:
                self._check_end(frame)
                offset += 8
        if offset != summary.size_bytes:
            self._find(Verdict.CUT, self._next_number, "the file ends in the middle of a record")
        if summary.state is SegmentState.WHOLE and self._end is None:
            self._find(Verdict.CUT, self._next_number, "the end that the recorder signed is missing")
        if self._part_count < summary.part_count and not self._findings:
            self._find(Verdict.CUT, self._next_number, "parts that the index knows are missing")

    def verdict(self, summary: SegmentSummary) -> SegmentVerdict:
        """All findings, and the worst of them."""
        worst = max((one.verdict for one in self._findings), key=_RANK.index, default=Verdict.WHOLE)
        if worst is Verdict.WHOLE and summary.state is SegmentState.OPEN:
            worst = Verdict.OPEN
        return SegmentVerdict(
            summary.stream_id, summary.run_id, summary.segment_id, worst, tuple(self._findings),
            self._signed_by, self._part_count, self._unit_count, self._head,
            self._reader.header.previous_head,
        )  # fmt: skip

    def _find(self, verdict: Verdict, part_number: int | None, detail: str) -> None:
        self._findings.append(Finding(verdict, part_number, detail))

    def _configuration(self) -> None:
        reader = self._reader
        lines, init = reader.configuration(self._open)
        tracks_frame = reader.frame(len(reader.header_bytes))
        init_frame = reader.frame(tracks_frame.end_offset)
        digests = (proof.digest(lines), proof.digest(init))
        if digests != (tracks_frame.head, init_frame.head):
            self._find(Verdict.ALTERED, None, "the configuration is not the one that was signed")
        self._head = proof.first_head(reader.header_bytes, *digests)
        self._tracks = read_track_lines(lines)
        self._digests = {track.track_id: proof.track_hash(track_line(track)) for track in self._tracks}

    def _part(self, frame: RecordFrame) -> None:
        facts, length = PartFacts.read(frame.head)
        if facts.number != self._next_number:
            is_missing = facts.number > self._next_number
            self._find(
                Verdict.CUT if is_missing else Verdict.REORDERED,
                facts.number,
                f"part {self._next_number} should stand here",
            )
        self._next_number = facts.number + 1
        stated = PartProof.read(frame.head[length:])
        expected = proof.next_head(self._head, frame.head[:length], stated.root)
        if expected != stated.chain_head and facts.number == self._part_count:
            self._find(Verdict.ALTERED, facts.number, "the part does not follow from the one before")
        self._head = stated.chain_head
        if self._media_is_true(frame, facts, stated) and self._is_signed(facts, stated):
            self._part_count += 1
            self._unit_count += facts.unit_count

    def _media_is_true(self, frame: RecordFrame, facts: PartFacts, stated: PartProof) -> bool:
        try:
            units = self._reader.plain_part(frame.offset, self._open).units(generations(self._tracks))
            root = proof.merkle_root(proof.leaves(self._prefix, units, self._digests))
        except (AppError, KeyError) as error:
            self._find(Verdict.ALTERED, facts.number, str(error))
            return False
        if root != stated.root:
            self._find(Verdict.ALTERED, facts.number, "the pictures are not those that were signed")
        return root == stated.root

    def _is_signed(self, facts: PartFacts, stated: PartProof) -> bool:
        statement = proof.part_statement(stated.chain_head)
        return self._check_signature(statement, stated.signature, facts.arrival_us, facts.number)

    def _check_signature(self, statement: bytes, signature: bytes, at_us: int, number: int | None) -> bool:
        try:
            self._signed_by = self._keyring.verify_signature(self._certificate, signature, statement, at_us)
        except AppError as error:
            self._find(Verdict.ALTERED, number, error.message)
            return False
        return True

    def _check_end(self, frame: RecordFrame) -> None:
        try:
            self._reader.body(frame)
            end = SegmentEnd.read(frame.head)
        except ProtocolError as error:
            self._find(Verdict.ALTERED, None, error.message)
            return
        self._end = end
        statement = proof.end_statement(end.chain_head, end.part_count)
        self._check_signature(statement, end.signature, end.span.end_us, None)
        if end.chain_head != self._head or end.part_count != self._next_number:
            self._find(Verdict.CUT, self._next_number, "the signed end speaks of other parts than are there")
