"""Process roles and how they fare, as values; which state follows from what happened is decided here."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

FAILING_AFTER = 3
"""So many short lives in a row are shown as failing."""


class ProcessState(StrEnum):
    """Where a supervised process stands."""

    STARTING = "starting"
    """Runs and has not said that it is ready."""
    RUNNING = "running"
    WAITING = "waiting"
    """Ended by itself; is started again after the back-off."""
    FAILING = "failing"
    """Ends soon after each start; still started again and again. A person should look."""
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """How to start one role. `env` is added to the supervisor's environment.

    `stop_s` is how long it may take from SIGTERM to its end; then it is killed.
    """

    role: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    stop_s: float = 2.0
    pass_fds: tuple[int, ...] = ()
    """Descriptors of the supervisor that this role alone inherits, under the same numbers."""


@dataclass(frozen=True, slots=True)
class SupervisorSettings:
    """Where the supervisor writes, and its bounds. The stop times of all roles together fit in `stop_s`."""

    run_folder: Path
    log_folder: Path
    stop_s: float = 9.5
    first_retry_s: float = 0.25
    retry_limit_s: float = 5.0
    settled_s: float = 10.0
    """A process that lived this long had started well; its next death starts the back-off anew."""
    tick_s: float = 2.0
    log_limit_bytes: int = 10 * 1024 * 1024
    logs_kept: int = 3


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """How one role fares, in this state `since_us`; `last_end` says how its last life ended."""

    role: str
    state: ProcessState
    since_us: int
    pid: int | None = None
    starts: int = 0
    short_lives: int = 0
    """Lives shorter than `settled_s` in a row, ended by themselves."""
    last_end: str = ""

    @property
    def is_failing(self) -> bool:
        """True after several short lives in a row, until one settles."""
        return self.short_lives >= FAILING_AFTER


def after_end(status: ProcessStatus, was_short: bool, how: str, now_us: int) -> ProcessStatus:
    """The status once a process has ended that nobody told to."""
    short_lives = status.short_lives + 1 if was_short else 0
    state = ProcessState.FAILING if short_lives >= FAILING_AFTER else ProcessState.WAITING
    return ProcessStatus(status.role, state, now_us, None, status.starts, short_lives, how)


def words_of_end(return_code: int) -> str:
    """How a process ended, for a person; the code is `subprocess.Popen.returncode`."""
    if return_code >= 0:
        return f"ended with exit code {return_code}"
    try:
        return f"killed by {signal.Signals(-return_code).name}"
    except ValueError:
        return f"killed by signal {-return_code}"
