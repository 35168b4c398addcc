"""The server's side of a hold: the data keys of what is held, sealed once more to the key of its case."""

from collections.abc import Iterator, Mapping, Sequence

from civiscope.base import AppError, ErrorKind, ProtocolError, StreamId, get_log
from civiscope.recording.holds import HeldSpan
from civiscope.recording.model import SegmentSummary
from civiscope.recording.volume_view import VolumeView
from civiscope.security import CaseId, CaseKey, KeyContext, Keyring, read_case_wrap

Wanted = tuple[VolumeView, SegmentSummary, CaseKey]
_log = get_log("civiscope.recording")


def wraps_wanted(
    views: Sequence[VolumeView], spans: Sequence[HeldSpan], cases: Mapping[CaseId, CaseKey]
) -> Iterator[Wanted]:
    """One for each data key and case where no whole wrap of that case lies beside the key."""
    for view in views:
        seen: set[object] = set()
        for held in spans:
            case = cases.get(held.case_id) if held.case_id is not None else None
            if case is None:
                continue
            for summary in _held(view, held):
                if (summary.key_id, case.case_id) not in seen:
                    seen.add((summary.key_id, case.case_id))
                    if not _has_wrap(view, summary, case):
                        yield view, summary, case


def rewrapped(keyring: Keyring, view: VolumeView, summary: SegmentSummary, case: CaseKey) -> bytes | None:
    """The wrap for the case; None when nothing here opens the key any more. UNAVAILABLE while locked."""
    wraps = list(view.case_wraps(summary))
    try:
        wraps.insert(0, view.wrapped_key(summary))
    except AppError as error:
        if not wraps:
            _log.warning("held, but its key is gone", stream=summary.stream_id, why=error.message)
            return None
    try:
        context = KeyContext(summary.stream_id, summary.key_hour, summary.key_id)
        return keyring.rewrap(wraps, context, case)
    except AppError as error:
        if error.kind is ErrorKind.UNAVAILABLE:
            raise
        _log.warning("held, but its key does not open", stream=summary.stream_id, why=error.message)
        return None


def _held(view: VolumeView, held: HeldSpan) -> Iterator[SegmentSummary]:
    for summary in (*_closed(view, held.stream_id), *view.growing(held.stream_id)):
        if held.touches(summary):
            yield summary


def _closed(view: VolumeView, stream_id: StreamId) -> list[SegmentSummary]:
    return list(view.stream(stream_id).closed.values())


def _has_wrap(view: VolumeView, summary: SegmentSummary, case: CaseKey) -> bool:
    for wrapped in view.case_wraps(summary):
        try:
            header, _ = read_case_wrap(wrapped)
        except ProtocolError:
            continue
        if (header.case_id, header.case_key) == (case.case_id, case.fingerprint):
            return True
    return False
