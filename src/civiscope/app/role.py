"""What every role process has: settings, a log, a bus endpoint on its own database, an orderly end."""

import asyncio
import gc
import logging
import resource
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import NoReturn

import uvloop

from civiscope.app.home import Home
from civiscope.app.keys import load_keys
from civiscope.app.settings import Settings, default_home, load_settings
from civiscope.base import AppError, Clock, SystemClock, configure_logging
from civiscope.bus import BusIdentity, Endpoint
from civiscope.security import SiteIdentity
from civiscope.storage import Database

FAILURE_MARK = "civiscope: "
"""Begins the line in a role's log that says why it could not start."""


def be(role: Callable[[Home, Settings], Coroutine[object, object, None]]) -> None:
    """Be one process until SIGTERM; home and settings come from the environment the supervisor gave.

    A failure to start is one line on standard error and exit code 1; the supervisor tries again.
    """
    home = Home(default_home())
    _leave_no_core()
    _allow_open_files()
    try:
        settings = load_settings(home.root)
        configure_logging(settings.log.level)
        for chatty in ("alembic", "uvicorn", "aioice", "aiortc"):  # they report each connection
            logging.getLogger(chatty).setLevel(logging.WARNING)
        home.ensure()
        gc.freeze()  # what is imported now lives as long as the process: no need to look at it again
        uvloop.run(role(home, settings))
    except AppError as error:
        _leave_with(error)
    except BaseExceptionGroup as group:
        told = first_told(group)
        if told is None:
            raise
        _leave_with(told)


def first_told(group: BaseExceptionGroup) -> AppError | None:
    """Of several failures that came together, the first that has words for a person."""
    for one in group.exceptions:
        found = first_told(one) if isinstance(one, BaseExceptionGroup) else one
        if isinstance(found, AppError):
            return found
    return None


def _leave_with(error: AppError) -> NoReturn:
    sys.stderr.write(f"{FAILURE_MARK}{error.message}\n")
    sys.exit(1)


def _leave_no_core() -> None:
    """A crash writes no memory, with keys and pictures in it, to the disk.

    Of 1 byte and not of 0: the kernel hands a core to a handler program (core(5)) whatever the limit, unless
    it is 1.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    limit = 0 if hard == 0 else 1
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def _allow_open_files() -> None:
    """As many as the system lets us: cameras, viewers and segments hold one each, and 1,024 are few."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def stop_on_signal() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set; called on the loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def bus_identity(identity: SiteIdentity) -> BusIdentity:
    """Organisation, site and node, as the bus writes them on every fact."""
    return BusIdentity(identity.organisation_id, identity.site_id, identity.node_id)


@asynccontextmanager
async def bus_of(role: str, home: Home, clock: Clock | None = None) -> AsyncIterator[Endpoint]:
    """This process's endpoint, not started yet: wire it, then start it; stopped at the end."""
    database = Database(home.role(role) / "bus.db")
    identity = bus_identity(load_keys(home).identity)
    endpoint = Endpoint(role, home.run, database, identity, clock or SystemClock())
    try:
        yield endpoint
    finally:
        await endpoint.stop()
        database.close()
