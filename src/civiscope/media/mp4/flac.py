"""G.711 sound in FLAC frames: the one lossless way of telephone sound into Media Source.

No browser plays G.711 from MP4, all play FLAC. Each packet becomes one frame of verbatim samples (RFC 9639
§9.2.3): decoded by table, nothing encoded, nothing lost. Recordings and downloads keep the G.711 as it came.
"""

import struct
from functools import cache

from civiscope.media.model import Codec, TrackConfig
from civiscope.media.mp4.boxes import full_box

MIN_BLOCK_SAMPLES = 16
"""A FLAC frame holds at least so many samples of each channel (RFC 9639 §8.2)."""
MAX_BLOCK_SAMPLES = 65_535
_RATE_CODES = {8_000: 4, 16_000: 5, 22_050: 6, 24_000: 7, 32_000: 8, 44_100: 9, 48_000: 10}
_VERBATIM = b"\x02"
_NUMBER_MASK = (1 << 31) - 1
"""Sample numbers may have 36 bits; FFmpeg, so Chromium too, reads 31. MP4 keeps the time."""


def write_dfla(rate_hz: int, channels: int) -> bytes:
    """FLACSpecificBox with a STREAMINFO of 16-bit samples (FLAC in ISOBMFF §3.3.2, RFC 9639 §8.2)."""
    format_bits = rate_hz << 44 | channels - 1 << 41 | 15 << 36
    info = struct.pack(">HH6xQ16x", MIN_BLOCK_SAMPLES, MAX_BLOCK_SAMPLES, format_bits)
    return full_box(b"dfLa", 0, 0, b"\x80\x00\x00\x22", info)


def flac_frame(track: TrackConfig, data: bytes, first_sample: int) -> bytes:
    """One G.711 packet as one FLAC frame; empty when it is too short or too long for one.

    `first_sample` counts per channel from any zero.
    """
    channels = track.channel_count or 1
    count = len(data) // channels
    if not MIN_BLOCK_SAMPLES <= count <= MAX_BLOCK_SAMPLES:
        return b""
    rate_code = _RATE_CODES.get(track.sample_rate_hz or track.clock_rate_hz, 0)
    number = _coded_number(first_sample & _NUMBER_MASK)
    head = (
        bytes((0xFF, 0xF9, 0x70 | rate_code, channels - 1 << 4 | 8)) + number + struct.pack(">H", count - 1)
    )
    frame = bytearray(head)
    frame.append(_crc(bytes(head), 8, 0x07))
    high, low = _linear_tables(track.codec)
    for channel in range(channels):
        part = data[channel : count * channels : channels]
        samples = bytearray(2 * count)
        samples[0::2], samples[1::2] = part.translate(high), part.translate(low)
        frame += _VERBATIM + samples
    frame += struct.pack(">H", _crc(bytes(frame), 16, 0x8005))
    return bytes(frame)


def _coded_number(number: int) -> bytes:
    """A number as the first UTF-8 would code it, up to 31 bits (RFC 9639 §9.1.5)."""
    if number < 0x80:
        return bytes((number,))
    extra = next(count for count in range(1, 6) if number < 1 << 6 - count + 6 * count)
    lead = 0xFF00 >> extra + 1 & 0xFF | number >> 6 * extra
    return bytes((lead, *(0x80 | number >> 6 * place & 0x3F for place in range(extra - 1, -1, -1))))


@cache
def _crc_table(width: int, polynomial: int) -> tuple[int, ...]:
    top, mask = 1 << width - 1, (1 << width) - 1
    table = []
    for byte in range(256):
        value = byte << width - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
        table.append(value)
    return tuple(table)


def _crc(data: bytes, width: int, polynomial: int) -> int:
    """Most significant bit first, starting at 0 (RFC 9639 §9.1.8, §9.3)."""
    table, value = _crc_table(width, polynomial), 0
    if width == 8:
        for byte in data:
            value = table[value ^ byte]
        return value
    for byte in data:
        value = (value << 8 & 0xFF00) ^ table[value >> 8 ^ byte]
    return value


@cache
def _linear_tables(codec: Codec) -> tuple[bytes, bytes]:
    """High and low byte of the 16-bit sample of each G.711 code."""
    expand = _expand_mu if codec is Codec.PCMU else _expand_a
    samples = [expand(code) & 0xFFFF for code in range(256)]
    return bytes(sample >> 8 for sample in samples), bytes(sample & 0xFF for sample in samples)


def _expand_mu(code: int) -> int:
    """µ-law to linear, 16 bits (ITU-T G.711 table 2a)."""
    code = ~code & 0xFF
    value = ((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)
    return 0x84 - value if code & 0x80 else value - 0x84


def _expand_a(code: int) -> int:
    """A-law to linear, 16 bits (ITU-T G.711 table 1a)."""
    code ^= 0x55
    segment = code >> 4 & 7
    value = (code & 0x0F) << 4 | 8
    if segment:
        value = value + 0x100 << segment - 1
    return value if code & 0x80 else -value
