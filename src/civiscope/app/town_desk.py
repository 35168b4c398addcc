"""The simulated town as the server sees it: asked for by a file, started by the supervisor."""

import asyncio
import os

from civiscope.api import TownCamera, TownState
from civiscope.app.home import Home
from civiscope.app.town import SIMULATOR_ROLE, town_onvif_port, town_port
from civiscope.base import AppError, ErrorKind
from civiscope.cluster import ProcessState, read_snapshot
from civiscope.simulator import TOWN

_WISH = "wanted"


def town_is_wanted(home: Home) -> bool:
    """Somebody asked for the town on the page; it starts with the site from then on."""
    return (home.role(SIMULATOR_ROLE) / _WISH).exists()


def want_town(home: Home) -> None:
    """Ask for it; the supervisor notices within a second."""
    folder = home.role(SIMULATOR_ROLE)
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / _WISH).touch(mode=0o600)


class LocalTown:
    """Implements the door's `TownDesk` for the supervisor of this machine."""

    def __init__(self, home: Home) -> None:
        self._home = home

    async def state(self) -> TownState:
        """Absent, starting (its pictures are drawn once) or running, with its cameras' addresses."""
        role_state = await asyncio.to_thread(self._role_state)
        if role_state is None:
            wanted = await asyncio.to_thread(town_is_wanted, self._home)
            return TownState("starting" if wanted else "absent", ())
        port = await asyncio.to_thread(town_port, self._home)
        if role_state is not ProcessState.RUNNING or not await _answers(port):
            return TownState("starting", ())
        onvif_port = await asyncio.to_thread(town_onvif_port, self._home)
        cameras = tuple(
            TownCamera(
                plan.name,
                f"rtsp://127.0.0.1:{port}/{plan.clip_stem}",
                f"http://127.0.0.1:{onvif_port}/onvif/{number}/device_service",
            )
            for number, plan in enumerate(TOWN, start=1)
        )
        return TownState("running", cameras)

    async def start(self) -> TownState:
        """Ask the supervisor for it."""
        snapshot = await asyncio.to_thread(read_snapshot, self._home.run)
        if snapshot is None or not snapshot.is_supervised:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                "Nobody is there who could start the simulated town: the processes are not run by "
                "`civiscope up`. Run `civiscope sim town` in a terminal instead.",
            )
        try:
            await asyncio.to_thread(want_town, self._home)
        except OSError as error:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                f"The wish for the simulated town could not be written: {os.strerror(error.errno or 0)}.",
            ) from error
        return await self.state()

    def _role_state(self) -> ProcessState | None:
        snapshot = read_snapshot(self._home.run)
        found = [one.state for one in snapshot.processes if one.role == SIMULATOR_ROLE] if snapshot else []
        return found[0] if found else None


async def _answers(port: int) -> bool:
    try:
        async with asyncio.timeout(1.0):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
