"""Played in a network namespace by `test_discovery`: devices on cam0 (10.9.0.1) and lo, silence on pub0."""

import asyncio
import re
import socket
import struct
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from typing import cast

from tests.devices.onvif.test_discovery import answer

from civiscope.base import SystemClock
from civiscope.devices import ANY_PORT, DeviceGate, DriverPorts, GateRules
from civiscope.devices.drivers.onvif.discovery import GROUP, PORT, discover
from civiscope.simulator import Footage, SimulatedCamera, SimulatedDevice
from civiscope.simulator.onvif.discovery import Responder


class Answerer(asyncio.DatagramProtocol):
    """Answers each probe once well and once with bytes that nobody should read."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address
        self.heard: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        self.heard.append(data)
        message = re.search(rb"urn:uuid:[0-9a-f-]{36}", data)
        assert message
        self.transport.sendto(b"\x00" * 9 + message[0], source)
        self.transport.sendto(answer("urn:uuid:none", relates_to="urn:uuid:another"), source)
        told = f"http://{self.address}:8080/onvif/device_service http://203.0.113.5/"
        self.transport.sendto(answer(f"urn:uuid:{self.name}", told, message[0].decode()), source)


async def story() -> None:
    responders = {}
    for name, address in (("cam0", "10.9.0.1"), ("lo", "127.0.0.1"), ("pub0", "198.51.100.7")):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode())
        one.bind((GROUP, PORT))
        joined = struct.pack("4s4s", socket.inet_aton(GROUP), socket.inet_aton(address))
        one.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
        _, responders[name] = await asyncio.get_running_loop().create_datagram_endpoint(
            partial(Answerer, name, address), sock=one
        )
    gate = DeviceGate(GateRules(loopback_ports=(ANY_PORT,)))
    found = await discover(DriverPorts(SystemClock(), gate), 1.5)
    assert {(one.endpoint, one.addresses) for one in found} == {
        ("urn:uuid:cam0", ("http://10.9.0.1:8080/onvif/device_service",)),
        ("urn:uuid:lo", ("http://127.0.0.1:8080/onvif/device_service",)),
    }, found
    assert len(responders["cam0"].heard) == 6, "two probes, three times each"
    assert responders["pub0"].heard == []
    found = await discover(DriverPorts(SystemClock(), DeviceGate()), 1.0)
    assert [one.endpoint for one in found] == ["urn:uuid:cam0"], "the loopback interface needs leave"
    for responder in responders.values():
        responder.transport.close()
    await _simulated(DriverPorts(SystemClock(), DeviceGate()))
    print("cam0 and lo answered, pub0 was not asked")


async def _simulated(ports: DriverPorts) -> None:
    """The simulated device is found as a real one would be, and has left after its goodbye."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        recipe = "-f lavfi -i testsrc2=s=320x240:r=5 -t 1 -c:v libx264 -preset ultrafast"
        subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *recipe.split(), str(clip)], check=True)
        device = SimulatedDevice("Quay East", SimulatedCamera("quay", Footage.load(clip)))
    responder = Responder(
        [device], ["10.9.0.1"], lambda _, host: f"http://{host}:8000/onvif/1/device_service"
    )
    await responder.start()
    (found,) = await discover(ports, 1.5)
    await responder.stop()
    assert found.endpoint == f"urn:uuid:{device.endpoint}"
    assert found.addresses == ("http://10.9.0.1:8000/onvif/1/device_service",)
    assert found.name == "Quay East"
    assert await discover(ports, 0.8) == ()


if __name__ == "__main__":
    asyncio.run(story())
