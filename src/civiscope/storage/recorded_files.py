"""`Files` that remember every change, so that a power cut at any moment can be played: for tests of stores.

Between two barriers a disk may do the changes in any order, partly, or not at all; `after_cut` makes a folder
as it might be found then.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from civiscope.storage.files import Buffer, Files

SECTOR_BYTES = 512


class Change(StrEnum):
    """What one recorded call did."""

    APPEND = "append"
    SYNC = "sync"
    TRUNCATE = "truncate"
    RENAME = "rename"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """One call that changed something, in the order of the calls."""

    change: Change
    path: str = ""
    offset: int = 0
    data: bytes = field(default=b"", repr=False)
    new_path: str = ""


class RecordedFiles:
    """Passes every call on to `inner` and keeps what changed (in memory: for short histories only)."""

    def __init__(self, inner: Files) -> None:
        self._inner = inner
        self.changes: list[RecordedChange] = []

    def append(self, path: str, *buffers: Buffer) -> int:
        """See `Files.append`."""
        offset = self._inner.append(path, *buffers)
        self.changes.append(RecordedChange(Change.APPEND, path, offset, b"".join(buffers)))
        return offset

    def sync(self) -> None:
        """See `Files.sync`."""
        self._inner.sync()
        self.changes.append(RecordedChange(Change.SYNC))

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """See `Files.read`."""
        return self._inner.read(path, offset, length)

    def size_bytes(self, path: str) -> int:
        """See `Files.size_bytes`."""
        return self._inner.size_bytes(path)

    def names(self, folder: str) -> list[str]:
        """See `Files.names`."""
        return self._inner.names(folder)

    def truncate(self, path: str, size_bytes: int) -> None:
        """See `Files.truncate`."""
        self._inner.truncate(path, size_bytes)
        self.changes.append(RecordedChange(Change.TRUNCATE, path, size_bytes))

    def rename(self, path: str, new_path: str) -> None:
        """See `Files.rename`."""
        self._inner.rename(path, new_path)
        self.changes.append(RecordedChange(Change.RENAME, path, new_path=new_path))

    def remove(self, path: str) -> None:
        """See `Files.remove`."""
        self._inner.remove(path)
        self.changes.append(RecordedChange(Change.REMOVE, path))

    def release(self, path: str) -> None:
        """See `Files.release`."""
        self._inner.release(path)

    def free_bytes(self) -> int:
        """See `Files.free_bytes`."""
        return self._inner.free_bytes()

    def close(self) -> None:
        """See `Files.close`."""
        self._inner.close()


def after_cut(
    changes: list[RecordedChange], count: int, chance: random.Random, folder: Path,
    start: Mapping[str, bytes] = MappingProxyType({}),
) -> None:  # fmt: skip
    """Make `folder` what a disk may hold when the power goes after the first `count` changes.

    Everything before the last barrier among them is there. Each later change is done, torn at a sector
    (appends), or not done, as `chance` has it; a lost append before a kept one leaves zeros. `start` is what
    lay on the disk, for good, before the first change: path → bytes.
    """
    done = changes[:count]
    last_sync = max((i for i, one in enumerate(done) if one.change is Change.SYNC), default=-1)
    disk = {path: bytearray(data) for path, data in start.items()}
    for one in done[: last_sync + 1]:
        _apply(disk, one, len(one.data))
    for one in done[last_sync + 1 :]:
        kept = _kept_bytes(one, chance)
        if kept is not None:
            _apply(disk, one, kept)
    for path, data in disk.items():
        full = folder / path
        full.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        full.write_bytes(data)


def _kept_bytes(one: RecordedChange, chance: random.Random) -> int | None:
    """How much of an unsynced change reached the disk; None for nothing of it."""
    fate = chance.randrange(3)
    if fate == 0:
        return None
    if fate == 1 or one.change is not Change.APPEND:
        return len(one.data)
    border = one.offset + chance.randrange(len(one.data) + 1)
    return max(0, border - border % SECTOR_BYTES - one.offset)


def _apply(disk: dict[str, bytearray], one: RecordedChange, kept_bytes: int) -> None:
    actions: dict[Change, Callable[[], object]] = {
        Change.APPEND: lambda: _put(
            disk.setdefault(one.path, bytearray()), one.offset, one.data[:kept_bytes]
        ),
        Change.TRUNCATE: lambda: disk.__setitem__(one.path, disk.get(one.path, bytearray())[: one.offset]),
        Change.RENAME: lambda: disk.__setitem__(one.new_path, disk.pop(one.path, bytearray())),
        Change.REMOVE: lambda: disk.pop(one.path, None),
        Change.SYNC: lambda: None,
    }
    actions[one.change]()


def _put(file: bytearray, offset: int, data: bytes) -> None:
    if len(file) < offset:
        file += bytes(offset - len(file))
    file[offset : offset + len(data)] = data
