"""The town: ports that stay, and streets that are ONVIF devices with their streams."""

import asyncio
import shutil
from pathlib import Path

import pytest

from civiscope.app.home import Home
from civiscope.app.town import (
    TOWN_ONVIF_PORTS,
    OnvifWish,
    serve_town,
    town_onvif_port,
    town_port,
    town_ports,
)
from civiscope.media import EncoderSettings, encode_clip
from civiscope.simulator import TOWN, StreetPlan
from civiscope.simulator.street import draw_street


def test_a_town_that_never_was_has_no_ports(tmp_path: Path) -> None:
    assert town_ports(Home(tmp_path)) == ()
    assert list(tmp_path.iterdir()) == [], "asking chooses nothing"


def test_the_gate_is_told_both_ports(tmp_path: Path) -> None:
    home = Home(tmp_path)
    rtsp, onvif = town_port(home), town_onvif_port(home)
    assert onvif in TOWN_ONVIF_PORTS
    assert town_ports(home) == (rtsp, onvif)
    assert (town_port(home), town_onvif_port(home)) == (rtsp, onvif)
    (tmp_path / "simulator" / "onvif_port").write_text("70000")
    assert town_ports(home) == (rtsp,)


@pytest.fixture
def drawn(tmp_path: Path) -> Home:
    """A data folder whose streets were drawn before, small ones here."""
    home = Home(tmp_path)
    folder = home.role("simulator")
    folder.mkdir(parents=True)
    plan = StreetPlan("Lane", 5, 320, 180, 6, 2)
    encode_clip(folder / "lane.mp4", draw_street(plan), EncoderSettings(rate_fps=6, gop_frames=6))
    for street in TOWN:
        shutil.copyfile(folder / "lane.mp4", folder / f"{street.clip_stem}.mp4")
    return home


async def test_streets_are_devices_and_repeat_beyond_the_fourth(drawn: Home) -> None:
    told: list[str] = []
    town = asyncio.create_task(serve_town(drawn, ("127.0.0.1", 0), 6, OnvifWish(), told.append))
    try:
        async with asyncio.timeout(20):
            while len(told) < 18:
                await asyncio.sleep(0.01)
                assert not town.done(), town.exception()
    finally:
        town.cancel()
        await asyncio.gather(town, return_exceptions=True)
    names = [line.partition(" onvif ")[0] for line in told if " onvif " in line]
    assert names == [*(plan.name for plan in TOWN), "Market square 2", "Station road 2"]
    mains = [line.rpartition("/")[2] for line in told if " main " in line]
    assert mains[:4] == [plan.clip_stem for plan in TOWN], "cameras added before keep their addresses"
    assert len(set(mains)) == 6
