"""A folder that describes itself: what it is, its segments, their index, wrapped keys and the gap ledger."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from civiscope.base import (
    AppError,
    Clock,
    ErrorKind,
    NodeId,
    ProtocolError,
    SiteId,
    StreamId,
    get_log,
    new_id,
)
from civiscope.recording.catalogue import Catalogue
from civiscope.recording.index import (
    INDEX_HEADER_BYTES,
    INDEX_PATH,
    IndexRecord,
    RecorderMoment,
    read_index_header,
    read_records,
    write_index_header,
    write_record,
)
from civiscope.recording.mending import SYNCED_PATH, Mending
from civiscope.recording.model import SegmentSummary, VolumeIdentity
from civiscope.storage import DiskError, DiskFault, Files

VOLUME_PATH = "volume.json"
_COMPACT_DELETED = 1000
"""At start the index is rewritten when it holds more deletions than this."""
_SYNCED_LIMIT_BYTES = 1 << 20
_PENDING_RECORDS = 100_000
"""Index records kept in memory while the index cannot be written; beyond that the oldest go."""
_log = get_log("civiscope.recording")


@dataclass(frozen=True, slots=True)
class VolumeDescription:
    """What `volume.json` says."""

    volume_id: UUID
    site_id: SiteId
    node_id: NodeId
    created_us: int

    def to_json(self) -> bytes:
        """The file's bytes."""
        fields = {
            "civiscope_volume": 1,
            "volume_id": str(self.volume_id),
            "site_id": str(self.site_id),
            "node_id": str(self.node_id),
            "created_us": self.created_us,
        }
        return json.dumps(fields, indent=1).encode() + b"\n"

    @staticmethod
    def read(data: bytes) -> "VolumeDescription":
        """ProtocolError whatever else the bytes are."""
        try:
            fields = json.loads(data)
            if fields["civiscope_volume"] != 1:
                raise ProtocolError("a volume of a newer version: use a newer release")
            return VolumeDescription(
                UUID(fields["volume_id"]), SiteId(UUID(fields["site_id"])), NodeId(UUID(fields["node_id"])),
                int(fields["created_us"]),
            )  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ArithmeticError) as error:
            raise ProtocolError(f"volume.json does not describe a volume: {error}") from None


class Volume:
    """A volume opened for writing, by one thread at a time. Made by `open`, which mends what a cut left."""

    def __init__(self, files: Files, identity: VolumeIdentity, volume_id: UUID, catalogue: Catalogue) -> None:
        self.files = files
        self.identity = identity
        self.volume_id = volume_id
        self.catalogue = catalogue
        self.mended_count = 0
        self.unexplained_streams: frozenset[str] = frozenset()
        """Streams of which something lies here that nobody can read: nothing of them is removed."""
        self._synced_bytes = 0
        self._pending: list[IndexRecord] = []
        self._header = b""
        """What the index must begin with when it is not there yet."""

    @classmethod
    def open(cls, files: Files, identity: VolumeIdentity, clock: Clock) -> "Volume":
        """Make or mend the volume in `files`. AppError when it is not ours; DiskError when it cannot be made.

        A disk that lets nothing be written now is opened all the same: what is mended is kept in memory, the
        recorder goes on trying, and the next start mends again.
        """
        description = _describe(files, identity, clock)
        catalogue, epoch, whole_bytes = _load_index(files, description.volume_id)
        volume = cls(files, identity, description.volume_id, catalogue)
        try:
            volume._mend(clock, epoch, has_index=whole_bytes > 0)
        except DiskError as error:
            _log.error("the volume could not be mended on the disk; it is used as it is", why=error.message)
        return volume

    def _mend(self, clock: Clock, epoch: int, has_index: bool) -> None:
        """Bring index and segments together; one barrier at the end."""
        if not has_index:
            self._header = write_index_header(self.volume_id, epoch + 1)
        mending = Mending(self.files, self.catalogue, clock.now_us())
        try:
            mending.run()
        finally:
            self._pending += mending.records
        self.mended_count = mending.mended_count
        self.unexplained_streams = mending.unexplained_streams()
        if mending.mended_count or mending.cut_bytes:
            _log.warning(
                "the index was behind its segments, as after a cut or a lost index; volume mended",
                segments=mending.mended_count,
                cut_bytes=mending.cut_bytes,
            )
        if not has_index or len(self.catalogue.deleted) > _COMPACT_DELETED:
            self._rewrite_index(epoch + 1)
        self.write_index([RecorderMoment(clock.now_us(), is_start=True)])
        self.files.remove(SYNCED_PATH)
        self.files.sync()

    def last_heads(self) -> dict[StreamId, bytes]:
        """Chain head of each stream's newest segment."""
        return {
            stream_id: next(reversed(stream.closed.values())).chain_head
            for stream_id, stream in self.catalogue.streams.items()
            if stream.closed
        }

    def write_index(self, records: Iterable[IndexRecord]) -> None:
        """Append records; the next barrier makes them durable. Does not touch the catalogue.

        What cannot be written now is kept in memory, and goes before what comes next.
        """
        self._pending += records
        del self._pending[:-_PENDING_RECORDS]
        data = b"".join(write_record(record) for record in self._pending)
        if data:
            if self._header:
                self.files.remove(INDEX_PATH)
            self.files.append(INDEX_PATH, self._header, data)
        self._pending = []
        self._header = b""

    def write_check_points(self, changed: list[SegmentSummary], all_open: list[SegmentSummary]) -> None:
        """How far open segments are on the disk; a lost check-point costs time at start, no bytes."""
        if self._synced_bytes > _SYNCED_LIMIT_BYTES:
            new_path = f"{SYNCED_PATH}.new"
            self.files.remove(new_path)
            data = b"".join(write_record(summary) for summary in all_open)
            self.files.append(new_path, data)
            self.files.rename(new_path, SYNCED_PATH)
            self._synced_bytes = len(data)
            return
        data = b"".join(write_record(summary) for summary in changed)
        if data:
            self.files.append(SYNCED_PATH, data)
            self._synced_bytes += len(data)

    def _rewrite_index(self, epoch: int) -> None:
        new_path = f"{INDEX_PATH}.new"
        self.files.remove(new_path)
        records = b"".join(write_record(record) for record in self.catalogue.records())
        self.files.append(new_path, write_index_header(self.volume_id, epoch), records)
        self.files.sync()
        self.files.rename(new_path, INDEX_PATH)
        self.catalogue.deleted.clear()
        self._pending = []
        self._header = b""


def _describe(files: Files, identity: VolumeIdentity, clock: Clock) -> VolumeDescription:
    try:
        description = VolumeDescription.read(files.read(VOLUME_PATH))
    except DiskError as error:
        if error.fault is not DiskFault.MISSING:
            raise
        return _new_description(files, identity, clock)
    except ProtocolError:
        if files.names("segments"):
            raise
        return _new_description(files, identity, clock)
    if description.site_id != identity.site_id:
        raise AppError(
            ErrorKind.CONFLICT,
            f"this volume belongs to site {description.site_id}, not to {identity.site_id}: "
            "mount the right disk, or give the recorder an empty folder",
        )
    return description


def _new_description(files: Files, identity: VolumeIdentity, clock: Clock) -> VolumeDescription:
    """A new volume; a description torn by a power cut before anything was recorded is replaced."""
    description = VolumeDescription(new_id(), identity.site_id, identity.node_id, clock.now_us())
    new_path = f"{VOLUME_PATH}.new"
    files.remove(new_path)
    files.append(new_path, description.to_json())
    files.sync()
    files.rename(new_path, VOLUME_PATH)
    return description


def _load_index(files: Files, volume_id: UUID) -> tuple[Catalogue, int, int]:
    """(what the index says, its epoch, how many bytes of it are whole); a torn tail is cut off."""
    catalogue = Catalogue()
    try:
        data = files.read(INDEX_PATH)
        found_id, epoch = read_index_header(data)
    except (DiskError, ProtocolError):
        return catalogue, 0, 0
    if found_id != volume_id:
        return catalogue, epoch, 0
    records, length = read_records(data[INDEX_HEADER_BYTES:])
    catalogue.apply(records)
    whole_bytes = INDEX_HEADER_BYTES + length
    if whole_bytes < len(data):
        try:
            files.truncate(INDEX_PATH, whole_bytes)
        except DiskError:
            return catalogue, epoch, 0
    return catalogue, epoch, whole_bytes
