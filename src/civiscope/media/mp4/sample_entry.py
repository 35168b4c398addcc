"""Sample entries: what a decoder must know, one per track configuration (ISO/IEC 14496-12 §8.5.2)."""

import struct
from collections.abc import Sequence

from civiscope.base import ProtocolError, Whose
from civiscope.media.model import Codec, TrackConfig, TrackKind
from civiscope.media.mp4 import sound_config, video_config
from civiscope.media.mp4.boxes import BoxView, box, full_box, required, walk
from civiscope.media.mp4.flac import write_dfla

_VIDEO_BOXES = {Codec.H264: b"avc1", Codec.H265: b"hvc1", Codec.MJPEG: b"mp4v"}
_CODECS = {kind: codec for codec, kind in {**_VIDEO_BOXES, **sound_config.SOUND_BOXES}.items()} | {
    b"avc3": Codec.H264, b"hev1": Codec.H265, b"jpeg": Codec.MJPEG,
}  # fmt: skip


def sample_descriptions(tracks: Sequence[TrackConfig], for_browser: bool = False) -> bytes:
    """stsd with the configurations of one track over time; H.264 and H.265 need their parameter sets.

    `for_browser` declares G.711 as FLAC: its samples must go through `flac_frame`.
    """
    entries = [
        _write_video(track) if track.kind is TrackKind.VIDEO else _write_sound(track, for_browser)
        for track in tracks
    ]
    return full_box(b"stsd", 0, 0, struct.pack(">I", len(entries)), *entries)


def _write_video(track: TrackConfig) -> bytes:
    """VisualSampleEntry: 72 dpi, 24 bits deep (ISO/IEC 14496-12 §12.1.3)."""
    if not 0 <= track.width_px <= 0xFFFF or not 0 <= track.height_px <= 0xFFFF:
        raise ProtocolError(f"a picture of {track.width_px}x{track.height_px} does not fit MP4", Whose.LOCAL)
    head = struct.pack(">6xH16xHHIII", 1, track.width_px, track.height_px, 0x480000, 0x480000, 0)
    body = head + struct.pack(">H32sHh", 1, b"", 24, -1)
    if track.codec is Codec.H264:
        config = box(b"avcC", video_config.write_avcc(track.parameter_sets))
    elif track.codec is Codec.H265:
        config = box(b"hvcC", video_config.write_hvcc(track.parameter_sets))
    else:
        config = sound_config.write_esds(sound_config.JPEG_OBJECT, 4, b"")
    return box(_VIDEO_BOXES[track.codec], body, config)


def _write_sound(track: TrackConfig, for_browser: bool) -> bytes:
    """AudioSampleEntry: 16 bits, rate as 16.16 where it fits (ISO/IEC 14496-12 §12.2.3)."""
    rate_hz = sound_config.sound_rate_hz(track)
    rate = rate_hz << 16 if rate_hz <= 0xFFFF else 0
    body = struct.pack(">6xH8xHHIIx", 1, track.channel_count or 1, 16, 0, rate)[:28]
    config = b""
    if track.codec is Codec.AAC:
        specific = sound_config.audio_specific_config(track)
        config = sound_config.write_esds(sound_config.AAC_OBJECT, 5, specific)
    elif track.codec is Codec.OPUS:
        config = box(b"dOps", sound_config.write_dops(track))
    elif for_browser:
        return box(b"fLaC", body, write_dfla(rate_hz, track.channel_count or 1))
    return box(sound_config.SOUND_BOXES[track.codec], body, config)


def read_sample_entry(entry: BoxView, track_id: int, clock_rate_hz: int) -> TrackConfig:
    """The track configuration that `write_sample_entry` wrote; the generation is not kept in MP4."""
    codec = _CODECS.get(entry.kind)
    if codec is None:
        raise ProtocolError(f"the MP4 sample entry {entry.kind!r} is not one this program records")
    if codec in _VIDEO_BOXES:
        return _read_video(entry, codec, track_id, clock_rate_hz)
    return _read_sound(entry, codec, track_id, clock_rate_hz)


def _read_video(entry: BoxView, codec: Codec, track_id: int, clock_rate_hz: int) -> TrackConfig:
    width, height = entry.unpack("HH", 24)
    children = {child.kind: child for child in walk(entry.data[78:])}
    sets: tuple[bytes, ...] = ()
    if codec is Codec.H264:
        sets = video_config.read_avcc(required(children, b"avcC", "avc1").data)
    elif codec is Codec.H265:
        sets = video_config.read_hvcc(required(children, b"hvcC", "hvc1").data)
    elif entry.kind == b"mp4v":
        object_type, _ = sound_config.read_esds(required(children, b"esds", "mp4v").data)
        if object_type != sound_config.JPEG_OBJECT:
            raise ProtocolError(f"mp4v with object type {object_type:#x} is not Motion JPEG")
    return TrackConfig(
        track_id, codec, clock_rate_hz, parameter_sets=sets, width_px=width, height_px=height
    )  # fmt: skip


def _read_sound(entry: BoxView, codec: Codec, track_id: int, clock_rate_hz: int) -> TrackConfig:
    channels, _, _, rate = entry.unpack("HHII", 16)
    children = {child.kind: child for child in walk(entry.data[28:])}
    data = b""
    if codec is Codec.AAC:
        _, data = sound_config.read_esds(required(children, b"esds", "mp4a").data)
    elif codec is Codec.OPUS:
        data = sound_config.read_dops(required(children, b"dOps", "Opus").data)
    return TrackConfig(
        track_id, codec, clock_rate_hz, codec_data=data,
        sample_rate_hz=rate >> 16 or clock_rate_hz, channel_count=channels,
    )  # fmt: skip


def codec_string(track: TrackConfig) -> str:
    """The track's codec as a browser names it (RFC 6381); G.711 goes there as FLAC."""
    if track.codec is Codec.H264:
        sps = next((nal for nal in track.parameter_sets if nal and nal[0] & 0x1F == 7), b"")
        return f"avc1.{sps[1:4].hex()}"
    if track.codec is Codec.H265:
        sps = next((nal for nal in track.parameter_sets if nal and nal[0] >> 1 & 0x3F == 33), b"")
        return video_config.h265_profile(sps).codec_string
    if track.codec is Codec.MJPEG:
        return "mp4v.6C"
    if track.codec is Codec.AAC:
        specific = sound_config.audio_specific_config(track)
        return f"mp4a.40.{sound_config.aac_object_type(specific)}"
    return "opus" if track.codec is Codec.OPUS else "flac"


def mse_type(tracks: Sequence[TrackConfig]) -> str:
    """What `MediaSource.isTypeSupported` takes: `video/mp4; codecs="avc1.64001f,mp4a.40.2"` (RFC 6381)."""
    kind = "video" if any(track.kind is TrackKind.VIDEO for track in tracks) else "audio"
    return f'{kind}/mp4; codecs="{",".join(codec_string(track) for track in tracks)}"'
