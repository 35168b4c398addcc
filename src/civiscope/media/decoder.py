"""Access units to decoded pictures, one at a time, for whoever looks at them in the same process."""

from __future__ import annotations  # PyAV's Packet takes a type argument in its stubs only

from fractions import Fraction

import av
import numpy as np
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from civiscope.base import AppError, ErrorKind
from civiscope.media.model import AccessUnit, Codec, TrackConfig, UnitFlags
from civiscope.media.still import DECODERS, encode_jpeg, stream_bytes

MAX_PIXELS = 8192 * 4608
"""More than any camera of today sends; a few bytes can announce a picture of gigabytes."""
_LUMA_FIRST = frozenset(
    {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "nv21", "gray"}
)
"""Pixel formats whose first plane is the luma, a byte a pixel."""
_PLANAR_420 = frozenset({"yuv420p", "yuvj420p"})
_LOST = UnitFlags.DAMAGED | UnitFlags.DISCONTINUITY


class DecodeError(AppError):
    """A unit that cannot be decoded; the decoder goes on at the next key frame."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorKind.INVALID, message)

    def __reduce__(self) -> tuple[type[DecodeError], tuple[str]]:  # type: ignore[override]  # other args
        return (DecodeError, (self.message,))


class Frame:
    """A decoded picture. Use it before the next `decode`: the decoder may write into it then."""

    __slots__ = ("_frame", "height_px", "pts", "width_px")

    def __init__(self, frame: VideoFrame) -> None:
        self._frame = frame
        self.width_px: int = frame.width
        self.height_px: int = frame.height
        self.pts: int = frame.pts if frame.pts is not None else 0
        """In ticks of the track's clock."""

    def luma(self) -> NDArray[np.uint8]:
        """(H, W) uint8, a view into the decoder's own memory: not copied, not to be written."""
        frame = self._frame
        if frame.format.name not in _LUMA_FIRST:
            frame = frame.reformat(format="gray")
        plane = frame.planes[0]
        rows = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]  # the stubs lack the buffer protocol
        view: NDArray[np.uint8] = rows.reshape(-1, plane.line_size)[: self.height_px, : self.width_px]
        return view

    def rgb(self, width_px: int, height_px: int) -> NDArray[np.uint8]:
        """(height_px, width_px, 3) uint8, scaled by libswscale; a millisecond or so: for the detector
        only."""
        small = self._frame.reformat(
            width=width_px, height=height_px, format="rgb24", interpolation=Interpolation.BILINEAR, threads=1
        )
        plane = small.planes[0]
        rows = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]  # the stubs lack the buffer protocol
        view = rows.reshape(-1, plane.line_size)[:height_px, : width_px * 3]
        picture: NDArray[np.uint8] = view.reshape(height_px, width_px, 3)
        return picture

    def jpeg(self, box_n: tuple[float, float, float, float] | None, max_width_px: int) -> bytes:
        """A JPEG file of the whole picture or of the part in a box (x0 y0 x1 y1, normalised), never enlarged.

        The box is cut to the picture and widened to at least 16 pixels a side. Takes some milliseconds.
        """
        if box_n is None:
            return encode_jpeg(self._frame, max_width_px).jpeg
        x0, x1 = _side(box_n[0], box_n[2], self.width_px)
        y0, y1 = _side(box_n[1], box_n[3], self.height_px)
        if self._frame.format.name in _PLANAR_420:
            part = _cut_420(self._frame, (x0, y0, x1, y1))
        else:
            whole = self.rgb(self.width_px, self.height_px)
            part = VideoFrame.from_ndarray(np.ascontiguousarray(whole[y0:y1, x0:x1]), "rgb24")
        return encode_jpeg(part, max_width_px).jpeg


def _cut_420(frame: VideoFrame, bounds_px: tuple[int, int, int, int]) -> VideoFrame:
    """A part of a 4:2:0 picture within even bounds x0 y0 x1 y1: three small planes copied, no colour
    converted."""
    x0, y0, x1, y1 = bounds_px
    cut = []
    for plane, scale in zip(frame.planes, (1, 2, 2), strict=True):
        rows = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]  # the stubs lack the buffer protocol
        whole = rows.reshape(-1, plane.line_size)
        cut.append(whole[y0 // scale : y1 // scale, x0 // scale : x1 // scale].ravel())
    planes = np.concatenate(cut).reshape(-1, x1 - x0)
    part = VideoFrame.from_ndarray(planes, frame.format.name)
    part.colorspace, part.color_range = frame.colorspace, frame.color_range
    return part


def _side(low_n: float, high_n: float, size_px: int) -> tuple[int, int]:
    """Even pixel bounds within 0 … size, at least 16 apart where the picture allows."""
    low, high = sorted((min(max(low_n, 0.0), 1.0), min(max(high_n, 0.0), 1.0)))
    begin, end = int(low * size_px), -int(-high * size_px // 1)
    missing = max(0, min(16, size_px) - (end - begin))
    begin = max(0, min(begin - missing // 2, size_px - min(16, size_px)))
    end = min(size_px, max(end + missing // 2, begin + min(16, size_px)))
    return begin // 2 * 2, max(end // 2 * 2, begin // 2 * 2 + 2)


class PictureDecoder:
    """Decodes one track of one run, with one thread. Not to be used by two threads at once; blocks.

    It begins at a key frame. After a unit that was damaged or cannot be decoded, after a lost one, and after
    an
    error it waits for the next key frame: what would come before is guesswork. A changed size of the picture
    is taken at a key frame, and an error elsewhere.
    """

    def __init__(
        self, track: TrackConfig, *, key_frames_only: bool = False, max_pixels: int = MAX_PIXELS
    ) -> None:
        if track.codec not in DECODERS:
            raise AppError(ErrorKind.INVALID, "Only a video track can be decoded to pictures, not sound.")
        self._track = track
        self._key_frames_only = key_frames_only
        self._max_pixels = max_pixels
        self._context: VideoCodecContext | None = None
        self._size: tuple[int, int] | None = None
        self._is_clean = False
        """A whole picture was seen since it began; before, a stream without IDR may take some to recover."""

    @property
    def is_waiting(self) -> bool:
        """Nothing is decoded until the next key frame."""
        return self._context is None

    def decode(self, unit: AccessUnit) -> list[Frame]:
        """The frames that this unit completes, in order of display: mostly one.

        Raises DecodeError, once for a unit that cannot be decoded; units up to the next key frame give
        nothing.
        """
        is_key = unit.is_key
        if unit.flags & _LOST and not is_key:
            self._context = None
        if not is_key and (self._context is None or self._key_frames_only):
            return []
        if self._context is None:
            self._context, self._is_clean = self._open(), False
        packet = Packet(self._bytes(unit))
        packet.pts, packet.dts = unit.pts, unit.dts
        packet.time_base = Fraction(1, self._track.clock_rate_hz)
        return self._frames(self._context, packet)

    def flush(self) -> list[Frame]:
        """What the decoder still holds back; it begins anew at the next key frame."""
        context, self._context = self._context, None
        return [] if context is None else self._frames(context, None)

    def _frames(self, context: VideoCodecContext, packet: Packet[Stream] | None) -> list[Frame]:
        try:
            pictures = context.decode(packet)
        except (FFmpegError, ValueError) as error:
            self._context = None
            raise DecodeError(f"A picture cannot be decoded: {_words(error)}.") from error
        whole = [picture for picture in pictures if not picture.is_corrupt]
        for picture in whole:
            self._check_size(picture)
        if len(whole) < len(pictures) and self._is_clean:
            self._context = None
            raise DecodeError("A picture is damaged: parts of it cannot be decoded.")
        self._is_clean = self._is_clean or bool(whole)
        return [Frame(picture) for picture in whole]

    def _check_size(self, picture: VideoFrame) -> None:
        size = picture.width, picture.height
        if size == self._size:
            return
        before, self._size = self._size, size
        if before is not None and not picture.key_frame:
            self._context = None
            raise DecodeError(
                f"The picture changed from {before[0]} x {before[1]} to {size[0]} x {size[1]} without a key "
                f"frame."
            )

    def _open(self) -> VideoCodecContext:
        context = av.CodecContext.create(DECODERS[self._track.codec], "r")
        assert isinstance(context, VideoCodecContext)
        context.options = {"max_pixels": str(self._max_pixels)}
        context.thread_count = 1
        if self._key_frames_only:
            context.skip_frame = "NONKEY"
        return context

    def _bytes(self, unit: AccessUnit) -> bytes:
        """Parameter sets stand before key frames only: elsewhere libav would parse them for nothing."""
        if unit.is_key or self._track.codec is Codec.MJPEG:
            return stream_bytes(self._track.parameter_sets, self._track.codec, unit)
        return stream_bytes((), self._track.codec, unit)


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
