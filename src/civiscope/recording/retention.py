"""Deleting what is too old or too much: oldest first, never what is protected; keys with their last bytes."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from civiscope.base import StreamId, get_log
from civiscope.recording.destruction import DestructionLedger
from civiscope.recording.facts import SegmentsDeleted
from civiscope.recording.forecast import RoomForecast, room_forecast, stream_uses
from civiscope.recording.index import SegmentDeletion
from civiscope.recording.model import GapReason, SegmentSummary
from civiscope.recording.settings import RecorderSettings
from civiscope.recording.volume import Volume
from civiscope.recording.wraps import CasesOf, WrapKeeper
from civiscope.security import HOUR_US, CaseId, KeyId
from civiscope.storage import DiskError, DiskFault

Protected = Callable[[SegmentSummary], bool]
"""True for a segment that a hold keeps, whatever its age and however full the disk."""
_log = get_log("civiscope.recording")


def nothing_protected(summary: SegmentSummary) -> bool:
    """No holds: everything may be deleted when its time has come."""
    return False


@dataclass(frozen=True, slots=True)
class DeletionRules:
    """What may not be deleted, for which cases it is kept, and where it is written down what is destroyed."""

    protected: Protected = nothing_protected
    cases_of: CasesOf | None = None
    """None: every hold is one without a case, and the site's wraps stay."""
    ledger: DestructionLedger | None = None
    keep_us: Callable[[StreamId], int | None] | None = None
    """How long a stream is kept, None for as long as there is room; no rule: by the recorder's settings."""

    def cases(self, summary: SegmentSummary) -> frozenset[CaseId | None]:
        """Of the holds on a segment."""
        if self.cases_of is not None:
            return self.cases_of(summary)
        return frozenset({None}) if self.protected(summary) else frozenset()


class Retention:
    """Works on closed segments only; raises DiskError when the disk does not let it."""

    def __init__(self, volume: Volume, settings: RecorderSettings, rules: DeletionRules) -> None:
        """Carries out what the ledger ordered and a cut left half done."""
        self._volume = volume
        self._settings = settings
        self._protected = rules.protected
        self._keep_us = rules.keep_us or (lambda _: settings.keep_us)
        self._age_words = _age_words(settings, rules)
        self._wraps = WrapKeeper(volume, rules.cases, rules.ledger)
        self.short_bytes = 0
        """What could not be freed at the last run, because all that is left is protected."""

    def run(self, now_us: int, held_keys: Collection[KeyId] = ()) -> list[SegmentsDeleted]:
        """Apply age, quota and the floor of free space. The wraps of `held_keys` stay: more may be sealed."""
        old = self._too_old(now_us)
        taken = {summary.segment_id for summary in old}
        over_bytes = self._over_bytes(sum(summary.size_bytes for summary in old))
        early: list[SegmentSummary] = []
        for summary in self._oldest_first():
            if over_bytes <= 0:
                break
            if summary.segment_id not in taken:
                early.append(summary)
                over_bytes -= summary.size_bytes
        is_held = over_bytes > 0 and any(map(self._protected, self._volume.catalogue.segments()))
        self.short_bytes = over_bytes if is_held else 0
        told = self._delete_segments(old, GapReason.RETENTION, now_us)
        told += self._delete_segments(early, GapReason.MADE_ROOM, now_us)
        self._delete_wraps(now_us, held_keys)
        return told

    def forecast(self, now_us: int) -> RoomForecast:
        """How long the room lasts at the rates of the last day."""
        uses = stream_uses(self._volume.catalogue.segments(), now_us, self._keep_us, self._protected)
        return room_forecast(uses, self.capacity_bytes())

    def capacity_bytes(self) -> int:
        """What the volume can hold, by quota, disk and floor; 0 while the disk cannot be asked."""
        used_bytes = sum(one.size_bytes for one in self._volume.catalogue.segments())
        try:
            there_bytes = self._volume.files.free_bytes() + used_bytes - self._settings.min_free_bytes
        except DiskError:
            return 0
        quota_bytes = self._settings.quota_bytes
        return max(0, there_bytes if quota_bytes is None else min(there_bytes, quota_bytes))

    def make_room(
        self, wanted_bytes: int, now_us: int, held_keys: Collection[KeyId] = ()
    ) -> list[SegmentsDeleted]:
        """Delete the oldest until `wanted_bytes` are free; nothing deleted, nothing told."""
        doomed: list[SegmentSummary] = []
        gained = 0
        for summary in self._oldest_first():
            if gained >= wanted_bytes:
                break
            doomed.append(summary)
            gained += summary.size_bytes
        told = self._delete_segments(doomed, GapReason.MADE_ROOM, now_us)
        self._delete_wraps(now_us, held_keys)
        return told

    def _too_old(self, now_us: int) -> list[SegmentSummary]:
        return [one for one in self._oldest_first() if self._is_past(one, now_us)]

    def _is_past(self, summary: SegmentSummary, now_us: int) -> bool:
        """Its time is over; only a hold keeps it."""
        keep_us = self._keep_us(summary.stream_id)
        return keep_us is not None and summary.end_us < now_us - keep_us

    def _over_bytes(self, freed_bytes: int) -> int:
        settings = self._settings
        free_bytes = self._volume.files.free_bytes() + freed_bytes
        over = settings.min_free_bytes - free_bytes if settings.delete_oldest_when_full else 0
        if settings.quota_bytes is not None:
            used = sum(one.size_bytes for one in self._volume.catalogue.segments())
            over = max(over, used - freed_bytes - settings.quota_bytes)
        return over

    def _oldest_first(self) -> list[SegmentSummary]:
        free = [one for one in self._volume.catalogue.segments() if not self._protected(one)]
        return sorted(free, key=lambda one: one.end_us)

    def _delete_wraps(self, now_us: int, held_keys: Collection[KeyId]) -> None:
        """The wraps that nothing needs any more."""
        try:
            self._wraps.run(now_us, held_keys, lambda one: self._is_past(one, now_us), self._policy)
        except DiskError as error:
            _log.warning("wraps could not be destroyed; it is tried again", why=error.message)

    @property
    def _policy(self) -> str:
        """In words, for certificates of deletion."""
        quota_bytes = self._settings.quota_bytes
        quota = "" if quota_bytes is None else f"over {quota_bytes} bytes; "
        return f"retention: {self._age_words}{quota}oldest first, never what is held"

    def _delete_segments(
        self, doomed: list[SegmentSummary], reason: GapReason, now_us: int
    ) -> list[SegmentsDeleted]:
        """Intent to the index, barrier, then the files: a cut in between is finished at the next start."""
        if not doomed:
            return []
        records = [SegmentDeletion(one.stream_id, one.segment_id, now_us, reason) for one in doomed]
        volume = self._volume
        try:
            volume.write_index(records)
            volume.files.sync()
        except DiskError as error:
            if error.fault is not DiskFault.FULL:
                raise
        volume.catalogue.apply(records)
        for summary in doomed:
            volume.files.remove(summary.path)
        return [_told(doomed, reason)]


def _age_words(settings: RecorderSettings, rules: DeletionRules) -> str:
    if rules.keep_us is not None:
        return "older than the time that its stream is kept for; "
    return "" if settings.keep_us is None else f"older than {settings.keep_us / HOUR_US:g} h; "


def _told(doomed: Iterable[SegmentSummary], reason: GapReason) -> SegmentsDeleted:
    segments = list(doomed)
    return SegmentsDeleted(
        len(segments), sum(one.size_bytes for one in segments), min(one.start_us for one in segments),
        max(one.end_us for one in segments), reason,
    )  # fmt: skip
