"""Does a recording prove itself: whole, cut, reordered or altered, and where; signed by whom."""

from collections.abc import Iterable
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
from civiscope.security import Keyring, SiteTrust


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


def worst_of(findings: "Iterable[Finding]") -> Verdict:
    """The worst; whole if nothing was found."""
    return max((one.verdict for one in findings), key=_RANK.index, default=Verdict.WHOLE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was signed."""

    verdict: Verdict
    part_number: int | None
    detail: str
    sequence: int | None = None
    """The access unit, when it is known which one."""
    wall_us: int | None = None
    """When it showed, or when the part began."""


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
    is_opened: bool = True
    """False: chain and signatures were checked, but there was no key to look at the pictures with."""


class Verifier:
    """Opens each part, makes leaves, roots and chain anew, and checks every signature.

    Without a keyring, or with a locked one, pictures stay closed; chain and signatures are checked.
    """

    def __init__(self, trust: SiteTrust, keyring: Keyring | None) -> None:
        self._trust = trust
        self._keyring = keyring if keyring is not None and not keyring.is_locked else None

    def verify(self, view: VolumeView, summary: SegmentSummary) -> SegmentVerdict:
        """Never raises for what the bytes are: that is the verdict."""
        try:
            with view.segment(summary.path) as reader:
                certificate = view.certificate(reader.header.certificate_digest)
                open_, closed = self._opener(view, summary)
                check = _Check(self._trust, reader, open_, certificate)
                check.run(summary, closed)
                return check.verdict(summary)
        except AppError as error:
            is_gone = not (view.path / summary.path).exists()
            verdict = Verdict.CUT if is_gone else Verdict.UNREADABLE
            finding = Finding(verdict, None, error.message)
            return SegmentVerdict(
                summary.stream_id, summary.run_id, summary.segment_id, verdict, (finding,), None,
                0, 0, bytes(32), bytes(32), is_opened=False,
            )  # fmt: skip

    def _opener(self, view: VolumeView, summary: SegmentSummary) -> tuple[Open | None, str]:
        """What opens the segment, or why nothing does; neither without a keyring."""
        if self._keyring is None:
            return None, ""
        try:
            return opener(self._keyring, view, summary), ""
        except AppError as error:
            return None, error.message


class _Check:
    def __init__(
        self, trust: SiteTrust, reader: SegmentReader, open_: Open | None, certificate: bytes
    ) -> None:
        self._trust = trust
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

    def run(self, summary: SegmentSummary, closed: str) -> None:
        """Walk the file from its first record to its last; `closed` says why its pictures stay closed."""
        header = self._reader.header
        if closed:
            self._find(Verdict.UNREADABLE, None, closed)
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
        worst = worst_of(self._findings)
        if worst is Verdict.WHOLE and summary.state is SegmentState.OPEN:
            worst = Verdict.OPEN
        return SegmentVerdict(
            summary.stream_id, summary.run_id, summary.segment_id, worst, tuple(self._findings),
            self._signed_by, self._part_count, self._unit_count, self._head,
            self._reader.header.previous_head, self._open is not None,
        )  # fmt: skip

    def _find(
        self, verdict: Verdict, part_number: int | None, detail: str, wall_us: int | None = None
    ) -> None:
        self._findings.append(Finding(verdict, part_number, detail, wall_us=wall_us))

    def _configuration(self) -> None:
        reader = self._reader
        tracks_frame = reader.frame(len(reader.header_bytes))
        init_frame = reader.frame(tracks_frame.end_offset)
        if self._open is None:
            self._head = proof.first_head(reader.header_bytes, tracks_frame.head, init_frame.head)
            return
        lines, init = reader.configuration(self._open)
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
                facts.span.start_us,
            )
        self._next_number = facts.number + 1
        stated = PartProof.read(frame.head[length:])
        expected = proof.next_head(self._head, frame.head[:length], stated.root)
        if expected != stated.chain_head and facts.number == self._part_count:
            self._find(
                Verdict.ALTERED,
                facts.number,
                "the part does not follow from the one before",
                facts.span.start_us,
            )
        self._head = stated.chain_head
        if self._media_is_true(frame, facts, stated) and self._is_signed(facts, stated):
            self._part_count += 1
            self._unit_count += facts.unit_count

    def _media_is_true(self, frame: RecordFrame, facts: PartFacts, stated: PartProof) -> bool:
        try:
            if self._open is None:
                self._reader.body(frame)
                return True
            units = self._reader.plain_part(frame.offset, self._open).units(generations(self._tracks))
            root = proof.merkle_root(proof.leaves(self._prefix, units, self._digests))
        except (AppError, KeyError) as error:
            self._find(Verdict.ALTERED, facts.number, str(error), facts.span.start_us)
            return False
        if root != stated.root:
            self._find(
                Verdict.ALTERED,
                facts.number,
                "the pictures are not those that were signed",
                facts.span.start_us,
            )
        return root == stated.root

    def _is_signed(self, facts: PartFacts, stated: PartProof) -> bool:
        statement = proof.part_statement(stated.chain_head)
        return self._check_signature(statement, stated.signature, facts.arrival_us, facts.number)

    def _check_signature(self, statement: bytes, signature: bytes, at_us: int, number: int | None) -> bool:
        try:
            self._signed_by = self._trust.verify_node(self._certificate, signature, statement, at_us)
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
