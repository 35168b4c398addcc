"""Does a whole volume prove itself: every segment, their order, and files that nobody declared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from civiscope.base import AppError, ErrorKind, ReasonedSpan, Span, StreamId
from civiscope.recording.catalogue import StreamCatalogue
from civiscope.recording.index import INDEX_PATH, read_index_header
from civiscope.recording.model import GapReason, SegmentSummary
from civiscope.recording.verification import Finding, SegmentVerdict, Verdict, Verifier, worst_of
from civiscope.recording.volume import VOLUME_PATH, VolumeDescription
from civiscope.recording.volume_view import VolumeView
from civiscope.security import Keyring, SiteTrust

_NO_HEAD = bytes(32)
_BESIDE_US = 2_000_000


@dataclass(frozen=True, slots=True)
class StreamVerdict:
    """What was found of one stream in a volume."""

    stream_id: StreamId
    verdict: Verdict
    segments: tuple[SegmentVerdict, ...]
    findings: tuple[Finding, ...]
    """What concerns no single segment."""
    gaps: tuple[ReasonedSpan, ...]
    """What the recorder itself declared missing."""
    erased: tuple[ReasonedSpan, ...]
    """What was lawfully deleted, by reason."""


@dataclass(frozen=True, slots=True)
class VolumeVerdict:
    """What was found in a volume."""

    path: Path
    description: VolumeDescription
    verdict: Verdict
    findings: tuple[Finding, ...]
    streams: tuple[StreamVerdict, ...]


def verify_volume(
    path: Path, trust: SiteTrust, keyring: Keyring | None = None, only: Sequence[Path] = ()
) -> VolumeVerdict:
    """Check every segment of a volume, or those whose files are `only`; a recorder may go on writing it.

    AppError(INVALID) if there is no volume at `path`. Never raises for what its bytes are.
    """
    try:
        description = VolumeDescription.read((path / VOLUME_PATH).read_bytes())
        read_index_header((path / INDEX_PATH).read_bytes())
    except (OSError, AppError) as error:
        why = error.message if isinstance(error, AppError) else error.strerror
        raise AppError(ErrorKind.INVALID, f"{path} is no volume that can be read: {why}.") from None
    view = VolumeView(path)
    view.refresh()
    check = _Check(view, Verifier(trust, keyring), {one.name for one in only})
    streams = tuple(check.streams())
    findings = () if only else tuple(check.strangers())
    every = [*findings, *(Finding(one.verdict, None, "") for one in streams)]
    return VolumeVerdict(path, description, worst_of(every), findings, streams)


class _Check:
    def __init__(self, view: VolumeView, verifier: Verifier, only: set[str]) -> None:
        self._view = view
        self._verifier = verifier
        self._only = only

    def streams(self) -> Iterator[StreamVerdict]:
        """All streams, in order of their ids."""
        for stream_id in sorted(self._view.catalogue.streams):
            found = self._stream(stream_id)
            if found.segments or not self._only:
                yield found

    def strangers(self) -> Iterator[Finding]:
        """Files of segments that the index does not know."""
        known = {one.path for one in self._view.catalogue.segments()}
        known |= {one.path for one in self._view.catalogue.open.values()}
        for path in sorted((self._view.path / "segments").glob("*/*.cvs")):
            name = path.relative_to(self._view.path).as_posix()
            if name not in known:
                yield Finding(Verdict.ALTERED, None, f"{name} is not in the index: it was put in later")

    def _stream(self, stream_id: StreamId) -> StreamVerdict:
        catalogue = self._view.stream(stream_id)
        summaries = [*catalogue.closed.values(), *self._view.growing(stream_id)]
        if self._only:
            summaries = [one for one in summaries if Path(one.path).name in self._only]
        segments = tuple(self._verifier.verify(self._view, one) for one in summaries)
        findings = (
            ()
            if self._only
            else (
                *_missing(summaries, segments, catalogue),
                *_lost(catalogue),
            )
        )
        every = [*findings, *(Finding(one.verdict, None, "") for one in segments)]
        gaps = [*catalogue.gaps, *([catalogue.open_gap] if catalogue.open_gap else [])]
        return StreamVerdict(
            stream_id, worst_of(every), segments, findings, tuple(gaps), tuple(catalogue.erased)
        )


def _missing(
    summaries: Sequence[SegmentSummary], segments: Sequence[SegmentVerdict], catalogue: StreamCatalogue
) -> Iterator[Finding]:
    """Where a segment does not follow from the one before, and no deletion says why."""
    heads = {one.chain_head for one in segments}
    before: SegmentSummary | None = None
    for summary, segment in zip(summaries, segments, strict=True):
        wanted = segment.previous_head
        if segment.part_count and wanted not in heads and wanted != _NO_HEAD:
            start_us = before.end_us if before is not None else 0
            hole = Span(
                max(0, min(start_us, summary.start_us) - _BESIDE_US),
                max(start_us, summary.start_us) + _BESIDE_US,
            )
            if not any(_covers(one, hole) for one in catalogue.erased):
                yield Finding(
                    Verdict.CUT, None, f"what came before segment {summary.segment_id} is gone undeclared",
                    wall_us=summary.start_us,
                )  # fmt: skip
        before = summary


def _lost(catalogue: StreamCatalogue) -> Iterator[Finding]:
    for one in catalogue.erased:
        if one.reason == GapReason.FILE_MISSING:
            yield Finding(Verdict.CUT, None, "recorded, and gone undeclared", wall_us=one.start_us)


def _covers(erased: ReasonedSpan, hole: Span) -> bool:
    return erased.start_us < hole.end_us and (erased.end_us is None or hole.start_us < erased.end_us)


def find_volume(path: Path) -> Path | None:
    """The volume that a path is, or that a segment's file lies in."""
    for one in (path, *path.parents[:4]):
        if (one / VOLUME_PATH).is_file():
            return one
    return None
