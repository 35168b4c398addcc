"""The built page, and what is said when it is not built."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.api.town import ORIGIN, Town

from civiscope.api import create_app
from civiscope.evidence import verifier_hash


@pytest.fixture
async def page(town: Town, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A browser on a site whose page is built."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Civiscope</title>" + " " * 500)
    (folder / "assets" / "index-BxK3_9aZ.js").write_text("console.log(1);" * 100)
    (folder / "assets" / "plain.css").write_text("a{}")
    (folder / "robots.txt").write_text("User-agent: *\nDisallow: /\n")
    (tmp_path / "secret.txt").write_text("hush")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    settings = replace(town.faces.settings, static_folder=folder)
    app = create_app(replace(town.faces, settings=settings))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client:
        yield client


async def test_pages_get_the_index_and_files_themselves(page: httpx.AsyncClient) -> None:
    for path in ("/", "/live", "/playback/0199/1x1", "/index.html"):
        answer = await page.get(path)
        assert answer.text.startswith("<!doctype html>")
        assert answer.headers["cache-control"] == "no-cache"
    script = await page.get("/assets/index-BxK3_9aZ.js")
    assert "javascript" in script.headers["content-type"]
    assert script.headers["content-encoding"] == "gzip"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.text == "console.log(1);" * 100
    assert (await page.get("/assets/plain.css")).headers["cache-control"] == "no-cache"


async def test_the_verifier_is_a_download_that_is_the_published_file(page: httpx.AsyncClient) -> None:
    answer = await page.get("/verifier.html")
    assert hashlib.sha256(answer.content).hexdigest() == verifier_hash()
    assert answer.headers["content-disposition"] == 'attachment; filename="verifier.html"'
    assert "content-disposition" not in (await page.get("/")).headers


async def test_a_known_file_is_not_sent_again(page: httpx.AsyncClient) -> None:
    etag = (await page.get("/")).headers["etag"]
    again = await page.get("/", headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    plain = await page.get("/", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers


async def test_head_gives_no_body(page: httpx.AsyncClient) -> None:
    answer = await page.head("/")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/assets/gone-12345678.js",
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/assets/%2e%2e%2f%2e%2e%2fsecret.txt",
        "/link.txt",
        "//etc/passwd.txt",
        "/index.html%00.txt",
        "/assets/",
    ],
)
async def test_nothing_outside_the_folder_is_served(page: httpx.AsyncClient, path: str) -> None:
    answer = await page.get(path)
    assert "hush" not in answer.text
    assert answer.status_code == 404


async def test_without_a_page_it_is_said_how_to_build_it(town: Town) -> None:
    async with town.client() as client:
        answer = await client.get("/")
        assert answer.status_code == 200
        assert "make ui" in answer.text
        assert "<script" not in answer.text
