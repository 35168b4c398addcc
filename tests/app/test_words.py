"""What a newcomer reads when something is not as it should be: one line, in words, never a traceback."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.product import Product, wait_for

from civiscope.app.home import Home
from civiscope.app.role import first_told
from civiscope.app.town import TOWN_PORTS, town_port
from civiscope.base import AppError, ErrorKind, get_log, log_to_file


def say(home: Path, *words: str) -> tuple[int, str]:
    """The exit code of a command and everything it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "civiscope", *words],
        env={**os.environ, "CIVISCOPE_HOME": str(home), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout + done.stderr


def test_the_version(tmp_path: Path) -> None:
    code, words = say(tmp_path / "home", "--version")
    assert (code, words.split()[0]) == (0, "civiscope")


def test_wrong_words_to_init_leave_no_settings_behind(tmp_path: Path) -> None:
    home = tmp_path / "home"
    code, words = say(home, "init", "--time-zone", "Mars/Olympus")
    assert code == 1
    assert "'Mars/Olympus' is no time zone" in words
    code, words = say(home, "init", "--time-zone", "Europe/Sofia")
    assert code == 0, words


def test_an_address_that_is_none_of_ours(tmp_path: Path, clip: Path) -> None:
    for host in ("no-such-host.invalid", "192.0.2.1"):
        code, words = say(tmp_path / "home", "sim", "file", str(clip), "--host", host, "--port", "0")
        assert (code, words.count("\n")) == (1, 1)
        assert words.startswith(f"civiscope: Cannot listen on {host}")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A quarter of a second of H.264."""
    path = tmp_path / "clip.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=8:d=0.25", str(path)],
        check=True,
        timeout=30,
    )
    return path


def test_failures_within_groups_have_words() -> None:
    told = AppError(ErrorKind.CONFLICT, "taken")
    assert first_told(ExceptionGroup("a", [OSError(), ExceptionGroup("b", [told])])) is told
    assert first_told(ExceptionGroup("a", [OSError()])) is None


def test_a_town_keeps_the_port_it_found_free(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", TOWN_PORTS.start))
            other.listen()
        except OSError:
            pass  # somebody else has it: as good
        port = town_port(home)
    assert port in TOWN_PORTS
    assert port != TOWN_PORTS.start
    assert town_port(home) == port
    (tmp_path / "simulator" / "port").write_text("nonsense")
    assert town_port(home) in TOWN_PORTS


@pytest.fixture
def quiet_root() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_log_files_stay_short_and_a_failing_disk_is_silent(
    tmp_path: Path, quiet_root: None, capsys: pytest.CaptureFixture[str]
) -> None:
    log_to_file("info", tmp_path / "x.log", limit_bytes=500, kept=2)
    for number in range(40):
        get_log("civiscope.cluster").info("a process ended", number=number)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["x.log", "x.log.1", "x.log.2"]
    assert json.loads((tmp_path / "x.log").read_text().splitlines()[-1])["number"] == "39"
    logging.getLogger().handlers[0].close()
    log_to_file("info", tmp_path / "nowhere" / "x.log")
    get_log("civiscope.cluster").info("lost")
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def start_up(tmp_path: Path) -> Iterator[Callable[[Product], subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(product: Product) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            product.command("up"), env=product.environ(), text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def is_healthy(product: Product) -> bool:
    with product.client() as client:
        return client.get("/api/v1/health").status_code == 200


def test_up_says_at_once_why_its_page_cannot_be_served(
    tmp_path: Path, start_up: Callable[[Product], subprocess.Popen[str]]
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        product = Product(tmp_path / "home", port=other.getsockname()[1])
        process = start_up(product)
        assert process.stdout is not None
        line = process.stdout.readline()
    assert line.startswith("The server does not start and is tried again and again: ")
    assert str(product.port) in line
    wait_for("the page, now that its port is free", lambda: is_healthy(product), 30)
    words = ""
    while "Civiscope is running" not in words:
        words += (line := process.stdout.readline())
        assert line, words
    process.send_signal(signal.SIGTERM)
    words += process.communicate(timeout=15)[0]
    assert process.returncode == 0
    assert "a process ended" not in words
    lines = (product.home / "logs" / "supervisor.log").read_text().splitlines()
    assert {json.loads(one)["role"] for one in lines if "a process ended" in one} == {"server"}
