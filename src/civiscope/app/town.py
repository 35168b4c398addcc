"""The simulated town of a first look: drawn streets as RTSP cameras, added like any camera."""

import asyncio
import socket
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path

from civiscope.app.desk import Desk
from civiscope.app.home import Home
from civiscope.app.role import stop_on_signal
from civiscope.base import AppError, ErrorKind
from civiscope.devices import CameraDraft
from civiscope.media.wire import Credentials
from civiscope.simulator import TOWN, ServerOptions, prepare_town, serve_files

SIMULATOR_ROLE = "simulator"
TOWN_PORTS = range(8554, 8654)
"""The first free one is the town's, for good: the addresses of its cameras hold it."""

Say = Callable[[str], None]


async def serve_town(home: Home, host: str, port: int, say: Say) -> None:
    """Serve the drawn streets until SIGTERM or Ctrl-C."""
    home.ensure()
    clips = await asyncio.to_thread(prepare_town, home.role(SIMULATOR_ROLE))
    await _serve(list(clips.values()), host, port, None, say)


async def serve_clips(clips: Sequence[Path], host: str, port: int, user: str | None, say: Say) -> None:
    """Serve files until SIGTERM or Ctrl-C; `user` is name:password, MISSING names what is no file."""
    missing = [str(clip) for clip in clips if not clip.is_file()]
    if missing:
        raise AppError(ErrorKind.MISSING, f"no such file: {', '.join(missing)}")
    await _serve(clips, host, port, user, say)


def town_port(home: Home) -> int:
    """The port of this data folder's town: chosen once, when first asked for, and kept in a file.

    Taken by something else at a later start, the town's cameras stay lost until it is free again.
    """
    kept = home.role(SIMULATOR_ROLE) / "port"
    try:
        found = kept.read_text(encoding="ascii").strip()
        if found.isdecimal() and 0 < int(found) < 65_536:
            return int(found)
    except (FileNotFoundError, UnicodeDecodeError):
        pass  # chosen now
    port = next((port for port in TOWN_PORTS if _is_free(port)), TOWN_PORTS.start)
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    kept.write_text(f"{port}\n", encoding="ascii")
    return port


def town_ports(home: Home) -> tuple[int, ...]:
    """Ports of this machine that are the town's own, for the device gate; none before one was chosen."""
    try:
        found = (home.role(SIMULATOR_ROLE) / "port").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ()
    return (int(found),) if found.isdecimal() and 0 < int(found) < 65_536 else ()


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def add_town(desk: Desk, port: int) -> None:
    """Add the streets while the site has no camera of any kind."""
    if await desk.cameras():
        return
    for plan in TOWN:
        await desk.add_camera(CameraDraft(plan.name, f"rtsp://127.0.0.1:{port}/{plan.clip_stem}"))


async def _serve(paths: Sequence[Path], host: str, port: int, user: str | None, say: Say) -> None:
    stop = stop_on_signal()
    options = ServerOptions(users=_users(user))
    await _until(stop, serve_files(paths, host, port, options=options, announce=say))


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
