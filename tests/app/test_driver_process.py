"""The driver process as it runs: it needs no key of the site, and says nothing of a password."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from civiscope.app.home import Home
from civiscope.app.role import bus_of
from civiscope.app.settings import Settings
from civiscope.app.site import create_site
from civiscope.base import AppError
from civiscope.devices import ANY_PORT, DeviceAddress, DriverFace, GateRules, Trouble

SECRET = "canary-77ab"


@pytest.fixture
async def driver(tmp_path: Path) -> AsyncIterator[DriverFace]:
    """Its face, over the bus, in a site whose keys are gone but for what says which site it is."""
    home = Home(tmp_path / "site")
    create_site(home, Settings())
    for entry in home.keys.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
    (home.root / "probe").mkdir()
    with (tmp_path / "driver.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "civiscope.app.driver"],
            env={**os.environ, "CIVISCOPE_HOME": str(home.root), "CIVISCOPE_LOG": "debug"},
            stdout=log,
            stderr=log,
        )
    try:
        async with bus_of("probe", home) as bus:
            face = bus.face("driver", DriverFace)
            await bus.start()
            async with asyncio.timeout(30):
                while not await _is_there(face):
                    assert process.poll() is None, (tmp_path / "driver.log").read_text()
                    await asyncio.sleep(0.1)
            yield face
        process.terminate()
        assert await asyncio.to_thread(process.wait, 5) == 0
    finally:
        process.kill()
        process.wait(5)


async def _is_there(face: DriverFace) -> bool:
    try:
        await face.standing()
    except AppError:
        return False
    return True


async def test_it_works_without_keys_and_keeps_quiet(driver: DriverFace, tmp_path: Path) -> None:
    await driver.apply_gate(GateRules(networks=(), loopback_ports=(ANY_PORT,)))
    states = {one.name: (one.state, one.why) for one in await driver.drivers()}
    assert states == dict.fromkeys(("onvif", "rtsp", "mjpeg", "file"), ("loaded", ""))
    for name, address in (("rtsp", "rtsp://127.0.0.1:1/x"), ("mjpeg", "http://127.0.0.1:1/x")):
        found = await driver.describe(name, DeviceAddress(address, "user", SECRET))
        assert found.trouble is not None
        assert found.trouble.trouble is Trouble.REFUSED
    assert SECRET not in (tmp_path / "driver.log").read_text()
