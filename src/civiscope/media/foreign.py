"""A live camera through libav's own protocols, for what our own client cannot read. It blocks."""

from __future__ import annotations  # PyAV's Packet takes a type argument in its stubs only

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import quote, urlsplit, urlunsplit

import av
from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from civiscope.base import AppError, ErrorKind, ProtocolError
from civiscope.media.model import Codec, UnitFlags
from civiscope.media.wire.depacketizer import CodecConfig
from civiscope.media.wire.h264_sets import H264ParameterSets
from civiscope.media.wire.h265_sets import H265ParameterSets
from civiscope.media.wire.nal import join_nals, split_annexb

_CODECS = {
    "h264": Codec.H264,
    "hevc": Codec.H265,
    "mjpeg": Codec.MJPEG,
    "aac": Codec.AAC,
    "pcm_mulaw": Codec.PCMU,
    "pcm_alaw": Codec.PCMA,
    "opus": Codec.OPUS,
}
_SCHEMES = frozenset({"rtsp", "rtsps"})
_PROTOCOLS = "rtsp,rtp,udp,tcp,tls,rtsps"
_OPEN_S, _READ_S = 10.0, 5.0


@dataclass(frozen=True, slots=True)
class ForeignOrders:
    """Which camera, and how."""

    url: str = field(repr=False)
    username: str | None
    password: str | None = field(repr=False)
    transport: str
    """`tcp` or `udp`."""
    audio: bool


@dataclass(frozen=True, slots=True)
class ForeignTrack:
    """A track as libav found it; `config` is None while its parameter sets are unknown."""

    track_id: int
    codec: Codec
    clock_rate_hz: int
    config: CodecConfig | None


@dataclass(frozen=True, slots=True)
class LiveUnit:
    """One access unit; `timestamp` is its pts in ticks of the track's clock, modulo 2**32."""

    track_id: int
    timestamp: int
    flags: UnitFlags
    config: CodecConfig | None
    """If it changed with this unit."""
    data: bytes = field(repr=False)


class _Track:
    """One stream of libav as a track."""

    def __init__(self, track_id: int, stream: Stream) -> None:
        self.track_id = track_id
        self.codec = _CODECS[stream.codec.canonical_name]
        self._time_base = stream.time_base
        extra = bytes(stream.codec_context.extradata or b"")
        self.sets: H264ParameterSets | H265ParameterSets | None = None
        self.config: CodecConfig | None = CodecConfig()
        self.clock_rate_hz = 90_000
        if isinstance(stream, AudioStream):
            self.clock_rate_hz = stream.codec_context.sample_rate or 8000
            channels = stream.codec_context.layout.nb_channels or 1
            self.config = CodecConfig(
                codec_data=extra, sample_rate_hz=self.clock_rate_hz, channel_count=channels, reorder_depth=0
            )
        elif self.codec is Codec.H264:
            self.sets = H264ParameterSets(tuple(split_annexb(extra)))
        elif self.codec is Codec.H265:
            self.sets = H265ParameterSets(tuple(split_annexb(extra)))
        elif isinstance(stream, VideoStream):
            context = stream.codec_context
            self.config = CodecConfig(width_px=context.width, height_px=context.height)
        if self.sets is not None:
            self.config = self.sets.config
        self._last = 0
        is_h264 = self.codec is Codec.H264
        self._set_kinds = frozenset({7, 8}) if is_h264 else frozenset({32, 33, 34})
        self._key_kinds = frozenset({5}) if is_h264 else frozenset(range(16, 24))

    def unit(self, packet: Packet[Stream]) -> LiveUnit:
        """The packet as a unit; one without pts follows the one before."""
        ticks = packet.pts if packet.pts is not None else packet.dts
        if ticks is not None and self._time_base is not None:
            self._last = int(ticks * self._time_base * self.clock_rate_hz)
        flags = UnitFlags.KEY if packet.is_keyframe or self.sets is None else UnitFlags.NONE
        if packet.is_corrupt:
            flags |= UnitFlags.DAMAGED
        data, config = bytes(packet), None
        if self.sets is not None:
            nals = split_annexb(data)
            config = self._learn(nals)
            data = join_nals(nals)
            if any(self._kind(nal) in self._key_kinds for nal in nals):
                flags |= UnitFlags.KEY
        return LiveUnit(self.track_id, self._last & 0xFFFF_FFFF, flags, config, data)

    def _kind(self, nal: bytes) -> int:
        return nal[0] & 0x1F if self.codec is Codec.H264 else nal[0] >> 1 & 0x3F

    def _learn(self, nals: list[bytes]) -> CodecConfig | None:
        sets, changed = self.sets, False
        assert sets is not None  # the caller looked
        for nal in nals:
            if self._kind(nal) in self._set_kinds:
                try:
                    changed = sets.offer(nal) or changed
                except ProtocolError:
                    continue
        return sets.config if changed else None


class ForeignReader:
    """Opens a camera by libav and gives its units as they come; AppError when it ends badly."""

    def __init__(self, orders: ForeignOrders) -> None:
        options = {
            "rtsp_transport": "udp" if orders.transport == "udp" else "tcp",
            "protocol_whitelist": _PROTOCOLS,
        }
        try:
            self._container = av.open(_address(orders), options=options, timeout=(_OPEN_S, _READ_S))
        except (FFmpegError, OSError, ValueError) as error:
            raise _failure("libav cannot open the camera", error) from None
        streams: list[Stream] = []
        for wanted in ("video", "audio") if orders.audio else ("video",):
            streams += [
                s for s in self._container.streams if s.type == wanted and s.codec.canonical_name in _CODECS
            ][:1]
        if not streams:
            self._container.close()
            raise AppError(
                ErrorKind.INVALID, "libav finds no picture or sound that can be read in this stream."
            )
        self._streams = streams
        self._tracks = {stream.index: _Track(place, stream) for place, stream in enumerate(streams, 1)}

    def __enter__(self) -> ForeignReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    @property
    def tracks(self) -> tuple[ForeignTrack, ...]:
        """Video first."""
        return tuple(
            ForeignTrack(track.track_id, track.codec, track.clock_rate_hz, track.config)
            for track in self._tracks.values()
        )

    def units(self) -> Iterator[LiveUnit]:
        """Units in the order they come, until the stream ends."""
        try:
            for packet in self._container.demux(self._streams):
                if packet.size:
                    yield self._tracks[packet.stream_index].unit(packet)
        except (FFmpegError, OSError) as error:
            raise _failure("libav lost the camera", error) from None


def _address(orders: ForeignOrders) -> str:
    """The url with the login in it, as libav wants it; it never leaves this process."""
    parts = urlsplit(orders.url)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise AppError(ErrorKind.INVALID, "The address must begin with rtsp or rtsps.")
    if not orders.username:
        return orders.url
    login = f"{quote(orders.username, safe='')}:{quote(orders.password or '', safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}"))


def _failure(what: str, error: Exception) -> AppError:
    """libav's own words without its url, which may hold the password."""
    return AppError(
        ErrorKind.UNAVAILABLE, f"{what}: {getattr(error, 'strerror', None) or type(error).__name__}."
    )
