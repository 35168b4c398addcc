"""Checks an exported package: every file, the manifest and who signed it, and what each recording proves."""

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from civiscope.base import AppError, ErrorKind, NodeId, ProtocolError, ReasonedSpan, Span
from civiscope.evidence.manifest import (
    BESIDE,
    MANIFEST_LIMIT_BYTES,
    MANIFEST_PATH,
    SIGNATURE_PATH,
    TIME_STAMP_PATH,
    ExportedChannel,
    Manifest,
    PackageFile,
)
from civiscope.media.mp4 import find_media_data
from civiscope.recording import (
    LINE_LIMIT_BYTES,
    Finding,
    ProofNeeds,
    ProofVerdict,
    Verdict,
    verify_proof,
    worst_of,
)
from civiscope.security import SiteTrust, StampRoots, StampTrouble, TimeStamp, TimeStampError

_BLOCK_BYTES = 1 << 20
_SMALL_FILE_BYTES = 64 * 1024
_NAMES_LIMIT = 20_000


class PackageSource(Protocol):
    """A package as its bytes lie: a folder or a ZIP."""

    def names(self) -> list[str]:
        """Paths of all its files."""
        ...

    def open(self, path: str) -> BinaryIO:
        """A file, seekable; AppError(MISSING) when it is not there."""
        ...


class FolderPackage:
    """A package unpacked in a folder; links lead nowhere."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Paths of all files, links too."""
        found = [path for path in self._folder.rglob("*") if path.is_symlink() or not path.is_dir()]
        return [path.relative_to(self._folder).as_posix() for path in found[:_NAMES_LIMIT]]

    def open(self, path: str) -> BinaryIO:
        """AppError(MISSING) for a link, too."""
        try:
            descriptor = os.open(self._folder / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            return os.fdopen(descriptor, "rb")
        except OSError as error:
            raise _missing(path, error.strerror or "") from None


class ZipPackage:
    """A package as it was downloaded; one folder around everything is taken away."""

    def __init__(self, file: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(file)
        except (OSError, zipfile.BadZipFile, ValueError) as error:
            raise AppError(ErrorKind.INVALID, f"{file.name} is no ZIP that can be read: {error}.") from None
        names = [one.filename for one in self._zip.infolist() if not one.is_dir()][:_NAMES_LIMIT]
        around = {name.partition("/")[0] for name in names}
        nested = len(around) == 1 and all("/" in name for name in names)
        self._prefix = f"{around.pop()}/" if nested else ""
        self._names = [name.removeprefix(self._prefix) for name in names]

    def names(self) -> list[str]:
        """Paths of all files; a name that stands twice comes twice."""
        return list(self._names)

    def open(self, path: str) -> BinaryIO:
        """Deflated or stored."""
        try:
            return io.BufferedReader(self._zip.open(self._prefix + path), _BLOCK_BYTES)  # type: ignore[type-var]  # ZipExtFile is a RawIOBase in all but its stubs
        except (KeyError, RuntimeError, zipfile.BadZipFile, NotImplementedError, OSError) as error:
            raise _missing(path, str(error)) from None


@dataclass(frozen=True, slots=True)
class PackageFinding:
    """One thing that is not as it was signed, and where."""

    path: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class ChannelVerdict:
    """What was found of one channel."""

    channel: ExportedChannel
    proof: ProofVerdict | None
    """None: its media was made anew, and the manifest alone binds it."""


@dataclass(frozen=True, slots=True)
class PackageVerdict:
    """What was found in a package."""

    verdict: Verdict
    findings: tuple[PackageFinding, ...]
    manifest: Manifest | None
    signed_by: NodeId | None
    """Whose server signed the manifest, if its signature holds."""
    authority: str
    """Fingerprint of the authority it was checked against; empty if there is none."""
    is_known_authority: bool
    """False: it came out of the package, so a person must compare its fingerprint."""
    channels: tuple[ChannelVerdict, ...]
    stamp: TimeStamp | None = None
    """When an authority that is not the site's saw the manifest, if its token holds."""
    stamp_trouble: str = ""
    """Why a token is not believed although it is over this manifest."""

    @property
    def declared(self) -> tuple[ReasonedSpan, ...]:
        """What the recorder itself said is missing."""
        return tuple(gap for one in self.channels for gap in one.channel.gaps)


def open_package(path: Path) -> PackageSource:
    """The package at a path; AppError(INVALID) if there is none."""
    return FolderPackage(path) if path.is_dir() else ZipPackage(path)


def verify_package(
    source: PackageSource, trust: SiteTrust | None = None, stamps: StampRoots | None = None
) -> PackageVerdict:
    """Check everything; never raises for what the bytes are.

    `trust` is the site's authority if it is known from elsewhere than the package; `stamps` who may stamp.
    """
    return _Check(source, trust, stamps or StampRoots()).run()


class _Check:
    def __init__(self, source: PackageSource, trust: SiteTrust | None, stamps: StampRoots) -> None:
        self._stamps = stamps
        self._stamp: TimeStamp | None = None
        self._stamp_trouble = ""
        self._source = source
        self._known = trust
        self._trust = trust
        self._findings: list[PackageFinding] = []
        self._manifest: Manifest | None = None
        self._signed_by: NodeId | None = None
        self._channels: list[ChannelVerdict] = []

    def run(self) -> PackageVerdict:
        try:
            data = self._small(MANIFEST_PATH, MANIFEST_LIMIT_BYTES)
            manifest = Manifest.read(data)
        except AppError as error:
            self._find(MANIFEST_PATH, _verdict_of(error), error.message)
            return self._verdict()
        self._manifest = manifest
        self._signature(manifest, data)
        self._time_stamp(data)
        self._names(manifest)
        for file in manifest.files:
            self._file(file)
        for channel in manifest.channels:
            self._channels.append(ChannelVerdict(channel, self._proof(channel)))
        return self._verdict()

    def _verdict(self) -> PackageVerdict:
        return PackageVerdict(
            worst_of(one.finding for one in self._findings), tuple(self._findings), self._manifest,
            self._signed_by, "" if self._trust is None else self._trust.fingerprint,
            self._known is not None, tuple(self._channels), self._stamp, self._stamp_trouble,
        )  # fmt: skip

    def _find(self, path: str, verdict: Verdict, detail: str) -> None:
        self._findings.append(PackageFinding(path, Finding(verdict, None, detail)))

    def _signature(self, manifest: Manifest, data: bytes) -> None:
        try:
            if self._trust is None:
                self._trust = SiteTrust.read(self._small(manifest.authority_certificate))
            signature, certificate = self._small(SIGNATURE_PATH), self._small(manifest.signer_certificate)
            self._signed_by = self._trust.verify_manifest(certificate, signature, data, manifest.made.at_us)
        except AppError as error:
            path = SIGNATURE_PATH if error.kind is ErrorKind.MISSING else MANIFEST_PATH
            self._find(path, _verdict_of(error), error.message)

    def _time_stamp(self, data: bytes) -> None:
        if TIME_STAMP_PATH not in self._source.names():
            return
        try:
            token = self._small(TIME_STAMP_PATH)
            self._stamp = self._stamps.check(token, hashlib.sha256(data).digest())
        except TimeStampError as error:
            if error.trouble in (StampTrouble.UNTRUSTED, StampTrouble.EXPIRED):
                self._stamp_trouble = error.message
            else:
                self._find(TIME_STAMP_PATH, Verdict.ALTERED, error.message)
        except AppError as error:
            self._find(TIME_STAMP_PATH, _verdict_of(error), error.message)

    def _names(self, manifest: Manifest) -> None:
        names = self._source.names()
        named = {one.path for one in manifest.files} | BESIDE
        for name in sorted(set(names) - named):
            self._find(name, Verdict.ALTERED, "the manifest does not name this file: it was put in later")
        for name in sorted({one for one in names if names.count(one) > 1}):
            self._find(name, Verdict.ALTERED, "this file stands in the package twice")

    def _file(self, file: PackageFile) -> None:
        try:
            with self._source.open(file.path) as opened:
                found = _hash(opened, file.size_bytes + 1)
        except AppError as error:
            self._find(file.path, _verdict_of(error), error.message)
            return
        except (OSError, zipfile.BadZipFile, EOFError) as error:
            self._find(file.path, Verdict.ALTERED, f"the file cannot be read: {error}")
            return
        if found[0] < file.size_bytes:
            self._find(file.path, Verdict.CUT, f"the file has {found[0]} bytes of {file.size_bytes}")
        elif found != (file.size_bytes, file.sha256):
            self._find(file.path, Verdict.ALTERED, "the file is not the one that was signed")

    def _proof(self, channel: ExportedChannel) -> ProofVerdict | None:
        if channel.proof is None or channel.media is None or self._trust is None:
            return None
        try:
            with self._source.open(channel.proof) as lines, self._source.open(channel.media) as media:
                verdict = self._checked(channel, lines, media)
        except AppError as error:
            self._find(channel.proof, _verdict_of(error), error.message)
            return None
        except (OSError, zipfile.BadZipFile, EOFError) as error:
            self._find(channel.proof, Verdict.ALTERED, f"the file cannot be read: {error}")
            return None
        if verdict.stream_id is not None and verdict.stream_id != channel.stream_id:
            self._find(channel.proof, Verdict.ALTERED, "this is the proof of another stream")
        self._findings += [PackageFinding(channel.media, one) for one in verdict.findings]
        return verdict

    def _checked(self, channel: ExportedChannel, lines: BinaryIO, media: BinaryIO) -> ProofVerdict:
        assert self._trust is not None
        size = media.seek(0, io.SEEK_END)
        span = find_media_data(lambda offset, length: _read(media, offset, length), size)

        def read_media(offset: int, length: int) -> bytes:
            return _read(media, span.start + offset, min(length, max(0, span.stop - span.start - offset)))

        gaps = [Span(one.start_us, one.end_us) for one in channel.gaps if one.end_us is not None]
        needs = ProofNeeds(self._trust, self._small, read_media, span.stop - span.start, gaps)
        return verify_proof(_lines(lines), needs)

    def _small(self, path: str, limit: int = _SMALL_FILE_BYTES) -> bytes:
        with self._source.open(path) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise ProtocolError(f"{path} is larger than such a file can be")
        return data


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(LINE_LIMIT_BYTES + 1):
        yield line


def _read(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)


def _hash(file: BinaryIO, limit: int) -> tuple[int, str]:
    """(bytes, SHA-256) of a file, of no more than `limit` bytes of it."""
    digest = hashlib.sha256()
    size = 0
    while size < limit and (block := file.read(min(_BLOCK_BYTES, limit - size))):
        size += len(block)
        digest.update(block)
    return size, digest.hexdigest()


def _verdict_of(error: AppError) -> Verdict:
    return Verdict.CUT if error.kind is ErrorKind.MISSING else Verdict.ALTERED


def _missing(path: str, why: str) -> AppError:
    return AppError(ErrorKind.MISSING, f"{path} is missing ({why})" if why else f"{path} is missing")
