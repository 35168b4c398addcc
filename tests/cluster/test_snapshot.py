"""The supervisor's files hold anything after a bad day; what cannot be read is unknown, never an error."""

from pathlib import Path

import pytest

from civiscope.cluster import read_snapshot
from civiscope.cluster.identity import read_identity

HEAD = '{"schema_version": 1, "supervisor": {"pid": 1, "start_ticks": 2, "boot": "b"}, '


@pytest.mark.parametrize(
    "text",
    [
        HEAD + '"at_us": 1e999, "processes": []}', HEAD + '"at_us": 1, "processes": ["server"]}',
        HEAD + '"at_us": 1, "processes": [{"state": "running"}]}', "[" * 100_000, "[]", "\xff",
    ],
)  # fmt: skip
def test_a_damaged_snapshot_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "processes.json").write_text(text)
    assert read_snapshot(tmp_path) is None


@pytest.mark.parametrize("text", ['{"pid": 1e999, "start_ticks": 1, "boot": ""}', "[" * 4000, "7", ""])
def test_a_damaged_pid_file_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "server.pid").write_text(text)
    assert read_identity(tmp_path / "server.pid") is None
