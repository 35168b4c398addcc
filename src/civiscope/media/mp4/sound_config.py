"""Decoder configuration of AAC and Opus, written and read (ISO/IEC 14496-1, RFC 7845)."""

import struct

from civiscope.base import ProtocolError
from civiscope.media.model import Codec, TrackConfig
from civiscope.media.mp4.boxes import descriptor, full_box, read_descriptor, unpack

_AAC_RATES_HZ = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
AAC_OBJECT, JPEG_OBJECT = 0x40, 0x6C
"""objectTypeIndication of ISO/IEC 14496-3 sound and of ISO/IEC 10918-1 pictures."""


def audio_specific_config(track: TrackConfig) -> bytes:
    """The track's own AudioSpecificConfig, or AAC-LC from rate and channels (ISO/IEC 14496-3 §1.6.2.1)."""
    if track.codec_data:
        return track.codec_data
    rate_hz = sound_rate_hz(track)
    if rate_hz not in _AAC_RATES_HZ:
        raise ProtocolError(f"AAC with {rate_hz} Hz needs an AudioSpecificConfig")
    return struct.pack(">H", 2 << 11 | _AAC_RATES_HZ.index(rate_hz) << 7 | (track.channel_count or 1) << 3)


def aac_object_type(config: bytes) -> int:
    """audioObjectType: 2 is AAC-LC, 5 is HE-AAC (ISO/IEC 14496-3 §1.6.2.1)."""
    if len(config) < 2:
        return 2
    kind = config[0] >> 3
    return 32 + ((config[0] & 7) << 3 | config[1] >> 5) if kind == 31 else kind


def sound_rate_hz(track: TrackConfig) -> int:
    """Samples per second; the clock rate when the track does not say."""
    return track.sample_rate_hz or track.clock_rate_hz


def write_esds(object_type: int, stream_type: int, specific: bytes) -> bytes:
    """The elementary stream descriptor (ISO/IEC 14496-14 §3.1.2; stream types: 4 pictures, 5 sound)."""
    config = struct.pack(">BBHBII", object_type, stream_type << 2 | 1, 0, 0, 0, 0)
    if specific:
        config += descriptor(5, specific)
    body = b"\x00\x00\x00" + descriptor(4, config) + descriptor(6, b"\x02")
    return full_box(b"esds", 0, 0, descriptor(3, body))


def read_esds(data: memoryview) -> tuple[int, bytes]:
    """objectTypeIndication and DecoderSpecificInfo of an esds box's payload."""
    tag, body, _ = read_descriptor(data[4:])
    if tag != 3:
        raise ProtocolError(f"esds starts with descriptor {tag} instead of 3")
    (flags,) = unpack(body, "B", 2, b"esds")
    if flags & 0xE0:
        raise ProtocolError("esds uses a dependent or addressed stream, which MP4 does not allow")
    tag, config, _ = read_descriptor(body[3:])
    if tag != 4:
        raise ProtocolError(f"esds holds descriptor {tag} where 4 belongs")
    (object_type,) = unpack(config, "B", 0, b"esds")
    if len(config) <= 13:
        return object_type, b""
    tag, specific, _ = read_descriptor(config[13:])
    return object_type, bytes(specific) if tag == 5 else b""


def write_dops(track: TrackConfig) -> bytes:
    """OpusSpecificBox payload from an OpusHead, whose numbers are little-endian (RFC 7845 §5.1)."""
    head = track.codec_data.removeprefix(b"OpusHead")
    if len(head) < 11:
        head = struct.pack("<BBHIhB", 1, track.channel_count or 2, 312, sound_rate_hz(track), 0, 0)
    _, channels, skip, rate_hz, gain, family = struct.unpack_from("<BBHIhB", head)
    return struct.pack(">BBHIhB", 0, channels, skip, rate_hz, gain, family) + head[11:]


def read_dops(data: memoryview) -> bytes:
    """The OpusHead body (without its magic) of an OpusSpecificBox payload."""
    _, channels, skip, rate_hz, gain, family = unpack(data, "BBHIhB", 0, b"dOps")
    return struct.pack("<BBHIhB", 1, channels, skip, rate_hz, gain, family) + bytes(data[11:])


SOUND_BOXES = {Codec.PCMU: b"ulaw", Codec.PCMA: b"alaw", Codec.AAC: b"mp4a", Codec.OPUS: b"Opus"}
"""The sample entry of each codec for sound."""
