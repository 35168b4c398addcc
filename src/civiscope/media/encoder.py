"""Video files made from drawn pictures, and small ones from large ones, for the simulator and tests alone.

The encoders come with PyAV's wheel (docs/adr/0005).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import PictureType, VideoFrame
from av.video.plane import VideoPlane
from av.video.stream import VideoStream

from civiscope.base import AppError, ErrorKind


@dataclass(frozen=True, slots=True)
class PlanarPicture:
    """One drawn picture, YUV 4:2:0, planes without padding: `y` W*H bytes, `u` and `v` (W/2)*(H/2) bytes."""

    width_px: int
    height_px: int
    y: bytes
    u: bytes
    v: bytes


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """How a clip is coded. `bitrate_bps` 0 means constant quality."""

    encoder: str = "libx264"
    rate_fps: int = 12
    gop_frames: int = 24
    b_frames: int = 0
    bitrate_bps: int = 0
    preset: str = "veryfast"


def encode_clip(path: Path, pictures: Iterable[PlanarPicture], settings: EncoderSettings) -> int:
    """Write the pictures to a media file whose kind its name ends with (.mp4); how many were written.

    Raises AppError(invalid) if there is no picture or this build of PyAV lacks the encoder.
    """
    count = 0
    try:
        with av.open(str(path), "w") as container:
            stream: VideoStream | None = None
            for picture in pictures:
                if stream is None:
                    stream = _add_stream(container, (picture.width_px, picture.height_px), settings)
                frame = _frame(picture)
                frame.pts = count
                frame.time_base = Fraction(1, settings.rate_fps)
                container.mux(stream.encode(frame))
                count += 1
            if stream is not None:
                container.mux(stream.encode(None))
    except (av.error.FFmpegError, ValueError) as error:
        raise AppError(
            ErrorKind.INVALID, f"cannot write {path.name} with {settings.encoder}: {error}"
        ) from error
    if count == 0:
        raise AppError(ErrorKind.INVALID, f"cannot write {path.name}: there is no picture to write")
    return count


def recode_clip(source: Path, target: Path, width_px: int, height_px: int, settings: EncoderSettings) -> int:
    """Write a media file's pictures again, in another size and rate and without sound; how many were written.

    Pictures keep their time within half a step of the new rate. Raises AppError(invalid) as `encode_clip`.
    """
    count = 0
    try:
        with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
            stream = _add_stream(writer, (width_px, height_px), settings)
            begin_s: float | None = None
            for frame in reader.decode(video=0):
                begin_s = frame.time if begin_s is None else begin_s
                due = int(((frame.time or 0.0) - (begin_s or 0.0)) * settings.rate_fps + 1e-6)
                if due < count:
                    continue
                small = frame.reformat(width=width_px, height=height_px, format="yuv420p")
                small.time_base = Fraction(1, settings.rate_fps)
                small.pict_type = PictureType.NONE
                while count <= due:
                    small.pts = count
                    writer.mux(stream.encode(small))
                    count += 1
            writer.mux(stream.encode(None))
    except (av.error.FFmpegError, ValueError, IndexError) as error:
        raise AppError(ErrorKind.INVALID, f"cannot make {source.name} smaller: {error}") from error
    if count == 0:
        raise AppError(ErrorKind.INVALID, f"cannot make {source.name} smaller: it holds no picture")
    return count


def _add_stream(
    container: av.container.OutputContainer, size_px: tuple[int, int], settings: EncoderSettings
) -> VideoStream:
    stream = container.add_stream(settings.encoder, rate=settings.rate_fps)
    assert isinstance(stream, VideoStream)
    (stream.width, stream.height), stream.pix_fmt = size_px, "yuv420p"
    stream.codec_context.gop_size = settings.gop_frames
    stream.codec_context.max_b_frames = settings.b_frames
    stream.codec_context.thread_count = 1
    if settings.bitrate_bps:
        stream.bit_rate = settings.bitrate_bps
    if settings.encoder == "libx264":
        stream.options = {"preset": settings.preset, "sc_threshold": "0"}
    elif settings.encoder == "libx265":
        stream.options = {"preset": settings.preset, "x265-params": "log-level=none"}
    return stream


def _frame(picture: PlanarPicture) -> VideoFrame:
    frame = VideoFrame(picture.width_px, picture.height_px, "yuv420p")
    for plane, data in zip(frame.planes, (picture.y, picture.u, picture.v), strict=True):
        assert isinstance(plane, VideoPlane)
        plane.update(_with_line_size(data, plane.width, plane.height, plane.line_size))
    return frame


def _with_line_size(data: bytes, width: int, height: int, line_size: int) -> bytes:
    """Rows of `width` bytes as rows of `line_size` bytes, the rest zero."""
    if width == line_size:
        return data
    padding = bytes(line_size - width)
    return b"".join(data[row * width : (row + 1) * width] + padding for row in range(height))
