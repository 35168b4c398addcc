"""The simulated town of a first look: drawn streets as ONVIF devices, added like any camera."""

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from civiscope.app.home import Home
from civiscope.app.role import stop_on_signal
from civiscope.base import AppError, ErrorKind
from civiscope.media.wire import Credentials
from civiscope.simulator import (
    DeviceOrders,
    ServerOptions,
    discovery_interfaces,
    mount_names,
    prepare_town,
    serve_devices,
    serve_files,
)

SIMULATOR_ROLE = "simulator"
TOWN_PORTS = range(8554, 8654)
"""The first free one is the town's, for good: the addresses of its cameras hold it."""

TOWN_ONVIF_PORTS = range(8000, 8100)
"""Likewise for ONVIF; the first one is where people who type a bare host are looked for."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class OnvifWish:
    """That simulated cameras are ONVIF devices too, and how they are met."""

    port: int = 0
    """0 picks a free one."""
    is_discoverable: bool = False
    interfaces: tuple[str, ...] = ()
    """IPv4 addresses of ours where probes are answered; none: where the devices listen."""


async def serve_town(home: Home, place: tuple[str, int], count: int, onvif: OnvifWish, say: Say) -> None:
    """Serve the drawn streets at (host, RTSP port) until SIGTERM or Ctrl-C; beyond the fourth they repeat."""
    home.ensure()
    folder = home.role(SIMULATOR_ROLE)
    drawn = list((await asyncio.to_thread(prepare_town, folder)).items())
    clips = []
    for number in range(count):
        name, clip = drawn[number % len(drawn)]
        turn = number // len(drawn)
        clips.append((name if turn == 0 else f"{name} {turn + 1}", clip))
    await _serve_devices(DeviceOrders(tuple(clips), folder, *place), onvif, say)


async def serve_clips(
    clips: Sequence[Path], place: tuple[str, int], user: str | None, onvif: OnvifWish | None, say: Say
) -> None:
    """Serve files at (host, RTSP port) until SIGTERM or Ctrl-C; `user` is name:password.

    With a wish for ONVIF each is a device with a small second stream. MISSING names what is no file.
    """
    missing = sorted({str(clip) for clip in clips if not clip.is_file()})
    if missing:
        raise AppError(ErrorKind.MISSING, f"no such file: {', '.join(missing)}")
    if onvif is None:
        options = ServerOptions(users=_users(user))
        await _until(stop_on_signal(), serve_files(clips, *place, options=options, announce=say))
        return
    named = tuple(zip(mount_names(clips), clips, strict=True))
    orders = DeviceOrders(named, _cache_folder(), *place, users=_users(user))
    await _serve_devices(orders, onvif, say)


async def _serve_devices(orders: DeviceOrders, onvif: OnvifWish, say: Say) -> None:
    interfaces = discovery_interfaces(orders.host, onvif.interfaces) if onvif.is_discoverable else ()
    placed = replace(orders, onvif_port=onvif.port, discover_on=interfaces)
    await _until(stop_on_signal(), serve_devices(placed, say))


def _cache_folder() -> Path:
    """Where small twins of clips are kept between starts (XDG base directories)."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "civiscope" / "simulator"


def town_port(home: Home) -> int:
    """The RTSP port of this data folder's town: chosen once, when first asked for, and kept in a file.

    Taken by something else at a later start, the town's cameras stay lost until it is free again.
    """
    return _kept_port(home.role(SIMULATOR_ROLE) / "port", TOWN_PORTS)


def town_onvif_port(home: Home) -> int:
    """The ONVIF port of this data folder's town, chosen and kept as the other."""
    return _kept_port(home.role(SIMULATOR_ROLE) / "onvif_port", TOWN_ONVIF_PORTS)


def town_ports(home: Home) -> tuple[int, ...]:
    """The ports where this data folder's town is met; none while it never had a town. Chooses nothing."""
    folder = home.role(SIMULATOR_ROLE)
    found = (_read_port(folder / name) for name in ("port", "onvif_port"))
    return tuple(port for port in found if port is not None)


def _kept_port(kept: Path, candidates: range) -> int:
    found = _read_port(kept)
    if found is not None:
        return found
    port = next((port for port in candidates if _is_free(port)), candidates.start)
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    kept.write_text(f"{port}\n", encoding="ascii")
    return port


def _read_port(kept: Path) -> int | None:
    try:
        found = kept.read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    return int(found) if found.isdecimal() and 0 < int(found) < 65_536 else None


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def _until(stop: asyncio.Event, work: Coroutine[object, object, None]) -> None:
    """Run the work until it ends or `stop` is set."""
    async with asyncio.TaskGroup() as group:
        stopping = group.create_task(stop.wait())
        working = group.create_task(work)
        await asyncio.wait((stopping, working), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        working.cancel()


def _users(user: str | None) -> tuple[Credentials, ...]:
    if user is None:
        return ()
    name, separator, password = user.partition(":")
    if not separator or not name:
        raise AppError(ErrorKind.INVALID, "--user is written name:password")
    return (Credentials(name, password),)
