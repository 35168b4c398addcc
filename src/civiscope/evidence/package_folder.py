"""The sealed files of one export while it waits to be fetched."""

import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from civiscope.base import AppError, ErrorKind, new_id
from civiscope.evidence.manifest import FileRole, PackageFile, checked_path
from civiscope.evidence.zip_stream import ZipEntry
from civiscope.security import SealedFile, SealedFileWriter

_SUFFIX = ".cvx"


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file that is whole: as the manifest names it, and where it lies sealed."""

    file: PackageFile
    crc32: int
    stored: UUID

    def to_json(self) -> dict[str, object]:
        """As it is kept with its job."""
        one = self.file
        return {
            "path": one.path, "bytes": one.size_bytes, "sha256": one.sha256, "media_type": one.media_type,
            "role": one.role.value, "crc32": self.crc32, "stored": str(self.stored),
        }  # fmt: skip

    @classmethod
    def from_json(cls, fields: Mapping[str, object]) -> "MadeFile":
        """What `to_json` gave."""
        size, crc32 = fields["bytes"], fields["crc32"]
        assert isinstance(size, int)
        assert isinstance(crc32, int)
        file = PackageFile(
            checked_path(str(fields["path"])), size, str(fields["sha256"]), str(fields["media_type"]),
            FileRole(str(fields["role"])),
        )  # fmt: skip
        return cls(file, crc32, UUID(str(fields["stored"])))


class PackageFolder:
    """One folder of sealed files; every call blocks on the disk."""

    def __init__(self, path: Path, key: bytes) -> None:
        self.path = path
        self._key = key

    def writer(self, path: str, media_type: str, role: FileRole) -> "PackageFileWriter":
        """A new file of the package."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return PackageFileWriter(self.path, self._key, (checked_path(path), media_type, role))

    def pieces(self, made: MadeFile) -> Iterator[bytes]:
        """The plain bytes of a file."""
        return SealedFile(self.path / f"{made.stored}{_SUFFIX}", self._key, made.stored).pieces()

    def entry(self, made: MadeFile) -> ZipEntry:
        """As it goes into a ZIP."""
        return ZipEntry(made.file.path, made.file.size_bytes, made.crc32, lambda: self.pieces(made))

    def keep_only(self, made: Iterable[MadeFile]) -> None:
        """Remove what a making that was broken off left behind."""
        wanted = {f"{one.stored}{_SUFFIX}" for one in made}
        for path in self.path.glob("*") if self.path.is_dir() else ():
            if path.name not in wanted:
                path.unlink(missing_ok=True)


class PackageFileWriter:
    """Writes one file and counts, hashes and seals it at once; leaving the block unfinished removes it."""

    def __init__(self, folder: Path, key: bytes, named: tuple[str, str, FileRole]) -> None:
        self._named = named
        self._stored = new_id()
        self._path = folder / f"{self._stored}{_SUFFIX}"
        self._sha256 = hashlib.sha256()
        self._crc32 = 0
        self.size_bytes = 0
        self._is_whole = False
        try:
            self._sealed = SealedFileWriter(self._path, key, self._stored)
        except OSError as error:
            raise AppError(
                ErrorKind.UNAVAILABLE, f"The export cannot be written: {error.strerror}. Check the disk."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sealed.__exit__(kind, error, trace)
        if not self._is_whole:
            self._path.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """More of it."""
        self._sha256.update(data)
        self._crc32 = zlib.crc32(data, self._crc32)
        self.size_bytes += len(data)
        self._sealed.write(data)

    def finish(self) -> MadeFile:
        """It is whole, and on the disk."""
        self._sealed.finish()
        self._is_whole = True
        path, media_type, role = self._named
        file = PackageFile(path, self.size_bytes, self._sha256.hexdigest(), media_type, role)
        return MadeFile(file, self._crc32, self._stored)
