"""Which depacketizer a track of a session description needs."""

import base64
import binascii

from civiscope.base import AppError, ErrorKind, ProtocolError
from civiscope.media.model import Codec
from civiscope.media.wire.aac import (
    AacDepacketizer,
    AacHeaders,
    parse_audio_specific_config,
    write_audio_specific_config,
)
from civiscope.media.wire.audio import WholeDepacketizer
from civiscope.media.wire.depacketizer import CodecConfig, Depacketizer
from civiscope.media.wire.h264 import H264Depacketizer
from civiscope.media.wire.h265 import H265Depacketizer
from civiscope.media.wire.jpeg import JpegDepacketizer
from civiscope.media.wire.sdp import MediaDescription

_MAX_SPROP_SETS = 16
_MAX_HEADER_BITS = 32


def depacketizer_for(description: MediaDescription) -> Depacketizer:
    """The depacketizer of a track; raises AppError(INVALID) where the codec or its mode is none of ours.

    What the description says of parameter sets is a hint: those in the stream overrule it.
    """
    match description.codec:
        case Codec.H264:
            return H264Depacketizer(_sprop(description, "sprop-parameter-sets"))
        case Codec.H265:
            names = ("sprop-vps", "sprop-sps", "sprop-pps")
            return H265Depacketizer(tuple(nal for name in names for nal in _sprop(description, name)))
        case Codec.MJPEG:
            return JpegDepacketizer()
        case Codec.AAC:
            return _aac(description)
        case Codec.PCMU | Codec.PCMA:
            channels = description.channel_count or 1
            return WholeDepacketizer(
                CodecConfig(
                    sample_rate_hz=clock_rate_hz(description), channel_count=channels, reorder_depth=0
                )
            )
        case Codec.OPUS:
            return WholeDepacketizer(CodecConfig(sample_rate_hz=48000, channel_count=2, reorder_depth=0))
        case None:
            name = description.encoding or f"payload type {description.payload_type}"
            raise AppError(
                ErrorKind.INVALID,
                f"The camera sends {name}, not read here: set it to H.264, H.265, MJPEG, AAC or G.711.",
            )


def clock_rate_hz(description: MediaDescription) -> int:
    """Ticks per second of the track's RTP clock; the codec's usual rate where the camera does not say."""
    if description.clock_rate_hz:
        return description.clock_rate_hz
    if description.codec in (Codec.PCMU, Codec.PCMA):
        return 8000
    return 48000 if description.codec is Codec.OPUS else 90000


def _sprop(description: MediaDescription, name: str) -> tuple[bytes, ...]:
    """Parameter sets of the description, as far as they can be read."""
    sets = []
    for text in description.parameter(name).split(",")[:_MAX_SPROP_SETS]:
        try:
            data = base64.b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
        except (binascii.Error, ValueError):
            continue
        if data:
            sets.append(data)
    return tuple(sets)


def _aac(description: MediaDescription) -> Depacketizer:
    rate_hz = clock_rate_hz(description)
    codec_data = _audio_config(description, rate_hz)
    headers = AacHeaders(
        _bits(description, "sizelength", 13),
        _bits(description, "indexlength", 3),
        _bits(description, "indexdeltalength", 3),
    )
    if not headers.size_bits:
        raise AppError(
            ErrorKind.INVALID,
            "The camera sends AAC in a mode that is not read here: set it to AAC-hbr or G.711.",
        )
    return AacDepacketizer(codec_data, rate_hz, headers)


def _audio_config(description: MediaDescription, rate_hz: int) -> bytes:
    """The configuration of the description if it can be read, else AAC-LC at the rate of the rtpmap."""
    try:
        codec_data = bytes.fromhex(description.parameter("config"))
        parse_audio_specific_config(codec_data)
    except (ValueError, ProtocolError):
        return write_audio_specific_config(rate_hz, description.channel_count or 1)
    return codec_data


def _bits(description: MediaDescription, name: str, usual: int) -> int:
    text = description.parameter(name)
    return min(int(text[:9]), _MAX_HEADER_BITS) if text.isascii() and text.isdigit() else usual
