"""`civiscope up`: the supervisor of all processes, and the words a newcomer reads."""

import asyncio
import os
import ssl
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from civiscope.app.desk import administer
from civiscope.app.home import Home
from civiscope.app.role import FAILURE_MARK
from civiscope.app.settings import Settings, split_listen
from civiscope.app.town import SIMULATOR_ROLE
from civiscope.app.town_adding import add_town
from civiscope.app.town_desk import town_is_wanted
from civiscope.app.vault_memory import SupervisorMemory
from civiscope.base import AppError, log_to_file
from civiscope.cluster import (
    ProcessState,
    ProcessStatus,
    RoleSpec,
    Supervisor,
    SupervisorSettings,
    stop_on_signals,
)
from civiscope.security import certificate_facts

_ROLES = (("recorder", 3.0), ("analyst", 1.0), ("worker", 1.0), ("driver", 1.0), ("server", 3.0))
"""Upstream first, with the seconds each may take to stop; they are stopped in the opposite order."""
_SILENT_LIBRARIES = {"ORT_DISABLE_TELEMETRY": "1"}
"""ONNX Runtime (1.32) tells its maker of every session, unless this is set before it is imported."""
_TOWN_STOP_S = 0.5
_HEALTHY_WITHIN_S = 60.0
_LOG_END_BYTES = 8192

Say = Callable[[str], None]


async def run_up(home: Home, settings: Settings, simulate: bool, say: Say) -> int:
    """Run everything until SIGTERM or Ctrl-C; the exit code. The terminal gets words, the log gets lines."""
    stop = asyncio.Event()
    stop_on_signals(stop)
    home.ensure()
    log_to_file(settings.log.level, home.logs / "supervisor.log")
    memory = SupervisorMemory()
    specs = [_remembering(_spec(role, stop_s, home, settings), memory) for role, stop_s in _ROLES]
    town = _spec(SIMULATOR_ROLE, _TOWN_STOP_S, home, settings)
    if simulate or town_is_wanted(home):
        specs.insert(0, town)
    supervisor = Supervisor(specs, SupervisorSettings(home.run, home.logs))
    async with asyncio.TaskGroup() as group:
        beside = [
            group.create_task(_greet(home, settings, simulate, say)),
            group.create_task(_tell_failures(home, supervisor.status, say)),
            group.create_task(_start_town_when_wanted(home, supervisor, town)),
        ]
        try:
            await supervisor.run(stop)
        finally:
            for task in beside:
                task.cancel()
    return 0


async def _start_town_when_wanted(home: Home, supervisor: Supervisor, town: RoleSpec) -> None:
    """The page asks for the simulated town by a file; looked for every second."""
    while not await asyncio.to_thread(town_is_wanted, home):  # noqa: ASYNC110  another process's wish
        await asyncio.sleep(1.0)
    supervisor.add(town)


def address_of(settings: Settings) -> str:
    """What a person types into a browser on this machine."""
    host, port = split_listen(settings.server.listen)
    if host in {"0.0.0.0", "::", "127.0.0.1", "::1"}:  # noqa: S104  compared, not bound
        host = settings.server.hosts[0] if settings.server.hosts else "localhost"
    return f"https://{f'[{host}]' if ':' in host else host}:{port}"


def _spec(role: str, stop_s: float, home: Home, settings: Settings) -> RoleSpec:
    argv = (sys.executable, "-m", f"civiscope.app.{role}")
    given = {"CIVISCOPE_HOME": str(home.root), "CIVISCOPE_LISTEN": settings.server.listen}
    return RoleSpec(role, argv, given | _SILENT_LIBRARIES, stop_s)


def _remembering(spec: RoleSpec, memory: SupervisorMemory) -> RoleSpec:
    """The server alone inherits the memory of the vault's key."""
    if spec.role != "server":
        return spec
    return replace(spec, env={**spec.env, **memory.environment}, pass_fds=memory.descriptors)


async def _greet(home: Home, settings: Settings, simulate: bool, say: Say) -> None:
    """Wait for health, then say where the product is and how to become its administrator."""
    try:
        async with asyncio.timeout(_HEALTHY_WITHIN_S):
            await _wait_for_health(home, settings)
        async with administer(home, settings) as desk:
            code = await desk.setup_code()
    except TimeoutError:
        say(f"Civiscope is not healthy after {_HEALTHY_WITHIN_S:.0f} s; it goes on trying. See {home.logs}")
        return
    except AppError as error:
        say(f"Civiscope runs, but: {error.message}")
        return
    say(f"\nCiviscope is running:      {address_of(settings)}")
    say(f"install on phones:         {address_of(settings)}/install")
    say(f"fingerprint to compare:    {_fingerprint(home)}")
    if code:
        say(f"first administrator code:  {code}")
    say(f"data folder:               {home.root}\nCtrl-C stops it.")
    sys.stdout.flush()
    if simulate:
        await add_town(home, settings, say)


def _fingerprint(home: Home) -> str:
    """SHA-256 of the site's authority in pairs, as phones and browsers show it."""
    digits = certificate_facts((home.keys / "authority.pem").read_bytes()).fingerprint_sha256
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2)).upper()


async def _tell_failures(home: Home, status: Callable[[], Sequence[ProcessStatus]], say: Say) -> None:
    """Say once, in words, why a process does not come up, and again when the reason is another."""
    told: dict[str, str] = {}
    while True:
        await asyncio.sleep(0.5)
        for one in status():
            if one.is_failing:
                why = await asyncio.to_thread(_last_words, home.logs / f"{one.role}.log")
                if told.get(one.role) != why:
                    told[one.role] = why
                    say(f"The {one.role} does not start and is tried again and again: {why}")
            elif one.state is ProcessState.RUNNING and not one.short_lives:
                told.pop(one.role, None)


def _last_words(log: Path) -> str:
    """What the role itself said when it failed, else where to read more."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _LOG_END_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        lines = []
    said = [line.removeprefix(FAILURE_MARK) for line in lines if line.startswith(FAILURE_MARK)]
    return said[-1] if said and lines[-1].endswith(said[-1]) else f"see {log}"


async def _wait_for_health(home: Home, settings: Settings) -> None:
    """Other processes come up meanwhile; nothing in this one can say when."""
    while not await _is_healthy(home, settings):  # noqa: ASYNC110  the door is another process's
        await asyncio.sleep(0.2)


async def _is_healthy(home: Home, settings: Settings) -> bool:
    """Ask the door itself, as a browser would, trusting this site's authority only."""
    host, port = split_listen(settings.server.listen)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  compared, not bound
    trust = ssl.create_default_context(cafile=os.fspath(home.keys / "authority.pem"))
    try:
        async with asyncio.timeout(3.0):
            reader, writer = await asyncio.open_connection(host, port, ssl=trust, server_hostname="localhost")
            try:
                writer.write(b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return (await reader.readline()).startswith(b"HTTP/1.1 200")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
