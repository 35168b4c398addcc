"""What `up --simulate` gives a newcomer: four cameras by ONVIF with small streams, and a first zone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.product import Product, wait_for

from civiscope.media import EncoderSettings, encode_clip
from civiscope.simulator import TOWN, StreetPlan
from civiscope.simulator.street import draw_street


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product whose streets were drawn before, smaller ones here."""
    running = Product(tmp_path_factory.mktemp("town") / "home")
    running.run("init", "--name", "Test town")
    folder = running.home / "simulator"
    folder.mkdir(mode=0o700, exist_ok=True)
    for street in TOWN:
        plan = StreetPlan(street.name, street.seed, 720, 404, 5, 8)
        settings = EncoderSettings(rate_fps=5, gop_frames=10)
        encode_clip(folder / f"{street.clip_stem}.mp4", draw_street(plan), settings)
    try:
        yield running.start("--simulate")
    finally:
        running.destroy()


def test_four_cameras_with_small_streams_and_something_to_see(product: Product) -> None:
    product.setup_code = wait_for("the set-up code", product._printed_code, 30)
    desk = product.administrator()
    wait_for("all cameras", lambda: len(desk.channels()) == len(TOWN), 60)
    channels = desk.channels()
    assert list(channels) == [plan.name for plan in TOWN]
    for one in channels.values():
        assert one["driver"] == "onvif"
        assert [stream["profile"] for stream in one["streams"]] == ["main", "sub"]
    first = channels[TOWN[0].name]["id"]

    def analytics() -> list[dict[str, object]]:
        found: list[dict[str, object]] = desk.get(f"/channels/{first}/analytics")
        return found

    (street,) = wait_for("the first zone", analytics)
    assert (street["plugin"], street["name"]) == ("zone", "Street")
    event = wait_for(
        "something on the street",
        lambda: desk.get("/events", channel=first, kind="zone.entered")["events"],
        40,
    )[0]
    assert (event["zone"], event["channel_id"]) == ("Street", first)
    assert Path(product.home / "analyst" / "plan.json").stat().st_mode & 0o777 == 0o600
