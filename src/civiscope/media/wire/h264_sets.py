"""H.264 parameter sets: what they say, and which are in force (ITU-T H.264 §7.3.2)."""

from dataclasses import dataclass

from civiscope.base import ProtocolError
from civiscope.media.wire.bitstream import BitReader, unescape
from civiscope.media.wire.depacketizer import CodecConfig
from civiscope.media.wire.nal import bare_nal

_SPS, _PPS = 7, 8
_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_MAX_MBS = 1 << 12
"""Width or height in macroblocks: 65,536 px, far beyond level 6.2."""
_EXTENDED_SAR = 255


@dataclass(frozen=True, slots=True)
class H264Sps:
    """The parts of a sequence parameter set that matter outside a decoder."""

    set_id: int
    profile: int
    constraints: int
    """The byte between profile_idc and level_idc."""
    level: int
    """Ten times the level: 31 is 3.1."""
    width_px: int
    height_px: int
    """Both after cropping."""
    reorder_depth: int | None
    """max_num_reorder_frames, or 0 where the order of output is that of decoding; None if not said."""
    frame_s: float
    """Nominal duration of one frame from the timing info; 0 if not said."""


def parse_h264_sps(nal: bytes) -> H264Sps:
    """Read a sequence parameter set, header byte included; bytes after its end are not looked at."""
    if len(nal) < 4 or nal[0] & 0x1F != _SPS:
        raise ProtocolError("this is no H.264 sequence parameter set")
    reader = BitReader(unescape(nal[1:]))
    profile, constraints, level = reader.read(8), reader.read(8), reader.read(8)
    set_id = reader.unsigned()
    if set_id > 31:
        raise ProtocolError("an H.264 sequence parameter set has an id above 31")
    chroma, separate = _chroma(reader, profile)
    order_type = _picture_order(reader)
    reader.unsigned()  # max_num_ref_frames
    reader.skip(1)
    width_mbs, height_units = reader.unsigned() + 1, reader.unsigned() + 1
    if width_mbs > _MAX_MBS or height_units > _MAX_MBS:
        raise ProtocolError("an H.264 sequence parameter set tells of an impossible size")
    frame_only = reader.flag()
    if not frame_only:
        reader.skip(1)
    reader.skip(1)
    fields = 1 if frame_only else 2
    width_px, height_px = 16 * width_mbs, 16 * height_units * fields
    if reader.flag():
        unit_x, unit_y = _crop_units(chroma, separate)
        width_px -= unit_x * (reader.unsigned() + reader.unsigned())
        height_px -= unit_y * fields * (reader.unsigned() + reader.unsigned())
    if width_px <= 0 or height_px <= 0:
        raise ProtocolError("an H.264 sequence parameter set crops the picture away")
    reorder_depth, frame_s = _usability(reader) if reader.flag() else (None, 0.0)
    if order_type == 2 or profile == 66:
        reorder_depth = 0
    return H264Sps(set_id, profile, constraints, level, width_px, height_px, reorder_depth, frame_s)


def _chroma(reader: BitReader, profile: int) -> tuple[int, bool]:
    """chroma_format_idc and separate_colour_plane_flag; passes over the scaling lists."""
    if profile not in _HIGH_PROFILES:
        return 1, False
    chroma = reader.unsigned()
    if chroma > 3:
        raise ProtocolError("an H.264 sequence parameter set has an unknown chroma format")
    separate = chroma == 3 and reader.flag()
    reader.unsigned()
    reader.unsigned()
    reader.skip(1)
    if reader.flag():
        for index in range(8 if chroma != 3 else 12):
            if reader.flag():
                _skip_scaling_list(reader, 16 if index < 6 else 64)
    return chroma, separate


def _skip_scaling_list(reader: BitReader, size: int) -> None:
    last, following = 8, 8
    for _ in range(size):
        if following:
            following = (last + reader.signed()) % 256
        last = following or last


def _picture_order(reader: BitReader) -> int:
    reader.unsigned()  # log2_max_frame_num_minus4
    order_type = reader.unsigned()
    if order_type == 0:
        reader.unsigned()
    elif order_type == 1:
        reader.skip(1)
        reader.signed()
        reader.signed()
        count = reader.unsigned()
        if count > 255:
            raise ProtocolError("an H.264 sequence parameter set has too long a picture order cycle")
        for _ in range(count):
            reader.signed()
    elif order_type > 2:
        raise ProtocolError("an H.264 sequence parameter set has an unknown picture order type")
    return order_type


def _crop_units(chroma: int, separate: bool) -> tuple[int, int]:
    """CropUnitX and CropUnitY of a frame (ITU-T H.264 table 6-1)."""
    if separate or chroma in (0, 3):
        return 1, 1
    return (2, 2) if chroma == 1 else (2, 1)


def _usability(reader: BitReader) -> tuple[int | None, float]:
    """max_num_reorder_frames and the frame's duration from the VUI; a VUI that ends early says nothing."""
    frame_s = 0.0
    try:
        _skip_video_signal(reader)
        if reader.flag():
            ticks, scale = reader.read(32), reader.read(32)
            reader.skip(1)
            frame_s = 2 * ticks / scale if scale and ticks < scale else 0.0
        nal_hrd = reader.flag()
        if nal_hrd:
            _skip_hrd(reader)
        vcl_hrd = reader.flag()
        if vcl_hrd:
            _skip_hrd(reader)
        if nal_hrd or vcl_hrd:
            reader.skip(1)
        reader.skip(1)
        if not reader.flag():
            return None, frame_s
        reader.skip(1)
        for _ in range(4):
            reader.unsigned()
        depth = reader.unsigned()
    except ProtocolError:
        return None, frame_s
    return (depth if depth <= 16 else None), frame_s


def _skip_video_signal(reader: BitReader) -> None:
    if reader.flag() and reader.read(8) == _EXTENDED_SAR:
        reader.skip(32)
    if reader.flag():
        reader.skip(1)
    if reader.flag():
        reader.skip(4)
        if reader.flag():
            reader.skip(24)
    if reader.flag():
        reader.unsigned()
        reader.unsigned()


def _skip_hrd(reader: BitReader) -> None:
    count = reader.unsigned() + 1
    if count > 32:
        raise ProtocolError("an H.264 HRD has too many entries")
    reader.skip(8)
    for _ in range(count):
        reader.unsigned()
        reader.unsigned()
        reader.skip(1)
    reader.skip(20)


class H264ParameterSets:
    """The newest sequence and picture parameter sets by id; complete with one of each."""

    def __init__(self, nals: tuple[bytes, ...] = ()) -> None:
        self._sps: dict[int, bytes] = {}
        self._pps: dict[int, bytes] = {}
        self._known: set[bytes] = set()
        self._config: CodecConfig | None = None
        for nal in nals:
            try:
                self.offer(bare_nal(nal))
            except ProtocolError:
                continue

    @property
    def config(self) -> CodecConfig | None:
        """None until there is a sequence and a picture parameter set."""
        return self._config

    def offer(self, nal: bytes) -> bool:
        """Take a set in; true if the configuration changed."""
        nal = nal.rstrip(b"\0")
        if nal in self._known:
            return False
        if not nal:
            return False
        sets, set_id = (self._sps, parse_h264_sps(nal).set_id) if nal[0] & 0x1F == _SPS else (
            self._pps, _pps_id(nal)
        )  # fmt: skip
        sets[set_id] = nal
        self._known = {*self._sps.values(), *self._pps.values()}
        before = self._config
        self._config = self._make()
        return self._config is not None and self._config != before

    def _make(self) -> CodecConfig | None:
        if not self._sps or not self._pps:
            return None
        sps = parse_h264_sps(next(iter(self._sps.values())))
        return CodecConfig(
            parameter_sets=(*self._sps.values(), *self._pps.values()),
            width_px=sps.width_px,
            height_px=sps.height_px,
            reorder_depth=sps.reorder_depth,
            frame_s=sps.frame_s,
        )


def _pps_id(nal: bytes) -> int:
    if len(nal) < 2 or nal[0] & 0x1F != _PPS:
        raise ProtocolError("this is no H.264 picture parameter set")
    set_id = BitReader(unescape(nal[1:9])).unsigned()
    if set_id > 255:
        raise ProtocolError("an H.264 picture parameter set has an id above 255")
    return set_id
