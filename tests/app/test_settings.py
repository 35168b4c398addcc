"""Settings from file, environment and flags; each later one wins, each fault is named."""

from pathlib import Path

import pytest

from civiscope.app.home import Home
from civiscope.app.settings import default_home, load_settings, split_listen
from civiscope.base import AppError, ErrorKind


def test_defaults_when_nothing_is_said(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, environ={})
    assert settings.server.listen == "127.0.0.1:8443"
    assert settings.recording.retention_hours == 72


def test_file_then_environment_then_flag(tmp_path: Path) -> None:
    (tmp_path / "civiscope.toml").write_text(
        '[site]\nname = "Ruse"\n[server]\nlisten = "127.0.0.1:1"\nhosts = ["cam.ruse"]\n'
    )
    assert load_settings(tmp_path, environ={}).server.listen == "127.0.0.1:1"
    from_environment = load_settings(
        tmp_path, environ={"CIVISCOPE_LISTEN": "127.0.0.1:2", "CIVISCOPE_LOG": "debug"}
    )
    assert from_environment.server.listen == "127.0.0.1:2"
    assert from_environment.server.hosts == ("cam.ruse",)
    assert from_environment.log.level == "debug"
    assert load_settings(tmp_path, "[::1]:3", environ={"CIVISCOPE_LISTEN": "x:2"}).server.listen == "[::1]:3"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[server", "not readable as TOML"),
        ('[server]\nlisten = "8443"', "no host:port"),
        ('[site]\ntime_zone = "Sofia"', "no time zone"),
        ("[recording]\nretention_hours = -1", "recording.retention_hours"),
        ('[devices]\nloopback = "8554,0"', "devices.loopback"),
        ("[recroding]\nretention_hours = 1", "recroding"),
        ("server = 3", "server"),
    ],
)
def test_a_fault_names_file_and_key(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "civiscope.toml").write_text(text)
    with pytest.raises(AppError, match=words) as refused:
        load_settings(tmp_path, environ={})
    assert refused.value.kind is ErrorKind.INVALID
    assert "civiscope.toml" in refused.value.message


def test_a_section_that_is_no_table_is_named_before_the_overlay(tmp_path: Path) -> None:
    (tmp_path / "civiscope.toml").write_text("server = 3")
    with pytest.raises(AppError, match="must be a table"):
        load_settings(tmp_path, "127.0.0.1:1", environ={})


@pytest.mark.parametrize(
    ("text", "pair"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::]:8443", ("::", 8443)), (":9", ("127.0.0.1", 9))],
)
def test_split_listen(text: str, pair: tuple[str, int]) -> None:
    assert split_listen(text) == pair


def test_data_folder_follows_the_environment() -> None:
    assert default_home({"CIVISCOPE_HOME": "/data/c"}) == Path("/data/c")
    assert default_home({"XDG_DATA_HOME": "/x"}) == Path("/x/civiscope")
    assert default_home({}).name == "civiscope"


def test_home_is_private_and_its_sockets_fit(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    for root in (tmp_path / "short", deep):
        home = Home(root)
        home.ensure()
        home.ensure()
        assert root.stat().st_mode & 0o077 == 0
        assert home.run.stat().st_mode & 0o077 == 0
        assert (root / "run").resolve() == home.run.resolve()
        assert len(str(home.run / "recorder.sock")) <= 107
    assert not home.is_initialised


def test_home_that_cannot_be_made_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AppError, match="CIVISCOPE_HOME"):
        Home(tmp_path / "file" / "below").ensure()


def test_an_open_folder_is_closed(tmp_path: Path) -> None:
    root = tmp_path / "open"
    root.mkdir(mode=0o755)
    root.chmod(0o755)
    Home(root).ensure()
    assert root.stat().st_mode & 0o777 == 0o700
