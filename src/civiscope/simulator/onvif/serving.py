"""Files as a row of ONVIF devices with their streams and discovery, until cancelled."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from civiscope.base import AppError, get_log
from civiscope.media.wire import Credentials
from civiscope.simulator.camera import SimulatedCamera
from civiscope.simulator.onvif.device import DeviceTraits, SimulatedDevice
from civiscope.simulator.onvif.discovery import GROUP, PORT, Responder
from civiscope.simulator.onvif.server import OnvifServer
from civiscope.simulator.onvif.views import View, load_view
from civiscope.simulator.server import RtspServer, ServerOptions, mount_names, serving

_LOG = get_log("simulator")

Announce = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DeviceOrders:
    """What is served and where."""

    clips: tuple[tuple[str, Path], ...]
    """Name of each device with its file; names differ, files may be shared."""
    cache: Path
    """Folder for the small twins of the files."""
    host: str = "127.0.0.1"
    rtsp_port: int = 8554
    onvif_port: int = 0
    users: tuple[Credentials, ...] = field(default=(), repr=False)
    """Administrators of every device, and who may look at its streams; none: everybody."""
    discover_on: tuple[str, ...] = ()
    """IPv4 addresses of the interfaces whose probes are answered; none: not discoverable."""
    traits: DeviceTraits = field(default_factory=DeviceTraits)


async def serve_devices(orders: DeviceOrders, announce: Announce) -> None:
    """Serve until cancelled; `announce` is told each address once, a line each, the address last.

    Files are read, and made small where that was not done yet, in threads. A network without multicast is
    announced; the devices are served without discovery then.
    """
    views = await _views(orders)
    devices = _devices(orders, views)
    cameras = [profile.camera for device in devices for profile in device.profiles]
    streams = RtspServer(cameras, orders.host, orders.rtsp_port, ServerOptions(users=orders.users))
    server = OnvifServer(devices, orders.host, orders.onvif_port, streams=streams)
    async with AsyncExitStack() as running:
        await running.enter_async_context(server)
        await running.enter_async_context(serving(streams))
        responder = Responder(devices, orders.discover_on, server.told_url)
        running.push_async_callback(responder.stop)
        try:
            await responder.start()
        except AppError as error:
            _LOG.warning("simulated devices cannot be discovered", reason=error.message)
            announce(f"not discoverable: {error.message}")
        for device in devices:
            announce(f"{device.name} onvif {server.url(device.name)}")
            for profile in device.profiles:
                announce(f"{device.name} {profile.token} {streams.url(profile.camera.mount)}")
        await asyncio.Event().wait()


def discovery_interfaces(host: str, named: tuple[str, ...]) -> tuple[str, ...]:
    """Where probes are answered: as named, else where the devices listen, and on loopback."""
    if named:
        return named
    if host in {"0.0.0.0", ""}:  # noqa: S104  compared, not bound
        return tuple(dict.fromkeys((*_way_out(), "127.0.0.1")))
    return (host,) if ":" not in host else ("127.0.0.1",)


def _way_out() -> tuple[str, ...]:
    """The address of the interface that the group is reached by; connecting UDP sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((GROUP, PORT))
        except OSError:
            return ()
        return (str(probe.getsockname()[0]),)


async def _views(orders: DeviceOrders) -> dict[Path, View]:
    """Several at a time, as libav works without Python's lock."""
    paths = list(dict.fromkeys(path for _, path in orders.clips))
    found = await asyncio.gather(*(asyncio.to_thread(load_view, path, orders.cache) for path in paths))
    return dict(zip(paths, found, strict=True))


def _devices(orders: DeviceOrders, views: dict[Path, View]) -> list[SimulatedDevice]:
    mounts = mount_names([path for _, path in orders.clips])
    found = []
    for mount, (name, path) in zip(mounts, orders.clips, strict=True):
        view = views[path]
        found.append(
            SimulatedDevice(
                name,
                SimulatedCamera(mount, view.main),
                None if view.sub is None else SimulatedCamera(f"{mount}/sub", view.sub),
                users=orders.users,
                traits=orders.traits,
                snapshot=view.snapshot,
            )
        )
    return found
