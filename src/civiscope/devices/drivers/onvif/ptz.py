"""Moving a camera: ContinuousMove with a time limit, presets, status (ONVIF PTZ §5.3, §5.4)."""

import datetime
import math

from civiscope.base import AppError, ErrorKind
from civiscope.devices.drivers.onvif.answers import number, short, token
from civiscope.devices.drivers.onvif.library import Request
from civiscope.devices.drivers.onvif.session import Session
from civiscope.devices.drivers.onvif.xml_tree import Node
from civiscope.devices.equipment import PtzMove, PtzPreset, PtzStatus

PRESET_LIMIT = 256
LONGEST_MOVE_S = 60


class Ptz:
    """One lens's movement, by the token of a profile that has a PTZ configuration."""

    def __init__(self, session: Session, profile: str) -> None:
        self._session = session
        self._profile = profile

    async def status(self) -> PtzStatus:
        """Position in the normalised spaces that every device has, and presets."""
        told = await self._session.call(self._request("GetStatus"))
        presets = await self._session.optional(self._request("GetPresets"))
        return read_status(told, presets)

    async def move(self, move: PtzMove) -> None:
        """Goes on for the time given, in whole seconds since some firmwares read no fractions; zero stops."""
        pan, tilt, zoom = (_within(value) for value in (move.pan, move.tilt, move.zoom))
        if not (pan or tilt or zoom):
            await self._session.call(self._request("Stop", PanTilt=True, Zoom=True))
            return
        velocity: dict[str, dict[str, float]] = {}
        if pan or tilt:
            velocity["PanTilt"] = {"x": pan, "y": tilt}
        if zoom:
            velocity["Zoom"] = {"x": zoom}
        seconds = min(max(1, math.ceil(move.for_s)), LONGEST_MOVE_S) if math.isfinite(move.for_s) else 1
        limit = datetime.timedelta(seconds=seconds)
        await self._session.call(self._request("ContinuousMove", Velocity=velocity, Timeout=limit))

    async def goto(self, preset: str) -> None:
        """To a stored position, at the device's own speed."""
        await self._session.call(self._request("GotoPreset", PresetToken=preset))

    async def keep(self, name: str) -> PtzPreset:
        """Store where it looks now."""
        answer = await self._session.call(self._request("SetPreset", PresetName=name))
        made = answer.value("PresetToken")[:256]
        if not made:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                "The device did not say under which token it stored it. Look at the list.",
            )
        return PtzPreset(made, name)

    def _request(self, operation: str, **fields: object) -> Request:
        return Request("ptz", operation, {"ProfileToken": self._profile, **fields})


def read_status(told: Node, presets: Node | None) -> PtzStatus:
    """`GetStatusResponse` and `GetPresetsResponse`; what is missing or no number is None."""
    status = told.find("PTZStatus") or Node("")
    pan_tilt = status.find("Position", "PanTilt") or Node("")
    zoom = status.find("Position", "Zoom") or Node("")
    moving = {status.value("MoveStatus", name).upper() for name in ("PanTilt", "Zoom")}
    found = [
        PtzPreset(token(node), short(node.value("Name")) or token(node))
        for node in (presets.all("Preset") if presets else ())[:PRESET_LIMIT]
    ]
    return PtzStatus(
        pan=_position(pan_tilt.attribute("x"), -1.0),
        tilt=_position(pan_tilt.attribute("y"), -1.0),
        zoom=_position(zoom.attribute("x"), 0.0),
        is_moving="MOVING" in moving,
        presets=tuple(preset for preset in found if preset.token),
    )


def _position(text: str, low: float) -> float | None:
    value = number(text)
    return None if value is None else min(max(value, low), 1.0)


def _within(value: float) -> float:
    return min(max(value, -1.0), 1.0) if math.isfinite(value) else 0.0
