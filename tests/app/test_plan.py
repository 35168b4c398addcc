"""The recorder's plan on its disk: sealed, whole or the one before, and read without the server."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from civiscope.app.plan import PlanFile, RecordingPlan, plan_digest
from civiscope.base import AppError, ChannelId, StreamId, new_id
from civiscope.devices import GateRules
from civiscope.ingest import StreamSource, Transport
from civiscope.security import Vault

GATE = GateRules(("10.0.0.0/24", "fd00:20::/32"), (8554, 9000))


def a_source(password: str = "hunter2-canary") -> StreamSource:
    return StreamSource(
        StreamId(new_id()), ChannelId(new_id()), "rtsp://10.0.0.9/main", "viewer", password, Transport.UDP
    )


def test_a_plan_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    vault = Vault(Vault.new_key())
    plan = RecordingPlan((a_source(), a_source()), GATE)
    PlanFile(tmp_path / "plan.sealed", vault).keep(plan)
    assert PlanFile(tmp_path / "plan.sealed", vault).load() == plan
    assert (tmp_path / "plan.sealed").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["plan.sealed"]


def test_no_password_lies_open(tmp_path: Path) -> None:
    PlanFile(tmp_path / "plan.sealed", Vault(Vault.new_key())).keep(RecordingPlan((a_source(),)))
    kept = (tmp_path / "plan.sealed").read_bytes()
    assert b"hunter2-canary" not in kept
    assert b"10.0.0.9" not in kept


@pytest.mark.parametrize("damage", [b"", b"not sealed", bytes(200)])
def test_a_damaged_plan_waits_for_the_server(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "plan.sealed"
    path.write_bytes(damage)
    assert PlanFile(path, Vault(Vault.new_key())).load() == RecordingPlan()
    assert PlanFile(tmp_path / "none", Vault(Vault.new_key())).load() == RecordingPlan()


def keep_text(path: Path, vault: Vault, plan: dict[str, object]) -> None:
    path.write_bytes(vault.seal_secret(json.dumps(plan).encode(), b"recording plan"))


def test_a_plan_from_before_the_gate_is_recorded_from_private_networks_only(tmp_path: Path) -> None:
    vault, source = Vault(Vault.new_key()), a_source()
    stream = {key: str(value) if "id" in key else value for key, value in asdict(source).items()}
    keep_text(tmp_path / "plan.sealed", vault, {"version": 1, "streams": [stream]})
    assert PlanFile(tmp_path / "plan.sealed", vault).load() == RecordingPlan((source,), GateRules())


@pytest.mark.parametrize("networks", [["the street"], [7], "10.0.0.0/8", None])
def test_a_plan_whose_gate_makes_no_sense_opens_nothing(tmp_path: Path, networks: object) -> None:
    vault = Vault(Vault.new_key())
    gate = {"networks": networks, "loopback_ports": []}
    keep_text(tmp_path / "plan.sealed", vault, {"version": 2, "streams": [], "gate": gate})
    assert PlanFile(tmp_path / "plan.sealed", vault).load() == RecordingPlan()


def test_another_vault_does_not_open_it(tmp_path: Path) -> None:
    path = tmp_path / "plan.sealed"
    PlanFile(path, Vault(Vault.new_key())).keep(RecordingPlan((a_source(),), GATE))
    assert PlanFile(path, Vault(Vault.new_key())).load() == RecordingPlan()


def test_a_disk_that_refuses_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="cannot keep its plan"):
        PlanFile(tmp_path / "no-folder" / "plan.sealed", Vault(Vault.new_key())).keep(
            RecordingPlan((a_source(),))
        )


def test_the_digest_tells_plans_apart_and_tells_nothing() -> None:
    one, other = a_source(), a_source()
    assert plan_digest(RecordingPlan((one,))) == plan_digest(RecordingPlan((one,)))
    plans = [RecordingPlan(sources) for sources in ((), (one,), (other,), (one, other), (other, one))]
    plans += [RecordingPlan((one,), GATE), RecordingPlan((one,), GateRules(GATE.networks))]
    assert len({plan_digest(plan) for plan in plans}) == len(plans)
    assert "hunter2" not in plan_digest(RecordingPlan((one,)))
