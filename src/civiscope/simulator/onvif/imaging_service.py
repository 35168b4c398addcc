"""Settings of the picture (ONVIF Imaging); kept and read back, the served file stays as it is."""

from civiscope.simulator.onvif.calls import Call, Operation, Service, number
from civiscope.simulator.onvif.device import VIDEO_SOURCE
from civiscope.simulator.onvif.login import Access
from civiscope.simulator.onvif.media_service import value_range
from civiscope.simulator.onvif.soap import Node, invalid, node

_RANGES = (
    ("Brightness", "brightness"), ("ColorSaturation", "colour_saturation"),
    ("Contrast", "contrast"), ("Sharpness", "sharpness"),
)  # fmt: skip
_IR_MODES = ("ON", "OFF", "AUTO")


def _check_source(call: Call) -> None:
    if call.text("timg:VideoSourceToken") != VIDEO_SOURCE:
        raise invalid("there is no such video source", "ter:NoSource")


def _settings(call: Call) -> Node:
    _check_source(call)
    values = {field: getattr(call.device.imaging, name) for field, name in _RANGES}
    inner = node(
        "timg:ImagingSettings",
        node("tt:Brightness", f"{values['Brightness']:g}"),
        node("tt:ColorSaturation", f"{values['ColorSaturation']:g}"),
        node("tt:Contrast", f"{values['Contrast']:g}"),
        node("tt:IrCutFilter", call.device.imaging.ir_cut_filter),
        node("tt:Sharpness", f"{values['Sharpness']:g}"),
    )
    return node("timg:GetImagingSettingsResponse", inner)


def _set(call: Call) -> Node:
    _check_source(call)
    changes: dict[str, float | str] = {}
    for field, name in _RANGES:
        text = call.text("timg:ImagingSettings", f"tt:{field}")
        if text:
            value = number(text, field)
            if not 0 <= value <= 100:
                raise invalid(f"{field} is from 0 to 100", "ter:SettingsInvalid")
            changes[name] = value
    mode = call.text("timg:ImagingSettings", "tt:IrCutFilter")
    if mode and mode not in _IR_MODES:
        raise invalid("the filter is ON, OFF or AUTO", "ter:SettingsInvalid")
    call.device.set_imaging(**changes, **({"ir_cut_filter": mode} if mode else {}))
    return node("timg:SetImagingSettingsResponse")


def _options(call: Call) -> Node:
    _check_source(call)
    inner = node(
        "timg:ImagingOptions",
        value_range("tt:Brightness", 0, 100),
        value_range("tt:ColorSaturation", 0, 100),
        value_range("tt:Contrast", 0, 100),
        *(node("tt:IrCutFilterModes", mode) for mode in _IR_MODES),
        value_range("tt:Sharpness", 0, 100),
    )
    return node("timg:GetOptionsResponse", inner)


def _service_capabilities(_: Call) -> Node:
    inner = node("timg:Capabilities", ImageStabilization="false")
    return node("timg:GetServiceCapabilitiesResponse", inner)


IMAGING_SERVICE: Service = {
    "GetServiceCapabilities": Operation(Access.PRE_AUTH, _service_capabilities),
    "GetImagingSettings": Operation(Access.READ_MEDIA, _settings),
    "SetImagingSettings": Operation(Access.ACTUATE, _set),
    "GetOptions": Operation(Access.READ_MEDIA, _options),
}
