"""An export with its proof: the plain MP4, and beside it the lines that a verifier without a key needs.

The lines are those of docs/design/proof.md, "Proof of one channel".
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from civiscope.base import SegmentId, Span
from civiscope.media import AccessUnit
from civiscope.recording.export import ChosenPart, plan_export
from civiscope.recording.proof import leaf, leaf_prefix, track_hash
from civiscope.recording.segment_reader import generations
from civiscope.recording.track_lines import track_line
from civiscope.recording.unit_reader import Placed, ProvenPart, SegmentProof, UnitReader

PROOF_VERSION = 1
JOINED_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class ExportPiece:
    """The next bytes of both files; either may be empty."""

    media: bytes = field(repr=False)
    proof: bytes = field(repr=False, default=b"")
    certificate: bytes | None = field(repr=False, default=None)
    """The node certificate (DER) that the lines name from here on."""
    total_bytes: int = 0
    """Of the first piece: how long the media file will be."""
    origins_us: Mapping[int, int] | None = None
    """Of the first piece: see `ExportPlan.origins_us`."""


def certificate_name(der: bytes) -> str:
    """Where a certificate lies in a package."""
    return f"certificates/{hashlib.sha256(der).hexdigest()}.der"


def export_proved(
    reader: UnitReader, segments: Sequence[Placed], span: Span, media_path: str
) -> Iterator[ExportPiece]:
    """See `Archive.export_proved`. The header first, then a piece per part, at last the end of the proof."""
    plan = plan_export(reader, segments, span)
    stream_id = plan.chosen[0].placed.summary.stream_id
    opening = {"version": PROOF_VERSION, "stream": str(stream_id), "media": media_path}
    total_bytes = len(plan.header) + plan.data_bytes
    yield ExportPiece(
        plan.header,
        _line("civiscope_proof", opening),
        total_bytes=total_bytes,
        origins_us=plan.origins_us,
    )
    segment: _Segment | None = None
    offset = 0
    for one in plan.chosen:
        segment_id = one.placed.summary.segment_id
        lines, certificate = b"", None
        if segment is None or segment.id != segment_id:
            lines = b"" if segment is None else segment.close()
            segment = _Segment(segment_id, reader.segment_proof(one.placed))
            lines += segment.opening()
            certificate = segment.proof.certificate
        units = reader.open(one.placed).units(generations(one.tracks))
        lines += segment.part(one, units, offset)
        media = b"".join(unit.data for unit in units[one.begin : one.end])
        offset += len(media)
        yield ExportPiece(media, lines, certificate)
    if segment is not None:
        yield ExportPiece(b"", segment.close())


def joined(pieces: Iterator[ExportPiece], least_bytes: int = JOINED_BYTES) -> Iterator[ExportPiece]:
    """The same bytes in fewer pieces, because each costs a change of threads. The first stays alone."""
    yield next(pieces)
    waiting: list[ExportPiece] = []
    size_bytes = 0
    for piece in pieces:
        if piece.certificate is not None and waiting:
            yield _one_of(waiting)
            waiting, size_bytes = [], 0
        waiting.append(piece)
        size_bytes += len(piece.media)
        if size_bytes >= least_bytes:
            yield _one_of(waiting)
            waiting, size_bytes = [], 0
    if waiting:
        yield _one_of(waiting)


def _one_of(pieces: Sequence[ExportPiece]) -> ExportPiece:
    media, proof = (b"".join(one.media for one in pieces), b"".join(one.proof for one in pieces))
    return ExportPiece(media, proof, pieces[0].certificate)


class _Segment:
    """Writes the lines of one segment, in the order of its parts."""

    def __init__(self, segment_id: SegmentId, proof: SegmentProof) -> None:
        self.id = segment_id
        self.proof = proof
        self._next = 0
        """Index of the first part that no line speaks of yet."""
        self._prefix = leaf_prefix(proof.header.stream_id, proof.header.run_id)

    def opening(self) -> bytes:
        """The line of the segment itself."""
        proof = self.proof
        value = {
            "header": _base64(proof.header_bytes),
            "tracks": proof.tracks.decode(),
            "init": proof.init_digest.hex(),
            "certificate": certificate_name(proof.certificate),
        }
        return _line("segment", value)

    def part(self, one: ChosenPart, units: Sequence[AccessUnit], offset: int) -> bytes:
        """Links up to this part, then the part; `offset` of its first exported byte in the media data."""
        lines: list[bytes] = []
        while (found := self.proof.parts[self._next]).number != one.placed.part.facts.number:
            lines.append(_link(found))
            self._next += 1
        self._next += 1
        digests = {track.track_id: track_hash(track_line(track)) for track in one.tracks}
        entries: list[object] = []
        for index, unit in enumerate(units):
            stated = leaf(self._prefix, unit, digests[unit.track_id]).hex()
            if one.begin <= index < one.end:
                size = len(unit.data)
                entries.append(
                    [
                        unit.track_id,
                        unit.pts,
                        unit.dts,
                        unit.arrival_us,
                        int(unit.flags),
                        offset,
                        size,
                        stated,
                    ]
                )
                offset += size
            else:
                entries.append(stated)
        value = {
            "facts": _base64(found.facts),
            "head": found.proof.chain_head.hex(),
            "signature": _base64(found.proof.signature),
            "units": entries,
        }
        return b"".join([*lines, _line("part", value)])

    def close(self) -> bytes:
        """Links to the last part, and the end if there is one."""
        lines = [_link(one) for one in self.proof.parts[self._next :]]
        if self.proof.end is not None:
            lines.append(_line("end", _base64(self.proof.end)))
        return b"".join(lines)


def _link(part: ProvenPart) -> bytes:
    return _line("link", {"facts": _base64(part.facts), "root": part.proof.root.hex()})


def _line(key: str, value: object) -> bytes:
    return json.dumps({key: value}, separators=(",", ":")).encode() + b"\n"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
