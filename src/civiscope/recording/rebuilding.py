"""Making the index of volumes anew from what lies in them, when it is lost or not believed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from civiscope.base import Clock, ProtocolError
from civiscope.recording.index import (
    INDEX_HEADER_BYTES,
    INDEX_PATH,
    ErasedRecord,
    GapRecord,
    IndexRecord,
    read_index_header,
    read_records,
    write_index_header,
    write_record,
)
from civiscope.recording.model import VolumeIdentity
from civiscope.recording.volume import VOLUME_PATH, Volume, VolumeDescription
from civiscope.storage import DirectoryFiles, DiskError, Files

OLD_INDEX_PATH = "index.cvx.old"


@dataclass(frozen=True, slots=True)
class RebuiltVolume:
    """What was found in one volume."""

    path: Path
    segment_count: int
    stream_count: int
    gaps_kept: int
    """Entries of the old ledger that could still be read: the reasons are in no other place."""


def rebuild_catalogue(volumes: Sequence[Path], clock: Clock) -> list[RebuiltVolume]:
    """Write each volume's index anew from its segments; the old one stays beside it as `index.cvx.old`.

    The recorder must be stopped (AppError CONFLICT). Needs no key: everything it reads is in the clear.
    """
    return [_rebuild(path, clock) for path in volumes]


def _rebuild(path: Path, clock: Clock) -> RebuiltVolume:
    files = DirectoryFiles(path)
    try:
        description = VolumeDescription.read(files.read(VOLUME_PATH))
        kept, epoch = _old_ledger(files)
        _replace_index(files, write_index_header(description.volume_id, epoch + 1), kept)
        volume = Volume.open(files, VolumeIdentity(description.site_id, description.node_id), clock)
        catalogue = volume.catalogue
        return RebuiltVolume(path, len(list(catalogue.segments())), len(catalogue.streams), len(kept))
    finally:
        files.close()


def _old_ledger(files: Files) -> tuple[list[IndexRecord], int]:
    """Gaps that ended and what was deleted, and the old index's epoch."""
    try:
        data = files.read(INDEX_PATH)
        _, epoch = read_index_header(data)
    except (DiskError, ProtocolError):
        return [], 0
    records, _ = read_records(data[INDEX_HEADER_BYTES:])
    kept: list[IndexRecord] = [
        one
        for one in records
        if isinstance(one, ErasedRecord) or (isinstance(one, GapRecord) and one.span.end_us is not None)
    ]
    return kept, epoch


def _replace_index(files: Files, header: bytes, kept: list[IndexRecord]) -> None:
    new_path = f"{INDEX_PATH}.new"
    files.remove(new_path)
    files.append(new_path, header, b"".join(write_record(record) for record in kept))
    files.sync()
    try:
        files.rename(INDEX_PATH, OLD_INDEX_PATH)
    except DiskError:
        files.remove(OLD_INDEX_PATH)
    files.rename(new_path, INDEX_PATH)
    files.sync()
