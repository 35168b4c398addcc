"""The first ten minutes over the real door: settings that take effect at once, and the simulated town."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.product import Product, wait_for


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """A site without a camera."""
    running = Product(tmp_path / "home")
    try:
        yield running.start()
    finally:
        running.destroy()


def presents(product: Product, name: str) -> bool:
    """True if the running server proves to be `name` to who trusts the site's authority."""
    trust = ssl.create_default_context(cafile=str(product.home / "keys" / "authority.pem"))
    try:
        with (
            socket.create_connection(("127.0.0.1", product.port), 5) as plain,
            trust.wrap_socket(plain, server_hostname=name),
        ):
            return True
    except ssl.SSLCertVerificationError:
        return False


@pytest.mark.slow
def test_names_and_town_without_a_restart(product: Product) -> None:
    desk = product.administrator()
    assert desk.session["site"]["first_run_done"] is False
    site = next(page for page in desk.get("/settings") if page["name"] == "site")
    value = {**site["value"], "name": "Pier town", "host_name": "cams.pier.lan", "time_zone": "Europe/Sofia"}
    assert not presents(product, "cams.pier.lan")
    assert desk.client.get("/api/v1/health", headers={"Host": "cams.pier.lan"}).status_code == 421
    answer = desk.client.put("/api/v1/settings/site", json={"value": value})
    assert answer.status_code == 200, answer.text
    wait_for("the new name in the certificate", lambda: presents(product, "cams.pier.lan"))
    assert desk.client.get("/api/v1/health", headers={"Host": "cams.pier.lan"}).status_code == 200
    assert "cams.pier.lan" in desk.get("/authority")["names"]
    assert desk.get("/session")["site"] == {
        **desk.session["site"],
        "name": "Pier town", "host_name": "cams.pier.lan", "time_zone": "Europe/Sofia",
    }  # fmt: skip

    assert desk.get("/simulator")["state"] == "absent"
    assert desk.client.post("/api/v1/simulator").json()["state"] in {"starting", "running"}
    cameras = wait_for(
        "the simulated town", lambda: desk.get("/simulator")["cameras"] or None, limit_s=60, every_s=0.5
    )
    assert len(cameras) == 4
    for camera in cameras[:2]:
        desk.post("/cameras", {"name": camera["name"], "address": camera["address"]})
    wait_for(
        "two cameras recording",
        lambda: [one["state"] for one in desk.channels().values()] == ["recording"] * 2,
        limit_s=30,
    )
    assert desk.client.post("/api/v1/first-run/done").status_code == 204
    product.stop()

    product.start()
    again = product.administrator()
    assert again.session["site"]["first_run_done"] is True
    assert again.session["site"]["name"] == "Pier town"
    assert presents(product, "cams.pier.lan")
    wait_for("the town again", lambda: again.get("/simulator")["state"] == "running", limit_s=30)
