"""Steering (ONVIF PTZ): one node whose position really moves in time, presets and a home."""

from collections.abc import Callable

from civiscope.base import AppError
from civiscope.simulator.onvif.calls import Call, Operation, Service, duration_us, number
from civiscope.simulator.onvif.login import Access, write_time
from civiscope.simulator.onvif.media_service import ptz_configuration, value_range
from civiscope.simulator.onvif.ptz import Pose
from civiscope.simulator.onvif.soap import Node, SoapFault, invalid, node

_SPACES = "http://www.onvif.org/ver10/tptz"
_DEFAULT_TIMEOUT_US = 10_000_000
_LONGEST_TIMEOUT_US = 60_000_000
_CONFIGURATION = "ptz"
_NODE = "head"


def _space(name: str, uri: str, ends: tuple[float, float], has_y: bool = True) -> Node:
    y_range = value_range("tt:YRange", *ends) if has_y else None
    return node(name, node("tt:URI", f"{_SPACES}/{uri}"), value_range("tt:XRange", *ends), y_range)


def _node(name: str) -> Node:
    spaces = node(
        "tt:SupportedPTZSpaces",
        _space("tt:AbsolutePanTiltPositionSpace", "PanTiltSpaces/PositionGenericSpace", (-1, 1)),
        _space("tt:AbsoluteZoomPositionSpace", "ZoomSpaces/PositionGenericSpace", (0, 1), has_y=False),
        _space("tt:RelativePanTiltTranslationSpace", "PanTiltSpaces/TranslationGenericSpace", (-1, 1)),
        _space("tt:RelativeZoomTranslationSpace", "ZoomSpaces/TranslationGenericSpace", (-1, 1), has_y=False),
        _space("tt:ContinuousPanTiltVelocitySpace", "PanTiltSpaces/VelocityGenericSpace", (-1, 1)),
        _space("tt:ContinuousZoomVelocitySpace", "ZoomSpaces/VelocityGenericSpace", (-1, 1), has_y=False),
    )
    return node(
        name,
        node("tt:Name", "Head"),
        spaces,
        node("tt:MaximumNumberOfPresets", "100"),
        node("tt:HomeSupported", "true"),
        token=_NODE,
        FixedHomePosition="false",
    )


def _nodes(_: Call) -> Node:
    return node("tptz:GetNodesResponse", _node("tptz:PTZNode"))


def _one_node(call: Call) -> Node:
    if call.text("tptz:NodeToken") != _NODE:
        raise invalid("there is no such node", "ter:NoEntity")
    return node("tptz:GetNodeResponse", _node("tptz:PTZNode"))


def _configurations(call: Call) -> Node:
    told = ptz_configuration("tptz:PTZConfiguration", len(call.device.profiles))
    return node("tptz:GetConfigurationsResponse", told)


def _configuration(call: Call) -> Node:
    if call.text("tptz:PTZConfigurationToken") != _CONFIGURATION:
        raise invalid("there is no such configuration", "ter:NoConfig")
    told = ptz_configuration("tptz:PTZConfiguration", len(call.device.profiles))
    return node("tptz:GetConfigurationResponse", told)


def _pose_node(name: str, pose: Pose) -> Node:
    return node(
        name,
        node("tt:PanTilt", x=f"{pose.pan:.6g}", y=f"{pose.tilt:.6g}"),
        node("tt:Zoom", x=f"{pose.zoom:.6g}"),
    )


def _status(call: Call) -> Node:
    call.profile("tptz:ProfileToken")
    now_us = call.device.monotonic_us()
    state = "MOVING" if call.device.head.is_moving(now_us) else "IDLE"
    inner = node(
        "tptz:PTZStatus",
        _pose_node("tt:Position", call.device.head.at(now_us)),
        node("tt:MoveStatus", node("tt:PanTilt", state), node("tt:Zoom", state)),
        node("tt:UtcTime", write_time(call.device.now_us())),
    )
    return node("tptz:GetStatusResponse", inner)


def _vector(call: Call, field: str, ends: Pose, else_: Pose) -> Pose:
    """PanTilt and Zoom below `field`; a missing axis is as in `else_`, one beyond its limit a fault."""
    turn, zoom = call.find(field, "tt:PanTilt"), call.find(field, "tt:Zoom")
    found = Pose(
        else_.pan if turn is None else number(turn.get("x", ""), "x"),
        else_.tilt if turn is None else number(turn.get("y", ""), "y"),
        else_.zoom if zoom is None else number(zoom.get("x", ""), "x"),
    )
    if any(abs(one) > end for one, end in zip(found, ends, strict=True)):
        raise invalid("the position or speed is out of bounds", "ter:InvalidPosition")
    return found


_UNIT = Pose(1.0, 1.0, 1.0)


def _speed(call: Call) -> float:
    """One share of full speed for all axes: the largest that is asked for; full speed when none is."""
    if call.find("tptz:Speed") is None:
        return 1.0
    return max(abs(one) for one in _vector(call, "tptz:Speed", _UNIT, Pose())) or 1.0


def _continuous(call: Call) -> Node:
    call.profile("tptz:ProfileToken")
    speed = _vector(call, "tptz:Velocity", _UNIT, Pose())
    text = call.text("tptz:Timeout")
    for_us = duration_us(text) if text else _DEFAULT_TIMEOUT_US
    if for_us is None or not 0 < for_us <= _LONGEST_TIMEOUT_US:
        raise invalid("the time-out is from 0 to 60 s", "ter:TimeoutNotSupported")
    call.device.head.drive(speed, call.device.monotonic_us(), for_us)
    return node("tptz:ContinuousMoveResponse")


def _absolute(call: Call) -> Node:
    call.profile("tptz:ProfileToken")
    now_us = call.device.monotonic_us()
    goal = _vector(call, "tptz:Position", _UNIT, call.device.head.at(now_us))
    if goal.zoom < 0:
        raise invalid("the position is out of bounds", "ter:InvalidPosition")
    call.device.head.go(goal, now_us, _speed(call))
    return node("tptz:AbsoluteMoveResponse")


def _relative(call: Call) -> Node:
    call.profile("tptz:ProfileToken")
    now_us = call.device.monotonic_us()
    way, here = _vector(call, "tptz:Translation", _UNIT, Pose()), call.device.head.at(now_us)
    goal = Pose(*(a + b for a, b in zip(here, way, strict=True)))
    call.device.head.go(goal, now_us, _speed(call))
    return node("tptz:RelativeMoveResponse")


def _stop(call: Call) -> Node:
    call.profile("tptz:ProfileToken")
    turn, zoom = (call.text(f"tptz:{axis}") in {"", "true", "1"} for axis in ("PanTilt", "Zoom"))
    call.device.head.stop(call.device.monotonic_us(), turn, zoom)
    return node("tptz:StopResponse")


def _presets(call: Call) -> Node:
    call.profile("tptz:ProfileToken")
    told = [
        node(
            "tptz:Preset",
            node("tt:Name", stored.name),
            _pose_node("tt:PTZPosition", stored.pose),
            token=token,
        )
        for token, stored in call.device.presets.items()
    ]
    return node("tptz:GetPresetsResponse", *told)


def _keep(call: Call) -> Node:
    call.profile("tptz:ProfileToken")
    token, name = call.text("tptz:PresetToken"), call.text("tptz:PresetName")
    if token and token not in call.device.presets:
        raise invalid("there is no such preset", "ter:NoToken")
    if any(one.name == name and key != token for key, one in call.device.presets.items()):
        raise invalid("the name is taken", "ter:PresetExist")
    try:
        kept = call.device.keep_preset(token, name)
    except AppError as error:
        raise SoapFault(error.message, "ter:Action", "ter:TooManyPresets", is_ours=True) from error
    return node("tptz:SetPresetResponse", node("tptz:PresetToken", kept))


def _known_preset(call: Call) -> str:
    call.profile("tptz:ProfileToken")
    token = call.text("tptz:PresetToken")
    if token not in call.device.presets:
        raise invalid("there is no such preset", "ter:NoToken")
    return token


def _go_to(call: Call) -> Node:
    goal = call.device.presets[_known_preset(call)].pose
    call.device.head.go(goal, call.device.monotonic_us(), _speed(call))
    return node("tptz:GotoPresetResponse")


def _remove(call: Call) -> Node:
    del call.device.presets[_known_preset(call)]
    return node("tptz:RemovePresetResponse")


def _go_home(call: Call) -> Node:
    call.profile("tptz:ProfileToken")
    call.device.head.go(call.device.head.home, call.device.monotonic_us(), _speed(call))
    return node("tptz:GotoHomePositionResponse")


def _set_home(call: Call) -> Node:
    call.profile("tptz:ProfileToken")
    call.device.head.home = call.device.head.at(call.device.monotonic_us())
    return node("tptz:SetHomePositionResponse")


def _service_capabilities(_: Call) -> Node:
    inner = node(
        "tptz:Capabilities", EFlip="false", Reverse="false", MoveStatus="true", StatusPosition="true"
    )
    return node("tptz:GetServiceCapabilitiesResponse", inner)


def _table(access: Access, **answers: Callable[[Call], Node]) -> dict[str, Operation]:
    return {name: Operation(access, answer) for name, answer in answers.items()}


PTZ_SERVICE: Service = {
    **_table(Access.PRE_AUTH, GetServiceCapabilities=_service_capabilities),
    **_table(
        Access.READ_MEDIA, GetNodes=_nodes, GetNode=_one_node, GetConfigurations=_configurations,
        GetConfiguration=_configuration, GetStatus=_status, GetPresets=_presets,
    ),
    **_table(
        Access.ACTUATE, ContinuousMove=_continuous, AbsoluteMove=_absolute, RelativeMove=_relative,
        Stop=_stop, SetPreset=_keep, GotoPreset=_go_to, RemovePreset=_remove, GotoHomePosition=_go_home,
        SetHomePosition=_set_home,
    ),
}  # fmt: skip
