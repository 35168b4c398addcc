"""Which wraps of data keys stay on a volume and which go: the last step of every deletion.

Invariants: while a hold protects what a key sealed, a whole wrap stays that opens it for that hold (the
site's, or one of its case); nothing is destroyed that the ledger does not order first.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from civiscope.base import ProtocolError, StreamId, get_log
from civiscope.recording.destruction import DestructionLedger, DoomedWraps
from civiscope.recording.keys import read_key_file, write_key_file
from civiscope.recording.model import SegmentSummary, case_wrap_path
from civiscope.recording.volume import Volume
from civiscope.security import CASE_WRAP_BYTES, HOUR_US, CaseId, KeyId, read_case_wrap, read_wrapped
from civiscope.storage import DiskError

CasesOf = Callable[[SegmentSummary], frozenset[CaseId | None]]
"""Cases of the holds that protect a segment; None among them for a hold without one."""
_log = get_log("civiscope.recording")


@dataclass(frozen=True, slots=True)
class StoredWraps:
    """The wraps of one data key that lie on a volume."""

    stream_id: StreamId
    key_id: KeyId
    site: bool
    cases: frozenset[CaseId]


class WrapKeeper:
    """Destroys wraps whose time has come. Called from the writer's thread; raises DiskError."""

    def __init__(self, volume: Volume, cases_of: CasesOf, ledger: DestructionLedger | None) -> None:
        self._volume = volume
        self._cases_of = cases_of
        self._ledger = ledger
        self._is_finished = ledger is None
        """What a cut left half done is carried out."""

    def run(
        self, now_us: int, in_use: Collection[KeyId], is_past: Callable[[SegmentSummary], bool], policy: str
    ) -> list[DoomedWraps]:
        """Destroy what neither segments nor holds need; `is_past`: the segment would go but for a hold.

        What a cut left half done comes first: here, and not at the start, which waits for no disk.
        """
        if self._ledger is not None and not self._is_finished:
            self._ledger.finish(self._volume.files, self._volume.volume_id)
            self._is_finished = True
        by_key: dict[KeyId, list[SegmentSummary]] = {}
        for summary in self._volume.catalogue.segments():
            by_key.setdefault(summary.key_id, []).append(summary)
        busy = set(in_use) | {one.key_id for one in self._volume.catalogue.open.values()}
        doomed: list[DoomedWraps] = []
        for stored in self._stored():
            if stored.key_id in busy:
                continue
            found = self._doomed(stored, by_key.get(stored.key_id, []), is_past)
            if found is not None and (found.hour is None or found.hour < now_us // HOUR_US - 1):
                doomed.append(found)
        self._destroy(doomed, policy)
        return doomed

    def _doomed(
        self, stored: StoredWraps, segments: list[SegmentSummary], is_past: Callable[[SegmentSummary], bool]
    ) -> DoomedWraps | None:
        if not segments:
            return self._described(
                DoomedWraps(stored.stream_id, stored.key_id, None, stored.site, tuple(sorted(stored.cases)))
            )
        needed = frozenset(case for one in segments for case in self._cases_of(one))
        wanted = frozenset(case for case in needed if case is not None)
        covered = bool(wanted) and None not in needed and self._are_whole(stored, wanted)
        site_goes = stored.site and covered and all(map(is_past, segments))
        site_stays = stored.site and not site_goes
        opens = site_stays or covered or not needed
        unneeded = stored.cases - wanted if opens else frozenset[CaseId]()
        if not site_goes and not unneeded:
            return None
        kept = frozenset[CaseId]() if site_stays else stored.cases & wanted
        return self._described(
            DoomedWraps(
                stored.stream_id, stored.key_id, None, site_goes, tuple(sorted(unneeded)), tuple(sorted(kept))
            )
        )

    def _are_whole(self, stored: StoredWraps, cases: Iterable[CaseId]) -> bool:
        """Every one of these cases has its wrap here, and it is what it should be."""
        for case_id in cases:
            path = case_wrap_path(stored.stream_id, stored.key_id, case_id)
            try:
                header, _ = read_case_wrap(read_key_file(self._volume.files.read(path)))
            except (DiskError, ProtocolError):
                return False
            context = header.context
            told = (header.case_id, context.stream_id, context.key_id)
            if told != (case_id, stored.stream_id, stored.key_id):
                return False
        return True

    def _described(self, doomed: DoomedWraps) -> DoomedWraps:
        """With its hour, and what was deleted in it."""
        hour = self._hour(doomed)
        if hour is None:
            return doomed
        stream = self._volume.catalogue.streams.get(doomed.stream_id)
        start_us, end_us = hour * HOUR_US, (hour + 1) * HOUR_US
        spans = tuple(
            (max(one.start_us, start_us), min(one.end_us, end_us))
            for one in (stream.erased if stream else ())
            if one.end_us is not None and one.start_us < end_us and one.end_us > start_us
        )
        return replace(doomed, hour=hour, spans=spans)

    def _hour(self, doomed: DoomedWraps) -> int | None:
        for path in doomed.paths:
            try:
                wrapped = read_key_file(self._volume.files.read(path))
                if len(wrapped) == CASE_WRAP_BYTES:
                    return read_case_wrap(wrapped)[0].context.hour
                return read_wrapped(wrapped)[0].context.hour
            except (DiskError, ProtocolError):
                continue
        return None

    def _destroy(self, doomed: list[DoomedWraps], policy: str) -> None:
        """Order to the ledger, which syncs; the files; a barrier; then it is done."""
        if not doomed:
            return
        files, ledger = self._volume.files, self._ledger
        sequence = ledger.order(self._volume.volume_id, doomed, "retention", policy) if ledger else 0
        for one in doomed:
            for path in one.paths:
                files.remove(path)
        files.sync()
        if ledger:
            ledger.done(sequence)

    def _stored(self) -> list[StoredWraps]:
        found: list[StoredWraps] = []
        files = self._volume.files
        for folder in files.names("keys"):
            if folder in self._volume.unexplained_streams:
                continue  # what was left of it is for a person to look at
            found += _by_key(folder, files.names(f"keys/{folder}"))
        return found


def keep_case_wrap(volume: Volume, wrapped: bytes) -> bool:
    """Lay a case wrap beside the key it is of; False when it is none, or of no key of this volume.

    The next barrier makes it durable. One that is there and whole stays as it is.
    """
    try:
        header, _ = read_case_wrap(wrapped)
    except ProtocolError as error:
        _log.error("the server sent a case wrap that is none", why=error.message)
        return False
    context = header.context
    if header.site_id != volume.identity.site_id or not _knows(volume, context.stream_id, context.key_id):
        return False
    path = case_wrap_path(context.stream_id, context.key_id, header.case_id)
    try:
        if read_case_wrap(read_key_file(volume.files.read(path)))[0] == header:
            return True
    except (DiskError, ProtocolError):
        volume.files.remove(path)
    volume.files.append(path, write_key_file(wrapped))
    volume.files.release(path)
    return True


def _knows(volume: Volume, stream_id: StreamId, key_id: KeyId) -> bool:
    """A segment of that stream is, or is being, sealed by that key."""
    stream = volume.catalogue.streams.get(stream_id)
    closed = stream.closed.values() if stream else ()
    is_open = any(
        one.key_id == key_id and one.stream_id == stream_id for one in volume.catalogue.open.values()
    )
    return is_open or any(one.key_id == key_id for one in closed)


def _by_key(folder: str, names: Iterable[str]) -> list[StoredWraps]:
    stream_id = _uuid(folder)
    found: dict[UUID, tuple[bool, set[CaseId]]] = {}
    for name in names:
        key, _, rest = name.partition(".")
        key_id, case_id = _uuid(key), _uuid(rest.removesuffix(".case"))
        if key_id is None or (rest != "key" and (case_id is None or not rest.endswith(".case"))):
            continue
        site, cases = found.get(key_id, (False, set()))
        if case_id is not None:
            cases.add(CaseId(case_id))
        found[key_id] = (site or rest == "key", cases)
    if stream_id is None:
        return []
    return [
        StoredWraps(StreamId(stream_id), KeyId(key_id), site, frozenset(cases))
        for key_id, (site, cases) in found.items()
    ]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
