"""Logs of roles: appended by the role itself, never longer than told, readable by the owner only."""

import os
from pathlib import Path

from tests.cluster.conftest import OBEDIENT, role, supervised, until

from civiscope.cluster import SupervisorSettings
from civiscope.cluster.logfile import LogFile


def test_a_long_log_is_begun_anew_and_the_writer_need_not_know(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "server.log", limit_bytes=100, kept=2)
    handle = log.open()
    try:
        for number in range(4):
            os.write(handle, str(number).encode() * 150)
            assert log.rotate_if_long()
        os.write(handle, b"fresh")
        assert not log.rotate_if_long()
    finally:
        os.close(handle)
    assert (tmp_path / "server.log").read_bytes() == b"fresh"
    assert (tmp_path / "server.log.1").read_bytes() == b"3" * 150
    assert (tmp_path / "server.log.2").read_bytes() == b"2" * 150
    assert sorted(path.name for path in tmp_path.iterdir()) == ["server.log", "server.log.1", "server.log.2"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())


def test_a_log_that_is_not_there_needs_nothing(tmp_path: Path) -> None:
    assert not LogFile(tmp_path / "server.log", 100, 2).rotate_if_long()


async def test_a_chatty_role_cannot_fill_the_disk(place: SupervisorSettings) -> None:
    chatty = "import sys\nfor n in range(3000): print('a line of the log', n, flush=True)\n" + OBEDIENT
    async with supervised(place, [role("worker", chatty)]) as (supervisor, _stop):
        await until(lambda: supervisor.status()[0].state.value == "running")
        await until(lambda: (place.log_folder / "worker.log").stat().st_size <= place.log_limit_bytes)
        assert (place.log_folder / "worker.log.1").exists()
