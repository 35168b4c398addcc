"""The driver as the product runs it: found by its entry point, in the host's lane, over real sockets."""

import asyncio
from dataclasses import replace

from tests.devices.onvif.conftest import JPEG, Harm

from civiscope.base import DeviceId, SystemClock, new_id
from civiscope.bus import Fact
from civiscope.devices import (
    ANY_PORT,
    DesiredSettings,
    DeviceAddress,
    EventSource,
    GateRules,
    Trouble,
)
from civiscope.devices.facts import DeviceNotified
from civiscope.devices.host import DriverHost
from civiscope.devices.plugins import PlugIns
from civiscope.simulator import SimulatedDevice

OPEN = GateRules(networks=(), loopback_ports=(ANY_PORT,))


async def test_the_whole_way(address: DeviceAddress, device: SimulatedDevice, harm: Harm) -> None:
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[Fact] = asyncio.Queue()

    def publish(fact: Fact) -> None:
        loop.call_soon_threadsafe(heard.put_nowait, fact)

    host = DriverHost(PlugIns(["onvif"]), SystemClock(), publish)
    try:
        (info,) = [one for one in await host.drivers() if one.state == "loaded"]
        assert (info.name, info.title) == ("onvif", "ONVIF camera")
        await host.apply_gate(GateRules())
        closed = await host.describe("onvif", address)
        assert closed.trouble is not None
        assert closed.trouble.trouble is Trouble.GATE
        await host.apply_gate(OPEN)
        found = await host.describe("onvif", address)
        assert found.description is not None
        assert [stream.profile for stream in found.description.inputs[0].streams] == ["main", "sub"]
        wrong = await host.describe("onvif", replace(address, password="wrong"))
        assert wrong.trouble is not None
        assert wrong.trouble.trouble is Trouble.AUTHENTICATION
        assert await host.snapshot("onvif", address, 0) == JPEG
        assert await host.configure("onvif", address, DesiredSettings()) == ()
        await _hear_events(host, address, device, heard)
        harm(hangs=True)
        late = await host.describe("onvif", address)
        assert late.trouble is not None
        assert late.trouble.trouble is Trouble.TIMEOUT
        assert "did not answer in time" in late.trouble.words
    finally:
        await host.close()


async def _hear_events(
    host: DriverHost, address: DeviceAddress, device: SimulatedDevice, heard: asyncio.Queue[Fact]
) -> None:
    device_id = DeviceId(new_id())
    await host.follow_events((EventSource(device_id, "onvif", address),))
    device.notify("tns1:RuleEngine/CellMotionDetector/Motion", {"Source": "source"}, {"IsMotion": "true"})
    async with asyncio.timeout(20):
        fact = await heard.get()
    assert isinstance(fact, DeviceNotified)
    assert (fact.device_id, fact.topic) == (device_id, "RuleEngine/CellMotionDetector/Motion")
    await host.follow_events(())
    async with asyncio.timeout(10):
        while device.requests[-1] != "Unsubscribe":
            await asyncio.sleep(0.02)
