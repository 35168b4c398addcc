"""Checking volumes, segments, packages and certificates without a server: reports for people and programs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from civiscope.app.home import Home
from civiscope.app.verify_deletion import check_deletion, read_deletion
from civiscope.base import AppError, ErrorKind, ReasonedSpan, SystemClock
from civiscope.evidence import PackageVerdict, open_package, verify_package
from civiscope.media import FileUnits, TrackKind
from civiscope.recording import (
    CameraVerdict,
    Finding,
    SegmentVerdict,
    StreamVerdict,
    Verdict,
    VolumeVerdict,
    camera_findings,
    find_volume,
    verify_volume,
    worst_of,
)
from civiscope.security import CameraAnchors, SiteKeys, SiteTrust, StampRoots, describe_certificate

_CERTIFICATE_SUFFIXES = {".der", ".pem", ".crt", ".cer"}
_VIDEO_SUFFIXES = {".mp4", ".mov", ".mkv", ".m4v"}
_FILE_LIMIT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Place:
    """One thing that was found, and where: file, part, access unit, time."""

    verdict: str
    what: str
    file: str
    part: int | None = None
    access_unit: int | None = None
    wall_us: int | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """A span without recording that the recorder, or whoever deleted, declared."""

    stream: str
    start_us: int
    end_us: int | None
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What is said of one path."""

    path: str
    kind: str
    """`volume`, `segment`, `package`, `certificate`, `deletion`, or `video` for what the camera signed."""
    verdict: str
    is_complete: bool
    """False: nothing may be wrong, but not everything could be looked at; `notes` say what."""
    found: tuple[Place, ...]
    signed_by: tuple[str, ...]
    """Nodes, as their certificates name them."""
    site: str
    authority: str
    """SHA-256 of the authority's certificate."""
    gaps: tuple[Missing, ...]
    erased: tuple[Missing, ...]
    notes: tuple[str, ...]
    segments: int = 0
    parts: int = 0
    access_units: int = 0

    @property
    def is_good(self) -> bool:
        """Nothing is wrong, as far as it could be looked at."""
        return self.verdict in {Verdict.WHOLE.value, Verdict.OPEN.value, Verdict.UNREADABLE.value}

    def to_json(self) -> dict[str, object]:
        """For programs; the names are those of the fields."""
        return asdict(self)


class VerifyDesk:
    """Answers `civiscope verify`; reads files only."""

    def __init__(self, home: Home, authority: Path | None, camera_roots: Sequence[Path] = (),
        stamp_roots: Sequence[Path] = (),
    ) -> None:  # fmt: skip
        """`authority`: the certificate of a site's node authority; without it that of the site in `home`.

        `camera_roots`: certificates that are trusted to stand behind the signatures of cameras.
        """
        self._stamps = StampRoots([_read(path) for path in stamp_roots])
        self._anchors = CameraAnchors([_read(path) for path in camera_roots])
        self._keys: SiteKeys | None = SiteKeys.load(home.keys) if home.is_initialised else None
        self._trust: SiteTrust | None = None
        if authority is not None:
            self._trust = SiteTrust.read(_read(authority))
        elif self._keys is not None:
            self._trust = self._keys.locked_keyring().trust

    def reports(self, paths: Sequence[Path]) -> Iterator[VerifyReport]:
        """One for each path, in order; AppError(INVALID | MISSING) for what is none of ours."""
        for path in paths:
            yield self._report(path)

    def _report(self, path: Path) -> VerifyReport:
        if not path.exists():
            raise AppError(ErrorKind.MISSING, f"there is no {path}: check the name.")
        if path.suffix in _CERTIFICATE_SUFFIXES:
            return self._certificate(path)
        if path.suffix in _VIDEO_SUFFIXES:
            return camera_report(path, self._anchors)
        if (path / "manifest.json").exists() or path.suffix == ".zip":
            return _of_package(path, verify_package(open_package(path), self._trust, self._stamps))
        deletion = read_deletion(path)
        if deletion is not None:
            return self._deletion(path, deletion)
        volume = find_volume(path)
        if volume is None:
            raise AppError(
                ErrorKind.INVALID,
                f"{path} is neither a volume, a segment in one, an exported package nor a certificate "
                "(of a node, of deletion).",
            )
        return self._volume(path, volume)

    def _volume(self, path: Path, volume: Path) -> VerifyReport:
        if self._trust is None:
            raise AppError(
                ErrorKind.INVALID,
                "to check a volume, name the site by --home, or its node authority by --authority.",
            )
        keyring = None if self._keys is None else self._keys.keyring()
        if keyring is not None and not keyring.opens_for(self._trust):
            keyring = None
        found = verify_volume(volume, self._trust, keyring, () if path.is_dir() else (path,))
        return _of_volume(path, found, self._trust)

    def _deletion(self, path: Path, data: bytes) -> VerifyReport:
        verdict, node, words, wraps = check_deletion(data, self._trust)
        is_whole = verdict is Verdict.WHOLE
        return VerifyReport(
            str(path), "deletion", verdict.value, True,
            () if is_whole else (Place(verdict.value, words[0], str(path)),),
            (node,) if node else (), "" if self._trust is None else self._trust.site,
            "" if self._trust is None else self._trust.fingerprint, (),
            tuple(
                Missing(str(one.stream_id), start_us, end_us, "destroyed", f"key {one.key_id}")
                for one in wraps for start_us, end_us in one.spans
            ),
            words if is_whole else (),
        )  # fmt: skip

    def _certificate(self, path: Path) -> VerifyReport:
        facts = describe_certificate(_read(path), self._trust)
        verdict = Verdict.WHOLE if facts.is_issued else Verdict.UNREADABLE
        if facts.is_issued is False:
            verdict = Verdict.ALTERED
        return VerifyReport(
            str(path), "certificate", verdict.value, facts.is_issued is not None,
            () if verdict is Verdict.WHOLE else (Place(verdict.value, facts.words, str(path)),),
            (facts.name,), facts.site, "" if self._trust is None else self._trust.fingerprint, (), (),
            (f"SHA-256 {facts.fingerprint}", facts.words, *facts.life),
        )  # fmt: skip


def camera_report(path: Path, anchors: CameraAnchors, recorded_us: int | None = None) -> VerifyReport:
    """What the camera itself signed in a video file; times count from the file's start.

    Certificates count as of `recorded_us`, else as of now: a file does not say when it was recorded.
    """
    file = FileUnits(path, audio=False)
    video = next(one for one in file.tracks if one.kind is TrackKind.VIDEO)
    units = ((one.data, one.arrival_us) for one in file.units if one.track_id == video.track_id)
    at_us = SystemClock().now_us() if recorded_us is None else recorded_us
    found = list(camera_findings(units, video.codec, anchors, at_us))
    verdicts = [one.verdict for one in found]
    places = tuple(
        Place(one.verdict.value, f"{one.detail or 'no signature'}, until {one.end_us / 1e6:.2f} s", str(path),
              wall_us=one.start_us)
        for one in found if one.verdict is not CameraVerdict.AUTHENTIC
    )  # fmt: skip
    worst = Verdict.ALTERED if CameraVerdict.NOT_AUTHENTIC in verdicts else Verdict.WHOLE
    counts = ", ".join(f"{verdicts.count(one)} {one.value}" for one in CameraVerdict if one in verdicts)
    return VerifyReport(
        str(path), "video", worst.value, set(verdicts) == {CameraVerdict.AUTHENTIC}, places,
        (), "", "", (), (),
        (f"signed by the camera (ONVIF Media Signing), groups of pictures: {counts or 'none'}",),
        access_units=sum(one.track_id == video.track_id for one in file.units),
    )  # fmt: skip


def _of_package(path: Path, found: PackageVerdict) -> VerifyReport:
    places = tuple(_place(one.path, one.finding) for one in found.findings)
    proofs = [one.proof for one in found.channels if one.proof is not None]
    signers = {str(node) for proof in proofs for node in proof.signed_by}
    gaps = [
        Missing(str(one.channel.stream_id), gap.start_us, gap.end_us, gap.reason, gap.detail)
        for one in found.channels for gap in one.channel.gaps
    ]  # fmt: skip
    erased = tuple(gap for gap in gaps if gap.reason in _ERASED)
    return VerifyReport(
        str(path), "package", found.verdict.value,
        found.is_known_authority and not found.stamp_trouble, places,
        tuple(sorted(signers)), "" if found.manifest is None else str(found.manifest.site_id),
        found.authority, tuple(gap for gap in gaps if gap.reason not in _ERASED), erased,
        tuple(_package_notes(found)), sum(one.segment_count for one in proofs),
        sum(one.part_count for one in proofs), sum(one.unit_count for one in proofs),
    )  # fmt: skip


_ERASED = frozenset({"erased", "retention", "thinned"})
"""Reasons of gaps that were deleted or thinned by law, not missed."""


def _package_notes(found: PackageVerdict) -> Iterator[str]:
    manifest = found.manifest
    if manifest is not None:
        made = manifest.made
        yield f"made {moment(made.at_us)} by {made.by} for {made.purpose}: {made.reason}"
    if found.signed_by is not None:
        yield f"manifest signed by the server of node {found.signed_by}"
    if found.stamp is not None:
        yield f"time-stamped {moment(found.stamp.at_us)} by {found.stamp.authority}"
    if found.stamp_trouble:
        yield f"the time-stamp is not believed: {found.stamp_trouble}"
    if not found.is_known_authority and found.authority:
        yield (
            "the authority came with the package: compare its SHA-256 with the one the site tells you "
            "(give it by --authority)"
        )
    for one in found.channels:
        if one.proof is None:
            yield f"{one.channel.name}: made anew (covered); bound by the manifest's signature alone"


def _of_volume(path: Path, found: VolumeVerdict, trust: SiteTrust) -> VerifyReport:
    segments = [one for stream in found.streams for one in stream.segments]
    places = [_place("", one) for one in found.findings]
    places += [place for stream in found.streams for place in _stream_places(stream)]
    closed = sum(not one.is_opened for one in segments)
    notes = [f"volume {found.description.volume_id} of node {found.description.node_id}"]
    if closed:
        notes.append(
            f"{closed} of {len(segments)} segments stayed closed: their chain and signatures hold or not as "
            "said; their pictures need the site's sealing key"
        )
    verdict = (
        worst_of(Finding(one.verdict, None, "") for one in segments) if path.is_file() else found.verdict
    )
    return VerifyReport(
        str(path), "segment" if path.is_file() else "volume", verdict.value, closed == 0, tuple(places),
        tuple(sorted({str(one.signed_by) for one in segments if one.signed_by is not None})),
        str(found.description.site_id), trust.fingerprint,
        tuple(_missing(stream, gap) for stream in found.streams for gap in stream.gaps),
        tuple(_missing(stream, gap) for stream in found.streams for gap in stream.erased),
        tuple(notes), len(segments), sum(one.part_count for one in segments),
        sum(one.unit_count for one in segments),
    )  # fmt: skip


def _stream_places(stream: StreamVerdict) -> Iterator[Place]:
    for finding in stream.findings:
        yield _place(f"segments/{stream.stream_id}", finding)
    for segment in stream.segments:
        for finding in segment.findings:
            yield _place(_file_of(segment), finding)


def _file_of(segment: SegmentVerdict) -> str:
    return f"segments/{segment.stream_id}/{segment.segment_id}.cvs"


def _place(file: str, one: Finding) -> Place:
    return Place(one.verdict.value, one.detail, file, one.part_number, one.sequence, one.wall_us)


def _missing(stream: StreamVerdict, gap: ReasonedSpan) -> Missing:
    return Missing(str(stream.stream_id), gap.start_us, gap.end_us, gap.reason, gap.detail)


def moment(at_us: int) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).isoformat(timespec="milliseconds")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_FILE_LIMIT_BYTES)
    except OSError as error:
        raise AppError(ErrorKind.MISSING, f"{path} cannot be read: {error.strerror}.") from None
