"""Decoder configuration records of H.264 and H.265, written and read (ISO/IEC 14496-15 §5.3.3, §8.3.3)."""

import struct
from dataclasses import dataclass

from civiscope.base import ProtocolError, Whose
from civiscope.media.mp4.bits import BitReader, raw_payload
from civiscope.media.mp4.boxes import unpack

_MAX_SETS = 64
_H264_WITH_CHROMA = frozenset({100, 110, 122, 144, 44, 244, 86, 118, 128, 138, 139, 134, 135, 83})


def write_avcc(parameter_sets: tuple[bytes, ...]) -> bytes:
    """AVCDecoderConfigurationRecord with 4-byte lengths (ISO/IEC 14496-15 §5.3.3.1)."""
    sps = [nal for nal in parameter_sets if nal and nal[0] & 0x1F == 7]
    pps = [nal for nal in parameter_sets if nal and nal[0] & 0x1F == 8]
    if not sps or not pps or len(sps[0]) < 4:
        raise ProtocolError("an H.264 track cannot be written without SPS and PPS", Whose.LOCAL)
    out = [bytes((1, *sps[0][1:4], 0xFF, 0xE0 | min(len(sps), 31)))]
    out += [_counted(nal) for nal in sps[:31]]
    out += [bytes((min(len(pps), 255),))]
    out += [_counted(nal) for nal in pps[:255]]
    if sps[0][1] not in (66, 77, 88):
        chroma, luma_depth, chroma_depth = _h264_chroma(sps[0])
        out.append(bytes((0xFC | chroma, 0xF8 | luma_depth, 0xF8 | chroma_depth, 0)))
    return b"".join(out)


def _counted(nal: bytes) -> bytes:
    """A parameter set behind its length, which has 16 bits."""
    if len(nal) > 0xFFFF:
        raise ProtocolError(f"a parameter set of {len(nal)} bytes does not fit into an MP4", Whose.LOCAL)
    return struct.pack(">H", len(nal)) + nal


def _h264_chroma(sps: bytes) -> tuple[int, int, int]:
    """chroma_format_idc and bit depths minus 8; 4:2:0 with 8 bits when the SPS does not say."""
    if sps[1] not in _H264_WITH_CHROMA:
        return 1, 0, 0
    reader = BitReader(raw_payload(sps, 64)[4:])
    reader.exp_golomb()
    chroma = reader.exp_golomb()
    if chroma == 3:
        reader.bits(1)
    return chroma & 3, reader.exp_golomb() & 7, reader.exp_golomb() & 7


def read_avcc(data: memoryview) -> tuple[bytes, ...]:
    """The parameter sets of an AVCDecoderConfigurationRecord, SPS first."""
    version, *_, sps_count = unpack(data, "BBBBBB", 0, b"avcC")
    if version != 1:
        raise ProtocolError(f"avcC has version {version}; only 1 is defined")
    sets, offset = _read_sets(data, 6, sps_count & 0x1F, b"avcC")
    (pps_count,) = unpack(data, "B", offset, b"avcC")
    more, _ = _read_sets(data, offset + 1, pps_count, b"avcC")
    return (*sets, *more)


def _read_sets(data: memoryview, offset: int, count: int, kind: bytes) -> tuple[list[bytes], int]:
    sets: list[bytes] = []
    for _ in range(count):
        (size,) = unpack(data, "H", offset, kind)
        nal = bytes(data[offset + 2 : offset + 2 + size])
        if len(nal) < size:
            raise ProtocolError(f"a parameter set in {kind.decode()} is cut short")
        sets.append(nal)
        offset += 2 + size
    return sets, offset


@dataclass(frozen=True, slots=True)
class H265Profile:
    """profile_tier_level and picture format of an SPS (Rec. ITU-T H.265 §7.3.2.2, §7.3.3)."""

    general: bytes
    """The twelve bytes of general profile, tier, compatibility, constraints and level."""
    sub_layers: int
    temporal_nesting: bool
    chroma_format: int
    luma_depth_minus8: int
    chroma_depth_minus8: int

    @property
    def codec_string(self) -> str:
        """`hvc1.1.6.L93.B0` (ISO/IEC 14496-15 Annex E.3)."""
        first = self.general[0]
        space = ("", "A", "B", "C")[first >> 6]
        tier = "H" if first & 0x20 else "L"
        compatibility = int(f"{int.from_bytes(self.general[1:5]):032b}"[::-1], 2)
        constraints = self.general[5:11].rstrip(b"\x00")
        text = f"hvc1.{space}{first & 0x1F}.{compatibility:X}.{tier}{self.general[11]}"
        return text + "".join(f".{byte:X}" for byte in constraints)


def h265_profile(sps: bytes) -> H265Profile:
    """What hvcC and the codec string need of an H.265 SPS."""
    data = raw_payload(sps)
    if len(data) < 15:
        raise ProtocolError(f"an H.265 SPS of {len(data)} bytes is too short")
    sub_layers = data[2] >> 1 & 7
    reader = BitReader(data[15:])
    _skip_sub_layers(reader, sub_layers)
    reader.exp_golomb()
    chroma = reader.exp_golomb()
    if chroma == 3:
        reader.bits(1)
    reader.exp_golomb()
    reader.exp_golomb()
    if reader.bits(1):
        for _ in range(4):
            reader.exp_golomb()
    luma, chroma_depth = reader.exp_golomb(), reader.exp_golomb()
    return H265Profile(data[3:15], sub_layers + 1, bool(data[2] & 1), chroma & 3, luma & 7, chroma_depth & 7)


def _skip_sub_layers(reader: BitReader, count: int) -> None:
    """Sub-layer profiles and levels (Rec. ITU-T H.265 §7.3.3)."""
    present = [(reader.bits(1), reader.bits(1)) for _ in range(count)]
    if count:
        reader.bits(2 * (8 - count))
    for profile, level in present:
        reader.bits(88 * profile + 8 * level)


def write_hvcc(parameter_sets: tuple[bytes, ...]) -> bytes:
    """HEVCDecoderConfigurationRecord with 4-byte lengths (ISO/IEC 14496-15 §8.3.3.1)."""
    by_type = {
        kind: [nal for nal in parameter_sets if nal and nal[0] >> 1 & 0x3F == kind] for kind in (32, 33, 34)
    }
    if not all(by_type.values()):
        raise ProtocolError("an H.265 track cannot be written without VPS, SPS and PPS", Whose.LOCAL)
    profile = h265_profile(by_type[33][0])
    layers = profile.sub_layers << 3 | profile.temporal_nesting << 2 | 3
    formats = (
        0xFC | profile.chroma_format,
        0xF8 | profile.luma_depth_minus8,
        0xF8 | profile.chroma_depth_minus8,
    )
    out = [
        b"\x01",
        profile.general,
        b"\xf0\x00\xfc",
        bytes(formats),
        b"\x00\x00",
        bytes((layers, len(by_type))),
    ]
    for kind, nals in by_type.items():
        out.append(struct.pack(">BH", 0x80 | kind, len(nals)))
        out += [_counted(nal) for nal in nals]
    return b"".join(out)


def read_hvcc(data: memoryview) -> tuple[bytes, ...]:
    """The parameter sets of an HEVCDecoderConfigurationRecord in its order."""
    (version,) = unpack(data, "B", 0, b"hvcC")
    (arrays,) = unpack(data, "B", 22, b"hvcC")
    if version != 1:
        raise ProtocolError(f"hvcC has version {version}; only 1 is defined")
    sets: list[bytes] = []
    offset = 23
    for _ in range(arrays):
        _, count = unpack(data, "BH", offset, b"hvcC")
        if len(sets) + count > _MAX_SETS:
            raise ProtocolError(f"hvcC holds more than {_MAX_SETS} parameter sets")
        more, offset = _read_sets(data, offset + 3, count, b"hvcC")
        sets += more
    return tuple(sets)
