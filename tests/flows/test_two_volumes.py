"""Two disks: one fills up and its camera goes on upon the other; times of keeping reach the recorder."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.product import Cameras, Desk, Product, wait_for

DISK_MIB = 24


@pytest.fixture(scope="module")
def disks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    """Two small disks of their own."""
    folders = [tmp_path_factory.mktemp(f"disk{number}") for number in (1, 2)]
    mounted: list[Path] = []
    try:
        for folder in folders:
            command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(folder)]
            if os.getuid() != 0 or subprocess.run(command, check=False, timeout=10).returncode != 0:
                pytest.skip("this user may not mount a disk of its own")
            mounted.append(folder)
        yield folders
    finally:
        for folder in mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False, timeout=10)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, disks: list[Path]) -> Iterator[Product]:
    """The product with its recordings on both."""
    running = Product(tmp_path_factory.mktemp("town") / "home")
    running.run("init", "--name", "Test town")
    lines = [f'[[recording.volumes]]\nfolder = "{disk}"\nkeep_free_gib = 0\n' for disk in disks]
    (running.home / "civiscope.toml").write_text("\n".join(lines))
    try:
        running.start()
        running.setup_code = wait_for("the set-up code", lambda: printed_code(running))
        yield running
    finally:
        running.destroy()


def printed_code(product: Product) -> str | None:
    """As `up` prints it."""
    found = re.search(r"administrator code:\s+(\S+)", (product.home / "up.out").read_text())
    return found.group(1) if found else None


def places(disks: list[Path], stream_id: str) -> list[int]:
    """On which disks a stream has segments."""
    return [number for number, disk in enumerate(disks) if list(disk.glob(f"segments/{stream_id}/*.cvs"))]


def timeline(desk: Desk, channel_id: str, since_us: int) -> dict[str, Any]:
    now_us = desk.get("/session")["server_time_us"]
    answer = desk.get("/timeline", channel=channel_id, from_us=since_us, to_us=now_us)
    found: dict[str, Any] = answer["channels"][0]
    return found


def test_a_camera_goes_on_upon_the_other_disk(
    product: Product, desk: Desk, disks: list[Path], start_cameras: Callable[..., Cameras], clips: list[Path]
) -> None:
    since_us = desk.get("/session")["server_time_us"]
    cameras = start_cameras(clips[:2])
    added = [
        desk.post("/cameras", {"name": name, "address": url})
        for name, url in zip(("Gate", "Yard"), cameras.urls, strict=False)
    ]
    streams = [one["streams"][0]["id"] for one in added]
    wait_for("both to be written", lambda: all(places(disks, one) for one in streams))
    first, second = (places(disks, one) for one in streams)
    assert sorted(first + second) == [0, 1]
    assert [one["state"] for one in desk.get("/status")["volumes"]] == ["good", "good"]

    changed = desk.client.patch(f"/api/v1/cameras/{added[0]['id']}", json={"keep_hours": 5})
    assert changed.json()["keep_hours"] == 5
    page = {"keep_hours": 48, "purpose_hours": []}
    assert desk.client.put("/api/v1/settings/recording", json={"value": page}).status_code == 200
    wanted = {"default_us": 48 * 3_600_000_000, "streams": [[streams[0], 5 * 3_600_000_000]], "version": 1}
    kept = product.home / "recorder" / "times.json"
    wait_for(
        "the recorder to keep the times", lambda: kept.exists() and json.loads(kept.read_text()) == wanted
    )

    full = disks[first[0]]
    with (full / "ballast").open("wb") as ballast:
        for _ in range(DISK_MIB * 16):
            try:
                ballast.write(bytes(1 << 16))
                ballast.flush()
            except OSError:
                break
    wait_for("the stream to be on both disks", lambda: places(disks, streams[0]) == [0, 1], 30)
    states = {one["path"]: one["state"] for one in desk.get("/status")["volumes"]}
    assert states[str(disks[second[0]])] == "good"

    def goes_on() -> bool:
        spans = timeline(desk, added[0]["id"], since_us)["recorded"]
        return len(spans) == 2 and spans[1]["end_us"] - spans[1]["start_us"] > 2_000_000

    wait_for("it to go on", goes_on)
    seen = timeline(desk, added[0]["id"], since_us)
    before, after = seen["recorded"]
    assert after["start_us"] - before["end_us"] < 3_000_000
    assert "disk_full" in {one["reason"] for one in seen["gaps"]}
    assert timeline(desk, added[1]["id"], since_us)["gaps"] == []
