"""What a person does at the page, as verbs; tests speak these and never a selector."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from tests.conftest import REPOSITORY
from tests.product import ADMINISTRATOR, Product, wait_for

AXE = REPOSITORY / "ui" / "node_modules" / "axe-core" / "axe.min.js"
ARTEFACTS = REPOSITORY / "artefacts" / "browser"
PICTURE_SIDE_PX = 32

_READ_PIXELS = """side => {
  const tile = document.querySelector('[data-testid="tile-%d"]');
  const shown = tile.querySelector(tile.classList.contains('is-canvas') ? 'canvas' : 'video');
  const canvas = new OffscreenCanvas(side, side);
  const pen = canvas.getContext('2d');
  pen.drawImage(shown, 0, 0, side, side);
  return [...pen.getImageData(0, 0, side, side).data];
}"""

_RUN_AXE = """async () => {
  const report = await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']});
  return report.violations;
}"""


class Screens:
    """The page in one browser window."""

    def __init__(self, page: Page, product: Product) -> None:
        self.page = page
        self.product = product
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if "Content Security Policy" in message.text or "violates" in message.text:
            self.complaints.append(message.text)

    def sign_in(self, name: str = "") -> None:
        """Come to the page and sign in; the first time as the first administrator, by the one-time code.

        Everybody of these tests has the administrator's passphrase.
        """
        page = self.page
        page.goto(self.product.url)
        page.get_by_test_id("submit").wait_for()
        name, password = ADMINISTRATOR if name == "" else (name, ADMINISTRATOR[1])
        if page.get_by_test_id("setup").count():
            page.get_by_test_id("code").fill(self.product.setup_code)
            page.get_by_test_id("password-again").fill(password)
            self.product.setup_code = ""
        page.get_by_test_id("name").fill(name)
        page.get_by_test_id("password").fill(password)
        page.get_by_test_id("submit").click()
        page.locator('[data-testid="who"], [data-testid="wizard"]').first.wait_for()
        if page.get_by_test_id("wizard").count():
            self.put_off_first_run()

    def put_off_first_run(self) -> None:
        """Out of the wizard, for good."""
        self.page.get_by_test_id("wizard-leave").click()
        self.page.get_by_test_id("first-run-dismiss").click()
        self.page.get_by_test_id("first-run-banner").wait_for(state="detached")

    def state_purpose(self, purpose: str = "public_safety") -> None:
        """State why one looks."""
        self.page.get_by_test_id("purpose").select_option(purpose)

    def go(self, name: str) -> None:
        """To a page of the rail."""
        self.page.get_by_test_id(f"page-{name}").click()
        self.page.locator(f'[data-testid="page-{name}"][aria-current="page"]').wait_for()

    def add_camera(self, address: str, name: str) -> None:
        """Address, test with a picture, name, add."""
        page = self.page
        self.test_camera(address)
        page.get_by_test_id("probe-picture").wait_for(timeout=15_000)
        page.get_by_test_id("camera-name").fill(name)
        page.get_by_test_id("camera-add").click()
        page.locator('[data-testid="adding-row"][data-state="added"]').wait_for(timeout=15_000)
        page.get_by_test_id("adding-done").click()
        page.get_by_test_id("add-dialog").wait_for(state="detached")

    def test_camera(self, address: str) -> None:
        """Ask a camera by its address, from the page of devices."""
        page = self.page
        self.go("devices")
        page.get_by_test_id("add-camera").click()
        page.get_by_test_id("camera-address").fill(address)
        page.get_by_test_id("camera-test").click()

    def tile(self, index: int) -> dict[str, str]:
        """The facts a tile shows: state, ageMs, atUs, wallUs, seekMs."""
        found: dict[str, str] = self.page.get_by_test_id(f"tile-{index}").evaluate(
            "tile => ({...tile.dataset})"
        )
        return found

    def position_us(self) -> int:
        """Where the playback stands, UTC."""
        return int(self.page.get_by_test_id("position").get_attribute("data-wall-us") or 0)

    def wait_tile(self, index: int, state: str, limit_s: float = 20) -> None:
        """Until a tile says so; the failure names what it said instead."""
        heard = ""

        def asked() -> bool:
            nonlocal heard
            heard = self.tile(index).get("state", "")
            return heard == state

        try:
            wait_for(f"tile {index} to be {state}", asked, limit_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; it says {heard!r}") from error

    def pixels(self, index: int) -> list[int]:
        """What is on the screen in a tile, small: RGBA of 32 × 32."""
        found: list[int] = self.page.evaluate(_READ_PIXELS % index, PICTURE_SIDE_PX)
        return found

    def wait_moving(self, index: int) -> None:
        """Until the pixels of a tile have changed."""
        before = self.pixels(index)
        wait_for(f"tile {index} to move", lambda: difference(before, self.pixels(index)) > 0, 10)

    def widths(self) -> tuple[int, int]:
        """How wide the page's contents are, and the window; the frame hides what stands out."""
        found = self.page.evaluate(
            """() => { const main = document.querySelector('#main') ?? document.documentElement;
            const beside = window.innerWidth - main.clientWidth;
            const whole = document.documentElement.scrollWidth;
            return [Math.max(whole, main.scrollWidth + beside), window.innerWidth];
            }"""
        )
        return found[0], found[1]

    def keep(self, name: str) -> Path:
        """A screenshot among the artefacts."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        path = ARTEFACTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def axe(self) -> list[str]:
        """Breaches of WCAG 2.2 A and AA that axe finds on the page as it is."""
        # By evaluate, not by a script element: the page's own policy forbids foreign scripts, as it should.
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate(_RUN_AXE)
        return [f"{one['id']}: {one['nodes'][0]['target']} {one['help']}" for one in found]


def difference(one: list[int], other: list[int]) -> int:
    """How many values differ clearly."""
    return sum(abs(a - b) > 12 for a, b in zip(one, other, strict=True))


def until(what: str, ask: Callable[[], object], limit_s: float = 10) -> None:
    """Wait for a fact of the page."""
    wait_for(what, lambda: ask() or None, limit_s)
