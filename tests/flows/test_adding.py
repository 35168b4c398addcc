"""Twelve cameras at once, one with a wrong password and one dead: told in the right words, ten recorded."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.browser.onvif_rows import stay_on_loopback
from tests.product import Desk, Product, free_port, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
COUNT = 12
NAME, PASSWORD = "installer", "seven gulls over the pier"
LIMIT_S = 180.0


@dataclass
class Devices:
    """Simulated ONVIF devices in a process of their own; the last address is where nobody is."""

    addresses: list[str]
    process: subprocess.Popen[str]


@pytest.fixture(scope="module")
def devices(clips: list[Path]) -> Iterator[Devices]:
    words = ["sim", "file", str(clips[0]), "--onvif", "--discoverable", "--discover-on", "127.0.0.1"]
    words += ["--count", str(COUNT - 1), "--port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "civiscope", *words, "--user", f"{NAME}:{PASSWORD}"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    found: list[str] = []
    while len(found) < COUNT - 1:
        line = process.stdout.readline()
        assert line, f"the simulator ended with {process.wait(5)}"
        if " onvif " in line:
            found.append(line.split()[-1])
    dead = f"http://127.0.0.1:{free_port()}/onvif/device_service"
    try:
        yield Devices([*found, dead], process)
    finally:
        process.kill()
        process.wait(5)
        process.stdout.close()


def password_of(number: int) -> str:
    """The second camera's is a wrong one."""
    return "a wrong one" if number == 1 else PASSWORD


def are_recording(desk: Desk, wanted: int) -> None:
    def recording() -> bool:
        states = [channel["state"] for channel in desk.channels().values()]
        return states.count("recording") == wanted == len(states)

    wait_for(f"{wanted} cameras to be recorded", recording, 60)


def test_by_the_calls_of_the_page(devices: Devices, product: Product, desk: Desk) -> None:
    began = time.monotonic()
    troubles: dict[int, dict[str, Any]] = {}

    def add(number: int) -> None:
        device = {
            "address": devices.addresses[number],
            "username": NAME,
            "password": password_of(number),
        }
        tried = desk.post("/devices/try", device)
        assert tried["took_ms"] <= 7_000
        if tried["verdict"] == "trouble":
            troubles[number] = tried["trouble"]
            return
        assert tried["picture_jpeg_base64"]
        assert [stream["profile"] for stream in tried["inputs"][0]["streams"]] == ["main", "sub"]
        channel = {"name": f"Camera {number}", "place": "Pier"}
        added = desk.post("/devices", {**device, "channels": [channel]})
        assert added["device"]["identity"]["model"]

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(add, range(COUNT)))
    assert {number: trouble["code"] for number, trouble in troubles.items()} == {
        1: "authentication",
        COUNT - 1: "refused",
    }
    assert all(trouble["words"] and trouble["advice"] for trouble in troubles.values())
    are_recording(desk, COUNT - 2)
    assert time.monotonic() - began < LIMIT_S
    assert PASSWORD not in str(desk.get("/devices")) + str(troubles)


def test_found_and_added_on_the_command_line(
    devices: Devices, product: Product, desk: Desk, tmp_path: Path
) -> None:
    """`discover --table`, names typed over, `camera import` with a login; others who answer are left out."""
    for channel in desk.channels().values():
        assert desk.client.delete(f"/api/v1/cameras/{channel['id']}").status_code == 204
    assert desk.get("/devices") == []
    stay_on_loopback(desk)
    began = time.monotonic()
    header, *found = product.run("discover", "--table").splitlines()
    ours = {one.split(",")[1]: one for one in found if one.split(",")[1] in devices.addresses}
    assert sorted(ours) == sorted(devices.addresses[:-1])
    told_names = [ours[address].split(",")[0] for address in devices.addresses[:-1]]
    assert len(set(told_names)) == len(told_names)
    rows = [f"Camera {number},{address},,,Quay" for number, address in enumerate(devices.addresses[:-1])]
    assert [row.split(",")[1:4] for row in rows] == [ours[row.split(",")[1]].split(",")[1:4] for row in rows]
    rows[1] = rows[1].replace(",,", f",{NAME},a wrong one", 1)
    rows.append(f"Dead,{devices.addresses[-1]},,,Quay")
    table = tmp_path / "cameras.csv"
    table.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8-sig")
    done = subprocess.run(
        product.command("camera", "import", str(table), "--username", NAME, "--password-stdin"),
        env=product.environ(),
        input=PASSWORD + "\n",
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    told = done.stdout + done.stderr
    assert done.returncode == 1, told
    lines = {line.split(":")[0]: line for line in done.stdout.splitlines()}
    assert len(lines) == COUNT
    bad = {name: line for name, line in lines.items() if "NOT:" in line}
    assert set(bad) == {"line 3", f"line {COUNT + 1}"}
    assert "password" in bad["line 3"]
    assert "nothing listens" in bad[f"line {COUNT + 1}"]
    are_recording(desk, COUNT - 2)
    assert time.monotonic() - began < LIMIT_S
    assert PASSWORD not in told
    assert "a wrong one" not in told
    assert {channel["place"] for channel in desk.channels().values()} == {"Quay"}


def test_a_camera_is_tried_checked_and_configured_on_the_command_line(
    devices: Devices, product: Product, desk: Desk
) -> None:
    words = ("--username", NAME, "--password-stdin")
    told = product.run("camera", "try", devices.addresses[0], *words, stdin=PASSWORD + "\n")
    assert "a picture came" in told
    assert "input 0" in told
    assert "onvif" in product.run("drivers")
    product.run("camera", "check", "Camera 0")
    assert "Camera 0" in product.run("camera", "configure", "Camera 0")
    (device, *_) = [one for one in desk.get("/devices") if one["address"] == devices.addresses[0]]
    assert device["checked_us"] is not None
    assert "Camera 0" in product.run("camera", "list")
