"""How a role tells its supervisor that it is ready: one byte on a pipe that its environment names."""

import contextlib
import os

READY_FD = "CIVISCOPE_READY_FD"
MARK = "CIVISCOPE_SUPERVISED"


def tell_ready() -> None:
    """Called once by a role when it does its work; does nothing where no supervisor asked (or it is gone)."""
    number = os.environ.pop(READY_FD, "")
    if not number.isdigit():
        return
    with contextlib.suppress(OSError):
        os.write(int(number), b"!")
    with contextlib.suppress(OSError):
        os.close(int(number))


def mark_of(run_folder: str, role: str) -> str:
    """What stands in the environment of every process of this data folder and role."""
    return f"{MARK}={run_folder}:{role}"
