"""Which function is which process."""

import gc
import logging
from collections.abc import Coroutine

from civiscope.api import run_loop
from civiscope.app.home import Home
from civiscope.app.recorder import run_recorder, volume_folder
from civiscope.app.server import run_server
from civiscope.app.settings import Settings
from civiscope.app.town import SIMULATOR_ROLE, run_simulator
from civiscope.app.worker import run_analyst, run_worker
from civiscope.base import AppError, ErrorKind, configure_logging


def run_role(name: str, home: Home, settings: Settings) -> None:
    """Be one process until SIGTERM; MISSING for a role nobody knows."""
    configure_logging(settings.log.level)
    for chatty in ("alembic", "uvicorn"):  # they report every look at a schema, every connection
        logging.getLogger(chatty).setLevel(logging.WARNING)
    home.ensure()
    gc.freeze()  # what is imported now lives as long as the process: no need to look at it again
    run_loop(_role(name, home, settings))


def rebuild_catalogue_of(home: Home, settings: Settings) -> list[str]:
    """Make the catalogue of the volume anew; one line per thing found, for a person."""
    folder = volume_folder(home, settings)
    if not folder.is_dir():
        raise AppError(ErrorKind.MISSING, f"there is no volume in {folder} yet: nothing was recorded.")
    return []


def _role(name: str, home: Home, settings: Settings) -> Coroutine[object, object, None]:
    match name:
        case "recorder":
            return run_recorder(home, settings)
        case "server":
            return run_server(home, settings)
        case "worker":
            return run_worker(home)
        case "analyst":
            return run_analyst(home)
        case _ if name == SIMULATOR_ROLE:
            return run_simulator(home)
        case _:
            raise AppError(ErrorKind.MISSING, f"there is no process role '{name}'.")
