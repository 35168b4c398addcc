"""Real child processes that crash, hang, fail at once and are killed; the others go on."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cluster.conftest import OBEDIENT, READY, ROLES, STUBBORN, role, supervised, until

from civiscope.base import AppError, ErrorKind
from civiscope.cluster import (
    ProcessState,
    RoleSpec,
    Supervisor,
    SupervisorSettings,
    read_snapshot,
)
from civiscope.cluster.identity import ProcessIdentity, identity_of, read_identity
from civiscope.cluster.orphans import orphans_of, stop_orphans


def states(supervisor: Supervisor) -> list[str]:
    return [status.state.value for status in supervisor.status()]


def is_all_running(supervisor: Supervisor) -> bool:
    return all(status.state is ProcessState.RUNNING for status in supervisor.status())


def pid_of(supervisor: Supervisor, name: str) -> int:
    (pid,) = [status.pid for status in supervisor.status() if status.role == name]
    assert pid is not None
    return pid


async def test_roles_start_become_ready_and_stop_in_order(place: SupervisorSettings, tmp_path: Path) -> None:
    ended = tmp_path / "ended"
    program = (
        "import os, signal, sys\n"
        "def end(*_):\n"
        "    with open(sys.argv[2], 'a') as file: file.write(sys.argv[1] + ' ')\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n" + READY + "while True: signal.pause()\n"
    )
    specs = [role(name, program, 2.0, name, str(ended)) for name in ROLES]
    async with supervised(place, specs) as (supervisor, _stop):
        await until(lambda: is_all_running(supervisor))
        snapshot = read_snapshot(place.run_folder)
        assert snapshot is not None
        assert snapshot.is_supervised
        await until(lambda: (read_snapshot(place.run_folder) or snapshot).processes == supervisor.status())
    assert ended.read_text() == "server worker analyst recorder "
    assert states(supervisor) == ["stopped"] * 4
    last = read_snapshot(place.run_folder)
    assert last is not None
    assert last.processes == supervisor.status()
    assert not list(place.run_folder.glob("*.pid"))


async def test_a_killed_process_comes_back_and_the_others_do_not_notice(place: SupervisorSettings) -> None:
    async with supervised(place, [role("recorder"), role("server")]) as (supervisor, _stop):
        await until(lambda: is_all_running(supervisor))
        recorder, server = pid_of(supervisor, "recorder"), pid_of(supervisor, "server")
        os.kill(recorder, signal.SIGKILL)
        await until(lambda: supervisor.status()[0].starts == 2 and is_all_running(supervisor))
        assert pid_of(supervisor, "recorder") != recorder
        assert pid_of(supervisor, "server") == server
        assert supervisor.status()[0].last_end == "killed by SIGKILL"


async def test_a_crash_loop_is_tried_on_and_shown_as_failing(place: SupervisorSettings) -> None:
    crashing = role("worker", READY + "raise SystemExit(3)\n")
    async with supervised(place, [crashing, role("server")]) as (supervisor, _stop):
        await until(lambda: supervisor.status()[0].starts >= 5)
        assert supervisor.status()[0].state is ProcessState.FAILING
        assert supervisor.status()[0].last_end == "ended with exit code 3"
        assert supervisor.status()[1].starts == 1
        starts = supervisor.status()[0].starts
        await until(lambda: supervisor.status()[0].starts > starts)


async def test_a_process_that_settles_after_failing_is_running_again(
    place: SupervisorSettings, tmp_path: Path
) -> None:
    healed = tmp_path / "healed"
    program = READY + "import os, signal, sys\nos.path.exists(sys.argv[1]) or sys.exit(1)\nsignal.pause()\n"
    settings = replace(place, settled_s=0.3)
    async with supervised(settings, [role("worker", program, 2.0, str(healed))]) as (supervisor, _stop):
        await until(lambda: supervisor.status()[0].state is ProcessState.FAILING)
        healed.touch()
        await until(lambda: supervisor.status()[0].state is ProcessState.RUNNING)
        assert supervisor.status()[0].short_lives == 0


async def test_a_program_that_is_missing_is_failing_and_says_so(place: SupervisorSettings) -> None:
    async with supervised(place, [RoleSpec("worker", ("/nowhere/civiscope",))]) as (supervisor, _stop):
        await until(lambda: supervisor.status()[0].state is ProcessState.FAILING)
        assert "No such file" in supervisor.status()[0].last_end


async def test_a_process_that_is_not_ready_is_starting(place: SupervisorSettings) -> None:
    slow = role("recorder", "import signal; signal.pause()")
    async with supervised(place, [slow, role("server")]) as (supervisor, _stop):
        await until(lambda: states(supervisor) == ["starting", "running"])


async def test_a_process_that_ignores_sigterm_is_killed_in_time(place: SupervisorSettings) -> None:
    specs = [role("recorder", STUBBORN, 0.2), role("server", STUBBORN, 0.2)]
    async with supervised(place, specs) as (supervisor, stop):
        await until(lambda: is_all_running(supervisor))
        began = time.monotonic()
        stop.set()
        await until(lambda: states(supervisor) == ["stopped", "stopped"])
        assert time.monotonic() - began < 2


async def test_what_a_role_started_ends_with_it(place: SupervisorSettings) -> None:
    program = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-S', '-c', 'import signal; signal.pause()'])\n"
        "print(child.pid, flush=True)\n" + OBEDIENT
    )
    async with supervised(place, [role("worker", program)]) as (supervisor, _stop):
        await until(lambda: is_all_running(supervisor))
        grandchild = identity_of(int((place.log_folder / "worker.log").read_text()))
        assert grandchild is not None
        os.kill(pid_of(supervisor, "worker"), signal.SIGKILL)
        await until(lambda: not grandchild.is_alive)


async def test_cancelling_stops_everything_too(place: SupervisorSettings) -> None:
    supervisor = Supervisor([role("recorder")], place)
    task = asyncio.ensure_future(supervisor.run(asyncio.Event()))
    await until(lambda: is_all_running(supervisor))
    identity = identity_of(pid_of(supervisor, "recorder"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert identity is not None
    assert not identity.is_alive


SUPERVISOR_PROGRAM = """
import asyncio, pathlib, sys
from civiscope.cluster import Supervisor, SupervisorSettings, stop_on_signals
from tests.cluster.conftest import ROLES, role

async def main():
    until = asyncio.Event()
    stop_on_signals(until)
    settings = SupervisorSettings(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
    await Supervisor([role(name) for name in ROLES], settings).run(until)

asyncio.run(main())
"""


def start_supervisor(place: SupervisorSettings) -> "subprocess.Popen[bytes]":
    arguments = [str(place.run_folder), str(place.log_folder)]
    return subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR_PROGRAM, *arguments], stderr=subprocess.PIPE, start_new_session=True
    )


def is_running_outside(place: SupervisorSettings) -> bool:
    snapshot = read_snapshot(place.run_folder)
    return snapshot is not None and all(one.state is ProcessState.RUNNING for one in snapshot.processes)


async def test_children_survive_a_killed_supervisor_and_the_next_one_replaces_them(
    place: SupervisorSettings,
) -> None:
    with start_supervisor(place) as outside:
        await until(lambda: is_running_outside(place))
        orphans = [orphans_of(place.run_folder, name)[0] for name in ROLES]
        outside.kill()
        outside.wait(5)
    assert all(orphan.is_alive for orphan in orphans)
    snapshot = read_snapshot(place.run_folder)
    assert snapshot is not None
    assert not snapshot.is_supervised
    (place.run_folder / "worker.pid").unlink()  # killed before it was written: the mark finds it
    async with supervised(place, [role(name) for name in ROLES]) as (supervisor, _stop):
        await until(lambda: is_all_running(supervisor))
        assert not any(orphan.is_alive for orphan in orphans)
        assert all(len(orphans_of(place.run_folder, name)) == 1 for name in ROLES)


async def test_an_orphan_that_ignores_sigterm_is_killed(place: SupervisorSettings) -> None:
    stubborn = role("recorder", STUBBORN, 0.2)
    supervisor = Supervisor([stubborn], place)
    keeper = supervisor._keepers[0]
    living = asyncio.ensure_future(keeper.run())
    await until(lambda: is_all_running(supervisor))
    orphan = identity_of(pid_of(supervisor, "recorder"))
    assert orphan is not None
    stopping = asyncio.to_thread(stop_orphans, place.run_folder, stubborn)
    assert await stopping == 1
    assert not orphan.is_alive
    await keeper.stop()
    await living


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_stops_everything(place: SupervisorSettings, number: signal.Signals) -> None:
    with start_supervisor(place) as outside:
        await until(lambda: is_running_outside(place))
        outside.send_signal(number)
        assert outside.wait(10) == 0
    assert not any(orphans_of(place.run_folder, name) for name in ROLES)


async def test_a_second_supervisor_says_who_holds_the_folder(place: SupervisorSettings) -> None:
    async with supervised(place, [role("recorder")]) as (supervisor, _stop):
        await until(lambda: is_all_running(supervisor))
        with pytest.raises(AppError, match=f"process {os.getpid()}") as caught:
            await Supervisor([role("recorder")], place).run(asyncio.Event())
        assert caught.value.kind is ErrorKind.CONFLICT
        assert is_all_running(supervisor)


async def test_a_foreign_process_with_a_reused_number_is_left_alone(place: SupervisorSettings) -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", "import signal; signal.pause()"]) as foreign:
        identity = identity_of(foreign.pid)
        assert identity is not None
        stale = ProcessIdentity(foreign.pid, identity.start_ticks - 1, identity.boot)
        (place.run_folder / "recorder.pid").write_text(stale.to_json())
        async with supervised(place, [role("recorder")]) as (supervisor, _stop):
            await until(lambda: is_all_running(supervisor))
            assert foreign.poll() is None
        foreign.kill()


async def test_a_run_folder_that_is_missing_is_said_in_words(tmp_path: Path) -> None:
    settings = SupervisorSettings(tmp_path / "nowhere", tmp_path)
    with pytest.raises(AppError, match="cannot be written") as caught:
        await Supervisor([role("recorder")], settings).run(asyncio.Event())
    assert caught.value.kind is ErrorKind.UNAVAILABLE


async def test_a_full_disk_stops_no_process(place: SupervisorSettings) -> None:
    (place.run_folder / "recorder.pid.new").mkdir()  # what a pid file is written to cannot be written
    (place.run_folder / f"processes.{os.getpid()}.new").mkdir()
    async with supervised(place, [role("recorder")]) as (supervisor, _stop):
        await until(lambda: is_all_running(supervisor))
        os.kill(pid_of(supervisor, "recorder"), signal.SIGKILL)
        await until(lambda: supervisor.status()[0].starts == 2 and is_all_running(supervisor))


def test_stop_times_that_do_not_fit_are_refused(place: SupervisorSettings) -> None:
    with pytest.raises(ValueError, match="add up"):
        Supervisor([role("recorder", stop_s=5.0), role("server", stop_s=5.0)], place)
    with pytest.raises(ValueError, match="twice"):
        Supervisor([role("recorder"), role("recorder")], place)


def test_a_broken_pid_file_names_nobody(tmp_path: Path) -> None:
    for text in (b"", b"\xff", b"[]", b'{"pid": "x"}', b'{"pid": 1}', b"5"):
        (tmp_path / "x.pid").write_bytes(text)
        assert read_identity(tmp_path / "x.pid") is None
        (tmp_path / "processes.json").write_bytes(text)
        assert read_snapshot(tmp_path) is None
    assert read_identity(tmp_path / "none.pid") is None


async def test_a_role_added_later_is_kept_and_stopped_last(place: SupervisorSettings) -> None:
    async with supervised(place, [role("recorder"), role("server")]) as (supervisor, _stop):
        await until(lambda: is_all_running(supervisor))
        supervisor.add(role("simulator"))
        supervisor.add(role("simulator"))
        await until(lambda: len(supervisor.status()) == 3 and is_all_running(supervisor))
        assert [status.role for status in supervisor.status()] == ["simulator", "recorder", "server"]
        os.kill(pid_of(supervisor, "simulator"), signal.SIGKILL)
        await until(lambda: supervisor.status()[0].starts == 2 and is_all_running(supervisor))
        with pytest.raises(ValueError, match="no time is left"):
            supervisor.add(replace(role("late"), stop_s=9.0))
    assert states(supervisor) == ["stopped"] * 3
    with pytest.raises(ValueError, match="while the supervisor runs"):
        supervisor.add(role("late"))
