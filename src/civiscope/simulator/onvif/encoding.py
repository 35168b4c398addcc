"""How a simulated stream says it is encoded, and what its device makes of new settings (ONVIF Media §5.5)."""

from dataclasses import dataclass, replace

from civiscope.media import Codec, TrackKind
from civiscope.simulator.footage import Footage
from civiscope.simulator.onvif.faults import EncoderFault
from civiscope.simulator.onvif.soap import invalid

_NAMES = {Codec.H264: "H264", Codec.H265: "H265", Codec.MJPEG: "JPEG"}
_SIZES_PX = ((1920, 1080), (1280, 720), (704, 576), (640, 480), (640, 360), (352, 288), (320, 240))


@dataclass(frozen=True, slots=True)
class Encoding:
    """One video encoder configuration. What is told, not what is sent: a file's pictures stay as they are."""

    codec: str
    """`H264`, `H265` or `JPEG`."""
    width_px: int
    height_px: int
    fps: float
    gop_frames: int
    bitrate_kbps: int
    is_constant_bitrate: bool = False
    quality: float = 4.0
    profile: str = "Main"


@dataclass(frozen=True, slots=True)
class EncodingOptions:
    """What may be set."""

    codecs: tuple[str, ...]
    sizes_px: tuple[tuple[int, int], ...]
    """Width and height, largest first."""
    fps: tuple[float, ...]
    """Largest first."""
    gop_frames: tuple[int, int] = (1, 400)
    bitrate_kbps: tuple[int, int] = (64, 16_384)
    quality: tuple[int, int] = (1, 6)
    profiles: tuple[str, ...] = ("Baseline", "Main", "High")


def encoding_of(footage: Footage) -> Encoding:
    """As the pictures of this file are coded, measured over all of it."""
    index = next(i for i, track in enumerate(footage.tracks) if track.kind is TrackKind.VIDEO)
    track = footage.tracks[index]
    units = [unit for unit in footage.units if unit.track == index]
    seconds = footage.duration_us / 1_000_000
    keys = sum(unit.is_key for unit in units) or 1
    octets = sum(unit.octet_count for unit in units)
    return Encoding(
        _NAMES[track.codec],
        track.width_px,
        track.height_px,
        round(len(units) / seconds, 2),
        max(1, round(len(units) / keys)),
        max(1, round(octets * 8 / seconds / 1000)),
    )


def options_for(encoding: Encoding, is_sub: bool) -> EncodingOptions:
    """What a camera offers around what it sends now: its own size, and the usual ones below it."""
    top = (640, 480) if is_sub else (encoding.width_px, encoding.height_px)
    limit = max(top[0] * top[1], encoding.width_px * encoding.height_px)
    own = (encoding.width_px, encoding.height_px)
    sizes = sorted({own, *(s for s in _SIZES_PX if s[0] * s[1] <= limit)}, key=lambda s: -s[0] * s[1])
    highest = max(25.0, encoding.fps)
    fps = sorted(
        {encoding.fps, highest, 25.0, 20.0, 15.0, 12.0, 10.0, 8.0, 6.0, 5.0, 4.0, 2.0, 1.0}, reverse=True
    )
    codecs = tuple(dict.fromkeys((encoding.codec, "H264", "H265", "JPEG")))
    return EncodingOptions(codecs, tuple(sizes), tuple(fps))


def applied(old: Encoding, wish: Encoding, options: EncodingOptions, fault: EncoderFault) -> Encoding:
    """What is in force after `wish` was set: rates rounded to what is offered, as real cameras do.

    Raises SoapFault (ter:ConfigModify) for a codec, size or profile that is not offered.
    """
    if fault is EncoderFault.IGNORES:
        return old
    if (
        fault is EncoderFault.REFUSES
        or wish.codec not in options.codecs
        or (wish.width_px, wish.height_px) not in options.sizes_px
        or (wish.codec != "JPEG" and wish.profile not in options.profiles)
    ):
        raise invalid("the configuration parameters are not possible to set", "ter:ConfigModify")
    fps = min(options.fps, key=lambda offered: (abs(offered - wish.fps), offered))
    if fault is EncoderFault.HALVES_FPS:
        fps = max(1.0, fps / 2)
    return replace(
        wish,
        fps=fps,
        gop_frames=_within(wish.gop_frames, options.gop_frames),
        bitrate_kbps=_within(wish.bitrate_kbps, options.bitrate_kbps),
        quality=float(max(options.quality[0], min(options.quality[1], wish.quality))),
    )


def _within(value: int, ends: tuple[int, int]) -> int:
    return max(ends[0], min(ends[1], value))
