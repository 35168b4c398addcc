"""What is wanted of an encoder against what it is set to: drift in words, and the configuration edited."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from civiscope.devices.drivers.onvif.answers import Encoder, EncoderOptions
from civiscope.devices.drivers.onvif.xml_tree import Node
from civiscope.devices.equipment import Drift, EncoderWish

SCHEMA_NAMESPACE = "http://www.onvif.org/ver10/schema"
_ENCODINGS = {"h264": "H264", "h265": "H265", "mjpeg": "JPEG"}


@dataclass(frozen=True, slots=True)
class Setting:
    """What is going to be written: the wish, brought to what the options offer."""

    codec: str
    width_px: int
    height_px: int
    fps: float
    gop_frames: int
    is_variable_bitrate: bool | None
    """None: it cannot be chosen."""
    bitrate_bps: int | None


def encoder_drift(wish: EncoderWish, encoder: Encoder, index: int, stream: str) -> tuple[Drift, ...]:
    """Each setting that is not as wanted, honestly: 6 fps is not 5, and the nearest size is not the size."""
    gop = max(1, round(wish.gop_s * (encoder.fps or wish.fps)))
    told = [
        ("codec", wish.codec, encoder.codec),
        ("resolution", f"{wish.width_px}x{wish.height_px}", f"{encoder.width_px}x{encoder.height_px}"),
        ("fps", f"{wish.fps:g}", f"{encoder.fps:g}"),
    ]
    if encoder.codec in {"h264", "h265"}:
        told.append(("gop", str(gop), str(encoder.gop_frames) if encoder.gop_frames else "not told"))
    if encoder.is_constant_bitrate is not None:
        told.append(("rate_control", _rate(wish.is_variable_bitrate), _rate(not encoder.is_constant_bitrate)))
    if wish.bitrate_bps is not None:
        told.append(("bitrate", str(wish.bitrate_bps), str(encoder.bitrate_bps or "not told")))
    return tuple(
        Drift(index, f"{stream}.{name}", wanted, found) for name, wanted, found in told if wanted != found
    )


def _rate(is_variable: bool) -> str:
    return "variable" if is_variable else "constant"


def fitted(wish: EncoderWish, options: Iterable[EncoderOptions], encoder: Encoder) -> Setting:
    """The nearest of what is offered; the wish itself where nothing is told."""
    offered = {option.codec: option for option in options}
    option = offered.get(wish.codec)
    size, fps = (wish.width_px, wish.height_px), wish.fps
    gop_range = None
    if option is not None:
        size = min(option.resolutions, key=lambda one: _size_distance(one, size), default=size)
        fps = _nearest_fps(option, wish.fps)
        gop_range = option.gop_frames
    gop = max(1, round(wish.gop_s * fps))
    if gop_range is not None:
        gop = min(max(gop, gop_range[0]), gop_range[1])
    is_choice = encoder.is_constant_bitrate is not None
    return Setting(
        codec=wish.codec if option is not None or not offered else encoder.codec,
        width_px=size[0],
        height_px=size[1],
        fps=fps,
        gop_frames=gop,
        is_variable_bitrate=wish.is_variable_bitrate if is_choice else None,
        bitrate_bps=wish.bitrate_bps,
    )


def plainer(setting: Setting, encoder: Encoder) -> Setting:
    """Without the choices that cameras refuse most: rate control and bit rate stay as they are."""
    constant = encoder.is_constant_bitrate
    is_variable = None if constant is None else not constant
    return replace(setting, is_variable_bitrate=is_variable, bitrate_bps=None)


def _size_distance(one: tuple[int, int], wanted: tuple[int, int]) -> float:
    """By pixels, and by shape: 640×352 is nearer to 640×360 than 640×480 is, and that nearer than 320×180."""
    shape = abs(one[0] / one[1] - wanted[0] / wanted[1])
    return abs(math.log(one[0] * one[1] / (wanted[0] * wanted[1]))) + shape


def _nearest_fps(option: EncoderOptions, wanted: float) -> float:
    if not option.fps:
        return wanted
    if option.is_fps_range:
        return float(round(min(max(wanted, option.fps[0]), option.fps[-1])))
    return min(option.fps, key=lambda one: (abs(one - wanted), one))


def edited(encoder: Encoder, setting: Setting) -> Node:
    """The configuration as the device told it, with these values in it; the rest goes back untouched."""
    node = encoder.node.with_text(("Encoding",), _ENCODINGS.get(setting.codec, setting.codec.upper()))
    node = node.with_text(("Resolution", "Width"), str(setting.width_px))
    node = node.with_text(("Resolution", "Height"), str(setting.height_px))
    is_version_20 = encoder.is_constant_bitrate is not None
    node = _with_rate_control(node, setting, is_version_20)
    if is_version_20:
        return node.with_attribute("GovLength", str(setting.gop_frames))
    return _with_version_10_gop(node, setting)


def _with_rate_control(node: Node, setting: Setting, is_version_20: bool) -> Node:
    rate = node.find("RateControl")
    if rate is None:
        limits = [_leaf("FrameRateLimit", "0")]
        if not is_version_20:
            limits.append(_leaf("EncodingInterval", "1"))
        limits.append(_leaf("BitrateLimit", str((setting.bitrate_bps or 512_000) // 1000)))
        rate = Node("RateControl", SCHEMA_NAMESPACE, children=tuple(limits))
        behind = (
            ("Multicast", "Quality") if is_version_20 else ("MPEG4", "H264", "Multicast", "SessionTimeout")
        )
        node = _inserted(node, rate, behind)
    rate = rate.with_text(
        ("FrameRateLimit",), f"{setting.fps:g}" if is_version_20 else str(round(setting.fps))
    )
    if setting.bitrate_bps is not None:
        rate = rate.with_text(("BitrateLimit",), str(setting.bitrate_bps // 1000))
    if setting.is_variable_bitrate is not None:
        rate = rate.with_attribute("ConstantBitRate", "false" if setting.is_variable_bitrate else "true")
    return replace(node, children=tuple(rate if one.name == "RateControl" else one for one in node.children))


def _with_version_10_gop(node: Node, setting: Setting) -> Node:
    if setting.codec != "h264":
        return node
    if node.find("H264") is None:
        h264 = Node(
            "H264",
            SCHEMA_NAMESPACE,
            children=(_leaf("GovLength", str(setting.gop_frames)), _leaf("H264Profile", "Main")),
        )
        node = _inserted(node, h264, ("Multicast", "SessionTimeout"))
    return node.with_text(("H264", "GovLength"), str(setting.gop_frames))


def _leaf(name: str, text: str) -> Node:
    return Node(name, SCHEMA_NAMESPACE, text=text)


def _inserted(node: Node, child: Node, before: tuple[str, ...]) -> Node:
    """Before the first of these, else at the end."""
    names = [one.name for one in node.children]
    at = next((number for number, name in enumerate(names) if name in before), len(names))
    return replace(node, children=(*node.children[:at], child, *node.children[at:]))
