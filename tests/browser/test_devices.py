"""Devices: the tree, search, groups, many at once, drift written away, steering, replacing, removing."""

import re
from collections.abc import Iterator

import pytest
from tests.browser.conftest import clip
from tests.browser.onvif_rows import NAME, PASSWORD, OnvifRow, stay_on_loopback
from tests.browser.screens import Screens, until
from tests.product import Cameras, Desk, Product

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def row(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnvifRow]:
    """Two ONVIF devices that can be steered."""
    running = OnvifRow(clip(tmp_path_factory.mktemp("device-clips") / "dome.mp4", 31), 2)
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture(scope="module")
def site(product: Product, row: OnvifRow, cameras: Cameras) -> Product:
    """Two ONVIF devices and one plain stream."""
    desk = product.administrator()
    stay_on_loopback(desk)
    _ = desk.client.post("/api/v1/first-run/done")
    for name, address in zip(("East dome", "West dome"), row.addresses, strict=True):
        device = {"address": address, "username": NAME, "password": PASSWORD}
        desk.post("/devices", {**device, "channels": [{"input": 0, "name": name}]})
    desk.post("/devices", {"address": cameras.urls[0], "channels": [{"input": 0, "name": "North street"}]})
    return product


def _open(screens: Screens, name: str) -> None:
    page = screens.page
    screens.go("devices")
    page.get_by_test_id("camera-row").filter(has_text=name).get_by_test_id("camera-open").click()
    page.get_by_role("article", name=name).wait_for()


def test_groups_search_and_many_at_once(site: Product, screens: Screens) -> None:
    page = screens.page
    screens.sign_in()
    screens.go("devices")
    page.locator('[data-testid="camera-row"][data-state="recording"]').nth(2).wait_for(timeout=30_000)
    page.get_by_test_id("groups").click()
    page.get_by_test_id("group-name").fill("Old Town")
    page.keyboard.press("Enter")
    page.get_by_test_id("group-row").wait_for()
    assert screens.axe() == []
    page.keyboard.press("Escape")
    page.get_by_test_id("groups-dialog").wait_for(state="detached")
    page.get_by_test_id("device-search").fill("dome")
    until("two found", lambda: page.get_by_test_id("camera-row").count() == 2)
    for index in range(2):
        page.get_by_test_id("camera-tick").nth(index).check()
    page.get_by_test_id("bulk-place-mode").select_option("set")
    page.get_by_test_id("bulk-place").fill("Market")
    page.get_by_test_id("bulk-group").select_option(label="Old Town")
    screens.keep("devices-bulk")
    page.get_by_test_id("bulk-apply").click()
    page.get_by_test_id("bulk").wait_for(state="detached")
    page.get_by_test_id("device-search").fill("")
    group = page.get_by_test_id("group").filter(has_text="Old Town").first
    until("both in the group", lambda: group.get_by_test_id("camera-row").count() == 2)
    channels = _desk(site).channels()
    assert {channels[name]["place"] for name in ("East dome", "West dome")} == {"Market"}
    assert not channels["North street"]["place"]


def _desk(product: Product) -> Desk:
    return product.administrator()


def test_drift_is_found_shown_and_written_away(site: Product, screens: Screens) -> None:
    page = screens.page
    screens.sign_in()
    _open(screens, "East dome")
    page.locator("[data-testid=desired] summary").click()
    page.get_by_test_id("desired-fps").fill("4")
    page.get_by_test_id("desired-save").click()
    page.get_by_test_id("device-check").click()
    drift = page.get_by_test_id("drift")
    drift.get_by_text("pictures per second").first.wait_for(timeout=15_000)
    screens.keep("devices-drift")
    assert screens.axe() == []
    page.get_by_test_id("device-configure").click()
    page.get_by_test_id("no-drift").wait_for(timeout=15_000)


def test_a_camera_is_steered_while_a_key_is_held(site: Product, screens: Screens) -> None:
    page = screens.page
    screens.sign_in()
    _open(screens, "East dome")
    shown = page.get_by_test_id("ptz-position")
    shown.wait_for(timeout=15_000)

    def pan() -> float:
        return float(shown.get_attribute("data-pan") or 0)

    before = pan()
    page.get_by_test_id("ptz-right").focus()
    page.keyboard.down("ArrowRight")
    until("the head to turn", lambda: pan() > before + 0.01, 15)
    page.keyboard.up("ArrowRight")
    until("the head to stand still", lambda: "Still" in shown.inner_text(), 15)
    page.get_by_test_id("ptz-keep-name").fill("Gate")
    page.get_by_test_id("ptz-keep").click()
    page.get_by_role("button", name="1: Gate").wait_for(timeout=15_000)
    kept = pan()
    page.get_by_test_id("ptz-left").focus()
    page.keyboard.down("ArrowLeft")
    until("the head to turn back", lambda: pan() < kept - 0.01, 15)
    page.keyboard.up("ArrowLeft")
    page.keyboard.press("1")  # the preset, not the page: the pad has the focus
    assert page.get_by_test_id("device-detail").is_visible()


def test_a_replaced_camera_keeps_its_recordings(site: Product, screens: Screens, cameras: Cameras) -> None:
    page = screens.page
    before = _desk(site).channels()["North street"]
    screens.sign_in()
    _open(screens, "North street")
    page.get_by_test_id("replace").click()
    dialog = page.get_by_test_id("replace-dialog")
    assert "every recording" in dialog.inner_text()
    dialog.get_by_test_id("camera-address").fill(cameras.urls[1])
    page.keyboard.press("Enter")
    dialog.get_by_test_id("probe-picture").wait_for(timeout=15_000)
    assert screens.axe() == []
    dialog.get_by_test_id("replace-confirm").click()
    dialog.wait_for(state="detached", timeout=15_000)
    page.get_by_test_id("bindings").wait_for(timeout=15_000)
    after = _desk(site).channels()["North street"]
    assert after["id"] == before["id"]
    assert after["device_id"] != before["device_id"]


def test_removing_and_bringing_back(site: Product, screens: Screens) -> None:
    page = screens.page
    screens.sign_in()
    _open(screens, "West dome")
    page.get_by_test_id("device-detail").get_by_test_id("remove").click()
    page.get_by_test_id("removed").locator("summary").click()
    page.get_by_test_id("restore").click()
    page.get_by_test_id("camera-row").filter(has_text="West dome").wait_for()


@pytest.mark.parametrize("width_px", [1440, 390])
def test_devices_fit_and_axe_finds_nothing(site: Product, screens: Screens, width_px: int) -> None:
    page = screens.page
    page.set_viewport_size({"width": width_px, "height": 900 if width_px == 1440 else 844})
    screens.sign_in()
    screens.go("devices")
    page.get_by_test_id("camera-row").first.wait_for()
    screens.keep(f"devices-{width_px}")
    found = screens.axe()
    _open(screens, "East dome")
    page.get_by_test_id("ptz-position").wait_for(timeout=15_000)
    screens.keep(f"devices-detail-{width_px}")
    found += screens.axe()
    wide = screens.widths()
    assert wide[0] <= wide[1]
    assert found == []
    assert not re.search(r"\b\w+_(us|bps|ms|px)\b", page.locator("#main").inner_text())


def test_a_refused_list_is_told_and_recovers(site: Product, screens: Screens) -> None:
    page = screens.page
    screens.sign_in()
    page.route("**/api/v1/devices", lambda route: route.abort())
    screens.go("devices")
    page.locator("#main .field-warning").wait_for()
    page.get_by_test_id("camera-row").first.wait_for()  # what is known stays in sight
    page.unroute("**/api/v1/devices")
    page.locator("#main .field-warning").wait_for(state="detached", timeout=20_000)


def test_who_may_not_see_devices_is_told_so(site: Product, screens: Screens) -> None:
    screens.sign_in()
    desk = _desk(site)
    made = desk.post("/users", {"name": "olga", "roles": ["data_protection_officer"]})
    with site.client() as client:
        code = made["invitation"]["code"]
        joined = client.post(
            "/api/v1/invitations", json={"code": code, "password": "a long enough passphrase"}
        )
        assert joined.status_code == 201, joined.text
    screens.page.get_by_test_id("account").click()
    screens.page.get_by_test_id("sign-out").click()
    screens.sign_in("olga")
    screens.go("devices")
    screens.page.locator("#main h1, [data-testid=denied]").first.wait_for()
    if screens.page.get_by_test_id("denied").count() == 0:
        assert screens.page.get_by_test_id("add-camera").is_disabled()
    screens.page.goto(f"{site.url}/devices/add")
    screens.page.get_by_test_id("denied").wait_for()
