"""What every role process has: a bus endpoint on a database of its own, and an orderly end on SIGTERM."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from civiscope.app.desk import bus_identity
from civiscope.app.home import Home
from civiscope.app.site import load_keys
from civiscope.base import Clock, SystemClock
from civiscope.bus import Endpoint
from civiscope.storage import Database


def stop_on_signal() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set; called on the loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


@asynccontextmanager
async def bus_of(role: str, home: Home, clock: Clock | None = None) -> AsyncIterator[Endpoint]:
    """This process's endpoint, not started yet: wire it, then start it; stopped at the end."""
    database = Database(home.role(role) / "bus.db")
    endpoint = Endpoint(
        role, home.run, database, bus_identity(load_keys(home).identity), clock or SystemClock()
    )
    try:
        yield endpoint
    finally:
        await endpoint.stop()
        database.close()
