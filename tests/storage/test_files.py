"""Files behind one barrier: appended whole or not at all, and what a power cut may leave."""

import os
import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civiscope.storage import Barrier, DirectoryFiles, DiskError, DiskFault, RecordedFiles, after_cut


@contextmanager
def largest_file(size_bytes: int) -> Iterator[None]:
    """Let the kernel refuse files above this size (EFBIG): a real full disk for one process."""
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("barrier", list(Barrier))
def test_what_is_appended_is_read(tmp_path: Path, barrier: Barrier) -> None:
    files = DirectoryFiles(tmp_path / "volume", barrier)
    assert files.append("a/b/one", b"12", memoryview(b"34")) == 0
    assert files.append("a/b/one", b"56") == 4
    files.sync()
    assert files.read("a/b/one") == b"123456"
    assert files.read("a/b/one", 2, 2) == b"34"
    assert files.size_bytes("a/b/one") == 6
    assert files.names("a/b") == ["one"]
    assert files.names("nowhere") == []
    files.truncate("a/b/one", 3)
    assert files.append("a/b/one", b"x") == 3
    files.rename("a/b/one", "a/two")
    assert files.append("a/two", b"y") == 4
    files.release("a/two")
    files.sync()
    assert files.read("a/two") == b"123xy"
    files.remove("a/two")
    files.remove("a/two")
    files.sync()
    with pytest.raises(DiskError) as caught:
        files.read("a/two")
    assert caught.value.fault is DiskFault.MISSING
    assert files.free_bytes() > 0
    files.close()


def test_files_are_private(tmp_path: Path) -> None:
    files = DirectoryFiles(tmp_path / "volume")
    files.append("a/one", b"1")
    assert (tmp_path / "volume/a").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "volume/a/one").stat().st_mode & 0o777 == 0o600
    files.close()


def test_a_write_that_does_not_fit_is_taken_back(tmp_path: Path) -> None:
    files = DirectoryFiles(tmp_path)
    files.append("one", b"x" * 1000)
    with largest_file(1500), pytest.raises(DiskError) as caught:
        files.append("one", b"y" * 400, b"z" * 400)
    assert caught.value.fault is DiskFault.FULL
    assert files.size_bytes("one") == 1000
    files.append("one", b"w")
    assert files.read("one", 999) == b"xw"
    files.close()


def test_many_files_do_not_exhaust_descriptors(tmp_path: Path) -> None:
    files = DirectoryFiles(tmp_path)
    for number in range(1100):
        files.append(f"d/{number}", b"x")
        if number % 100 == 0:
            files.sync()
    assert len(os.listdir("/proc/self/fd")) < 700
    files.append("d/0", b"y")
    assert files.read("d/0") == b"xy"
    files.close()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32), data=st.lists(st.binary(min_size=1, max_size=3000), min_size=1, max_size=12)
)
def test_what_was_synced_survives_a_cut(
    tmp_path_factory: pytest.TempPathFactory, seed: int, data: list[bytes]
) -> None:
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("files")
    files = RecordedFiles(DirectoryFiles(folder / "real"))
    written = b""
    synced = {0: b""}
    for piece in data:
        files.append("one", piece)
        written += piece
        if chance.random() < 0.4:
            files.sync()
            synced[len(files.changes)] = written
    count = chance.randrange(len(files.changes) + 1)
    after_cut(files.changes, count, chance, folder / "cut")
    durable = synced[max(at for at in synced if at <= count)]
    found = (folder / "cut/one").read_bytes() if (folder / "cut/one").exists() else b""
    assert found[: len(durable)] == durable
