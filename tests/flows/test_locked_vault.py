"""A vault with a passphrase: a killed server plays on, a restarted machine records on and asks first."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.product import Cameras, Desk, Product, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
WORD = "seven red kites over fields"
LOOKBACK_US = 60_000_000


@pytest.fixture(scope="module")
def channel_id(product: Product, desk: Desk, start_cameras: Callable[..., Cameras], clips: list[Path]) -> str:
    """A camera with a password, recorded for some seconds."""
    cameras = start_cameras(clips[:1], user="cam:pier-secret-1")
    product.run("camera", "add", "Gate", cameras.urls[0], "--username", "cam", "--password-stdin",
                stdin="pier-secret-1\n")  # fmt: skip
    wait_for("the camera to be recorded", lambda: desk.channels()["Gate"]["state"] == "recording")
    time.sleep(3)
    return str(desk.channels()["Gate"]["id"])


def recorded(desk: Desk, channel_id: str) -> list[dict[str, Any]]:
    now_us = desk.get("/session")["server_time_us"]
    answer = desk.get("/timeline", channel=channel_id, from_us=now_us - LOOKBACK_US, to_us=now_us)
    found: list[dict[str, Any]] = answer["channels"][0]["recorded"]
    return found


def play(desk: Desk, channel_id: str) -> httpx.Response:
    """A second of the oldest recording."""
    spans = wait_for("something recorded", lambda: recorded(desk, channel_id))
    span = (spans[0]["start_us"], spans[0]["end_us"])
    look = desk.look(channel_id, "playback", span)
    return desk.client.get(
        f"/api/v1/looks/{look['id']}/media", params={"at_us": span[0], "duration_us": 1_000_000}
    )


def test_setting_a_passphrase_interrupts_nothing(product: Product, desk: Desk, channel_id: str) -> None:
    assert play(desk, channel_id).status_code == 200
    assert "no passphrase" in product.run("vault", "status")
    assert "open" in product.run("vault", "passphrase", stdin=f"{WORD}\n")
    assert not (product.home / "keys/server/vault.key").exists()
    assert not list((product.home / "keys/server/sealing").iterdir())
    assert play(desk, channel_id).status_code == 200


def test_a_killed_server_plays_again_without_being_asked(
    product: Product, desk: Desk, channel_id: str
) -> None:
    old = product.kill("server")
    wait_for("a new server", lambda: product.pids().get("server") not in {old, None}, 15)
    wait_for("the door", lambda: desk.client.get("/api/v1/health").status_code == 200, 15)
    assert desk.get("/vault")["state"] == "open"
    answer = play(desk, channel_id)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/mp4")


def test_only_the_server_inherits_the_key(product: Product, desk: Desk, channel_id: str) -> None:
    holders = {
        role
        for role, pid in product.pids().items()
        if any("civiscope-vault" in str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir())
    }
    assert holders == {"server"}


def test_a_restart_records_on_and_asks_before_it_shows(product: Product, desk: Desk, channel_id: str) -> None:
    product.stop()
    stopped_us = time.time_ns() // 1000
    product.start()
    again = product.administrator()  # signing in needs no vault
    assert again.get("/vault")["state"] == "locked"
    wait_for("recording", lambda: again.channels()["Gate"]["state"] == "recording", 20)
    wait_for("footage from after the restart",
             lambda: recorded(again, channel_id)[-1]["end_us"] > stopped_us + 2_000_000, 30, 0.3)  # fmt: skip
    live = again.look(channel_id, "live")
    assert live["id"]
    refused = play(again, channel_id)
    assert refused.status_code == 503, refused.text
    assert "civiscope vault unlock" in refused.json()["error"]["message"]
    body = {"name": "Yard", "address": "rtsp://127.0.0.1:9/x", "username": "u", "password": "p"}
    assert again.client.post("/api/v1/cameras", json=body).status_code == 503
    assert "LOCKED" in product.run("vault", "status")
    assert "open" in product.run("vault", "unlock", stdin=f"{WORD}\n")
    assert play(again, channel_id).status_code == 200
    assert again.get("/audit")["intact"] is True
    gaps = again.get("/timeline", channel=channel_id, from_us=stopped_us - LOOKBACK_US,
                     to_us=again.get("/session")["server_time_us"])["channels"][0]["gaps"]  # fmt: skip
    assert [gap["reason"] for gap in gaps] in (["our_restart"], ["stopped"]), gaps


def test_locking_ends_open_playback_at_once(product: Product, channel_id: str) -> None:
    again = product.administrator()
    spans = wait_for("something recorded", lambda: recorded(again, channel_id))
    span = (spans[0]["start_us"], spans[0]["end_us"])
    look, live = again.look(channel_id, "playback", span), again.look(channel_id, "live")
    path, query = f"/api/v1/looks/{look['id']}/media", {"at_us": span[0], "duration_us": 1_000_000}
    assert again.client.get(path, params=query).status_code == 200
    product.run("vault", "lock")
    wait_for("the look to end", lambda: again.client.get(path, params=query).status_code in {404, 503})
    assert again.client.delete(f"/api/v1/looks/{live['id']}").status_code == 204
    product.run("vault", "unlock", stdin=f"{WORD}\n")


def test_an_unattended_start_reads_the_passphrase_from_a_private_file(
    product: Product, channel_id: str
) -> None:
    word = product.home.parent / "word"
    word.write_text(WORD + "\n")
    word.chmod(0o644)
    (product.home / "civiscope.toml").write_text(f'[vault]\npassphrase_file = "{word}"\n')
    product.stop()
    product.start()
    assert "LOCKED" in product.run("vault", "status")
    assert "can be read or changed by other users" in (product.home / "logs/server.log").read_text()
    word.chmod(0o600)
    product.stop()
    product.start()
    assert "open" in product.run("vault", "status")
