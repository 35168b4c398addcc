"""Renew docs/pictures: `python -m tests.browser.pictures`. The product with its simulated town, as it is."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from tests.browser.screens import Screens
from tests.conftest import REPOSITORY
from tests.product import Product, wait_for

FOLDER = REPOSITORY / "docs" / "pictures"
_RECORD_S = 75
_COLOURS = "split[a][b];[a]palettegen=max_colors=128[p];[b][p]paletteuse=dither=none"


def renew() -> None:
    """Start, wait for some recording, take both pictures, stop."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="civiscope-") as folder:
        product = Product(Path(folder) / "home")
        try:
            _take(product.start("--simulate"))
        finally:
            product.destroy()


def _take(product: Product) -> None:
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
        browser.close()


def _keep(screens: Screens, name: str) -> None:
    """With a palette: the pictures are in every copy of the repository."""
    raw = screens.keep(f"picture-{name}")
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(raw), "-vf", _COLOURS, str(FOLDER / f"{name}.png")]
    subprocess.run(command, check=True, timeout=60)


if __name__ == "__main__":
    renew()
