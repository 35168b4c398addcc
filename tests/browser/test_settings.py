"""Settings as forms drawn from their schemas: saved, refused at the field, by keys, on a phone."""

import pytest
from tests.browser.screens import Screens, until
from tests.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def _page(screens: Screens, name: str) -> None:
    screens.go("settings")
    screens.page.get_by_test_id(f"settings-{name}").click()
    screens.page.locator(f'[data-testid="settings-{name}"][aria-current="page"]').wait_for()
    screens.page.get_by_test_id("settings-form").wait_for()


def test_the_sites_name_is_changed_and_shown_at_once(product: Product, screens: Screens) -> None:
    page = screens.page
    screens.sign_in()
    _page(screens, "site")
    save = page.get_by_test_id("settings-save")
    assert save.is_disabled()  # nothing was changed yet
    page.get_by_test_id("setting-name").fill("Harbour")
    page.keyboard.press("Enter")
    until("the name at the top", lambda: page.locator(".top-site").inner_text() == "Harbour")
    until("saved", save.is_disabled)
    told = {one["name"]: one for one in product.administrator().get("/settings")}
    assert told["site"]["value"]["name"] == "Harbour"
    assert told["site"]["changed_by"] == "chief"


def test_what_does_not_fit_is_told_at_the_field(product: Product, screens: Screens) -> None:
    page = screens.page
    screens.sign_in()
    _page(screens, "site")
    page.get_by_test_id("setting-name").fill("")
    page.get_by_test_id("settings-save").click()  # the schema alone knows: nothing is sent
    page.get_by_test_id("settings-problem").wait_for()
    assert page.get_by_test_id("setting-name").get_attribute("aria-invalid") == "true"
    page.get_by_test_id("setting-name").fill("Harbour")
    page.get_by_test_id("setting-host_name").fill("192.168.1.20")
    page.get_by_test_id("settings-save").click()  # only the server knows
    until(
        "words at the field",
        lambda: page.get_by_test_id("setting-host_name").get_attribute("aria-invalid") == "true",
    )
    described = page.get_by_test_id("setting-host_name").get_attribute("aria-describedby") or ""
    words = page.evaluate("ids => document.getElementById(ids.split(' ')[0]).innerText", described)
    assert "IP address" in words
    assert screens.axe() == []
    screens.keep("settings-refused")


def test_a_list_grows_and_shrinks(product: Product, screens: Screens) -> None:
    page = screens.page
    screens.sign_in()
    _page(screens, "devices")
    page.get_by_test_id("setting-networks-new").fill("10.20.0.0/16")
    page.get_by_role("button", name="Add to “Networks where devices may stand”").click()
    page.get_by_test_id("settings-save").click()
    until("saved", page.get_by_test_id("settings-save").is_disabled)

    def networks() -> list[str]:
        pages = {one["name"]: one for one in product.administrator().get("/settings")}
        found: list[str] = pages["devices"]["value"]["networks"]
        return found

    assert "10.20.0.0/16" in networks()
    page.get_by_role("button", name="Take “10.20.0.0/16” out").click()
    page.get_by_test_id("settings-save").click()
    until("taken out", lambda: "10.20.0.0/16" not in networks())


@pytest.mark.parametrize("width_px", [1440, 390])
@pytest.mark.parametrize("name", ["site", "devices", "recording", "seeing", "audit"])
def test_every_page_fits_and_axe_finds_nothing(
    product: Product, screens: Screens, name: str, width_px: int
) -> None:
    page = screens.page
    page.set_viewport_size({"width": width_px, "height": 900 if width_px == 1440 else 844})
    screens.sign_in()
    _page(screens, name)
    screens.keep(f"settings-{name}-{width_px}")
    wide = screens.widths()
    assert wide[0] <= wide[1]
    assert screens.axe() == []
