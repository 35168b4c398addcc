"""What an encoder could be set to: the options of both versions of the media service, as values (pure)."""

from civiscope.devices.drivers.onvif.answers import EncoderOptions, number, whole
from civiscope.devices.drivers.onvif.xml_tree import Node

RESOLUTION_LIMIT = 64
"""Read of one answer; the rest is not looked at."""


def read_options(node: Node) -> tuple[EncoderOptions, ...]:
    """`GetVideoEncoderConfigurationOptionsResponse` of either version; empty when nothing can be read."""
    found = node.all("Options")[:16]
    if any(one.find("Encoding") for one in found):
        return tuple(_version_20(one) for one in found)
    return tuple(
        _version_10(kind, codec)
        for one in found
        for name, codec in (("H264", "h264"), ("JPEG", "mjpeg"), ("MPEG4", "mpeg4"))
        if (kind := one.find("Extension", name) or one.find(name)) is not None
    )


def _version_20(node: Node) -> EncoderOptions:
    names = {"H264": "h264", "H265": "h265", "JPEG": "mjpeg"}
    encoding = node.value("Encoding").upper()
    rates = tuple(
        rate for text in node.attribute("FrameRatesSupported").split()[:64] if (rate := number(text))
    )
    gop = [whole(text) for text in node.attribute("GovLengthRange").split()[:2]]
    return EncoderOptions(
        codec=names.get(encoding, encoding.lower()[:32]),
        resolutions=_resolutions(node),
        fps=rates,
        is_fps_range=False,
        gop_frames=(gop[0], gop[1]) if len(gop) == 2 and gop[0] <= gop[1] else None,
        has_constant_bitrate_choice=node.attribute("ConstantBitRateSupported").strip().lower()
        in {"true", "1"},
    )


def _version_10(node: Node, codec: str) -> EncoderOptions:
    return EncoderOptions(
        codec=codec,
        resolutions=_resolutions(node),
        fps=tuple(float(end) for end in _range(node, "FrameRateRange") or ()),
        is_fps_range=True,
        gop_frames=_range(node, "GovLengthRange"),
        has_constant_bitrate_choice=False,
    )


def _resolutions(node: Node) -> tuple[tuple[int, int], ...]:
    found = (
        (whole(one.value("Width")), whole(one.value("Height")))
        for one in node.all("ResolutionsAvailable")[:RESOLUTION_LIMIT]
    )
    return tuple(size for size in found if all(size))


def _range(node: Node, name: str) -> tuple[int, int] | None:
    low, high = whole(node.value(name, "Min")), whole(node.value(name, "Max"))
    return (low, high) if high > 0 and low <= high else None
