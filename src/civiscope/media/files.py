"""A media file as tracks and access units: demuxed by PyAV, nothing decoded, nothing re-encoded."""

from __future__ import annotations  # PyAV's Packet takes a type argument in its stubs only

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from civiscope.base import AppError, ErrorKind
from civiscope.media.model import AccessUnit, Codec, TrackConfig, UnitFlags
from civiscope.media.wire.nal import join_nals, split_annexb

MAX_FILE_BYTES = 1 << 30
VIDEO_CLOCK_HZ = 90_000
_FIRST_PACKETS = 2_000
_CONTAINERS = (
    "mov", "matroska", "avi", "mpegts", "mpeg", "mpegvideo", "h264", "hevc", "mjpeg",
    "wav", "ogg", "aac", "mp3", "flac",
)  # fmt: skip
_OPEN_OPTIONS = {"format_whitelist": ",".join(_CONTAINERS), "protocol_whitelist": "file"}
"""A file is what its bytes say, not its name: no playlist (HLS, ffconcat, …) that leads elsewhere."""
_PICTURE_OPTIONS = _OPEN_OPTIONS | {"format_whitelist": ",".join((*_CONTAINERS, "gif"))}
_PCM_UNIT_S = Fraction(1, 50)
_CODECS = {
    "h264": Codec.H264,
    "hevc": Codec.H265,
    "mjpeg": Codec.MJPEG,
    "aac": Codec.AAC,
    "pcm_mulaw": Codec.PCMU,
    "pcm_alaw": Codec.PCMA,
    "opus": Codec.OPUS,
}
_ADTS_RATES_HZ = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


@dataclass(frozen=True, slots=True)
class _Sample:
    """One packet of the file in ticks of its track."""

    track_id: int
    pts: int
    dts: int
    is_key: bool
    data: bytes


class FileUnits:
    """At most one video and one audio track of a file, read whole into memory (files up to 1 GiB).

    The first unit of the video (else of the audio) has pts 0; units are in order of dts over both tracks.
    `arrival_us` is dts in microseconds. Parameter sets stay where the file has them: in `tracks`, in the
    units, or both. Raises AppError in plain words for a file that cannot be served. Blocks while it reads.
    """

    def __init__(self, path: Path, *, audio: bool = True) -> None:
        self.path = path
        if not path.is_file():
            raise AppError(ErrorKind.MISSING, f"There is no file {path}: check the name.")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise AppError(
                ErrorKind.EXHAUSTED, f"{path.name} is larger than 1 GiB: cut it into shorter clips."
            )
        try:
            with av.open(str(path), options=_OPEN_OPTIONS) as container:
                self.tracks, samples = _read(container, audio)
        except FFmpegError as error:
            raise AppError(
                ErrorKind.INVALID, f"{path.name} cannot be read as a media file: {error.strerror or error}."
            ) from error
        if not self.tracks or not samples:
            raise AppError(
                ErrorKind.INVALID,
                f"{path.name} holds no H.264, H.265, MJPEG, AAC, G.711 or Opus: convert it.",
            )
        self.units = tuple(_units(self.tracks, samples))
        self.duration_us = _duration_us(self.tracks, samples)

    def units_of(self, track_id: int) -> list[AccessUnit]:
        """The units of one track in order of dts."""
        return [unit for unit in self.units if unit.track_id == track_id]


def read_tracks(path: Path) -> tuple[TrackConfig, ...]:
    """The tracks that `FileUnits` would have, by the first packet of each: quick for a file of any size.

    Raises AppError in plain words for a file that cannot be read. Blocks.
    """
    try:
        with av.open(str(path), options=_OPEN_OPTIONS) as container:
            streams = _wanted(container, audio=True)
            return tuple(_first_configs(container, streams))
    except FFmpegError as error:
        raise AppError(
            ErrorKind.INVALID, f"{path.name} cannot be read as a media file: {error.strerror or error}."
        ) from error


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """The pictures of a file, counted, whatever their codec."""

    width_px: int
    height_px: int
    fps: float
    """Mean over the file."""
    frames: int


def read_video_facts(path: Path) -> VideoFacts:
    """Count a file's pictures without decoding them. AppError in plain words where there are none. Blocks."""
    if not path.is_file():
        raise AppError(ErrorKind.MISSING, f"There is no file {path}: check the name.")
    try:
        with av.open(str(path), options=_PICTURE_OPTIONS) as container:
            if not container.streams.video:
                raise AppError(ErrorKind.INVALID, f"{path.name} holds no pictures.")
            stream = container.streams.video[0]
            frames = sum(1 for packet in container.demux(stream) if packet.size)
            fps = float(stream.average_rate or stream.guessed_rate or 0)
            width_px, height_px = stream.codec_context.width, stream.codec_context.height
    except FFmpegError as error:
        raise AppError(
            ErrorKind.INVALID, f"{path.name} cannot be read as a media file: {error.strerror or error}."
        ) from error
    if not frames or fps <= 0 or not width_px or not height_px:
        raise AppError(ErrorKind.INVALID, f"{path.name} holds no pictures whose rate and size can be told.")
    return VideoFacts(width_px, height_px, fps, frames)


def read_duration_us(path: Path) -> int:
    """How long a file plays, as its container says or guesses: quick for a file of any size.

    Raises AppError in plain words for a file that cannot be read or does not tell. Blocks.
    """
    try:
        with av.open(str(path), options=_OPEN_OPTIONS) as container:
            duration = container.duration
    except FFmpegError as error:
        raise AppError(
            ErrorKind.INVALID, f"{path.name} cannot be read as a media file: {error.strerror or error}."
        ) from error
    if duration is None:
        raise AppError(ErrorKind.INVALID, f"{path.name} does not tell how long it plays.")
    return duration * 1_000_000 // av.time_base


def _first_configs(container: av.container.InputContainer, streams: list[Stream]) -> Iterator[TrackConfig]:
    """In order of the streams, as far as they begin within the first packets."""
    first: dict[int, Packet[Stream]] = {}
    for count, packet in enumerate(container.demux(streams) if streams else ()):
        if packet.size:
            first.setdefault(packet.stream_index, packet)
        if len(first) == len(streams) or count > _FIRST_PACKETS:
            break
    begun = [stream for stream in streams if stream.index in first]
    for number, stream in enumerate(begun, start=1):
        yield _config(number, stream, bytes(first[stream.index]))


def ticks_to_us(ticks: int, clock_rate_hz: int) -> int:
    """Ticks of a track's clock as microseconds, rounded down."""
    return ticks * 1_000_000 // clock_rate_hz


def _wanted(container: av.container.InputContainer, *, audio: bool) -> list[Stream]:
    """At most one of video and one of audio, video first."""
    streams: list[Stream] = []
    for wanted in ("video", "audio") if audio else ("video",):
        readable = [s for s in container.streams if s.type == wanted and s.codec.canonical_name in _CODECS]
        streams += readable[:1]
    return streams


def _read(
    container: av.container.InputContainer, audio: bool
) -> tuple[tuple[TrackConfig, ...], list[_Sample]]:
    streams = _wanted(container, audio=audio)
    packets: dict[int, list[Packet[Stream]]] = {stream.index: [] for stream in streams}
    if streams:
        for packet in container.demux(streams):
            if packet.size:
                packets[packet.stream_index].append(packet)
    tracks: list[TrackConfig] = []
    samples: list[_Sample] = []
    for stream in streams:
        kept = packets[stream.index]
        if not kept:
            continue
        config = _config(len(tracks) + 1, stream, bytes(kept[0]))
        tracks.append(config)
        samples += _samples(config, stream, kept)
    return tuple(tracks), samples


def _config(track_id: int, stream: Stream, first: bytes) -> TrackConfig:
    codec = _CODECS[stream.codec.canonical_name]
    extra = bytes(stream.codec_context.extradata or b"")
    if isinstance(stream, VideoStream):
        return TrackConfig(
            track_id, codec, VIDEO_CLOCK_HZ,
            parameter_sets=tuple(_parameter_sets(codec, extra, first)),
            width_px=stream.codec_context.width,
            height_px=stream.codec_context.height,
        )  # fmt: skip
    assert isinstance(stream, AudioStream)
    rate_hz = 48_000 if codec is Codec.OPUS else stream.codec_context.sample_rate
    if codec is Codec.OPUS:
        extra = extra.removeprefix(b"OpusHead")
    elif codec is Codec.AAC and not extra:
        extra = _adts_config(first)
    return TrackConfig(
        track_id, codec, rate_hz,
        codec_data=extra if codec in {Codec.AAC, Codec.OPUS} else b"",
        sample_rate_hz=rate_hz,
        channel_count=stream.codec_context.channels,
    )  # fmt: skip


def _parameter_sets(codec: Codec, extra: bytes, first: bytes) -> list[bytes]:
    """From avcC or hvcC (ISO 14496-15 §5, §8), else Annex B extradata, else the first unit."""
    if codec is Codec.MJPEG:
        return []
    if extra[:1] == b"\1" and len(extra) > 6:
        return _avcc_sets(extra) if codec is Codec.H264 else _hvcc_sets(extra)
    kinds = {7, 8} if codec is Codec.H264 else {32, 33, 34}
    nals = split_annexb(extra) or split_annexb(first)
    return [nal for nal in nals if (nal[0] & 31 if codec is Codec.H264 else nal[0] >> 1 & 63) in kinds]


def _avcc_sets(extra: bytes) -> list[bytes]:
    found, at = [], 5
    for mask in (31, 255):
        count = extra[at] & mask if at < len(extra) else 0
        at += 1
        for _ in range(count):
            length = int.from_bytes(extra[at : at + 2])
            found.append(extra[at + 2 : at + 2 + length])
            at += 2 + length
    return found


def _hvcc_sets(extra: bytes) -> list[bytes]:
    found, at = [], 23
    for _ in range(extra[22] if len(extra) > 22 else 0):
        kind, count = extra[at] & 63, int.from_bytes(extra[at + 1 : at + 3])
        at += 3
        for _ in range(count):
            length = int.from_bytes(extra[at : at + 2])
            if kind in {32, 33, 34}:
                found.append(extra[at + 2 : at + 2 + length])
            at += 2 + length
    return found


def _adts_config(frame: bytes) -> bytes:
    """The AudioSpecificConfig that an ADTS header stands for (ISO 14496-3 §1.6.2.1, §1.A.2.2)."""
    if len(frame) < 7 or frame[0] != 0xFF or frame[1] & 0xF6 != 0xF0:
        return b""
    object_type = (frame[2] >> 6) + 1
    rate_index, channels = frame[2] >> 2 & 15, (frame[2] & 1) << 2 | frame[3] >> 6
    if rate_index >= len(_ADTS_RATES_HZ):
        return b""
    return (object_type << 11 | rate_index << 7 | channels << 3).to_bytes(2)


def _samples(config: TrackConfig, stream: Stream, packets: list[Packet[Stream]]) -> list[_Sample]:
    if config.codec in {Codec.PCMU, Codec.PCMA}:
        return list(_pcm_samples(config, stream, packets))
    extra = bytes(stream.codec_context.extradata or b"")
    length_bytes = 0
    if extra[:1] == b"\1" and config.codec in {Codec.H264, Codec.H265}:
        length_bytes = (extra[4 if config.codec is Codec.H264 else 21] & 3) + 1
    samples: list[_Sample] = []
    for number, packet in enumerate(packets):
        pts, dts = _times(config, stream, packet, number)
        if samples and dts <= samples[-1].dts:
            dts = samples[-1].dts + 1
        data = _unit_data(config.codec, bytes(packet), length_bytes)
        is_key = packet.is_keyframe or config.codec not in {Codec.H264, Codec.H265}
        samples.append(_Sample(config.track_id, pts, dts, is_key, data))
    return samples


def _times(config: TrackConfig, stream: Stream, packet: Packet[Stream], number: int) -> tuple[int, int]:
    """pts and dts in the track's ticks; a raw file has none, so its frame rate and order count."""
    dts = packet.dts if packet.dts is not None else packet.pts
    if dts is None or stream.time_base is None:
        rate = stream.guessed_rate if isinstance(stream, VideoStream) else None
        rate = rate or Fraction(25)
        at = round(number * config.clock_rate_hz / rate)
        return at, at
    scale = stream.time_base * config.clock_rate_hz
    pts = packet.pts if packet.pts is not None else dts
    return round(pts * scale), round(dts * scale)


def _pcm_samples(config: TrackConfig, stream: Stream, packets: list[Packet[Stream]]) -> Iterator[_Sample]:
    """G.711 in units of 20 ms, however the file cuts it (RFC 3551 §4.2)."""
    step = int(config.clock_rate_hz * _PCM_UNIT_S) * max(config.channel_count, 1)
    joined = b"".join(bytes(packet) for packet in packets)
    first, _ = _times(config, stream, packets[0], 0)
    for at in range(0, len(joined), step):
        pts = first + at // max(config.channel_count, 1)
        yield _Sample(config.track_id, pts, pts, True, joined[at : at + step])


def _unit_data(codec: Codec, data: bytes, length_bytes: int) -> bytes:
    """As `AccessUnit.data` wants it."""
    if codec in {Codec.H264, Codec.H265}:
        if length_bytes == 4:
            return data
        return join_nals(_length_nals(data, length_bytes) if length_bytes else split_annexb(data))
    if codec is Codec.AAC and len(data) > 7 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
        return data[7 if data[1] & 1 else 9 :]
    return data


def _length_nals(data: bytes, length_bytes: int) -> Iterator[bytes]:
    at = 0
    while at + length_bytes < len(data):
        start = at + length_bytes
        at = start + int.from_bytes(data[at:start])
        yield data[start:at]


def _units(tracks: Iterable[TrackConfig], samples: list[_Sample]) -> Iterator[AccessUnit]:
    rates = {track.track_id: track.clock_rate_hz for track in tracks}
    lead = samples[0]
    zero = {
        track_id: round(Fraction(lead.pts * rate, rates[lead.track_id])) for track_id, rate in rates.items()
    }
    shifted = [replace(s, pts=s.pts - zero[s.track_id], dts=s.dts - zero[s.track_id]) for s in samples]
    shifted.sort(key=lambda s: Fraction(s.dts, rates[s.track_id]))
    for sequence, sample in enumerate(shifted):
        at_us = ticks_to_us(sample.dts, rates[sample.track_id])
        flags = UnitFlags.KEY if sample.is_key else UnitFlags.NONE
        yield AccessUnit(
            sample.track_id, sequence, sample.pts, sample.dts, at_us, at_us, flags, 0, sample.data
        )  # fmt: skip


def _duration_us(tracks: tuple[TrackConfig, ...], samples: list[_Sample]) -> int:
    """Of the first track: from its first dts to its last, and one mean step more."""
    times = [sample.dts for sample in samples if sample.track_id == tracks[0].track_id]
    step = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else tracks[0].clock_rate_hz / 25
    return round((times[-1] - times[0] + step) * 1_000_000 / tracks[0].clock_rate_hz)
