"""The picture that is shown at a moment, from the units that lead to it; decoded in the worker alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import av
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from civiscope.base import AppError, ErrorKind, ProtocolError
from civiscope.media.model import AccessUnit, Codec, TrackConfig
from civiscope.media.packets import annexb
from civiscope.media.still import DECODERS

_TICK = Fraction(1, 90_000)
_LIMITS = {"max_pixels": str(8192 * 8192)}
_JPEG = {"qmin": "2", "qmax": "2"}


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """One picture at its full size: lossless as decoded, and small."""

    width_px: int
    height_px: int
    png: bytes = field(repr=False)
    jpeg: bytes = field(repr=False)


class ShownDecoder:
    """Decodes the units of one track from a key unit on, and keeps the picture of one unit."""

    def __init__(self, track: TrackConfig, pts: int) -> None:
        if track.codec not in DECODERS:
            raise AppError(ErrorKind.INVALID, "A still picture needs a video track, not sound.")
        self._track = track
        self._pts = pts
        decoder = av.CodecContext.create(DECODERS[track.codec], "r")
        assert isinstance(decoder, VideoCodecContext)
        decoder.options = dict(_LIMITS)
        decoder.thread_count = 1
        self._decoder = decoder
        self._found: VideoFrame | None = None

    def decode(self, units: Sequence[AccessUnit]) -> None:
        """More units, in order; one that cannot be decoded is passed over."""
        for unit in units:
            try:
                data = unit.data if self._track.codec is Codec.MJPEG else annexb(self._track, unit)
                if not data:
                    continue
                packet = Packet(data)
                packet.pts, packet.dts, packet.time_base = unit.pts, unit.dts, _TICK
                self._keep(self._decoder.decode(packet))
            except (FFmpegError, ProtocolError, ValueError):
                continue

    def finish(self) -> ShownPicture:
        """The picture; INVALID if it did not come out whole."""
        try:
            self._keep(self._decoder.decode(None))
            if self._found is None or self._found.is_corrupt:
                raise ValueError("it did not come out whole")
            frame = self._found
            png = _encoded(frame, "png", "rgb24", {})
            jpeg = _encoded(frame, "mjpeg", "yuvj420p", _JPEG)
        except (FFmpegError, ValueError) as error:
            raise AppError(ErrorKind.INVALID, f"The picture cannot be decoded: {error}.") from error
        return ShownPicture(frame.width, frame.height, png, jpeg)

    def _keep(self, frames: Sequence[VideoFrame]) -> None:
        for frame in frames:
            if frame.pts == self._pts:
                self._found = frame


def _encoded(frame: VideoFrame, codec: str, pixels: str, options: dict[str, str]) -> bytes:
    encoder = av.CodecContext.create(codec, "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, pixels
    encoder.time_base = Fraction(1, 25)
    encoder.options = dict(options)
    made = frame.reformat(format=pixels)
    made.pts, made.time_base = 0, Fraction(1, 25)
    return b"".join(bytes(packet) for packet in [*encoder.encode(made), *encoder.encode(None)])
