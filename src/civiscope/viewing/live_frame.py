"""One run's units as live messages, framed once for all viewers."""

import json
import struct
from dataclasses import dataclass

from civiscope.ingest import FeedRun
from civiscope.media import AccessUnit, Codec, TrackConfig, TrackKind
from civiscope.media.mp4 import Sample, fragment_header, init_segment
from civiscope.viewing.model import (
    JPEG_TYPE,
    LiveKind,
    LiveMessage,
    LiveState,
    Made,
    shown_data,
    shown_tracks,
    shown_type,
)

_HEAD = struct.Struct(">Bq")
_USUAL_RATE_HZ = 25
_LEAD_S = 10
"""Media time 0 lies this long before the run's start: reordered pictures have times below its zero."""


@dataclass(slots=True)
class _TrackTimes:
    """A track; its last decode time, the distance to the one before and the lead, in ticks."""

    track: TrackConfig
    duration: int
    lead: int
    last: int = -1


class LiveFramer:
    """Frames the units of one run and generation, one moof+mdat each; media time 0 is 10 s before its start.

    The duration of a unit is not known before the next one comes; the distance to the one before stands in
    for it, and the next fragment's own decode time corrects it.
    """

    def __init__(self, run: FeedRun) -> None:
        self.run = run
        shown = shown_tracks(run.tracks)
        self.mse_type = shown_type(shown)
        self.generation = max((track.generation for track in run.tracks), default=0)
        self._is_jpeg = self.mse_type == JPEG_TYPE
        zero_us = run.started_us - _LEAD_S * 1_000_000
        payload = b"" if self._is_jpeg or not shown else init_segment(shown, zero_us, for_browser=True)
        self.init = LiveMessage(LiveKind.INIT, _HEAD.pack(LiveKind.INIT, zero_us) + payload, content=shown)
        pictures = [track.track_id for track in shown if track.kind is TrackKind.VIDEO]
        self._picture_id = pictures[0] if pictures else None
        self._times = {
            track.track_id: _TrackTimes(
                track,
                1024 if track.codec is Codec.AAC else track.clock_rate_hz // _USUAL_RATE_HZ,
                track.clock_rate_hz * _LEAD_S,
            )
            for track in shown
        }
        self._sequence = 0

    def is_picture(self, unit: AccessUnit) -> bool:
        """The unit is of the track whose freshness counts: pictures, or sound where there are none."""
        return self._picture_id is None or unit.track_id == self._picture_id

    def frame(self, unit: AccessUnit) -> LiveMessage | None:
        """The unit's message; None for a track that is not shown."""
        times = self._times.get(unit.track_id)
        if times is None:
            return None
        is_start = unit.is_key and self.is_picture(unit)
        head = _HEAD.pack(LiveKind.FRAGMENT, unit.arrival_us)
        if self._is_jpeg:
            return LiveMessage(LiveKind.FRAGMENT, head + unit.data, is_start, unit)
        decode_time = max(unit.dts + times.lead, times.last, 0)
        if 0 <= times.last < decode_time:
            times.duration = min(decode_time - times.last, 0xFFFF_FFFF)
        times.last = decode_time
        self._sequence = self._sequence + 1 & 0xFFFF_FFFF
        offset = unit.pts + times.lead - decode_time
        data = shown_data(times.track, unit.data, decode_time)
        if not data:
            return None
        sample = Sample(unit.track_id, decode_time, offset, times.duration, unit.is_key, data)
        moof, _ = fragment_header(self._sequence, (sample,))
        picture = unit if unit.track_id == self._picture_id else None
        return LiveMessage(LiveKind.FRAGMENT, b"".join((head, moof, data)), is_start, picture)


def state_message(state: LiveState, framer: LiveFramer | None, made: Made, at_us: int) -> LiveMessage:
    """What a viewer may believe from now on."""
    body: dict[str, object] = {
        "state": state.name.value, "reason": state.reason, "detail": state.detail, "since_us": state.since_us,
        "made": made.value,
    }  # fmt: skip
    if framer is not None:
        body |= {"mse_type": framer.mse_type, "generation": framer.generation}
    data = _HEAD.pack(LiveKind.STATE, at_us) + json.dumps(body).encode()
    return LiveMessage(LiveKind.STATE, data, content=state)


def dropped_message(count: int, at_us: int) -> LiveMessage:
    """`count` units were not sent; a key unit comes next."""
    body = json.dumps({"count": count}).encode()
    return LiveMessage(LiveKind.DROPPED, _HEAD.pack(LiveKind.DROPPED, at_us) + body)
