"""H.265 made H.264, picture by picture, for screens that cannot play it; decoded in the worker alone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import av
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from civiscope.base import ProtocolError
from civiscope.media.model import AccessUnit, Codec, TrackConfig, UnitFlags
from civiscope.media.packets import CodedPacket, annexb
from civiscope.media.wire.nal import join_nals, split_annexb

_TICK = Fraction(1, 90_000)
_LIMITS = {"max_pixels": str(8192 * 8192)}
"""A few bytes can announce a picture of gigabytes; libav refuses it before it takes the memory."""
_ENCODER = {
    "preset": "ultrafast",
    "tune": "zerolatency",
    "forced-idr": "1",
    "crf": "25",
    "x264-params": "keyint=infinite:scenecut=0:vbv-maxrate=6000:vbv-bufsize=6000",
}
_KEPT_UNITS = 64
"""Units whose picture has not come yet; reordered pictures need some, lost ones must not pile up."""


@dataclass(frozen=True, slots=True)
class Transcoded:
    """Units that were made, and their track; None before the first picture."""

    track: TrackConfig | None
    units: tuple[AccessUnit, ...]


class Transcoder:
    """One run of one H.265 track as H.264 of at most `max_height_px`: same times, same key units.

    Not for a loop that must not block: some 10 ms of CPU for 1080p. A unit that cannot be decoded is counted
    and passed over; what depends on it comes as the decoder can make it, flagged DAMAGED, or not at all.
    """

    def __init__(self, track: TrackConfig, max_height_px: int = 720) -> None:
        self._track = track
        self._max_height_px = max_height_px
        decoder = av.CodecContext.create("hevc", "r")
        assert isinstance(decoder, VideoCodecContext)
        decoder.options = dict(_LIMITS)
        decoder.thread_count = 1
        self._decoder = decoder
        self._encoder: VideoCodecContext | None = None
        self._units: dict[int, AccessUnit] = {}
        self._is_begun = False
        self.track: TrackConfig | None = None
        """What comes out; None before the first picture."""
        self.failed_count = 0
        """Units that could not be decoded, or their pictures not coded."""

    @property
    def source_track_id(self) -> int:
        """The track whose units it takes."""
        return self._track.track_id

    def transcode(self, unit: AccessUnit) -> list[AccessUnit]:
        """The units that are ready now, in order; each has the times and arrival of the unit it came from."""
        if not self._is_begun and not unit.is_key:
            return []
        self._is_begun = True
        self._units[unit.pts] = unit
        while len(self._units) > _KEPT_UNITS:
            del self._units[next(iter(self._units))]
        try:
            return [made for frame in self._decode(unit) for made in self._encode(frame)]
        except (FFmpegError, ProtocolError, ValueError):
            self.failed_count += 1
            return []

    def finish(self) -> list[AccessUnit]:
        """What was still waiting for later pictures; nothing may be transcoded after it."""
        try:
            return [made for frame in self._decoder.decode(None) for made in self._encode(frame)]
        except (FFmpegError, ValueError):
            self.failed_count += 1
            return []

    def _decode(self, unit: AccessUnit) -> list[VideoFrame]:
        data = annexb(self._track, unit)
        if not data:
            raise ValueError("an empty packet would tell the decoder that the stream has ended")
        packet = Packet(data)
        packet.pts, packet.dts, packet.time_base = unit.pts, unit.dts, _TICK
        return self._decoder.decode(packet)

    def _encode(self, frame: VideoFrame) -> Iterator[AccessUnit]:
        if self._encoder is None:
            self._encoder = self._make_encoder(frame)
        encoder, source = self._encoder, self._units.pop(frame.pts or 0, None)
        small = frame.reformat(width=encoder.width, height=encoder.height, format="yuv420p")
        small.pts, small.time_base = frame.pts, _TICK
        is_key = source is not None and source.is_key
        small.pict_type = PictureType.I if is_key else PictureType.NONE
        for packet in encoder.encode(small):
            if source is not None:
                yield self._unit(packet, source, frame.is_corrupt)

    def _unit(self, packet: CodedPacket, source: AccessUnit, is_corrupt: bool) -> AccessUnit:
        nals = split_annexb(bytes(packet))
        if self.track is None:
            self.track = self._made_track(nals)
        flags = source.flags & ~(UnitFlags.KEY | UnitFlags.CONFIG_CHANGED)
        if packet.is_keyframe:
            flags |= UnitFlags.KEY
        if is_corrupt:
            flags |= UnitFlags.DAMAGED
        return replace(source, dts=source.pts, flags=flags, generation=0, data=join_nals(nals))

    def _made_track(self, nals: list[bytes]) -> TrackConfig:
        assert self._encoder is not None
        return TrackConfig(
            self._track.track_id, Codec.H264, 90_000,
            parameter_sets=tuple(nal for nal in nals if nal[0] & 31 in {7, 8}),
            width_px=self._encoder.width, height_px=self._encoder.height,
        )  # fmt: skip

    def _make_encoder(self, frame: VideoFrame) -> VideoCodecContext:
        scale = min(Fraction(1), Fraction(self._max_height_px, frame.height))
        encoder = av.CodecContext.create("libx264", "w")
        assert isinstance(encoder, VideoCodecContext)
        encoder.width = max(2, int(frame.width * scale) // 2 * 2)
        encoder.height = max(2, int(frame.height * scale) // 2 * 2)
        encoder.pix_fmt = "yuv420p"
        encoder.time_base, encoder.framerate = _TICK, Fraction(25)
        encoder.thread_count = 1
        encoder.options = dict(_ENCODER)
        return encoder
