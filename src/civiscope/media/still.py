"""One key frame as a picture for people, for `probe`: decoded in the worker, which holds no keys."""

from dataclasses import dataclass, field
from fractions import Fraction

import av
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from civiscope.base import AppError, ErrorKind
from civiscope.media.model import AccessUnit, Codec, TrackConfig

DECODERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.MJPEG: "mjpeg"}
"""libav's names."""
_START_CODE = b"\0\0\0\1"
_LIMITS = {"max_pixels": str(8192 * 8192)}
"""A few bytes can announce a picture of gigabytes; libav refuses it before it takes the memory."""


@dataclass(frozen=True, slots=True)
class Still:
    """A JPEG file and its size."""

    width_px: int
    height_px: int
    jpeg: bytes = field(repr=False)


def decode_key_frame(track: TrackConfig, unit: AccessUnit, max_width_px: int = 1280) -> Still:
    """Decode one key unit, and make it a JPEG no wider than `max_width_px`.

    Raises AppError INVALID when the unit is not decodable alone. Takes some 20 ms of CPU for 1080p: not for a
    loop that must not block.
    """
    if track.codec not in DECODERS:
        raise AppError(ErrorKind.INVALID, "A still picture needs a video track, not sound.")
    try:
        return encode_jpeg(_decode(track, unit), max_width_px)
    except (FFmpegError, ValueError) as error:
        raise AppError(ErrorKind.INVALID, f"The key frame cannot be decoded: {error}.") from error


def _decode(track: TrackConfig, unit: AccessUnit) -> VideoFrame:
    decoder = av.CodecContext.create(DECODERS[track.codec], "r")
    assert isinstance(decoder, VideoCodecContext)
    decoder.options = dict(_LIMITS)
    decoder.thread_count = 1
    frames = decoder.decode(Packet(stream_bytes(track.parameter_sets, track.codec, unit))) + decoder.decode(
        None
    )
    if not frames:
        raise ValueError("it holds no whole picture")
    return frames[0]


def stream_bytes(parameter_sets: tuple[bytes, ...], codec: Codec, unit: AccessUnit) -> bytes:
    """A unit with start codes, and parameter sets in front (ITU-T H.264 Annex B)."""
    if codec is Codec.MJPEG:
        return unit.data
    out = bytearray()
    for nal in parameter_sets:
        out += _START_CODE + nal
    at = 0
    while at + 4 <= len(unit.data):
        length = int.from_bytes(unit.data[at : at + 4])
        out += _START_CODE + unit.data[at + 4 : at + 4 + length]
        at += 4 + length
    return bytes(out)


def encode_jpeg(frame: VideoFrame, max_width_px: int) -> Still:
    """The picture as a JPEG file, no wider than `max_width_px` and never enlarged."""
    scale = min(Fraction(1), Fraction(max_width_px, frame.width))
    width_px = max(2, int(frame.width * scale) // 2 * 2)
    height_px = max(2, int(frame.height * scale) // 2 * 2)
    small = frame.reformat(width=width_px, height=height_px, format="yuvj420p", threads=1)
    encoder = av.CodecContext.create("mjpeg", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width_px, height_px, "yuvj420p"
    encoder.time_base, encoder.thread_count = Fraction(1, 25), 1
    encoder.options = {"huffman": "default"}  # the standard tables: no second pass over the picture
    packets = encoder.encode(small) + encoder.encode(None)
    return Still(width_px, height_px, b"".join(bytes(packet) for packet in packets))
