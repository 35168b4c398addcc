"""The simulated town's cameras, added for a newcomer like any others, with a first thing to look for."""

import asyncio
import json
from dataclasses import dataclass

from civiscope.app.analysis_desk import AnalysisDesk, TypedAnalytic
from civiscope.app.console import console_of
from civiscope.app.desk import SiteDesk, TypedCamera
from civiscope.app.device_desk import DeviceDesk, TypedChannel, TypedDevice
from civiscope.app.home import Home
from civiscope.app.settings import Settings
from civiscope.app.town import Say, town_onvif_port, town_port
from civiscope.base import AppError, get_log
from civiscope.devices import Transport
from civiscope.simulator import TOWN, StreetPlan

_READY_WITHIN_S = 60.0
"""Streets are drawn at the first start, which takes a small machine some seconds."""
_ASK_EVERY_S = 0.25
STREET = {
    "name": "Street",
    "zone": [[0.15, 0.56], [0.85, 0.56], [0.85, 0.98], [0.15, 0.98]],
    "says": ["entered", "left"],
}
"""The road of every drawn street, as far from its edges as to see things come and go."""
_log = get_log("civiscope.app.town")


@dataclass(frozen=True, slots=True)
class TownAddresses:
    """Where the town's cameras are met on this machine."""

    rtsp_port: int
    onvif_port: int

    def onvif(self, number: int) -> str:
        """Device service of the camera, counted from 1 in the order of `TOWN`."""
        return f"http://127.0.0.1:{self.onvif_port}/onvif/{number}/device_service"

    def rtsp(self, plan: StreetPlan) -> str:
        """Main stream of the camera."""
        return f"rtsp://127.0.0.1:{self.rtsp_port}/{plan.clip_stem}"


async def add_town(home: Home, settings: Settings, say: Say) -> None:
    """Add the streets while the site has no camera of any kind, and look for what comes into the first.

    As ONVIF devices, for their small second streams; one that does not answer so by its main stream alone.
    """
    async with console_of(home, SiteDesk) as site:
        if site is None or await site.cameras():
            return
        ports = await asyncio.to_thread(lambda: TownAddresses(town_port(home), town_onvif_port(home)))
        if not await _is_there(ports):
            say("The simulated town did not start in time; its cameras are added, and are seen when it does.")
        async with console_of(home, DeviceDesk) as devices:
            for number, plan in enumerate(TOWN, start=1):
                await _add(site, devices, plan, ports, number)
        await _look_at_first(home, site)


async def _add(
    site: SiteDesk, devices: DeviceDesk | None, plan: StreetPlan, ports: TownAddresses, number: int
) -> None:
    if devices is not None:
        try:
            await devices.add_device(TypedDevice(ports.onvif(number)), TypedChannel(plan.name))
        except AppError as error:
            _log.warning("a simulated camera is not met by ONVIF", camera=plan.name, why=error.message)
        else:
            return
    await site.add_camera(TypedCamera(plan.name, ports.rtsp(plan), None, None, Transport.AUTO, audio=False))


async def _look_at_first(home: Home, site: SiteDesk) -> None:
    first = next((one for one in await site.cameras() if one.name == TOWN[0].name), None)
    async with console_of(home, AnalysisDesk) as desk:
        if desk is None or first is None:
            return
        try:
            await desk.add(first.channel_id, TypedAnalytic("zone", "Street", json.dumps(STREET)))
        except AppError as error:
            _log.warning("the first analytic is not added", why=error.message)


async def _is_there(ports: TownAddresses) -> bool:
    """Both doors of the town answer, within the time that drawing may take."""
    try:
        async with asyncio.timeout(_READY_WITHIN_S):
            for port in (ports.rtsp_port, ports.onvif_port):
                while not await _answers(port):  # noqa: ASYNC110  another process's door
                    await asyncio.sleep(_ASK_EVERY_S)
    except TimeoutError:
        return False
    return True


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
