"""One segment being written: seals, proves and frames parts; the volume writer puts the bytes away."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from civiscope.base import ProtocolError, RunId, Span, StreamId, boot_id
from civiscope.media import AccessUnit, TrackConfig, TrackKind, UnitFlags
from civiscope.media.mp4 import Sample, fragment_header, init_segment
from civiscope.recording import container, proof
from civiscope.recording.container import PartFacts, PartFlags, PartProof, RecordType, SegmentHeader
from civiscope.recording.model import Extent, SegmentOpening, SegmentState, SegmentSummary
from civiscope.recording.sample_index import write_arrivals, write_sample_index
from civiscope.recording.track_lines import track_line, write_track_lines
from civiscope.security import NONCE_BYTES, TAG_BYTES, DataKey, SegmentSealer

MEDIA_TIME_SHIFT_S = 10
"""Media time in a segment is dts + 10 s: pictures that are reordered start below 0."""
NONCE_PREFIX_BYTES = NONCE_BYTES - 4
_MAX_DURATION_TICKS = 0xFFFF_FFFF
_KEY = int(UnitFlags.KEY)


@dataclass(frozen=True, slots=True)
class PartDraft:
    """What the recorder hands over at a cut: the units of one stream since the cut before."""

    stream_id: StreamId
    run_id: RunId
    tracks: tuple[TrackConfig, ...]
    units: tuple[AccessUnit, ...]
    """At least one; sequences follow without a hole; dts grow within each track."""
    span: Span
    zero_us: Mapping[int, int]
    """UTC of tick 0, for each track."""
    last_steps: Mapping[int, int]
    """Ticks that each track's last unit is taken to last."""
    size_bytes: int
    after_loss: bool = False
    """Units between the one before and the first of these were never received."""
    correction_us: int = 0
    camera_offset_us: int | None = None

    @property
    def generation(self) -> int:
        """The newest configuration among the tracks."""
        return max((track.generation for track in self.tracks), default=0)


@dataclass(frozen=True, slots=True)
class SealedPart:
    """One part ready for the disk."""

    facts: PartFacts
    facts_bytes: bytes
    chain_head: bytes
    buffers: tuple[bytes, ...]

    @property
    def size_bytes(self) -> int:
        """Length of its record."""
        return sum(len(buffer) for buffer in self.buffers)


class SegmentWriter:
    """Makes the bytes of one segment, in order; holds the head of its chain and what its END will say."""

    def __init__(
        self, opening: SegmentOpening, header: SegmentHeader, tracks: Sequence[TrackConfig],
        key: DataKey, sealer: SegmentSealer,
    ) -> None:  # fmt: skip
        self.opening = opening
        self.path = opening.path
        """Where the file lies in the volume; made once, since each part asks."""
        self.size_bytes = 0
        self.part_count = 0
        self.unit_count = 0
        self.extents: list[Extent] = []
        self.tracks = tuple(tracks)
        self._tracks = {track.track_id: track for track in tracks}
        self._header = header.to_bytes()
        self._nonce_prefix = header.nonce_prefix
        self._key = key
        self._sealer = sealer
        self._number = 0
        self._digests = {track.track_id: proof.track_hash(track_line(track)) for track in tracks}
        self._leaf_prefix = proof.leaf_prefix(opening.stream_id, opening.run_id)
        self._entries: list[tuple[int, bytes]] = []
        self._boot = _boot_bytes()
        self.chain_head = proof.NO_HEAD

    def start(self) -> list[bytes]:
        """Header, TRACKS and INIT: the first bytes of the file."""
        lines = write_track_lines(list(self._tracks.values()))
        try:
            init = init_segment(list(self._tracks.values()), self.opening.created_us)
        except ProtocolError:
            init = b""  # a track without its parameter sets: the units are kept all the same
        digests = [hashlib.sha256(lines).digest(), hashlib.sha256(init).digest()]
        self.chain_head = proof.first_head(self._header, digests[0], digests[1])
        buffers = [
            self._header,
            *self._sealed(RecordType.TRACKS, digests[0], lines),
            *self._sealed(RecordType.INIT, digests[1], init),
        ]
        self.size_bytes = sum(len(buffer) for buffer in buffers)
        return buffers

    def seal_part(self, draft: PartDraft, after_hole: bool) -> SealedPart:
        """Build, hash, sign and seal one part. Only the nonce counter moves until `written` is told."""
        samples = self._samples(draft)
        media_header, order = fragment_header(self._number, samples)
        arrivals = write_arrivals(draft.units)
        box = (24 + len(arrivals)).to_bytes(4) + b"uuid" + container.ARRIVALS_TYPE + arrivals
        plain = b"".join((media_header, *[sample.data for sample in order], box))
        facts = self._facts(draft, len(plain) - len(box), after_hole)
        facts_bytes = facts.to_bytes()
        root = proof.merkle_root(proof.leaves(self._leaf_prefix, draft.units, self._digests))
        head = proof.next_head(self.chain_head, facts_bytes, root)
        signature = self._sealer.sign(proof.part_statement(head))
        record_head = facts_bytes + PartProof(root, head, signature).to_bytes()
        buffers = tuple(self._sealed(RecordType.PART, record_head, plain))
        return SealedPart(facts, facts_bytes, head, buffers)

    def written(self, part: SealedPart) -> None:
        """The part is in the file (not yet synced): count it, and go on from it."""
        facts = part.facts
        self._entries.append((self.size_bytes, part.facts_bytes))
        self.chain_head = part.chain_head
        self.size_bytes += part.size_bytes
        self.part_count += 1
        self.unit_count += facts.unit_count
        container.extend(self.extents, facts)

    def end(self) -> list[bytes]:
        """The END record and its trailer; call it last, when at least one part was written."""
        summary = self.summary(SegmentState.WHOLE)
        signature = self._sealer.sign(proof.end_statement(self.chain_head, self.part_count))
        head = container.SegmentEnd(
            self.part_count, self.unit_count, self.extents[-1].last_sequence,
            Span(summary.start_us, summary.end_us), self.chain_head, signature,
        ).to_bytes()  # fmt: skip
        body = container.write_entries(self._entries)
        start = container.record_start(RecordType.END, self._next_number(), head, len(body))
        record = [start, container.crc(start), body, container.crc(body)]
        return [*record, container.write_trailer(sum(len(buffer) for buffer in record))]

    def summary(self, state: SegmentState) -> SegmentSummary:
        """What the index will say of it."""
        opening = self.opening
        return SegmentSummary(
            opening.stream_id, opening.run_id, opening.segment_id, opening.key_id, opening.key_hour,
            self.size_bytes, self.part_count, self.unit_count, state, self.chain_head, tuple(self.extents),
        )  # fmt: skip

    def _next_number(self) -> int:
        number = self._number
        self._number += 1
        return number

    def _sealed(self, type_: RecordType, head: bytes, plain: bytes) -> list[bytes]:
        number = self._next_number()
        start = container.record_start(type_, number, head, len(plain) + TAG_BYTES)
        nonce = self._nonce_prefix + number.to_bytes(4)
        body = self._sealer.seal(self._key, nonce, plain, self._header + start)
        return [start, container.crc(start), body, container.crc(body)]

    def _samples(self, draft: PartDraft) -> list[Sample]:
        shifts = {id_: MEDIA_TIME_SHIFT_S * track.clock_rate_hz for id_, track in self._tracks.items()}
        lasts = {id_: min(draft.last_steps.get(id_, 0), _MAX_DURATION_TICKS) for id_ in self._tracks}
        samples: list[Sample] = []
        for unit in draft.units:
            id_, dts = unit.track_id, unit.dts
            time = dts + shifts[id_]
            is_key = bool(int(unit.flags) & _KEY)
            samples.append(
                Sample(id_, time if time > 0 else 0, unit.pts - dts, lasts[id_], is_key, unit.data)
            )
        return samples

    def _facts(self, draft: PartDraft, media_bytes: int, after_hole: bool) -> PartFacts:
        first = draft.units[0]
        first_dts: dict[int, int] = {}
        for unit in draft.units:
            first_dts.setdefault(unit.track_id, unit.dts)
        flags = _part_flags(draft, self._tracks) | (PartFlags.HOLE if after_hole else PartFlags.NONE)
        return PartFacts(
            self.part_count, first.sequence, len(draft.units), draft.span,
            first.arrival_us, first.arrival_monotonic_us, self._boot, flags,
            draft.correction_us, draft.camera_offset_us or 0, media_bytes,
            tuple((id_, dts, draft.zero_us[id_]) for id_, dts in first_dts.items()),
            write_sample_index(draft.units),
        )  # fmt: skip


def _part_flags(draft: PartDraft, tracks: Mapping[int, TrackConfig]) -> PartFlags:
    """In plain integers: this is done for every unit of every camera."""
    seen = video_seen = 0
    video = {id_ for id_, track in tracks.items() if track.kind is TrackKind.VIDEO}
    for unit in draft.units:
        bits = int(unit.flags)
        seen |= bits
        if not video or unit.track_id in video:
            video_seen |= bits
    flags = PartFlags.KEY if video_seen & _KEY else PartFlags.NONE
    flags |= PartFlags.DISCONTINUITY if seen & UnitFlags.DISCONTINUITY else PartFlags.NONE
    flags |= PartFlags.DAMAGED if seen & UnitFlags.DAMAGED else PartFlags.NONE
    flags |= PartFlags.CORRECTED if draft.correction_us else PartFlags.NONE
    return flags | (PartFlags.CAMERA_CLOCK if draft.camera_offset_us is not None else PartFlags.NONE)


def _boot_bytes() -> bytes:
    try:
        return UUID(boot_id()).bytes
    except ValueError:
        return bytes(16)


def new_nonce_prefix() -> bytes:
    """Random, for one segment."""
    return os.urandom(NONCE_PREFIX_BYTES)
