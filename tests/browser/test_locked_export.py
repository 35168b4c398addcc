"""A locked export opens in Chromium from the disk alone, plays, and finds what was changed."""

import asyncio
import io
import re
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect
from tests.api import test_exports as exports
from tests.api.conftest import keys, prepared, town
from tests.api.test_exports import Harbour
from tests.browser.conftest import CHROMIUM

from civiscope.api import ApiSettings

__all__ = ["keys", "prepared", "town"]
harbour = exports.harbour
PASSWORD = "nine herons by the weir"


@pytest.fixture
def api_settings(tmp_path: Path) -> ApiSettings:
    return ApiSettings(hosts=frozenset({"localhost"}), static_folder=tmp_path / "static")


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    if not Path(CHROMIUM).exists():
        pytest.skip("no Chromium on this machine: install the package chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = await browser.new_context(offline=True)
        yield await context.new_page()
        await browser.close()


async def opened(page: Page, folder: Path, password: str) -> None:
    await page.goto((folder / "open.html").as_uri())
    await page.get_by_label("Archive").set_input_files(folder / "archive.cvla")
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Open").click()


async def test_a_locked_export_opens_offline(harbour: Harbour, tmp_path: Path, page: Page) -> None:
    async with await harbour.town.client_as("operator") as client:
        body = harbour.body(harbour.pier, harbour.gate, kind="locked")
        assert (await client.post(exports.EXPORTS, json=body)).status_code == 422
        assert (await client.post(exports.EXPORTS, json=body | {"password": "short"})).status_code == 422
        export_id = await harbour.made(client, harbour.pier, harbour.gate, kind="locked", password=PASSWORD)
        content = (await client.get(f"{exports.EXPORTS}/{export_id}/file")).content
    folder = tmp_path / "taken"
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert sorted(package.namelist()) == ["archive.cvla", "open.html"]
        package.extractall(folder)
    archive = (folder / "archive.cvla").read_bytes()
    assert b"ftyp" not in archive
    await opened(page, folder, "nine herons by the weird")
    await expect(page.locator("#state")).to_contain_text("The password is wrong")
    await opened(page, folder, PASSWORD)
    await expect(page.locator("#checked")).to_have_text("Every file is as the manifest says.", timeout=20_000)
    await expect(page.locator("#facts")).to_contain_text("Collision on the pier")
    await page.get_by_role("button", name="Play Gate").click()
    await page.wait_for_function(
        "() => { const one = document.querySelector('#video');"
        " return one.currentTime > 0.3 && one.videoWidth === 320; }",
        timeout=20_000,
    )
    await page.get_by_role("button", name="Run the verifier").click()
    inside = page.frame_locator("iframe")
    await expect(inside.locator("body")).to_have_attribute("data-verdict", "whole", timeout=20_000)
    for at in (20, len(archive) // 2, len(archive) - 1):
        changed = archive[:at] + bytes([archive[at] ^ 1]) + archive[at + 1 :]
        await asyncio.to_thread((folder / "archive.cvla").write_bytes, changed)
        await opened(page, folder, PASSWORD)
        await expect(page.locator("#state")).to_contain_text(re.compile("changed"))
