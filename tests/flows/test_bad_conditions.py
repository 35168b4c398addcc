"""Bad days of a machine: a taken port, a full or read-only disk, locked or damaged files, hostile callers."""

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.product import Cameras, Desk, Product, wait_for

VOLUME_MIB = 24
FOREIGN_ID = "00000000-0000-7000-8000-000000000001"


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | None]:
    """A small disk of its own for the recordings; None where this user may not mount one."""
    folder = tmp_path_factory.mktemp("disk")
    mounted = os.getuid() == 0 and not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={VOLUME_MIB}m", "tmpfs", str(folder)], check=False, timeout=10,
        capture_output=True,
    ).returncode  # fmt: skip
    yield folder if mounted else None
    if mounted:
        subprocess.run(["umount", "-l", str(folder)], check=False, timeout=10)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, disk: Path | None) -> Iterator[Product]:
    """The product with its recordings on the small disk."""
    running = Product(tmp_path_factory.mktemp("town") / "home")
    running.run("init", "--name", "Test town")
    folder = f'folder = "{disk / "volume"}"\n' if disk else ""
    (running.home / "civiscope.toml").write_text(f"[recording]\n{folder}keep_free_gib = 0\n")
    try:
        running.start()
        running.setup_code = wait_for("the set-up code", lambda: printed_code(running))
        yield running
    finally:
        running.destroy()


def printed_code(product: Product) -> str | None:
    found = re.search(r"administrator code:\s+(\S+)", (product.home / "up.out").read_text())
    return found.group(1) if found else None


@pytest.fixture(scope="module")
def channel_id(product: Product, desk: Desk, start_cameras: Callable[..., Cameras], clips: list[Path]) -> str:
    """A camera that is being recorded."""
    cameras = start_cameras(clips[:1])
    added = desk.post("/cameras", {"name": "Gate", "address": cameras.urls[0]})
    wait_for("the camera to be recorded", lambda: desk.channels()["Gate"]["state"] == "recording")
    return str(added["id"])


def volume_of(product: Product, disk: Path | None) -> Path:
    return disk / "volume" if disk else product.home / "volumes" / "main"


def seen(desk: Desk, channel_id: str, since_us: int) -> dict[str, Any]:
    now_us = desk.get("/session")["server_time_us"]
    answer = desk.get("/timeline", channel=channel_id, from_us=since_us, to_us=now_us)
    found: dict[str, Any] = answer["channels"][0]
    return found


def recorded_after(desk: Desk, channel_id: str, from_us: int) -> bool:
    spans = seen(desk, channel_id, from_us - 1_000_000)["recorded"]
    return bool(spans) and spans[-1]["end_us"] > from_us + 1_000_000


def volume_state(desk: Desk) -> str:
    """Empty while the recorder does not answer."""
    return "".join(one["state"] for one in desk.get("/status")["volumes"])


def launch(product: Product) -> None:
    """`up`, without waiting for health."""
    with (product.home / "up.out").open("ab") as output:
        product.process = subprocess.Popen(
            product.command("up"), env=product.environ(), stdout=output, stderr=output, start_new_session=True
        )


def says(product: Product, *words: str) -> bool:
    told = (product.home / "up.out").read_text(errors="replace")
    return all(word in told for word in words)


def up_again(product: Product) -> subprocess.CompletedProcess[str]:
    """Another `up` on the same folder, which should end by itself."""
    return subprocess.run(
        product.command("up"), env=product.environ(), capture_output=True, text=True, timeout=20, check=False
    )


def is_healthy(desk: Desk) -> bool:
    return desk.client.get("/api/v1/health").status_code == 200


def test_a_second_up_is_refused_and_the_first_goes_on(product: Product, desk: Desk, channel_id: str) -> None:
    before = product.pids()
    second = up_again(product)
    told = second.stdout + second.stderr
    assert second.returncode == 1, told
    assert "Traceback" not in told
    assert "already" in told
    assert product.pids() == before
    assert is_healthy(desk)


def test_a_locked_database_stops_no_recording(product: Product, desk: Desk, channel_id: str) -> None:
    from_us = desk.get("/session")["server_time_us"]
    with closing(sqlite3.connect(product.home / "server" / "server.db", timeout=10)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        answer = desk.client.patch(f"/api/v1/cameras/{channel_id}", json={"name": "Lock"}, timeout=30)
        holder.rollback()
    assert answer.status_code in {503, 504}, answer.text
    assert "Traceback" not in answer.text
    wait_for("footage meanwhile", lambda: recorded_after(desk, channel_id, from_us))
    assert seen(desk, channel_id, from_us)["gaps"] == []
    assert desk.client.patch(f"/api/v1/cameras/{channel_id}", json={"name": "Gate"}).status_code == 200


def test_an_empty_span_and_hostile_addresses_are_refused_in_words(
    product: Product, desk: Desk, channel_id: str
) -> None:
    look = desk.look(channel_id, "export", (1_600_000_000_000_000, 1_600_000_060_000_000))
    answer = desk.client.get(f"/api/v1/looks/{look['id']}/download")
    assert answer.status_code == 404, answer.text
    assert answer.json()["error"]["message"]
    ids = ["0", "..", "%2e%2e%2f", "%00", "x" * 3000, FOREIGN_ID, "'; drop table channel;--", "null", "²"]
    paths = [f"/api/v1/{place}/{one}" for one in ids for place in ("cameras", "looks")]
    paths += [f"/api/v1/looks/{one}/download" for one in ids]
    paths += [
        "/../../keys/authority.pem",
        "/assets/%2e%2e/%2e%2e/server/server.db",
        "//etc/passwd",
        "/%5c..%5c",
    ]
    for path in paths:
        for method in ("GET", "DELETE", "PATCH"):
            got = desk.client.request(method, path, json={} if method == "PATCH" else None)
            assert got.status_code < 500, f"{method} {path}: {got.status_code} {got.text}"
            assert "Traceback" not in got.text
            assert b"SQLite format" not in got.content
            assert "root:" not in got.text
    queries: list[dict[str, Any]] = [
        {"channel": "x"}, {"channel": channel_id, "from_us": "1e999", "to_us": 5},
        {"channel": channel_id, "from_us": 10**30, "to_us": 10**31},
        {"channel": channel_id, "from_us": -(10**18)},
        {"channel": [channel_id] * 500, "from_us": 0, "to_us": 1},
        {"from_us": 5, "to_us": 1, "channel": channel_id},
    ]  # fmt: skip
    for query in queries:
        got = desk.client.get("/api/v1/timeline", params=query)
        assert got.status_code < 500, f"{query}: {got.text}"


def test_a_full_disk_is_a_gap_with_its_reason_and_heals(
    product: Product, desk: Desk, channel_id: str, disk: Path | None
) -> None:
    if disk is None:
        pytest.skip("a small disk can be mounted by root only")
    from_us = desk.get("/session")["server_time_us"]
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(1 << 16)):
            pass
    assert shutil.disk_usage(disk).free < 1 << 16
    wait_for("the full disk to be told", lambda: volume_state(desk) == "full", 15, 0.2)
    assert set(product.pids()) >= {"recorder", "server", "analyst", "worker", "driver"}
    freed_us = desk.get("/session")["server_time_us"]
    filler.unlink()
    wait_for("recording again", lambda: recorded_after(desk, channel_id, freed_us), 30, 0.3)
    wait_for("a good disk", lambda: volume_state(desk) == "good", 10, 0.2)
    reasons = {gap["reason"] for gap in seen(desk, channel_id, from_us)["gaps"]}
    assert reasons == {"disk_full"}


def test_a_read_only_disk_is_told_and_heals(
    product: Product, desk: Desk, channel_id: str, disk: Path | None
) -> None:
    if disk is None:
        pytest.skip("a disk can be made read-only by root only")

    def remounted(how: str) -> bool:
        command = ["mount", "-o", f"remount,{how}", str(disk)]
        return subprocess.run(command, check=False, timeout=10, capture_output=True).returncode == 0

    def taken_away() -> bool:
        pid = product.pids().get("recorder")
        if pid is not None and not remounted("ro"):
            product.kill("recorder")
            return wait_quickly(lambda: remounted("ro"))
        return pid is not None

    from_us = desk.get("/session")["server_time_us"]
    try:
        wait_for("a moment to take the right to write away", taken_away, 20)
        wait_for("the read-only disk to be told", lambda: volume_state(desk) not in {"", "good"}, 20, 0.2)
        state = volume_state(desk)
        assert desk.get("/session")["server_time_us"] > from_us
    finally:
        assert remounted("rw")
    assert state == "read_only"
    back_us = desk.get("/session")["server_time_us"]
    wait_for("recording again", lambda: recorded_after(desk, channel_id, back_us), 30, 0.3)
    reasons = {gap["reason"] for gap in seen(desk, channel_id, from_us)["gaps"]}
    assert reasons <= {"our_restart", "disk_read_only"}
    assert reasons


def wait_quickly(ask: Callable[[], bool]) -> bool:
    """Within the quarter of a second before the supervisor starts the next one."""
    until = time.monotonic() + 0.25
    while time.monotonic() < until:
        if ask():
            return True
        time.sleep(0.005)
    return False


@pytest.mark.slow
def test_damaged_files_and_a_taken_port_are_told_and_mended(
    product: Product, desk: Desk, channel_id: str, disk: Path | None
) -> None:
    product.stop()
    settings = product.home / "civiscope.toml"
    right = settings.read_bytes()
    settings.write_bytes(right + b"\n[server\nlisten = \xff")
    refused = up_again(product)
    assert refused.returncode == 1
    assert "civiscope.toml" in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stdout + refused.stderr
    settings.write_bytes(right)

    (product.home / "recorder" / "plan.sealed").write_bytes(b"not sealed by us")
    description = volume_of(product, disk) / "volume.json"
    ours = description.read_text()
    site_id = (product.home / "keys" / "site.json").read_text().split('"site_id": "')[1][:36]
    assert site_id in ours
    description.write_text(ours.replace(site_id, FOREIGN_ID))
    with socket.create_server(("127.0.0.1", product.port)):
        launch(product)
        wait_for("words on the port", lambda: says(product, f"Port {product.port}", "is taken"), 30)
        wait_for("words on the volume", lambda: says(product, "The recorder does not start", "site"), 30)
    description.write_text(ours)
    wait_for("health", lambda: is_healthy(desk), 30)
    back_us = time.time_ns() // 1000
    again = product.administrator()
    wait_for("recording by the server's plan", lambda: recorded_after(again, channel_id, back_us), 30, 0.3)
    assert "whole" in product.run("audit", "verify")
