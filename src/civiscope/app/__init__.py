"""Wires the rooms, starts the processes: the one place, with `cli`, that knows everything.

Facts in: all of `recording`, for the log. Facts out: none.
Invariants: no logic of a room stands here; the recorder runs without the server; a role reads its own keys.
"""

from civiscope.app.desk import CameraLine, Desk, administer
from civiscope.app.first_settings import write_first_settings
from civiscope.app.home import Home
from civiscope.app.processes import rebuild_catalogue_of, run_role
from civiscope.app.settings import Settings, default_home, load_settings
from civiscope.app.site import create_site
from civiscope.app.town import serve_clips, serve_town
from civiscope.app.up import run_up

__all__ = [
    "CameraLine", "Desk", "Home", "Settings",
    "administer", "create_site", "default_home", "load_settings", "rebuild_catalogue_of", "run_role",
    "run_up",
    "serve_clips", "serve_town", "write_first_settings",
]  # fmt: skip
