"""The stand-alone verifier, opened as a file and offline: whole is whole, each kind of change is found."""

import base64
import hashlib
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from tests.evidence.package_maker import (
    MEDIA,
    PROOF,
    Maker,
    MemoryPackage,
    make_maker,
    make_package,
)
from tests.recording.footage import make_site

from civiscope.evidence import ExportedChannel, verifier_hash, verifier_page
from civiscope.security import SiteTrust

Made = tuple[Maker, MemoryPackage, ExportedChannel]
RFC_8032 = (
    ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
     ""),
    ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
     "72"),
    ("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
     "af82"),
)  # fmt: skip
"""Key, signature, message (RFC 8032 §7.1, tests 1 to 3)."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("package")
    maker = make_maker(make_site(folder / "keys"))
    return maker, *make_package(maker, folder)


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The published file on a disk, in a browser without a network; a complaint of the console fails."""
    path = tmp_path_factory.mktemp("page") / "verifier.html"
    path.write_bytes(verifier_page())
    context = browser.new_context(offline=True)
    opened = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda one: complaints.append(one.text) if one.type == "error" else None)
    opened.on("pageerror", lambda one: complaints.append(str(one)))
    opened.on("request", lambda one: asked.append(one.url))
    opened.goto(path.as_uri())
    yield opened
    assert complaints == []
    assert {url.partition(":")[0] for url in asked} <= {"file", "blob"}
    context.close()


def told(page: Page, package: MemoryPackage | Path, folder: Path) -> tuple[str, str]:
    """(verdict, all words) for a package as a ZIP, or in a folder."""
    page.evaluate("delete document.body.dataset.verdict")
    if isinstance(package, Path):
        page.set_input_files("#folder", package)
    else:
        path = folder / "package.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, data in package.files.items():
                stored = zipfile.ZIP_STORED if name == MEDIA else zipfile.ZIP_DEFLATED
                packed.writestr(name, data, compress_type=stored)
        page.set_input_files("#zip", [])
        page.set_input_files("#zip", path)
    page.wait_for_selector("body[data-verdict]")
    return str(page.get_attribute("body", "data-verdict")), page.inner_text("body")


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]


def test_the_policy_lets_this_script_run_and_nothing_else() -> None:
    text = verifier_page().decode()
    for tag in ("script", "style"):
        found = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert found is not None
        digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in text, f"write {digest} into the policy of verifier.html"
    assert "default-src 'none'" in text
    assert not re.search(r"https?://", text)
    assert verifier_hash() == hashlib.sha256(verifier_page()).hexdigest()


def test_an_untouched_package_is_whole(page: Page, made: Made, tmp_path: Path) -> None:
    maker, package, _ = made
    verdict, words = told(page, package, tmp_path)
    assert verdict == "whole", words
    assert "16 access units in" in words
    assert "Declared missing" in words
    assert "came with the package" in words
    verdict, words = told(page, package.write(tmp_path / "folder"), tmp_path)
    assert verdict == "whole", words
    page.fill("#authority", SiteTrust.read(maker.signer.authority).fingerprint)
    assert "is the one whose SHA-256 you typed" in told(page, package, tmp_path)[1]
    page.fill("#authority", "0" * 64)
    assert told(page, package, tmp_path)[0] == "altered"
    page.fill("#authority", "")


def test_a_change_in_any_file_is_found(page: Page, made: Made, tmp_path: Path) -> None:
    _, package, _ = made
    for path, data in package.files.items():
        for place in (0, len(data) // 2, len(data) - 1):
            verdict, words = told(page, package.changed(path, flipped(data, place)), tmp_path)
            assert verdict not in ("whole", "failed"), (path, place, words)
        assert told(page, package.changed(path, None), tmp_path)[0] not in ("whole", "failed"), path
    assert told(page, package.changed("video/other.mp4", b"x"), tmp_path)[0] == "altered"
    last = len(package.files[MEDIA]) - 1
    verdict, words = told(page, package.changed(MEDIA, flipped(package.files[MEDIA], last)), tmp_path)
    assert "access unit 7" in words
    assert "2023-11-14T" in words


def test_what_the_site_signs_anew_is_found_by_the_proof(page: Page, made: Made, tmp_path: Path) -> None:
    maker, package, channel = made
    changed = package.changed(MEDIA, flipped(package.files[MEDIA], len(package.files[MEDIA]) - 1))
    assert told(page, maker.sign(changed, channel), tmp_path)[0] == "altered"
    lines = package.files[PROOF].splitlines(keepends=True)
    assert told(page, maker.sign(package, channel), tmp_path)[0] == "whole"
    parts = [number for number, line in enumerate(lines) if "part" in json.loads(line)]
    for number in parts:
        proof = b"".join([*lines[:number], *lines[number + 1 :]])
        assert told(page, maker.sign(package.changed(PROOF, proof), channel), tmp_path)[0] != "whole"
    twice = b"".join([*lines[: parts[0] + 1], *lines[parts[0] :]])
    assert told(page, maker.sign(package.changed(PROOF, twice), channel), tmp_path)[0] != "whole"


def test_no_package_is_told_in_words(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "letter.zip"
    path.write_bytes(b"Dear sir")
    page.set_input_files("#zip", path)
    page.wait_for_selector("body[data-verdict=failed]")
    assert "no ZIP" in page.inner_text("#verdict")


@pytest.mark.parametrize("name", ["ed25519", "ed25519ByHand"])
def test_signatures_are_checked_as_rfc_8032_says(page: Page, name: str) -> None:
    check = (
        f"([key, signature, message]) => {{ const v = civiscopeVerifier; return v.{name}"
        "(v.unhex(key), v.unhex(signature), v.unhex(message)); }"
    )
    for key, signature, message in RFC_8032:
        assert page.evaluate(check, [key, signature, message]) is True
        for wrong in (
            [key, signature, message + "00"],
            [key, "00" + signature[2:], message],
            [key, signature[:-2] + "ff", message],
            [RFC_8032[0][0] if key != RFC_8032[0][0] else RFC_8032[1][0], signature, message],
        ):
            assert page.evaluate(check, wrong) is False


def test_a_long_file_is_hashed_in_pieces(page: Page) -> None:
    data = bytes(range(256)) * 5 + b"x"
    for length in (0, 55, 56, 63, 64, 65, 1281):
        script = (
            "([text, cut]) => { const v = civiscopeVerifier, data = v.unhex(text), h = new v.Sha256();"
            "return v.hex(h.update(data.slice(0, cut)).update(data.slice(cut)).digest()); }"
        )
        found = page.evaluate(script, [data[:length].hex(), length // 3])
        assert found == hashlib.sha256(data[:length]).hexdigest()
