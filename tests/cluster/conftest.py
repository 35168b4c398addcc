"""A supervisor on real child processes; whatever a test leaves behind is ended."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from civiscope.cluster import RoleSpec, Supervisor, SupervisorSettings
from civiscope.cluster.orphans import orphans_of

READY = "import os; os.write(int(os.environ['CIVISCOPE_READY_FD']), b'!')\n"
OBEDIENT = READY + "import signal; signal.pause()\n"
STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + READY + "while True: signal.pause()\n"
)
ROLES = ("recorder", "analyst", "worker", "server")


def role(name: str, program: str = OBEDIENT, stop_s: float = 2.0, *arguments: str) -> RoleSpec:
    """A tiny process of a role; without site packages it starts in 15 ms."""
    return RoleSpec(name, (sys.executable, "-I", "-S", "-c", program, *arguments), {}, stop_s)


async def until(is_true: Callable[[], bool], limit_s: float = 12.0) -> None:
    """Wait for a fact, not for a time."""
    async with asyncio.timeout(limit_s):
        while not is_true():
            await asyncio.sleep(0.005)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SupervisorSettings]:
    """Folders and quick settings; orphans of these folders are killed afterwards."""
    run, logs = tmp_path / "run", tmp_path / "logs"
    run.mkdir(mode=0o700)
    logs.mkdir(mode=0o700)
    yield SupervisorSettings(
        run, logs, first_retry_s=0.02, retry_limit_s=0.1, tick_s=0.1, settled_s=5.0, log_limit_bytes=10_000
    )
    for name in ROLES:
        for orphan in orphans_of(run, name):
            orphan.send(signal.SIGKILL)


@asynccontextmanager
async def supervised(
    settings: SupervisorSettings, specs: Sequence[RoleSpec]
) -> AsyncIterator[tuple[Supervisor, asyncio.Event]]:
    """A running supervisor; stopped at the end, in bounded time."""
    supervisor, stop = Supervisor(specs, settings), asyncio.Event()
    task = asyncio.ensure_future(supervisor.run(stop))
    try:
        yield supervisor, stop
    finally:
        stop.set()
        async with asyncio.timeout(11):
            with contextlib.suppress(asyncio.CancelledError):
                await task
