"""Debian's Chromium on the product's own pages, and a reader of the numbers in the pictures it shows."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright
from tests.product import ADMINISTRATOR, Desk, Product, wait_for

from bench.coded import BITS, BLOCK_PX

_ARGUMENTS = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--disable-dev-shm-usage"]

_READER = """
([bits, block]) => {
  const video = document.querySelector("[data-testid=tile-0] video");
  const canvas = Object.assign(document.createElement("canvas"), { width: bits, height: 2 });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.imageSmoothingEnabled = false;
  const seen = (window.benchFrames = []);
  const read = () => {
    pen.drawImage(video, 0, 0, bits * block, 2 * block, 0, 0, bits, 2);
    const dots = pen.getImageData(0, 0, bits, 2).data;
    let number = 0;
    for (let bit = 0; bit < bits; bit += 1) {
      const is = dots[bit * 4 + 1] > 128;
      if (is === dots[(bits + bit) * 4 + 1] > 128) return -1;
      if (is) number |= 1 << bit;
    }
    return number;
  };
  const next = (_now, frame) => {
    const at = Math.max(performance.now(), frame.expectedDisplayTime);
    seen.push([performance.timeOrigin + at, read(), frame.mediaTime, frame.presentedFrames]);
    video.requestVideoFrameCallback(next);
  };
  video.requestVideoFrameCallback(next);
}
"""
"""Each frame handed to the compositor: UTC in ms when it will be on the screen, number, media time, count."""


_HAS_PICTURE = "() => document.querySelector('[data-testid=tile-0] video')?.readyState >= 2"


@contextmanager
def signed_in(product: Product, desk: Desk, function: str) -> Iterator[Page]:
    """A page of 1280x800 whose person has signed in and stated a purpose that permits `function`."""
    chromium = shutil.which("chromium")
    assert chromium is not None, "chromium is not installed"
    done = desk.client.post("/api/v1/first-run/done")
    assert done.status_code == 204, done.text
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        try:
            context = browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 800})
            page = context.new_page()
            page.set_default_timeout(20_000)
            page.goto(product.url)
            page.get_by_test_id("name").fill(ADMINISTRATOR[0])
            page.get_by_test_id("password").fill(ADMINISTRATOR[1])
            page.get_by_test_id("submit").click()
            page.get_by_test_id("purpose").select_option(desk.purpose(function))
            yield page
        finally:
            browser.close()


def read_numbers(page: Page) -> None:
    """From now on every frame shown in the first tile is noted in the page."""
    wait_for("a picture in the first tile", lambda: page.evaluate(_HAS_PICTURE), 20)
    page.evaluate(_READER, [BITS, BLOCK_PX])


def frames_seen(page: Page) -> list[tuple[float, int, float, int]]:
    """All notes since the last call: (UTC ms on the screen, number or -1, media time s, frames so far)."""
    return [tuple(note) for note in page.evaluate("window.benchFrames.splice(0)")]
