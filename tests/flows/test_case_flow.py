"""A person holds a span for a case while the product runs; keys are renewed, a backup is made."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.product import Cameras, Desk, Product, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
WORD = "seven red kites over fields"


def sealed_to(product: Product) -> set[bytes]:
    """Fingerprints of the site's keys that wraps on the volume name (docs/design/security.md)."""
    wraps = (product.home / "volumes" / "main" / "keys").rglob("*.key")
    return {path.read_bytes()[8 + 22 : 8 + 30] for path in wraps}


def test_a_case_a_renewed_key_and_a_backup(
    product: Product, desk: Desk, start_cameras: Callable[..., Cameras], clips: list[Path], tmp_path: Path
) -> None:
    cameras = start_cameras(clips[:1])
    product.run("camera", "add", "Gate", cameras.urls[0])
    wait_for("the camera to be recorded", lambda: desk.channels()["Gate"]["state"] == "recording")
    wait_for("a wrap on the volume", lambda: sealed_to(product))
    channel_id, now_us = desk.channels()["Gate"]["id"], desk.get("/session")["server_time_us"]
    case = desk.post("/cases", {"name": "The van", "reference": "AZ 12"})
    body = {"channel_id": channel_id, "from_us": now_us - 5_000_000, "to_us": now_us, "reason": "seen"}
    hold = desk.post("/holds", {**body, "case_id": case["id"]})
    assert hold["case_id"] == case["id"]
    keys = product.home / "volumes" / "main" / "keys"
    wait_for("the wrap of the case", lambda: list(keys.rglob(f"*.{case['id']}.case")), 30)
    assert [one["has_key"] for one in desk.get("/cases")] == [True]

    before = sealed_to(product)
    assert "from now on" in product.run("keys", "rotate")
    wait_for("a wrap to the new key", lambda: len(sealed_to(product)) > len(before), 30)
    product.run("vault", "passphrase", stdin=f"{WORD}\n")
    assert "backup made" in product.run("backup", str(tmp_path / "backups"))
    assert desk.get("/deletions") == {"deletions": [], "next": None}
    assert desk.channels()["Gate"]["state"] == "recording"
