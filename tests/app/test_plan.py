"""The recorder's plan on its disk: sealed, whole or the one before, and read without the server."""

from pathlib import Path

import pytest

from civiscope.app.plan import PlanFile, plan_digest
from civiscope.base import AppError, ChannelId, StreamId, new_id
from civiscope.ingest import StreamSource, Transport
from civiscope.security import Vault


def a_source(password: str = "hunter2-canary") -> StreamSource:
    return StreamSource(
        StreamId(new_id()), ChannelId(new_id()), "rtsp://10.0.0.9/main", "viewer", password, Transport.UDP
    )


def test_a_plan_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    vault = Vault(Vault.new_key())
    sources = (a_source(), a_source())
    PlanFile(tmp_path / "plan.sealed", vault).keep(sources)
    assert PlanFile(tmp_path / "plan.sealed", vault).load() == sources
    assert (tmp_path / "plan.sealed").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["plan.sealed"]


def test_no_password_lies_open(tmp_path: Path) -> None:
    PlanFile(tmp_path / "plan.sealed", Vault(Vault.new_key())).keep((a_source(),))
    kept = (tmp_path / "plan.sealed").read_bytes()
    assert b"hunter2-canary" not in kept
    assert b"10.0.0.9" not in kept


@pytest.mark.parametrize("damage", [b"", b"not sealed", bytes(200)])
def test_a_damaged_plan_waits_for_the_server(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "plan.sealed"
    path.write_bytes(damage)
    assert PlanFile(path, Vault(Vault.new_key())).load() == ()
    assert PlanFile(tmp_path / "none", Vault(Vault.new_key())).load() == ()


def test_another_vault_does_not_open_it(tmp_path: Path) -> None:
    path = tmp_path / "plan.sealed"
    PlanFile(path, Vault(Vault.new_key())).keep((a_source(),))
    assert PlanFile(path, Vault(Vault.new_key())).load() == ()


def test_a_disk_that_refuses_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="cannot keep its plan"):
        PlanFile(tmp_path / "no-folder" / "plan.sealed", Vault(Vault.new_key())).keep((a_source(),))


def test_the_digest_tells_plans_apart_and_tells_nothing() -> None:
    one, other = a_source(), a_source()
    assert plan_digest((one,)) == plan_digest((one,))
    assert len({plan_digest(plan) for plan in ((), (one,), (other,), (one, other), (other, one))}) == 5
    assert "hunter2" not in plan_digest((one,))
