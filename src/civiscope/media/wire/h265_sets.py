"""H.265 parameter sets: what they say, and which are in force (ITU-T H.265 §7.3.2)."""

from dataclasses import dataclass

from civiscope.base import ProtocolError
from civiscope.media.wire.bitstream import BitReader, unescape
from civiscope.media.wire.depacketizer import CodecConfig
from civiscope.media.wire.nal import bare_nal

_VPS, _SPS, _PPS = 32, 33, 34
_MAX_PX = 1 << 16


@dataclass(frozen=True, slots=True)
class H265Sps:
    """The parts of a sequence parameter set that matter outside a decoder."""

    set_id: int
    profile_space: int
    tier: int
    profile: int
    compatibility: int
    """32 flags, general_profile_compatibility_flag[0] first."""
    constraints: int
    """The 48 bits between compatibility flags and level."""
    level: int
    """Thirty times the level: 93 is 3.1."""
    chroma: int
    bit_depth_luma: int
    bit_depth_chroma: int
    sub_layers: int
    """sps_max_sub_layers_minus1 + 1."""
    nested: bool
    """sps_temporal_id_nesting_flag."""
    width_px: int
    height_px: int
    """Both after the conformance window."""
    reorder_depth: int
    """sps_max_num_reorder_pics of the highest sub-layer."""


def nal_kind(nal: bytes | memoryview) -> int:
    """nal_unit_type (ITU-T H.265 §7.3.1.2)."""
    return nal[0] >> 1 & 0x3F


def parse_h265_sps(nal: bytes) -> H265Sps:
    """Read a sequence parameter set, header included; what follows the reordering is not looked at."""
    if len(nal) < 4 or nal_kind(nal) != _SPS:
        raise ProtocolError("this is no H.265 sequence parameter set")
    reader = BitReader(unescape(nal[2:]))
    reader.skip(4)
    sub_layers = reader.read(3) + 1
    nested = reader.flag()
    space, tier, profile = reader.read(2), reader.read(1), reader.read(5)
    compatibility, constraints, level = reader.read(32), reader.read(48), reader.read(8)
    _skip_sub_layers(reader, sub_layers)
    set_id = reader.unsigned()
    if set_id > 15:
        raise ProtocolError("an H.265 sequence parameter set has an id above 15")
    chroma = reader.unsigned()
    if chroma > 3:
        raise ProtocolError("an H.265 sequence parameter set has an unknown chroma format")
    if chroma == 3:
        reader.skip(1)
    width_px, height_px = _size(reader, chroma)
    depth_luma, depth_chroma = reader.unsigned() + 8, reader.unsigned() + 8
    return H265Sps(
        set_id=set_id, profile_space=space, tier=tier, profile=profile, compatibility=compatibility,
        constraints=constraints, level=level, chroma=chroma, bit_depth_luma=depth_luma,
        bit_depth_chroma=depth_chroma, sub_layers=sub_layers, nested=nested, width_px=width_px,
        height_px=height_px, reorder_depth=_reorder_depth(reader, sub_layers),
    )  # fmt: skip


def _skip_sub_layers(reader: BitReader, sub_layers: int) -> None:
    """The rest of profile_tier_level (ITU-T H.265 §7.3.3)."""
    present = [(reader.flag(), reader.flag()) for _ in range(sub_layers - 1)]
    if present:
        reader.skip(2 * (8 - len(present)))
    for has_profile, has_level in present:
        reader.skip(88 * has_profile + 8 * has_level)


def _size(reader: BitReader, chroma: int) -> tuple[int, int]:
    width_px, height_px = reader.unsigned(), reader.unsigned()
    if reader.flag():
        unit_x, unit_y = (2 if chroma in (1, 2) else 1), (2 if chroma == 1 else 1)
        width_px -= unit_x * (reader.unsigned() + reader.unsigned())
        height_px -= unit_y * (reader.unsigned() + reader.unsigned())
    if not (0 < width_px <= _MAX_PX and 0 < height_px <= _MAX_PX):
        raise ProtocolError("an H.265 sequence parameter set tells of an impossible size")
    return width_px, height_px


def _reorder_depth(reader: BitReader, sub_layers: int) -> int:
    reader.unsigned()  # log2_max_pic_order_cnt_lsb_minus4
    depth = 0
    for _ in range(sub_layers if reader.flag() else 1):
        reader.unsigned()
        depth = reader.unsigned()
        reader.unsigned()
    if depth > 16:
        raise ProtocolError("an H.265 sequence parameter set asks for too much reordering")
    return depth


class H265ParameterSets:
    """The newest video, sequence and picture parameter sets by id; complete with one of each."""

    def __init__(self, nals: tuple[bytes, ...] = ()) -> None:
        self._sets: dict[int, dict[int, bytes]] = {_VPS: {}, _SPS: {}, _PPS: {}}
        self._known: set[bytes] = set()
        self._config: CodecConfig | None = None
        for nal in nals:
            try:
                self.offer(bare_nal(nal))
            except ProtocolError:
                continue

    @property
    def config(self) -> CodecConfig | None:
        """None until there is one set of each kind."""
        return self._config

    def offer(self, nal: bytes) -> bool:
        """Take a set in; true if the configuration changed."""
        nal = nal.rstrip(b"\0")
        if nal in self._known or not nal:
            return False
        kind = nal_kind(nal)
        set_id = _set_id(nal, kind)
        self._sets[kind][set_id] = nal
        self._known = {known for sets in self._sets.values() for known in sets.values()}
        before = self._config
        self._config = self._make()
        return self._config is not None and self._config != before

    def _make(self) -> CodecConfig | None:
        if not all(self._sets.values()):
            return None
        sps = parse_h265_sps(next(iter(self._sets[_SPS].values())))
        return CodecConfig(
            parameter_sets=tuple(nal for sets in self._sets.values() for nal in sets.values()),
            width_px=sps.width_px,
            height_px=sps.height_px,
            reorder_depth=sps.reorder_depth,
        )


def _set_id(nal: bytes, kind: int) -> int:
    if kind == _SPS:
        return parse_h265_sps(nal).set_id
    if kind == _VPS and len(nal) > 2:
        return nal[2] >> 4
    if kind == _PPS and len(nal) > 2:
        set_id = BitReader(unescape(nal[2:10])).unsigned()
        if set_id < 64:
            return set_id
    raise ProtocolError("this is no H.265 parameter set")
