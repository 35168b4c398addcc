"""Cameras found, tested, named and recorded: one by keys alone, twelve with a bad two, a table of them."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator
from tests.browser.conftest import clip
from tests.browser.onvif_rows import NAME, PASSWORD, OnvifRow, stay_on_loopback
from tests.browser.screens import Screens, until
from tests.browser.secure_camera import secure_camera
from tests.product import Cameras, Product, free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]
OTHER_PASSWORD = "a lantern under the bridge"


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """One small clip under three names: a simulated device's endpoint is made from its name."""
    folder = tmp_path_factory.mktemp("adding-clips")
    quay = clip(folder / "quay.mp4", 21)
    gate, pier = folder / "gate.mp4", folder / "pier.mp4"
    for other in (gate, pier):
        other.write_bytes(quay.read_bytes())
    return quay, gate, pier


@pytest.fixture(scope="module")
def rows(streets: tuple[Path, Path, Path]) -> Iterator[tuple[OnvifRow, OnvifRow, OnvifRow]]:
    """Ten devices, one with a password of its own, one that will die."""
    quay, gate, pier = streets
    started = (OnvifRow(quay, 10), OnvifRow(gate, 1, OTHER_PASSWORD), OnvifRow(pier, 1))
    try:
        for row in started:
            row.start()
        yield started
    finally:
        for row in started:
            row.stop()


@pytest.fixture(scope="module")
def site(product: Product, browser: Browser) -> Product:
    """The product with its administrator, whose probes stay on this machine."""
    stay_on_loopback(product.administrator())
    return product


def _rows(screens: Screens, state: str) -> Locator:
    return screens.page.locator(f'[data-testid="adding-row"][data-state="{state}"]')


def test_one_camera_by_keys_alone_within_30_seconds(
    site: Product, screens: Screens, cameras: Cameras
) -> None:
    page = screens.page
    screens.sign_in()
    screens.go("devices")
    page.locator("#main").focus()
    began = time.monotonic()
    _tab_to(screens, "add-camera")
    page.keyboard.press("Enter")
    page.get_by_test_id("camera-address").wait_for()
    page.keyboard.type(cameras.urls[0])  # the address has the focus
    page.keyboard.press("Enter")
    _rows(screens, "good").wait_for(timeout=15_000)
    page.get_by_test_id("probe-picture").wait_for()
    page.keyboard.type("North street")  # so has the name now
    page.keyboard.press("Enter")
    _rows(screens, "added").wait_for(timeout=15_000)
    page.locator('[data-testid="adding-done"]:focus').wait_for()
    page.keyboard.press("Enter")
    page.get_by_test_id("camera-row").filter(has_text="North street").wait_for()
    assert time.monotonic() - began < 30
    page.locator('[data-testid="camera-row"][data-state="recording"]').wait_for(timeout=20_000)


def test_twelve_found_one_wrong_password_one_dead(
    site: Product, screens: Screens, rows: tuple[OnvifRow, OnvifRow, OnvifRow]
) -> None:
    page = screens.page
    screens.sign_in()
    began = time.monotonic()
    page.goto(f"{site.url}/devices/add?way=discover")
    page.get_by_test_id("discover").click()
    found = page.get_by_test_id("found-row")
    found.nth(11).wait_for(timeout=20_000)
    assert found.count() == 12
    rows[2].stop()
    screens.keep("found")
    breaches = [f"found: {one}" for one in screens.axe()]
    page.get_by_test_id("all-username").fill(NAME)
    page.get_by_test_id("all-password").fill(PASSWORD)
    page.get_by_test_id("test-selected").click()
    _rows(screens, "good").nth(9).wait_for(timeout=90_000)
    _rows(screens, "trouble").nth(1).wait_for(timeout=60_000)
    codes = page.get_by_test_id("camera-problem").evaluate_all("all => all.map(one => one.dataset.code)")
    assert sorted(codes) == ["authentication", "refused"]
    page.get_by_test_id("all-place").fill("Old quay")
    page.get_by_test_id("all-purpose").select_option(index=1)
    screens.keep("tested")
    breaches += [f"tested: {one}" for one in screens.axe()]
    add = page.get_by_test_id("camera-add")
    assert add.inner_text() == "Add the 10 that work"
    add.click()
    _rows(screens, "added").nth(9).wait_for(timeout=60_000)
    page.get_by_test_id("row-password").fill(OTHER_PASSWORD)
    page.keyboard.press("Enter")
    _rows(screens, "good").wait_for(timeout=20_000)
    page.get_by_test_id("camera-add").click()
    _rows(screens, "added").nth(10).wait_for(timeout=30_000)
    screens.keep("added")
    page.get_by_test_id("adding-done").click()
    page.locator('[data-testid="camera-row"][data-state="recording"]').nth(10).wait_for(timeout=60_000)
    assert time.monotonic() - began < 180
    assert breaches == []
    channels = site.administrator().channels().values()
    assert [one["place"] for one in channels].count("Old quay") == 11
    page.goto(f"{site.url}/devices/add?way=discover")
    page.get_by_test_id("discover").click()
    page.locator('[data-testid="found-row"][data-known="true"]').nth(10).wait_for(timeout=20_000)


def test_troubles_are_told_with_the_right_action(site: Product, screens: Screens, cameras: Cameras) -> None:
    page = screens.page
    screens.sign_in()
    screens.test_camera(f"rtsp://127.0.0.1:{free_port()}/nothing")
    words = page.get_by_test_id("camera-problem")
    words.wait_for(timeout=15_000)
    assert words.get_attribute("data-code") == "refused"
    assert len(words.inner_text()) > 40
    assert page.get_by_test_id("camera-add").count() == 0
    page.get_by_test_id("row-other-address").click()
    page.get_by_test_id("row-address").fill(f"{cameras.urls[1]}-no-such-stream")
    page.keyboard.press("Enter")
    page.locator('[data-testid="camera-problem"][data-code="stream"]').wait_for(timeout=15_000)
    page.get_by_test_id("row-other-address").click()
    page.get_by_test_id("row-address").fill(cameras.urls[1])
    page.keyboard.press("Enter")
    _rows(screens, "good").wait_for(timeout=15_000)


def test_a_certificate_is_compared_and_trusted_for_this_camera_alone(
    site: Product, screens: Screens, streets: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    page = screens.page
    screens.sign_in()
    with secure_camera(streets[0], tmp_path) as (address, fingerprint):
        screens.test_camera(address)
        page.locator('[data-testid="camera-problem"][data-code="certificate"]').wait_for(timeout=15_000)
        shown = page.get_by_test_id("row-fingerprint").inner_text()
        assert "".join(shown.split()).replace(":", "").lower() == fingerprint
        assert page.get_by_test_id("camera-add").count() == 0
        assert screens.axe() == []
        screens.keep("adding-certificate")
        page.get_by_test_id("row-pin").click()
        page.get_by_test_id("probe-picture").wait_for(timeout=15_000)
        page.get_by_test_id("camera-name").fill("Strong room")
        page.get_by_test_id("camera-add").click()
        _rows(screens, "added").wait_for(timeout=15_000)
        desk = site.administrator()
        until("recording over TLS", lambda: desk.channels()["Strong room"]["state"] == "recording", 20)
        device = next(one for one in desk.get("/devices") if one["address"] == address)
        assert device["tls_fingerprint"] == fingerprint


def test_a_table_of_cameras(site: Product, screens: Screens, cameras: Cameras) -> None:
    page = screens.page
    screens.sign_in()
    page.goto(f"{site.url}/devices/add?way=csv")
    lines = [
        "name,address,place",
        f"South street,{cameras.urls[1]},Bridge",
        "Nobody,ftp://127.0.0.1/x,Bridge",
        f"Dead one,rtsp://127.0.0.1:{free_port()}/x,Bridge",
    ]
    page.get_by_test_id("csv").fill("\n".join(lines))
    page.get_by_test_id("csv-read").click()
    _rows(screens, "listed").nth(1).wait_for()
    assert "Line 3" in page.get_by_test_id("csv-faults").inner_text()
    page.get_by_test_id("camera-add").click()
    _rows(screens, "added").wait_for(timeout=20_000)
    _rows(screens, "trouble").wait_for(timeout=20_000)
    assert screens.axe() == []
    assert site.administrator().channels()["South street"]["place"] == "Bridge"


@pytest.mark.parametrize("way", ["discover", "address", "csv"])
def test_every_way_fits_a_phone(site: Product, screens: Screens, way: str) -> None:
    page = screens.page
    page.set_viewport_size({"width": 390, "height": 844})
    screens.sign_in()
    page.goto(f"{site.url}/devices/add?way={way}")
    page.locator("#main h1").wait_for()
    wide = screens.widths()
    assert wide[0] <= wide[1]
    screens.keep(f"adding-{way}-390")
    assert screens.axe() == []


def _tab_to(screens: Screens, name: str) -> None:
    for _ in range(60):
        screens.page.keyboard.press("Tab")
        if screens.page.evaluate("document.activeElement.dataset.testid") == name:
            return
    raise AssertionError(f"the Tab key does not reach {name}")
