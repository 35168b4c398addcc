"""Recorded units as fragmented MP4 on the wall clock: what one media answer holds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from civiscope.base import RunId, Span
from civiscope.media import Codec, TrackConfig, TrackKind
from civiscope.media.mp4 import Sample, fragment, init_segment
from civiscope.recording import RecordedUnit
from civiscope.viewing.model import JPEG_TYPE, shown_data, shown_tracks, shown_type

_FRAGMENT_US = 1_000_000
_HOLE_US = 3_000_000
"""A longer leap of the wall clock within a run ends the answer: what follows is asked for anew."""
_ANCHOR_DRIFT_US = 20_000
"""The recorder's corrections of a camera's clock below this are not shown as a jump."""
_USUAL_RATE_HZ = 25
_UNKNOWN = -(1 << 80)
"""The zero of a track of which no unit has come yet."""


@dataclass(frozen=True, slots=True)
class BuiltMedia:
    """A media answer's content; without a span nothing was there."""

    span: Span | None
    mse_type: str | None
    content: bytes = field(repr=False, default=b"")


@dataclass(slots=True)
class _Track:
    """One shown track on the media clock: `zero` is the media time, in ticks, of its pts 0."""

    config: TrackConfig
    zero: int
    pending: Sample | None = None

    def microseconds(self, ticks: int) -> int:
        return ticks * 1_000_000 // self.config.clock_rate_hz

    def ticks(self, microseconds: int) -> int:
        return (microseconds * self.config.clock_rate_hz + 500_000) // 1_000_000


class MediaBuilder:
    """Takes units of one run, or of an import over its runs, and makes init and fragments of at most 1 s.

    Media time is `wall − epoch` in each track's ticks, without jitter: within a run each track keeps one
    anchor. `add` returns False when the answer must end before this unit.
    """

    def __init__(self, epoch_us: int, end_us: int, limit_bytes: int) -> None:
        self._epoch_us = epoch_us
        self._end_us = end_us
        self._limit_bytes = limit_bytes
        self._tracks: dict[int, _Track] = {}
        self._known: tuple[TrackConfig, ...] | None = None
        self._shown: tuple[TrackConfig, ...] = ()
        self._run_id: RunId | None = None
        self._last_sequence = -1
        self._out: list[bytes] = []
        self._size_bytes = 0
        self._samples: list[Sample] = []
        self._fragment_us = 0
        self._sequence = 0
        self._start_us: int | None = None
        self._last_us = 0
        self._newest_us = 0
        """Latest picture taken: pictures before it that are decoded after it still belong to the answer."""
        self._until_us = 0
        self._type: str | None = None

    def add(self, recorded: RecordedUnit) -> bool:
        """The next unit; False when the answer ends before it."""
        goes_on = self._run_id in {None, recorded.run_id} or recorded.unit.sequence == self._last_sequence + 1
        if not goes_on:
            return False
        self._run_id, self._last_sequence = recorded.run_id, recorded.unit.sequence
        if recorded.tracks is not self._known and not self._configure(recorded.tracks):
            return False
        track = self._tracks.get(recorded.unit.track_id)
        if track is None:
            return True
        decode_us = self._decode_us(track, recorded)
        if self._ends_before(track, recorded, decode_us):
            return False
        if self._start_us is None:
            if not (recorded.unit.is_key and self._leads(track)) or decode_us < self._epoch_us:
                return True
            self._start_us = recorded.wall_us
        self._take(track, recorded, decode_us)
        return True

    def _configure(self, tracks: tuple[TrackConfig, ...]) -> bool:
        """Tracks of a run or generation: an init segment stands before their first fragment.

        False when they need another way of showing (JPEG instead of Media Source, or none): the answer ends.
        """
        self._known = tracks
        shown = tuple(replace(track, generation=0) for track in shown_tracks(tracks))
        if shown == self._shown:
            return True
        kind = shown_type(shown)
        if self._shown and (None in (kind, self._type) or JPEG_TYPE in (kind, self._type)):
            return False
        self._flush()
        self._shown, self._type = shown, kind
        if shown:
            self._out.append(init_segment(shown, self._epoch_us, for_browser=True))
        old = self._tracks
        self._tracks = {
            track.track_id: _Track(track, old[track.track_id].zero if track.track_id in old else _UNKNOWN)
            for track in shown
        }
        return True

    def _decode_us(self, track: _Track, recorded: RecordedUnit) -> int:
        unit = recorded.unit
        return recorded.wall_us - track.microseconds(unit.pts - unit.dts)

    def _leads(self, track: _Track) -> bool:
        """The answer starts with this track: pictures, or sound where there are none."""
        return track.config.kind is TrackKind.VIDEO or not any(
            shown.kind is TrackKind.VIDEO for shown in self._shown
        )

    def _ends_before(self, track: _Track, recorded: RecordedUnit, decode_us: int) -> bool:
        if self._start_us is None:
            return decode_us >= self._end_us
        if self._size_bytes + len(recorded.unit.data) > self._limit_bytes:
            return True
        if not -_HOLE_US < decode_us - self._last_us < _HOLE_US:
            return True
        is_new = recorded.wall_us > self._newest_us
        return self._leads(track) and decode_us >= self._end_us and is_new

    def _take(self, track: _Track, recorded: RecordedUnit, decode_us: int) -> None:
        unit = recorded.unit
        self._last_us = decode_us
        self._size_bytes += len(unit.data)
        wanted = track.ticks(recorded.wall_us - self._epoch_us) - unit.pts
        if track.zero == _UNKNOWN or abs(wanted - track.zero) > track.ticks(_ANCHOR_DRIFT_US):
            track.zero = wanted
        decode_time = track.zero + unit.dts
        usual = 1024 if track.config.codec is Codec.AAC else track.config.clock_rate_hz // _USUAL_RATE_HZ
        if track.pending is not None:
            decode_time = max(decode_time, track.pending.decode_time + 1)
            usual = decode_time - track.pending.decode_time
            self._samples.append(replace(track.pending, duration=usual))
        data = shown_data(track.config, unit.data, decode_time)
        if decode_time < 0 or not data:
            return
        offset = track.zero + unit.pts - decode_time
        track.pending = Sample(unit.track_id, decode_time, offset, usual, unit.is_key, data)
        if self._leads(track):
            self._cut(recorded.wall_us, track.microseconds(usual))

    def _cut(self, wall_us: int, duration_us: int) -> None:
        """A fragment ends where a second is full."""
        self._newest_us = max(self._newest_us, wall_us)
        self._until_us = max(self._until_us, wall_us + duration_us)
        if wall_us - self._fragment_us >= _FRAGMENT_US:
            self._write()
            self._fragment_us = wall_us

    def _write(self) -> None:
        if self._samples:
            self._sequence += 1
            self._out.append(fragment(self._sequence, self._samples))
            self._samples = []

    def _flush(self) -> None:
        for track in self._tracks.values():
            if track.pending is not None:
                self._samples.append(track.pending)
                track.pending = None
        self._write()

    def finish(self) -> BuiltMedia:
        """The answer; nothing may be added after."""
        self._flush()
        if self._start_us is None:
            return BuiltMedia(None, None)
        span = Span(self._start_us, max(self._start_us, self._until_us))
        return BuiltMedia(span, self._type, b"".join(self._out))


def build_media(
    units: Iterable[RecordedUnit], builder: MediaBuilder, cancelled: Callable[[], bool]
) -> BuiltMedia:
    """Read until the builder has enough or nobody waits any more."""
    for recorded in units:
        if cancelled() or not builder.add(recorded):
            break
    return builder.finish()
