"""Bytes that survive a power cut: appended files under one folder, behind one barrier for all of them.

Whatever was appended before a `sync` that returned is there after a cut; whatever came later may be missing,
torn or out of order. Paths are relative to the folder, with `/`.
"""

import ctypes
import errno
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from civiscope.base import AppError, ErrorKind

Buffer = bytes | bytearray | memoryview
"""What can be appended."""
_MAX_OPEN_FILES = 512


class DiskFault(StrEnum):
    """What is wrong with a disk, as far as the program can act on it."""

    FULL = "full"
    READ_ONLY = "read_only"
    FAILED = "failed"
    MISSING = "missing"


class DiskError(AppError):
    """A file could not be read or written; `fault` says what kind of trouble it is."""

    def __init__(self, fault: DiskFault, message: str) -> None:
        super().__init__(_KINDS[fault], message)
        self.fault = fault

    def __reduce__(self) -> tuple[type["DiskError"], tuple[DiskFault, str]]:  # type: ignore[override]  # other args
        return (DiskError, (self.fault, self.message))


_KINDS = {
    DiskFault.FULL: ErrorKind.EXHAUSTED,
    DiskFault.READ_ONLY: ErrorKind.UNAVAILABLE,
    DiskFault.FAILED: ErrorKind.UNAVAILABLE,
    DiskFault.MISSING: ErrorKind.MISSING,
}
_FAULTS = {
    errno.ENOSPC: (DiskFault.FULL, "the disk is full: free space or add a volume"),
    errno.EDQUOT: (DiskFault.FULL, "the disk quota is used up: free space or raise it"),
    errno.EFBIG: (DiskFault.FULL, "the file would be larger than this system allows: raise the limit"),
    errno.EROFS: (
        DiskFault.READ_ONLY,
        "the file system is read-only: look in the kernel log why, then remount it",
    ),
    errno.EACCES: (DiskFault.READ_ONLY, "we may not write there: give the civiscope user permission"),
    errno.EPERM: (DiskFault.READ_ONLY, "we may not write there: give the civiscope user permission"),
    errno.ENOENT: (DiskFault.MISSING, "it is not there: is the disk mounted?"),
}


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Turn an OSError into a DiskError that says what failed, why, and what to do."""
    try:
        yield
    except OSError as error:
        raise _disk_error(what, error) from error


def _disk_error(what: str, error: OSError) -> DiskError:
    fault, advice = _FAULTS.get(
        error.errno or 0, (DiskFault.FAILED, "the disk reports an error: check it and the kernel log")
    )
    return DiskError(fault, f"cannot {what} ({error.strerror}): {advice}")


class Files(Protocol):
    """Files under one folder; one writer. Calls raise DiskError, and block as the disk does."""

    def append(self, path: str, *buffers: Buffer) -> int:
        """Add to the end, all or nothing; makes file and folders. Gives the offset where it starts."""
        ...

    def sync(self) -> None:
        """One barrier: returns when everything appended, renamed and removed before is on the disk."""
        ...

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """Up to `length` bytes; fewer at the end of the file."""
        ...

    def size_bytes(self, path: str) -> int:
        """Length of a file; DiskError(MISSING) if there is none."""
        ...

    def names(self, folder: str) -> list[str]:
        """What lies in a folder, sorted; nothing if the folder is not there."""
        ...

    def truncate(self, path: str, size_bytes: int) -> None:
        """Cut a file."""
        ...

    def rename(self, path: str, new_path: str) -> None:
        """Give a file another name, replacing what had it."""
        ...

    def remove(self, path: str) -> None:
        """Take a file away; nothing happens if it is not there."""
        ...

    def release(self, path: str) -> None:
        """No more appends are coming to this file soon: its descriptor may go (after the next barrier)."""
        ...

    def free_bytes(self) -> int:
        """What can still be written."""
        ...

    def close(self) -> None:
        """Nothing more is written by this object; what was not synced is left to the kernel."""
        ...


class Barrier(StrEnum):
    """How `DirectoryFiles.sync` waits for the disk."""

    FILE_SYSTEM = "file_system"
    """syncfs(2): one call for all, names included; a fifth of the CPU; waits for others' pages too."""
    PER_FILE = "per_file"
    """fdatasync(2) of each dirty file and fsync(2) of each changed folder."""


def _syncfs_tells_errors() -> bool:
    """Before Linux 5.8 syncfs(2) kept write-back errors to itself."""
    numbers = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= (5, 8)


class DirectoryFiles:
    """`Files` in a folder of a local file system. Not thread-safe: one thread writes."""

    def __init__(self, root: Path, barrier: Barrier = Barrier.FILE_SYSTEM) -> None:
        self._root = root
        self._barrier = barrier if _syncfs_tells_errors() else Barrier.PER_FILE
        self._open: dict[str, int] = {}
        self._ends: dict[str, int] = {}
        self._dirty: set[str] = set()
        self._dirty_folders: set[Path] = set()
        self._released: set[str] = set()
        with _told(f"use the folder {root}"):
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._lock()
        self._libc = ctypes.CDLL(None, use_errno=True)

    def _lock(self) -> None:
        """One writer: the kernel lets go of the lock when the process ends, however it ends."""
        try:
            fcntl.flock(self._root_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._root_fd)
            raise AppError(
                ErrorKind.CONFLICT,
                f"another process writes in {self._root}: stop it, or give this one a folder of its own",
            ) from error

    def append(self, path: str, *buffers: Buffer) -> int:
        """See `Files.append`; a torn write is taken back before the error is raised."""
        try:
            descriptor = self._writable(path)
            offset = self._ends[path]
            self._dirty.add(path)
            size_bytes = sum(map(len, buffers))
            try:
                self._write(descriptor, buffers, size_bytes)
            except OSError:
                os.ftruncate(descriptor, offset)
                raise
            self._ends[path] = offset + size_bytes
        except OSError as error:
            raise _disk_error(f"write {self._root / path}", error) from error
        return offset

    @staticmethod
    def _write(descriptor: int, buffers: tuple[Buffer, ...], size_bytes: int) -> None:
        written = os.writev(descriptor, buffers)
        if written == size_bytes:
            return
        rest = memoryview(b"".join(buffers))[written:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]

    def _writable(self, path: str) -> int:
        descriptor = self._open.get(path)
        self._released.discard(path)
        if descriptor is None:
            full = self._root / path
            self._make_folder(full.parent)
            if len(self._open) >= _MAX_OPEN_FILES:
                self._close_clean()
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(full, flags, 0o600)
            self._ends[path] = os.fstat(descriptor).st_size
            self._open[path] = descriptor
            self._dirty_folders.add(full.parent)
        return descriptor

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        self._dirty_folders.add(folder.parent)

    def sync(self) -> None:
        """See `Files.sync`. After an error nothing appended since the last good barrier may be trusted."""
        with _told(f"bring what was written in {self._root} to the disk"):
            if self._barrier is Barrier.FILE_SYSTEM:
                self._sync_file_system()
            else:
                self._sync_files()
        self._dirty.clear()
        self._dirty_folders.clear()
        for path in list(self._released):
            self._close(path)

    def _sync_file_system(self) -> None:
        if self._libc.syncfs(self._root_fd) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))

    def _sync_files(self) -> None:
        for path in self._dirty:
            if path in self._open:
                os.fdatasync(self._open[path])
        for folder in self._dirty_folders:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """See `Files.read`; sees what was appended, synced or not."""
        with _told(f"read {self._root / path}"), open(self._root / path, "rb", buffering=0) as file:
            file.seek(offset)
            return file.read(-1 if length is None else length) or b""

    def size_bytes(self, path: str) -> int:
        """See `Files.size_bytes`."""
        with _told(f"read {self._root / path}"):
            return (self._root / path).stat().st_size

    def names(self, folder: str) -> list[str]:
        """See `Files.names`."""
        with _told(f"list {self._root / folder}"):
            try:
                return sorted(os.listdir(self._root / folder))
            except (FileNotFoundError, NotADirectoryError):
                return []

    def truncate(self, path: str, size_bytes: int) -> None:
        """See `Files.truncate`."""
        with _told(f"cut {self._root / path}"):
            os.ftruncate(self._writable(path), size_bytes)
        self._ends[path] = size_bytes
        self._dirty.add(path)

    def rename(self, path: str, new_path: str) -> None:
        """See `Files.rename`; with barriers per file the bytes go to the disk first."""
        with _told(f"rename {self._root / path}"):
            if path in self._open and self._barrier is Barrier.PER_FILE:
                os.fdatasync(self._open[path])
            self._close(path)
            self._close(new_path)
            os.replace(self._root / path, self._root / new_path)
            self._dirty_folders.add((self._root / new_path).parent)

    def remove(self, path: str) -> None:
        """See `Files.remove`."""
        with _told(f"remove {self._root / path}"):
            self._close(path)
            (self._root / path).unlink(missing_ok=True)
            self._dirty_folders.add((self._root / path).parent)

    def release(self, path: str) -> None:
        """See `Files.release`."""
        if path in self._dirty:
            self._released.add(path)
        else:
            self._close(path)

    def free_bytes(self) -> int:
        """See `Files.free_bytes`; what an ordinary user can use."""
        with _told(f"ask for the space left in {self._root}"):
            return shutil.disk_usage(self._root_fd).free

    def close(self) -> None:
        """See `Files.close`; lets another process write."""
        for path in list(self._open):
            self._close(path)
        if self._root_fd >= 0:
            os.close(self._root_fd)
            self._root_fd = -1

    def _close_clean(self) -> None:
        for path in [path for path in self._open if path not in self._dirty]:
            self._close(path)

    def _close(self, path: str) -> None:
        self._released.discard(path)
        self._dirty.discard(path)
        self._ends.pop(path, None)
        descriptor = self._open.pop(path, None)
        if descriptor is not None:
            os.close(descriptor)
