"""The real server, simulated cameras, and Debian's Chromium before them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.browser.screens import Screens
from tests.product import Cameras, Product

from civiscope.media import EncoderSettings, encode_clip
from civiscope.simulator import StreetPlan
from civiscope.simulator.street import draw_street

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"


def clip(path: Path, seed: int, encoder: str = "libx264") -> Path:
    """Eight seconds of a street, 320 × 180."""
    plan = StreetPlan(f"Lane {seed}", seed, 320, 180, 12, 8)
    encode_clip(path, draw_street(plan), EncoderSettings(encoder, rate_fps=12, gop_frames=24))
    return path


@pytest.fixture(scope="module")
def cameras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cameras]:
    """Three streets as RTSP cameras; the third speaks H.265."""
    folder = tmp_path_factory.mktemp("browser-clips")
    streets = [clip(folder / "north.mp4", 11), clip(folder / "south.mp4", 12)]
    running = Cameras([*streets, clip(folder / "east.mp4", 13, "libx265")])
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product, healthy, without a camera and without an administrator."""
    running = Product(tmp_path_factory.mktemp("browser-town") / "home")
    try:
        yield running.start()
    finally:
        running.destroy()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; nothing is downloaded.

    For a module, not for the session: while it is there, Playwright's own event loop runs in this thread.
    """
    if not Path(CHROMIUM).exists():
        pytest.skip("no Chromium on this machine: install the package chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield running
        finally:
            running.close()


@pytest.fixture
def screens(browser: Browser, product: Product) -> Iterator[Screens]:
    """A fresh window; the test fails on a script error or a breach of the content policy."""
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1440, "height": 900})
    found = Screens(context.new_page(), product)
    try:
        yield found
        assert found.complaints == []
    finally:
        context.close()


@pytest.fixture(scope="module")
def watched(browser: Browser, product: Product, cameras: Cameras) -> Product:
    """A site with an administrator and two cameras, all made through the page."""
    context = browser.new_context(ignore_https_errors=True)
    screens = Screens(context.new_page(), product)
    screens.sign_in()
    for address, name in zip(cameras.urls[:2], ("North street", "South street"), strict=True):
        screens.add_camera(address, name)
    rows = screens.page.locator('[data-testid="camera-row"][data-state="recording"]')
    rows.nth(1).wait_for(timeout=20_000)
    context.close()
    return product
