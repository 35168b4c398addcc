"""The supervisor's memory of the vault key: kept for a restart, whole or not at all, for one role alone."""

import fcntl
import os
import subprocess
import sys

import pytest

from civiscope.app.vault_memory import MEMORY_FD, FdMemory, SupervisorMemory, inherited_memory


@pytest.fixture
def memory() -> FdMemory:
    made = SupervisorMemory()
    assert made.descriptor is not None
    return FdMemory(os.dup(made.descriptor))


def test_it_keeps_forgets_and_is_whole_or_nothing(memory: FdMemory) -> None:
    assert memory.read() is None
    memory.keep(bytes(range(32)))
    assert memory.read() == bytes(range(32))
    os.pwrite(memory._descriptor, b"\xff", 7)  # a process killed while it wrote
    assert memory.read() is None
    memory.keep(b"k" * 32)
    memory.forget()
    assert memory.read() is None
    assert not any(os.pread(memory._descriptor, 4096, 0))


def test_its_size_is_sealed() -> None:
    made = SupervisorMemory()
    assert made.descriptor is not None
    assert fcntl.fcntl(made.descriptor, fcntl.F_GET_SEALS) & fcntl.F_SEAL_GROW
    with pytest.raises(OSError, match="not permitted"):
        os.ftruncate(made.descriptor, 0)


def test_a_child_reads_what_an_earlier_child_kept() -> None:
    made = SupervisorMemory()
    code = (
        "from civiscope.app.vault_memory import inherited_memory; m = inherited_memory();"
        "print(m.read().hex() if m.read() else m.keep(b'q' * 32))"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **made.environment},
            pass_fds=made.descriptors, capture_output=True, text=True, check=True,
        ).stdout.strip()
        for _ in range(2)
    ]  # fmt: skip
    assert said == ["None", (b"q" * 32).hex()]


@pytest.mark.parametrize("number", ["", "x", "-1", "999999", "9" * 30, "0"])
def test_what_nobody_handed_over_is_not_used(number: str) -> None:
    assert inherited_memory({MEMORY_FD: number}) is None
