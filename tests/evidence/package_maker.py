"""A real package, small: recorded by a recorder, exported with its proof, signed by the site's export key."""

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from tests.recording.footage import EPOCH_US, EVERYTHING, FRAME_US, Camera, Room, Site, play

from civiscope.base import (
    AppError,
    ChannelId,
    ErrorKind,
    ManualClock,
    OrganisationId,
    ReasonedSpan,
    Span,
    new_id,
)
from civiscope.evidence import ExportedChannel, ExportMaker, FileRole, Manifest, PackageFile
from civiscope.recording import certificate_name
from civiscope.security import ManifestSigner, load_manifest_signer, provide_export_key

MEDIA, PROOF = "video/gate.mp4", "proof/gate.jsonl"


@dataclass
class MemoryPackage:
    """A package in memory, to be changed at will."""

    files: dict[str, bytes] = field(default_factory=dict)

    def names(self) -> list[str]:
        return list(self.files)

    def open(self, path: str) -> BinaryIO:
        if path not in self.files:
            raise AppError(ErrorKind.MISSING, f"{path} is missing")
        return io.BytesIO(self.files[path])

    def changed(self, path: str, data: bytes | None) -> "MemoryPackage":
        files = {**self.files}
        if data is None:
            del files[path]
        else:
            files[path] = data
        return MemoryPackage(files)

    def write(self, folder: Path) -> Path:
        for path, data in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        return folder


@dataclass(frozen=True)
class Maker:
    """A site that exports."""

    site: Site
    signer: ManifestSigner

    def manifest(self, package: MemoryPackage, channel: ExportedChannel) -> Manifest:
        identity = self.site.keys.identity
        files = tuple(
            PackageFile(
                path, len(data), hashlib.sha256(data).hexdigest(), "application/octet-stream", _role(path)
            )
            for path, data in package.files.items()
        )
        return Manifest(
            new_id(), identity.site_id, identity.site_name, OrganisationId(identity.organisation_id),
            ExportMaker(EPOCH_US + 3_600_000_000, "Anna", "public_safety", "a theft", "civiscope test"),
            certificate_name(self.signer.certificate), certificate_name(self.signer.authority),
            (channel,), files,
        )  # fmt: skip

    def sign(self, package: MemoryPackage, channel: ExportedChannel) -> MemoryPackage:
        """The package with a manifest over what is in it."""
        plain = {path: data for path, data in package.files.items() if not path.startswith("manifest.")}
        data = self.manifest(MemoryPackage(plain), channel).to_json()
        return MemoryPackage({**plain, "manifest.json": data, "manifest.sig": self.signer.sign(data)})


def make_maker(site: Site) -> Maker:
    provide_export_key(site.keys.folder, site.keys.identity.node_id, ManualClock(EPOCH_US - 1))
    return Maker(site, load_manifest_signer(site.keys.server_folder))


def _role(path: str) -> FileRole:
    roles = {"video": FileRole.MEDIA, "proof": FileRole.PROOF}
    return roles.get(path.partition("/")[0], FileRole.CERTIFICATE)


def make_package(
    maker: Maker, folder: Path, frames: int = 8, mean_bytes: int = 40, runs: int = 2, span: Span = EVERYTHING
) -> tuple[MemoryPackage, ExportedChannel]:
    """Some runs of a camera with a declared gap between, exported whole."""
    room = Room(maker.site, folder / "volume", ManualClock(EPOCH_US))
    recorder = room.recorder()
    camera = Camera(room.clock, mean_bytes=mean_bytes)
    for _ in range(runs):
        camera.start(recorder)
        play(recorder, [camera], frames)
        camera.end(recorder)
        room.clock.advance(3_000_000)
    recorder.close()
    archive = room.archive()
    files = {MEDIA: b"", PROOF: b""}
    for piece in archive.export_proved(camera.stream_id, span, MEDIA):
        files[MEDIA] += piece.media
        files[PROOF] += piece.proof
        if piece.certificate:
            files[certificate_name(piece.certificate)] = piece.certificate
    for der in (maker.signer.certificate, maker.signer.authority):
        files[certificate_name(der)] = der
    whole = Span(EPOCH_US, EPOCH_US + runs * (frames * FRAME_US + 3_000_000))
    gaps = tuple(
        ReasonedSpan(one.start_us, one.end_us or whole.end_us, one.reason, one.detail)
        for one in archive.timeline(camera.stream_id, whole).gaps
    )
    channel = ExportedChannel(ChannelId(new_id()), "Gate", whole, camera.stream_id, MEDIA, PROOF, False, gaps)
    return maker.sign(MemoryPackage(files), channel), channel
