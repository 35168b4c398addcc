"""The data folder as somebody else on the same machine would like to have it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from civiscope.app.home import Home
from civiscope.base import AppError, ErrorKind


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders come to lie: writable by others, as /tmp is."""
    shared = tmp_path / "t"
    shared.mkdir(mode=0o777)
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    return shared


def long_root(tmp_path: Path) -> Path:
    return tmp_path / ("long" * 25) / "home"


def test_everything_is_for_us_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        home = Home(tmp_path / "home")
        home.ensure()
    finally:
        os.umask(before)
    folders = [home.root, *(folder for folder in home.root.iterdir() if folder.is_dir())]
    assert len(folders) >= 7
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in folders)


def test_sockets_of_a_long_root_lie_under_a_name_nobody_can_guess(tmp_path: Path, place: Path) -> None:
    one, other = Home(long_root(tmp_path)), Home(long_root(tmp_path / "b"))
    one.ensure()
    other.ensure()
    assert one.run.parent == place
    assert one.run != other.run
    assert one.run.stat().st_mode & 0o777 == 0o700
    assert (one.root / "run").resolve() == one.run
    before = one.run
    one.ensure()
    assert Home(one.root).run == before


def test_a_run_folder_that_others_put_in_place_of_ours_is_not_used(tmp_path: Path, place: Path) -> None:
    """The system cleaned its temporary folder, and a neighbour made the name his own."""
    home = Home(long_root(tmp_path))
    home.ensure()
    taken = home.run
    taken.rmdir()
    taken.mkdir(mode=0o777)
    taken.chmod(0o777)
    home.ensure()
    assert home.run != taken
    taken.rmdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    mine = home.run
    mine.rmdir()
    mine.symlink_to(elsewhere)
    home.ensure()
    assert home.run not in {mine, taken}
    assert list(elsewhere.iterdir()) == []


def test_a_link_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home" / "logs").symlink_to(elsewhere)
    with pytest.raises(AppError) as refused:
        Home(tmp_path / "home").ensure()
    assert refused.value.kind is ErrorKind.DENIED


def test_no_process_leaves_its_memory_in_a_core_file() -> None:
    asks = (
        "import resource\nfrom civiscope.app import role\nrole._leave_no_core()\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE))"
    )
    done = subprocess.run(
        [sys.executable, "-c", asks], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.strip() == "(1, 1)"
