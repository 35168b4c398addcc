"""AAC: its configuration (ISO 14496-3 §1.6.2) and its frames out of RTP in the mode AAC-hbr (RFC 3640)."""

from collections.abc import Sequence
from dataclasses import dataclass

from civiscope.base import ProtocolError, Whose
from civiscope.media.model import UnitFlags
from civiscope.media.wire.bitstream import BitReader
from civiscope.media.wire.depacketizer import CodecConfig, RawUnit

_RATES_HZ = (
    96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
)  # fmt: skip
_CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8)
_SBR, _PS = 5, 29
_MAX_FRAME_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class AudioSpecificConfig:
    """What an AAC decoder must know."""

    object_type: int
    """2 is AAC-LC."""
    sample_rate_hz: int
    """Of the core coder; SBR doubles it on output."""
    channel_count: int
    """0: said inside the stream."""
    frame_samples: int
    """1,024 or 960."""


@dataclass(frozen=True, slots=True)
class AacHeaders:
    """How access unit headers are laid out: the three lengths of the SDP, in bits (RFC 3640 §4.1)."""

    size_bits: int = 13
    index_bits: int = 3
    delta_bits: int = 3


def parse_audio_specific_config(data: bytes) -> AudioSpecificConfig:
    """Read a configuration; extensions after the core are not looked at."""
    reader = BitReader(data[:64])
    object_type = _object_type(reader)
    rate_hz = _rate_hz(reader)
    channels = reader.read(4)
    if object_type in (_SBR, _PS):
        _rate_hz(reader)
        object_type = _object_type(reader)
    if channels >= len(_CHANNELS):
        raise ProtocolError("an AAC configuration has an unknown number of channels")
    short = object_type in (1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, 23) and reader.left > 0 and reader.flag()
    return AudioSpecificConfig(object_type, rate_hz, _CHANNELS[channels], 960 if short else 1024)


def _object_type(reader: BitReader) -> int:
    object_type = reader.read(5)
    return 32 + reader.read(6) if object_type == 31 else object_type


def _rate_hz(reader: BitReader) -> int:
    index = reader.read(4)
    if index == 15:
        rate_hz = reader.read(24)
    elif index < len(_RATES_HZ):
        rate_hz = _RATES_HZ[index]
    else:
        raise ProtocolError("an AAC configuration has a reserved sampling rate")
    if not rate_hz:
        raise ProtocolError("an AAC configuration has a sampling rate of zero")
    return rate_hz


def write_audio_specific_config(sample_rate_hz: int, channel_count: int) -> bytes:
    """The two bytes of an AAC-LC configuration."""
    if sample_rate_hz not in _RATES_HZ or channel_count not in _CHANNELS[1:]:
        raise ProtocolError(
            f"AAC has no sampling rate of {sample_rate_hz} Hz with {channel_count} channels", Whose.LOCAL
        )
    return (2 << 11 | _RATES_HZ.index(sample_rate_hz) << 7 | _CHANNELS.index(channel_count) << 3).to_bytes(2)


class AacDepacketizer:
    """See `Depacketizer`. One packet holds whole frames, or a part of one (RFC 3640 §3.1)."""

    def __init__(self, codec_data: bytes, clock_rate_hz: int, headers: AacHeaders) -> None:
        specific = parse_audio_specific_config(codec_data)
        self._headers = headers
        self._frame_ticks = specific.frame_samples * clock_rate_hz // specific.sample_rate_hz
        self._config = CodecConfig(
            codec_data=codec_data,
            sample_rate_hz=specific.sample_rate_hz,
            channel_count=specific.channel_count,
            reorder_depth=0,
            frame_s=specific.frame_samples / specific.sample_rate_hz,
        )
        self._part = bytearray()
        self._timestamp = -1
        self._flags = UnitFlags.KEY

    @property
    def config(self) -> CodecConfig | None:
        """As the SDP said."""
        return self._config

    def push(self, payload: memoryview, timestamp: int, marker: bool, gap: bool) -> Sequence[RawUnit]:
        """Take one payload; see `Depacketizer.push`. An unfinished frame whose rest is lost is dropped."""
        del marker  # cameras set it anyhow; sizes say what is whole
        if gap or (self._part and timestamp != self._timestamp):
            self._part.clear()
            self._flags |= UnitFlags.DISCONTINUITY
        self._timestamp = timestamp
        sizes, at = self._sizes(payload)
        if len(sizes) == 1 and (self._part or sizes[0] > len(payload) - at):
            return self._fragment(payload[at:], sizes[0])
        if self._part:
            self._part.clear()
            self._flags |= UnitFlags.DISCONTINUITY
        units = []
        for index, size in enumerate(sizes):
            if at + size > len(payload):
                raise ProtocolError("an AAC packet is shorter than its frames")
            moment = (timestamp + index * self._frame_ticks) & 0xFFFF_FFFF
            if size:
                units.append(self._unit(bytes(payload[at : at + size]), moment))
            at += size
        return units

    def flush(self) -> Sequence[RawUnit]:
        """Nothing: half a frame cannot be used."""
        self._part.clear()
        return ()

    def _sizes(self, payload: memoryview) -> tuple[list[int], int]:
        """Sizes from the access unit headers, and where the first frame begins (RFC 3640 §3.2.1)."""
        if len(payload) < 2:
            raise ProtocolError("an AAC packet is shorter than its header")
        bits = payload[0] << 8 | payload[1]
        start = 2 + (bits + 7) // 8
        layout = self._headers
        if start > len(payload) or not bits:
            raise ProtocolError("an AAC packet ends inside its headers")
        reader = BitReader(bytes(payload[2:start]))
        sizes: list[int] = []
        while bits > 0:
            index_bits = layout.delta_bits if sizes else layout.index_bits
            size = reader.read(layout.size_bits)
            reader.skip(index_bits)
            bits -= layout.size_bits + index_bits
            sizes.append(size)
        return sizes, start

    def _fragment(self, piece: memoryview, size: int) -> Sequence[RawUnit]:
        self._part += piece[: size - len(self._part)]
        if len(self._part) < size:
            if len(self._part) > _MAX_FRAME_BYTES:
                self._part.clear()
                raise ProtocolError("an AAC frame is longer than any can be")
            return ()
        unit = self._unit(bytes(self._part), self._timestamp)
        self._part.clear()
        return (unit,)

    def _unit(self, data: bytes, timestamp: int) -> RawUnit:
        unit = RawUnit(data, timestamp, self._flags)
        self._flags = UnitFlags.KEY
        return unit
