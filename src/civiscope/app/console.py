"""The command line's line to the running server: a bus endpoint that only asks."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from civiscope.app.desk import SiteDesk
from civiscope.app.home import Home
from civiscope.app.keys import load_keys
from civiscope.app.role import bus_identity
from civiscope.base import AppError, ErrorKind, SystemClock
from civiscope.bus import Endpoint
from civiscope.storage import Database

T = TypeVar("T")
_CALL_LIMIT_S = 30.0


@asynccontextmanager
async def console_of(home: Home, face: Callable[..., T]) -> AsyncIterator[T | None]:
    """The server's face, or None while no server answers."""
    identity = bus_identity(load_keys(home).identity)
    home.ensure()
    database = Database(home.role("server") / "console.db")
    console = Endpoint("console", home.run, database, identity, SystemClock())
    try:
        running = await _answers(console.face("server", SiteDesk, _CALL_LIMIT_S))
        yield console.face("server", face, _CALL_LIMIT_S) if running else None
    finally:
        await console.stop()
        database.close()


async def _answers(desk: SiteDesk) -> bool:
    try:
        return await desk.here()
    except AppError as error:
        if error.kind is not ErrorKind.UNAVAILABLE:
            raise
        return False
