"""Renew docs/pictures: `python -m tests.browser.pictures [live playback alarms zones]`.

The product with its simulated town, as it is.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from tests.browser.screens import Screens
from tests.conftest import REPOSITORY
from tests.product import Desk, Product, wait_for

FOLDER = REPOSITORY / "docs" / "pictures"
_RECORD_S = 75
_COLOURS = "split[a][b];[a]palettegen=max_colors=128[p];[b][p]paletteuse=dither=none"


PICTURES = ("live", "playback", "alarms", "zones")
# Pavement and street of a drawn street, in shares of the picture.
_PAVEMENT = [[0.08, 0.42], [0.92, 0.42], [0.98, 0.57], [0.02, 0.57]]
_STREET = [[0.55, 0.6], [0.47, 0.98]]
_PROCEDURE = "Look whether the person needs help.\nCall the patrol if the gate is open.\nClose with a reason."


def renew(names: tuple[str, ...] = PICTURES) -> None:
    """Start, wait for some recording, take the pictures, stop."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="civiscope-") as folder:
        product = Product(Path(folder) / "home")
        try:
            _take(product.start("--simulate"), names)
        finally:
            product.destroy()


def _take(product: Product, names: tuple[str, ...]) -> None:
    chromium = shutil.which("chromium")
    assert chromium is not None, "chromium is not installed"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(ignore_https_errors=True, viewport={"width": 1440, "height": 900})
        screens = Screens(context.new_page(), product)
        screens.sign_in()
        screens.state_purpose()
        camera = screens.page.get_by_test_id("camera")
        wait_for("the town's cameras", lambda: camera.count() >= 4, 60)
        for index in range(4):
            screens.wait_tile(index, "live", 30)
        if {"live", "playback"} & set(names):
            _watched(screens)
        if {"alarms", "zones"} & set(names):
            _seen(screens, product.administrator())
        browser.close()


def _watched(screens: Screens) -> None:
    screens.page.wait_for_timeout(_RECORD_S * 1000)
    _keep(screens, "live")
    screens.go("playback")
    for index in range(4):
        screens.wait_tile(index, "playing")
    timeline = screens.page.get_by_test_id("timeline")
    for _ in range(4):
        timeline.press("+")
    screens.page.get_by_test_id("play").click()
    screens.wait_moving(0)
    screens.page.wait_for_timeout(3000)
    _keep(screens, "playback")


def _seen(screens: Screens, desk: Desk) -> None:
    """A zone and a line on a camera, and what comes of them."""
    page = screens.page
    channel = next(iter(desk.channels().values()))
    path = f"/channels/{channel['id']}/analytics"
    zone = {"name": "Pavement", "zone": _PAVEMENT, "classes": ["person"], "min_height_n": 0.06}
    line = {"name": "Into town", "line": _STREET, "classes": ["vehicle"], "direction": "a_to_b"}
    made = desk.post(path, {"plugin": "zone", "name": "Pavement", "settings": zone})
    desk.post(path, {"plugin": "line", "name": "Into town", "settings": line})
    first = desk.get("/rules")[0]
    action = {"name": "raise_alarm", "settings": {"priority": "high", "procedure": _PROCEDURE}}
    changed = {key: first[key] for key in ("name", "is_on", "when", "at", "during", "conditions", "rest_s")}
    desk.client.put(f"/api/v1/rules/{first['id']}", json={**changed, "actions": [action]})
    page.goto(f"{screens.product.url}/devices/{channel['id']}/watches/{made['id']}")
    wait_for("the picture", page.locator('[data-testid="zone-ground"][data-state="live"]').count, 30)
    page.wait_for_timeout(2000)
    _keep(screens, "zones")
    wait_for("an alarm", lambda: desk.get("/alarms")["alarms"], 120)
    page.wait_for_timeout(12_000)
    screens.go("alarms")
    page.get_by_test_id("alarm").first.wait_for()
    page.keyboard.press("n")
    screens.wait_tile(0, "playing")
    screens.wait_tile(1, "live")
    page.wait_for_timeout(9_000)
    _keep(screens, "alarms")


def _keep(screens: Screens, name: str) -> None:
    """With a palette: the pictures are in every copy of the repository."""
    raw = screens.keep(f"picture-{name}")
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(raw), "-vf", _COLOURS, str(FOLDER / f"{name}.png")]
    subprocess.run(command, check=True, timeout=60)


if __name__ == "__main__":
    renew(tuple(sys.argv[1:]) or PICTURES)
