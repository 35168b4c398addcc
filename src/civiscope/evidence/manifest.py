"""The manifest of an exported package: written once, read from strangers (docs/design/proof.md)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from civiscope.base import ChannelId, OrganisationId, ProtocolError, ReasonedSpan, SiteId, Span, StreamId

VERSION = 1
MANIFEST_PATH = "manifest.json"
SIGNATURE_PATH = "manifest.sig"
TIME_STAMP_PATH = "manifest.tsr"
BESIDE = frozenset({MANIFEST_PATH, SIGNATURE_PATH, TIME_STAMP_PATH})
"""The files of a package that its manifest does not name."""
MANIFEST_LIMIT_BYTES = 4 << 20
FILES_LIMIT = 10_000
_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_PATH_LIMIT_CHARS = 200
_HASH = re.compile(r"[0-9a-f]{64}")


class FileRole(StrEnum):
    """What a file of a package is for."""

    MEDIA = "media"
    PROOF = "proof"
    CERTIFICATE = "certificate"
    PLAYER = "player"
    VERIFIER = "verifier"
    CUSTODY = "custody"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class PackageFile:
    """One file of a package."""

    path: str
    size_bytes: int
    sha256: str
    """64 small hexadecimal digits."""
    media_type: str
    role: FileRole


@dataclass(frozen=True, slots=True)
class ExportedChannel:
    """What of one channel is in a package."""

    channel_id: ChannelId
    name: str
    span: Span
    stream_id: StreamId
    media: str | None
    """Path of its file."""
    proof: str | None
    """Path of its proof; None: the media was made anew, and only the manifest binds it."""
    is_covered: bool
    gaps: tuple[ReasonedSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class ExportMaker:
    """Who made a package, when and why."""

    at_us: int
    by: str
    purpose: str
    reason: str
    software: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a package. `more` holds further members of the outermost object, as JSON values."""

    export_id: UUID
    site_id: SiteId
    site_name: str
    organisation_id: OrganisationId
    made: ExportMaker
    signer_certificate: str
    """Path of the certificate whose key signed it."""
    authority_certificate: str
    channels: tuple[ExportedChannel, ...]
    files: tuple[PackageFile, ...]
    more: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """The bytes of `manifest.json`, to be signed as they are."""
        made = self.made
        body: dict[str, object] = {
            **self.more,
            "civiscope_export": VERSION,
            "export_id": str(self.export_id),
            "site": {
                "id": str(self.site_id), "name": self.site_name, "organisation_id": str(self.organisation_id),
            },
            "made": {
                "at_us": made.at_us, "by": made.by, "purpose": made.purpose, "reason": made.reason,
                "software": made.software,
            },
            "signer": {"certificate": self.signer_certificate, "authority": self.authority_certificate},
            "channels": [_channel_json(one) for one in self.channels],
            "files": [
                {
                    "path": one.path, "bytes": one.size_bytes, "sha256": one.sha256,
                    "media_type": one.media_type, "role": one.role.value,
                }
                for one in self.files
            ],
        }  # fmt: skip
        return (json.dumps(body, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def read(cls, data: bytes) -> "Manifest":
        """ProtocolError for bytes that are no manifest of this version, or that name a file twice."""
        if len(data) > MANIFEST_LIMIT_BYTES:
            raise ProtocolError(f"a manifest of {len(data)} bytes: the limit is {MANIFEST_LIMIT_BYTES}")
        try:
            body = _Fields(json.loads(data, object_pairs_hook=_without_twins))
            if body.number("civiscope_export") != VERSION:
                raise ValueError("another version")
            manifest = _manifest(body)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
            raise ProtocolError(f"this is no manifest of an export of version {VERSION}: {error}") from None
        _check_names(manifest)
        return manifest

    def file(self, path: str) -> PackageFile | None:
        """The file of that path, if the manifest names it."""
        return next((one for one in self.files if one.path == path), None)


class _Fields:
    """A JSON object whose members are asked for by kind; ValueError names what is missing or wrong."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise ValueError("an object was expected")
        self.value: dict[str, object] = value

    def text(self, key: str) -> str:
        found = self.value.get(key)
        if not isinstance(found, str):
            raise ValueError(f"{key} is no text")
        return found

    def path(self, key: str) -> str:
        return checked_path(self.text(key))

    def path_or_none(self, key: str) -> str | None:
        return None if self.value.get(key) is None else self.path(key)

    def number(self, key: str) -> int:
        found = self.value.get(key)
        if type(found) is not int or not 0 <= found < 1 << 53:
            raise ValueError(f"{key} is no whole number")
        return found

    def truth(self, key: str) -> bool:
        found = self.value.get(key)
        if not isinstance(found, bool):
            raise ValueError(f"{key} is neither true nor false")
        return found

    def child(self, key: str) -> "_Fields":
        return _Fields(self.value.get(key))

    def children(self, key: str) -> list["_Fields"]:
        found = self.value.get(key)
        if not isinstance(found, list) or len(found) > FILES_LIMIT:
            raise ValueError(f"{key} is no list, or too long")
        return [_Fields(one) for one in found]


_OWN_KEYS = frozenset({"civiscope_export", "export_id", "site", "made", "signer", "channels", "files"})


def checked_path(path: str) -> str:
    """The path; ValueError if it could lead out of the package."""
    if len(path) > _PATH_LIMIT_CHARS or not _PATH.fullmatch(path):
        raise ValueError(f"{path[:80]!r} is no path of a package")
    return path


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _manifest(body: _Fields) -> Manifest:
    site, made, signer = body.child("site"), body.child("made"), body.child("signer")
    return Manifest(
        UUID(body.text("export_id")),
        SiteId(UUID(site.text("id"))),
        site.text("name"),
        OrganisationId(UUID(site.text("organisation_id"))),
        ExportMaker(
            made.number("at_us"), made.text("by"), made.text("purpose"), made.text("reason"),
            made.text("software"),
        ),
        signer.path("certificate"),
        signer.path("authority"),
        tuple(_channel(one) for one in body.children("channels")),
        tuple(_file(one) for one in body.children("files")),
        {key: value for key, value in body.value.items() if key not in _OWN_KEYS},
    )  # fmt: skip


def _channel(fields: _Fields) -> ExportedChannel:
    return ExportedChannel(
        ChannelId(UUID(fields.text("id"))),
        fields.text("name"),
        _span(fields.child("span")),
        StreamId(UUID(fields.text("stream"))),
        fields.path_or_none("media"),
        fields.path_or_none("proof"),
        fields.truth("is_covered"),
        tuple(_gap(one) for one in fields.children("gaps")),
    )


def _span(fields: _Fields) -> Span:
    return Span(fields.number("start_us"), fields.number("end_us"))


def _gap(fields: _Fields) -> ReasonedSpan:
    span = _span(fields)
    return ReasonedSpan(span.start_us, span.end_us, fields.text("reason"), fields.text("detail"))


def _file(fields: _Fields) -> PackageFile:
    sha256 = fields.text("sha256")
    if not _HASH.fullmatch(sha256):
        raise ValueError("sha256 is no hash")
    role = FileRole(fields.text("role"))
    return PackageFile(fields.path("path"), fields.number("bytes"), sha256, fields.text("media_type"), role)


def _channel_json(one: ExportedChannel) -> dict[str, object]:
    return {
        "id": str(one.channel_id), "name": one.name,
        "span": {"start_us": one.span.start_us, "end_us": one.span.end_us},
        "stream": str(one.stream_id), "media": one.media, "proof": one.proof,
        "is_covered": one.is_covered,
        "gaps": [
            {"start_us": gap.start_us, "end_us": gap.end_us, "reason": gap.reason, "detail": gap.detail}
            for gap in one.gaps
        ],
    }  # fmt: skip


def _check_names(manifest: Manifest) -> None:
    paths = [one.path for one in manifest.files]
    if len({path.lower() for path in paths}) != len(paths):
        raise ProtocolError("the manifest names a file twice")
    named = {*paths}
    wanted = {manifest.signer_certificate, manifest.authority_certificate}
    for channel in manifest.channels:
        wanted |= {path for path in (channel.media, channel.proof) if path is not None}
    if not wanted <= named or named & BESIDE:
        raise ProtocolError("the manifest speaks of files that are not in its list, or lists itself")
