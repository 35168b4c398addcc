"""What makes files a case: chain of custody, hash list, manifest and signature, made anew at each fetch.

So a copy says who asked for it, who took copies before, and who takes this one.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from civiscope.base import OrganisationId, SiteId
from civiscope.evidence.export_model import ExportJob
from civiscope.evidence.manifest import (
    MANIFEST_PATH,
    SIGNATURE_PATH,
    ExportedChannel,
    ExportMaker,
    FileRole,
    Manifest,
    PackageFile,
)
from civiscope.evidence.zip_stream import ZipEntry
from civiscope.security import ManifestSigner, ProvenEntry

CUSTODY_PATH = "custody.json"
HASHES_PATH = "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class PackageSite:
    """Of which site a package is, and what signs it."""

    site_id: SiteId
    name: str
    organisation_id: OrganisationId
    software: str
    signer: ManifestSigner


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """A small file that is made, not read."""

    file: PackageFile
    data: bytes = field(repr=False)

    @classmethod
    def of(cls, path: str, data: bytes, media_type: str, role: FileRole) -> "MemoryFile":
        """With its hash."""
        return cls(PackageFile(path, len(data), hashlib.sha256(data).hexdigest(), media_type, role), data)

    def entry(self) -> ZipEntry:
        """As it goes into a ZIP."""
        return ZipEntry(self.file.path, len(self.data), zlib.crc32(self.data), self._pieces)

    def _pieces(self) -> Iterator[bytes]:
        yield self.data


@dataclass(frozen=True, slots=True)
class ClosedPackage:
    """The small files that close a package, and the hash of its manifest."""

    files: tuple[MemoryFile, ...]
    manifest_sha256: str


def close_package(
    site: PackageSite,
    job: ExportJob,
    channels: Sequence[ExportedChannel],
    files: Sequence[PackageFile],
    custody: bytes,
) -> ClosedPackage:
    """Everything but `files`: custody, certificates of the signer, hash list, manifest and signature."""
    signer = site.signer
    named = [f"certificates/{_sha256(der)}.der" for der in (signer.certificate, signer.authority)]
    made = [MemoryFile.of(CUSTODY_PATH, custody, "application/json", FileRole.CUSTODY)]
    known = {one.path for one in files}
    for path, der in zip(named, (signer.certificate, signer.authority), strict=True):
        if path not in known:
            made.append(MemoryFile.of(path, der, "application/pkix-cert", FileRole.CERTIFICATE))
            known.add(path)
    listed = [*files, *(one.file for one in made)]
    sums = "".join(f"{one.sha256}  {one.path}\n" for one in listed).encode()
    made.append(MemoryFile.of(HASHES_PATH, sums, "text/plain", FileRole.OTHER))
    order = job.order
    maker = ExportMaker(
        job.finished_us or job.made_us, job.asker.name, order.purpose, order.reason, site.software
    )
    manifest = Manifest(
        job.id, site.site_id, site.name, site.organisation_id, maker, named[0], named[1], tuple(channels),
        (*listed, made[-1].file), {"case": order.case} if order.case else {},
    ).to_json()  # fmt: skip
    made.append(MemoryFile.of(MANIFEST_PATH, manifest, "application/json", FileRole.OTHER))
    signature = signer.sign(manifest)
    made.append(MemoryFile.of(SIGNATURE_PATH, signature, "application/octet-stream", FileRole.OTHER))
    return ClosedPackage(tuple(made), _sha256(manifest))


def custody_json(job: ExportJob, entries: Sequence[ProvenEntry], taker: Mapping[str, object]) -> bytes:
    """Who asked and why, what the audit says of the export since, and who takes this copy."""
    order, asker = job.order, job.asker
    body = {
        "civiscope_custody": 1,
        "export_id": str(job.id),
        "asked": {
            "by": asker.name, "principal_id": str(asker.id), "from": asker.from_where, "at_us": job.made_us,
            "purpose": order.purpose, "reason": order.reason, "case": order.case,
        },
        "taken": dict(taker),
        "audit": [_entry_json(one) for one in entries],
    }  # fmt: skip
    return (json.dumps(body, ensure_ascii=False, indent=1) + "\n").encode()


def _entry_json(one: ProvenEntry) -> dict[str, object]:
    recorded = one.recorded
    return {
        "sequence": recorded.sequence, "at_us": recorded.at_us, "who": recorded.who, "what": recorded.what,
        "why": recorded.why, "outcome": recorded.outcome.value, "link": one.link.hex(),
        "signature": one.signature.hex(),
    }  # fmt: skip


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
