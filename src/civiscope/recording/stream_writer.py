"""The open segments of a volume: when a new one begins, which key seals it, how one ends."""

from dataclasses import dataclass
from hashlib import sha256

from civiscope.base import Clock, RunId, SegmentId, StreamId, new_id
from civiscope.recording.batch import Batch
from civiscope.recording.container import SegmentHeader, header_tracks
from civiscope.recording.keys import write_key_file
from civiscope.recording.model import SegmentOpening, SegmentState, SegmentSummary, certificate_path, key_path
from civiscope.recording.proof import NO_HEAD
from civiscope.recording.segment_writer import PartDraft, SegmentWriter, new_nonce_prefix
from civiscope.recording.settings import RecorderSettings
from civiscope.recording.volume import Volume
from civiscope.security import HOUR_US, DataKey, KeyId, SegmentSealer
from civiscope.storage import DiskError


@dataclass(slots=True)
class _Stream:
    segment: SegmentWriter | None = None
    last_run: RunId | None = None
    last_sequence: int = -1
    key: tuple[int, KeyId, DataKey] | None = None
    key_generation: int = 0
    """`SegmentSealer.generation` when the key was made."""
    chain_head: bytes = NO_HEAD
    synced_head: bytes = NO_HEAD
    """As it was at the last good barrier."""


class StreamWriters:
    """Writes parts of all streams of one volume; what it did stands in the batch. Raises DiskError."""

    def __init__(
        self, volume: Volume, sealer: SegmentSealer, clock: Clock, settings: RecorderSettings
    ) -> None:
        self._volume = volume
        self._sealer = sealer
        self._clock = clock
        self._settings = settings
        self._streams = {
            stream_id: _Stream(chain_head=head, synced_head=head)
            for stream_id, head in volume.last_heads().items()
        }
        self._certificate = sha256(sealer.node_certificate).digest()
        self._certificate_written = False

    def write(self, batch: Batch, draft: PartDraft) -> None:
        """Seal one part and append it, to a new segment where one is due."""
        stream = self._streams.setdefault(draft.stream_id, _Stream())
        segment = stream.segment
        is_renewed = stream.key_generation != self._sealer.generation
        if segment is not None and (is_renewed or self._is_over(segment, draft)):
            self._end(batch, stream)
            segment = None
        start: list[bytes] = []
        if segment is None:
            segment = self._begin(stream, draft)
            start = segment.start()
        after_hole = stream.last_run == draft.run_id and (
            draft.after_loss or draft.units[0].sequence != stream.last_sequence + 1
        )
        before = segment.summary(SegmentState.OPEN) if segment.part_count else None
        part = segment.seal_part(draft, after_hole)
        self._volume.files.append(segment.path, *start, *part.buffers)
        segment.written(part)
        batch.touched.setdefault(segment.opening.segment_id, before)
        if start:
            batch.opened.append(segment.opening)
            stream.segment = segment
        stream.last_run, stream.last_sequence = draft.run_id, draft.units[-1].sequence
        stream.chain_head = segment.chain_head

    def end_run(self, batch: Batch, stream_id: StreamId) -> None:
        """The run is over: so is its segment."""
        stream = self._streams.get(stream_id)
        if stream is not None:
            self._end(batch, stream)

    def end_all(self, batch: Batch) -> None:
        """End and sign every open segment."""
        for stream in self._streams.values():
            self._end(batch, stream)

    def abandon(self, batch: Batch, stream_id: StreamId) -> None:
        """Leave a segment as it is after an error: what it holds is whole, and nothing is put behind it."""
        stream = self._streams.setdefault(stream_id, _Stream())
        segment, stream.segment, stream.key = stream.segment, None, None
        self._certificate_written = False
        if segment is not None:
            batch.closed.append(segment.summary(SegmentState.MENDED))
            self._volume.files.release(segment.path)

    def synced(self) -> None:
        """A barrier was good: what was written is there."""
        for stream in self._streams.values():
            stream.synced_head = stream.chain_head

    def take_back(self, batch: Batch) -> list[str]:
        """After a failed barrier only what the one before covered is trusted: cut back to it, begin anew.

        Gives what could not even be cut back, in words.
        """
        ended = {one.segment_id: one for one in batch.closed}
        for stream in self._streams.values():
            if stream.segment is not None:
                summary = stream.segment.summary(SegmentState.OPEN)
                ended[summary.segment_id] = summary
            stream.segment = stream.key = None
            stream.chain_head = stream.synced_head
        self._certificate_written = False
        batch.opened, batch.closed = [], []
        troubles: list[str] = []
        for segment_id, summary in ended.items():
            before = batch.touched.get(segment_id, summary)
            if before is not None:
                batch.closed.append(before.mended())
            try:
                self._cut_back(summary.path, before)
            except DiskError as error:
                troubles.append(error.message)
        return troubles

    def open_segments(self) -> list[SegmentSummary]:
        """What the open segments hold so far."""
        return [
            stream.segment.summary(SegmentState.OPEN)
            for stream in self._streams.values()
            if stream.segment is not None
        ]

    def held_keys(self) -> frozenset[KeyId]:
        """Keys that may seal what comes next: of an import, hours that are long past."""
        return frozenset(stream.key[1] for stream in self._streams.values() if stream.key is not None)

    def _cut_back(self, path: str, before: SegmentSummary | None) -> None:
        if before is None:
            self._volume.files.remove(path)
            return
        self._volume.files.truncate(path, before.size_bytes)
        self._volume.files.release(path)

    def _is_over(self, segment: SegmentWriter, draft: PartDraft) -> bool:
        """Time to begin another file (design page, "Order of writing")."""
        opening = segment.opening
        start_us = draft.span.start_us
        return (
            opening.run_id != draft.run_id
            or opening.key_hour != start_us // HOUR_US
            or segment.tracks != draft.tracks
            or draft.correction_us != 0
            or start_us - segment.extents[0].span.start_us >= self._settings.segment_us
            or segment.size_bytes >= self._settings.segment_bytes
        )

    def _begin(self, stream: _Stream, draft: PartDraft) -> SegmentWriter:
        hour = draft.span.start_us // HOUR_US
        key_id, key = self._key(stream, draft.stream_id, hour)
        segment_id = SegmentId(new_id())
        created_us = self._clock.now_us()
        identity = self._volume.identity
        header = SegmentHeader(
            identity.site_id, identity.node_id, draft.stream_id, draft.run_id, segment_id, key_id, hour,
            new_nonce_prefix(), draft.generation, created_us, stream.chain_head, self._certificate,
            header_tracks(draft.tracks),
        )  # fmt: skip
        opening = SegmentOpening(
            draft.stream_id, draft.run_id, segment_id, key_id, hour, draft.generation, created_us
        )
        return SegmentWriter(opening, header, draft.tracks, key, self._sealer)

    def _key(self, stream: _Stream, stream_id: StreamId, hour: int) -> tuple[KeyId, DataKey]:
        """This hour's key; its wrap is under the same barrier as the first bytes it seals."""
        generation = self._sealer.generation
        if stream.key is not None and stream.key[0] == hour and stream.key_generation == generation:
            return stream.key[1:]
        self._write_certificate()
        key_id, key, wrapped = self._sealer.new_data_key(stream_id, hour)
        path = key_path(stream_id, key_id)
        self._volume.files.append(path, write_key_file(wrapped))
        self._volume.files.release(path)
        stream.key, stream.key_generation = (hour, key_id, key), generation
        return key_id, key

    def _write_certificate(self) -> None:
        """Who signs, beside what is signed; written anew if a cut left it torn."""
        if self._certificate_written:
            return
        files, path = self._volume.files, certificate_path(self._certificate)
        try:
            whole = files.size_bytes(path) == len(self._sealer.node_certificate)
        except DiskError:
            whole = False
        if not whole:
            files.remove(path)
            files.append(path, self._sealer.node_certificate)
            files.release(path)
        self._certificate_written = True

    def _end(self, batch: Batch, stream: _Stream) -> None:
        segment, stream.segment = stream.segment, None
        if segment is None:
            return
        path = segment.path
        batch.touched.setdefault(segment.opening.segment_id, segment.summary(SegmentState.OPEN))
        end = segment.end()
        state = SegmentState.WHOLE
        try:
            self._volume.files.append(path, *end)
            segment.size_bytes += sum(len(buffer) for buffer in end)
        except DiskError as error:
            batch.fault = error
            state = SegmentState.MENDED
        batch.closed.append(segment.summary(state))
        self._volume.files.release(path)
