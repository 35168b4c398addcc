"""The contract of every driver, and what the library behind this one must not do."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.devices.driver_contract import DriverContract
from tests.devices.onvif.conftest import USER

from civiscope.devices import DesiredSettings, DeviceAddress, DriverPorts, PtzMove
from civiscope.devices.drivers.onvif import DRIVER
from civiscope.simulator import OnvifServer, SimulatedDevice


class TestContract(DriverContract):
    """What every driver must do."""

    driver = DRIVER

    @pytest.fixture(autouse=True)
    def _device(self, device: SimulatedDevice) -> None:
        self.device = device

    def address(self, port: int) -> str:
        return f"http://127.0.0.1:{port}/onvif/device_service"

    @asynccontextmanager
    async def working(self) -> AsyncIterator[DeviceAddress]:
        async with OnvifServer([self.device]) as server:
            yield DeviceAddress(server.url("Pier"), USER.username, USER.password)


async def test_no_password_is_logged_at_any_level(
    address: DeviceAddress, ports: DriverPorts, device: SimulatedDevice, caplog: pytest.LogCaptureFixture
) -> None:
    """Everybody at DEBUG, as whoever looks for a fault may set it: neither password nor request shows."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    try:
        with caplog.at_level(logging.DEBUG):
            async with DRIVER.reach(address, ports) as equipment:
                await equipment.describe()
                await equipment.snapshot(0)
                await equipment.configure(DesiredSettings(ntp_server="10.0.0.1"))
                await equipment.ptz_move(0, PtzMove(pan=1.0))
                notifications = equipment.notifications()
                first = asyncio.ensure_future(anext(notifications))
                device.notify("tns1:VideoSource/MotionAlarm", {}, {"State": "true"})
                await first
                await notifications.aclose()  # type: ignore[attr-defined]  # an async generator
    finally:
        root.setLevel(before)
    assert USER.password not in caplog.text
    for word in ("UsernameToken", "PasswordDigest", "Envelope", "Digest username"):
        assert word not in caplog.text
    assert USER.password not in repr(equipment)


_IMPORT = """
import logging, os, sys
logging.getLogger().setLevel(logging.ERROR)
before = (list(logging.root.handlers), logging.root.level, dict(os.environ))
import civiscope.devices.drivers.onvif
assert (list(logging.root.handlers), logging.root.level, dict(os.environ)) == before
for name in ("zeep.transports", "zeep.wsdl.bindings.soap", "onvif", "onvif.zeep_aiohttp"):
    assert not logging.getLogger(name).isEnabledFor(logging.DEBUG), name
"""


def test_importing_changes_nothing_of_the_process() -> None:
    """The library calls `logging.basicConfig` while it is imported."""
    told = subprocess.run(
        [sys.executable, "-c", _IMPORT], capture_output=True, text=True, timeout=60, check=False
    )
    assert told.returncode == 0, told.stderr


_COST = """
import os, sys, time
from pathlib import Path
from civiscope.devices.drivers.onvif.library import Documents
opened = []
WATCHED = ("open", "socket.connect", "socket.getaddrinfo", "sqlite3.connect")
sys.addaudithook(lambda event, arguments: opened.append((event, arguments)) if event in WATCHED else None)
began = time.process_time()
Documents().load_all()
cpu_s = round(time.process_time() - began, 2)
status = Path("/proc/self/status").read_text()
print(cpu_s, int(status.split("VmHWM:")[1].split()[0]) // 1024)
assert not list(Path(os.environ["HOME"]).iterdir())
for event, arguments in opened:
    path = str(arguments[0])
    assert event == "open", (event, arguments)
    assert "/onvif/wsdl/" in path or ".py" in path or path == "/proc/self/status", path
"""


def test_service_definitions_come_from_the_librarys_own_files(tmp_path: pytest.TempPathFactory) -> None:
    """No download, no cache file in anybody's home, a second of work (busy: five), under 200 MiB.

    `-B`: whoever imports a module first writes its bytecode, through a file that has no name in the audit.
    """
    told = subprocess.run(
        [sys.executable, "-B", "-c", _COST], capture_output=True, text=True, timeout=60, check=False,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(filter(None, sys.path))},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    cpu_s, memory_mib = told.stdout.split()
    assert float(cpu_s) < 5.0
    assert int(memory_mib) < 200


async def test_four_at_once_share_the_definitions_and_keep_the_deadline(
    pier: OnvifServer, address: DeviceAddress, ports: DriverPorts
) -> None:
    async def describe() -> int:
        async with DRIVER.reach(address, ports) as equipment:
            return len((await equipment.describe()).inputs)

    async with asyncio.timeout(DRIVER.deadline_s):
        assert await asyncio.gather(*(describe() for _ in range(4))) == [1, 1, 1, 1]
