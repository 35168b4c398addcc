"""A person walks into a zone: the real product sees and says it, with a sealed picture; kills do no harm."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.product import Cameras, Desk, Product, wait_for

from civiscope.analytics import CoverageChanged, ObservationMade
from civiscope.app.role import bus_identity
from civiscope.base import SystemClock
from civiscope.bus import Endpoint, Envelope
from civiscope.media import EncoderSettings, recode_clip
from civiscope.security import SiteKeys, open_picture
from civiscope.storage import Database

ZONE = {"name": "Hall", "zone": [[0.1, 0.2], [0.9, 0.2], [0.9, 1.0], [0.1, 1.0]], "classes": ["person"]}


@pytest.fixture(scope="module")
def visit(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """People walk through a hall one by one; small enough to be looked at whole: 640x360, five a second."""
    source = shared_data / "video" / "one-by-one-person-detection.mp4"
    target = tmp_path_factory.mktemp("visit") / "visit.mp4"
    recode_clip(source, target, 640, 360, EncoderSettings(rate_fps=5, gop_frames=10))
    return target


@dataclass
class Listener:
    """A subscriber on the site's bus, on a loop and thread of its own, as the server is."""

    product: Product
    folder: Path
    observations: list[ObservationMade] = field(default_factory=list)
    coverage: list[CoverageChanged] = field(default_factory=list)

    def start(self) -> "Listener":
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    async def _listen(self) -> None:
        identity = bus_identity(SiteKeys.load(self.product.home / "keys").identity)
        run = self.product.home / "run"
        self._database = Database(self.folder / "listener.db")
        self._bus = Endpoint("listener", run.resolve(), self._database, identity, SystemClock())
        self._bus.subscribe("analyst", ObservationMade, self._observed, "all")
        self._bus.subscribe("analyst", CoverageChanged, self._covered, "all")
        await self._bus.start()

    async def _observed(self, _: Envelope, told: ObservationMade) -> None:
        self.observations.append(told)

    async def _covered(self, _: Envelope, told: CoverageChanged) -> None:
        self.coverage.append(told)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._bus.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._database.close()


@pytest.fixture(scope="module")
def heard(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    listener = Listener(product, tmp_path_factory.mktemp("listener")).start()
    yield listener
    listener.stop()


@pytest.fixture(scope="module")
def channel_id(
    product: Product, desk: Desk, start_cameras: Callable[..., Cameras], visit: Path, heard: Listener
) -> str:
    """The hall, with a zone in it."""
    cameras = start_cameras([visit])
    product.run("camera", "add", "Hall", cameras.urls[0])
    found = str(desk.channels()["Hall"]["id"])
    desk.post(f"/channels/{found}/analytics", {"plugin": "zone", "name": "Hall", "settings": ZONE})
    return found


def channel(desk: Desk, channel_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        (one for one in desk.get("/analysis")["channels"] if one["channel_id"] == channel_id), {}
    )
    return found


def test_a_person_who_enters_is_told_with_a_sealed_picture(
    product: Product, desk: Desk, channel_id: str, heard: Listener
) -> None:
    entered = wait_for(
        "somebody to enter", lambda: [one for one in heard.observations if one.kind == "zone.entered"], 25
    )[0]
    assert (str(entered.channel_id), entered.zone, entered.object_class) == (channel_id, "Hall", "person")
    told = desk.get("/detector")
    assert entered.detector == told["detector"] != ""
    keys = SiteKeys.load(product.home / "keys")
    assert b"\xff\xd8" not in entered.picture[:200]
    assert open_picture(keys.keyring(), entered.event_id, entered.picture)[:2] == b"\xff\xd8"
    figures = channel(desk, channel_id)
    assert figures["coverage"] == "analysed"
    assert figures["frames_per_s"] > 1
    assert figures["shed_frames"] == 0
    assert (figures["width_px"], figures["height_px"]) == (640, 360)


def test_a_killed_analyst_comes_back_and_the_span_has_its_reason(
    product: Product, desk: Desk, channel_id: str, heard: Listener
) -> None:
    said = len(heard.coverage)
    product.kill("analyst")
    wait_for("looking again", lambda: [one.reason for one in heard.coverage[said:]][-1:] == ["analysed"], 20)
    restart, analysed = [one for one in heard.coverage[said:] if one.reason != "no_stream"][:2]
    assert (restart.reason, analysed.reason) == ("our_restart", "analysed")
    assert 0 < analysed.at_us - restart.at_us < 20_000_000
    assert desk.channels()["Hall"]["state"] == "recording"


def test_a_pulled_cable_is_no_stream_and_a_removed_camera_leaves_the_plan(
    product: Product, desk: Desk, channel_id: str, heard: Listener
) -> None:
    desk.client.request("DELETE", f"/api/v1/cameras/{channel_id}")
    wait_for("leaving the plan", lambda: channel(desk, channel_id) == {})
    wait_for("its last word", lambda: heard.coverage[-1].reason == "switched_off")
    restored = desk.post(f"/cameras/{channel_id}/restore", {})
    assert restored["id"] == channel_id
    wait_for("the plan", lambda: channel(desk, channel_id))
    assert len(channel(desk, channel_id)["analytics"]) == 1
