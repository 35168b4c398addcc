"""Seconds of coded pictures and sound, made by the encoder, as tracks and samples."""

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np

from civiscope.media import Codec, TrackConfig
from civiscope.media.mp4 import Sample


@dataclass(frozen=True)
class Clip:
    """One track and its samples from decode time 0 on."""

    track: TrackConfig
    samples: list[Sample]


def nal_units(annex_b: bytes) -> list[bytes]:
    """NAL units between start codes."""
    parts = annex_b.replace(b"\x00\x00\x00\x01", b"\x00\x00\x01").split(b"\x00\x00\x01")
    return [part.rstrip(b"\x00") or part for part in parts if part]


def _picture(index: int, width: int, height: int) -> av.VideoFrame:
    ramp = (np.arange(width, dtype=np.uint16)[None, :, None] + index * 8) % 256
    array = np.broadcast_to(ramp.astype(np.uint8), (height, width, 3)).copy()
    array[:, :, 1] = index * 10 % 256
    return av.VideoFrame.from_ndarray(array, format="rgb24")


def video_clip(
    codec: Codec = Codec.H264, count: int = 30, *, rate_hz: int = 15, gop: int = 15, b_frames: int = 0,
    size_px: tuple[int, int] = (320, 180), track_id: int = 1,
) -> Clip:  # fmt: skip
    """`count` pictures of a moving ramp."""
    name = {Codec.H264: "libx264", Codec.H265: "libx265", Codec.MJPEG: "mjpeg"}[codec]
    context: Any = av.CodecContext.create(name, "w")
    context.width, context.height = size_px
    context.pix_fmt = "yuvj420p" if codec is Codec.MJPEG else "yuv420p"
    context.framerate = Fraction(rate_hz)
    context.time_base = Fraction(1, rate_hz)
    context.gop_size = gop
    context.max_b_frames = b_frames
    if codec is Codec.H264:
        context.options = {
            "preset": "ultrafast",
            "x264-params": f"bframes={b_frames}:repeat-headers=1:scenecut=0",
        }
    elif codec is Codec.H265:
        context.options = {
            "preset": "ultrafast",
            "x265-params": f"keyint={gop}:bframes={b_frames}:log-level=none:repeat-headers=1",
        }
    packets = []
    for index in range(count):
        frame = _picture(index, *size_px).reformat(format=context.pix_fmt)
        frame.pts = index
        packets += context.encode(frame)
    packets += context.encode(None)
    step = 90_000 // rate_hz
    first = min(packet.dts for packet in packets)
    sets: dict[bytes, None] = {}
    samples = []
    for packet in packets:
        data = bytes(packet)
        if codec is not Codec.MJPEG:
            nals = nal_units(data)
            sets |= {nal: None for nal in nals if _is_parameter_set(codec, nal)}
            data = b"".join(len(nal).to_bytes(4) + nal for nal in nals)
        decode, offset = (packet.dts - first) * step, (packet.pts - packet.dts) * step
        samples.append(Sample(track_id, decode, offset, step, packet.is_keyframe, data))
    track = TrackConfig(
        track_id, codec, 90_000, parameter_sets=tuple(sets), width_px=size_px[0], height_px=size_px[1]
    )
    return Clip(track, samples)


def _is_parameter_set(codec: Codec, nal: bytes) -> bool:
    return nal[0] & 0x1F in (7, 8) if codec is Codec.H264 else nal[0] >> 1 & 0x3F in (32, 33, 34)


def sound_clip(codec: Codec = Codec.AAC, seconds: float = 2.0, track_id: int = 2) -> Clip:
    """A tone of 440 Hz."""
    name, rate_hz, sample_format = {
        Codec.AAC: ("aac", 48_000, "fltp"),
        Codec.OPUS: ("libopus", 48_000, "s16"),
        Codec.PCMU: ("pcm_mulaw", 8_000, "s16"),
        Codec.PCMA: ("pcm_alaw", 8_000, "s16"),
    }[codec]
    context: Any = av.CodecContext.create(name, "w")
    context.sample_rate, context.format, context.layout = rate_hz, sample_format, "mono"
    context.time_base = Fraction(1, rate_hz)
    context.open()
    step = context.frame_size or 160
    packets = []
    for start in range(0, int(seconds * rate_hz), step):
        wave = np.sin((np.arange(step) + start) * 2 * np.pi * 440 / rate_hz)[None, :] * 0.5
        array = (wave * 32767).astype(np.int16) if sample_format == "s16" else wave.astype(np.float32)
        frame = av.AudioFrame.from_ndarray(array, format=sample_format, layout="mono")
        frame.pts, frame.sample_rate = start, rate_hz
        packets += context.encode(frame)
    samples = [Sample(track_id, i * step, 0, step, True, bytes(packet)) for i, packet in enumerate(packets)]
    track = TrackConfig(
        track_id, codec, rate_hz, sample_rate_hz=rate_hz, channel_count=1,
        codec_data=bytes(context.extradata or b"") if codec in (Codec.AAC, Codec.OPUS) else b"",
    )  # fmt: skip
    return Clip(track, samples)


def decoded(data: bytes, kind: str) -> list[Any]:
    """The frames that PyAV decodes from a whole MP4."""
    with av.open(io.BytesIO(data), "r") as container:
        stream = (container.streams.video if kind == "video" else container.streams.audio)[0]
        return list(container.decode(stream))
