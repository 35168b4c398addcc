"""Probes and their answers: the words as bytes, and the multicast in a network namespace of its own."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.simulator.onvif.conftest import MakeDevice

from civiscope.simulator import OnvifFaults, OnvifServer, SimulatedDevice
from civiscope.simulator.onvif.discovery import Responder
from civiscope.simulator.onvif.soap import parse_soap, qualified

REPOSITORY = Path(__file__).resolve().parents[3]


def probe(types: str = "", scopes: str = "", kind: str = "Probe", inside: str = "") -> bytes:
    wanted = f"<d:Types>{types}</d:Types>" if types else ""
    wanted += f"<d:Scopes>{scopes}</d:Scopes>" if scopes else ""
    return (
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" '
        'xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><s:Header>'
        f"<a:MessageID>urn:uuid:{uuid.uuid4()}</a:MessageID></s:Header>"
        f"<s:Body><d:{kind}>{wanted}{inside}</d:{kind}></s:Body></s:Envelope>"
    ).encode()


@pytest.fixture
def harbour(make_device: MakeDevice) -> list[SimulatedDevice]:
    return [make_device("Pier"), make_device("Lock gate")]


@pytest.fixture
def responder(harbour: list[SimulatedDevice]) -> Responder:
    server = OnvifServer(harbour, "0.0.0.0", 8000)
    return Responder(harbour, [], server.told_url)


def told(answer: bytes, name: str) -> str:
    found = parse_soap(answer).body.find(f".//{qualified(name)}")
    assert found is not None
    assert found.text
    return found.text


def test_every_device_answers_with_its_own_endpoint_and_address(
    responder: Responder, harbour: list[SimulatedDevice]
) -> None:
    answers = responder.answers(probe("dn:NetworkVideoTransmitter"), "192.0.2.7")
    assert [told(answer, "wsa4:Address") for answer in answers] == [
        f"urn:uuid:{one.endpoint}" for one in harbour
    ]
    assert [told(answer, "wsd:XAddrs") for answer in answers] == [
        f"http://192.0.2.7:8000/onvif/{number}/device_service" for number in (1, 2)
    ]
    assert "onvif://www.onvif.org/name/Lock%20gate" in told(answers[1], "wsd:Scopes").split()
    assert all(len(answer) < 1472 for answer in answers), "fits a packet of Ethernet"


@pytest.mark.parametrize(
    ("types", "scopes", "count"),
    [
        ("", "", 2),
        ("tds:Device", "", 2),
        ("wsdp:PrintDevice", "", 0),
        ("", "onvif://www.onvif.org/name/Pier", 1),
        ("", "onvif://www.onvif.org/name/Pi", 0),
        ("", "onvif://www.onvif.org onvif://www.onvif.org/type/ptz", 2),
        ("dn:NetworkVideoTransmitter", "onvif://www.onvif.org/location/Oslo", 0),
    ],
)
def test_a_probe_names_whom_it_wants(responder: Responder, types: str, scopes: str, count: int) -> None:
    assert len(responder.answers(probe(types, scopes), "127.0.0.1")) == count


def test_resolve_finds_the_one_it_names(responder: Responder, harbour: list[SimulatedDevice]) -> None:
    wanted = (
        f"<a:EndpointReference><a:Address>urn:uuid:{harbour[1].endpoint}</a:Address></a:EndpointReference>"
    )
    (answer,) = responder.answers(probe(kind="Resolve", inside=wanted), "127.0.0.1")
    assert told(answer, "wsd:XAddrs").endswith("/onvif/2/device_service")


def test_a_wrong_address_is_told_on_demand(responder: Responder, harbour: list[SimulatedDevice]) -> None:
    harbour[0].faults = OnvifFaults(xaddr_host="0.0.0.0")
    assert told(responder.answers(probe(), "127.0.0.1")[0], "wsd:XAddrs").startswith("http://0.0.0.0:8000/")


@given(st.binary(max_size=300), st.integers(0, 700))
def test_whatever_comes_is_survived(garbage: bytes, cut: int) -> None:
    responder = Responder([], [], lambda device, interface: "")
    assert responder.answers(garbage, "127.0.0.1") == []
    assert responder.answers(probe()[:cut] + garbage, "127.0.0.1") == []


IN_NAMESPACE = """
import asyncio, json, socket, sys
from civiscope.simulator import Footage, OnvifServer, SimulatedCamera, SimulatedDevice
from civiscope.simulator.onvif.discovery import GROUP, PORT, Responder, joined_socket
from tests.simulator.onvif.test_discovery import probe, told
from pathlib import Path


async def main():
    footage = Footage.load(Path(sys.argv[1]))
    devices = [SimulatedDevice(f"Quay {n}", SimulatedCamera(f"q{n}", footage)) for n in range(12)]
    interfaces = sys.argv[2:]
    async with OnvifServer(devices, "0.0.0.0") as server:
        ears = [joined_socket(one) for one in interfaces]
        responder = Responder(devices, interfaces, server.told_url)
        loop = asyncio.get_running_loop()
        heard = []

        async def gather(sock, wanted):
            got = []
            async with asyncio.timeout(10):
                while len(got) < wanted:
                    data, peer = await loop.sock_recvfrom(sock, 65535)
                    got.append(data)
            return got

        await responder.start()
        hellos = [await gather(ear, 12) for ear in ears]
        matches = []
        for interface in interfaces:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
                asker.setblocking(False)
                asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
                asker.bind((interface, 0))
                asker.sendto(probe("dn:NetworkVideoTransmitter"), (GROUP, PORT))
                got = await gather(asker, 12)
                matches.append([(told(one, "wsa4:Address"), told(one, "wsd:XAddrs")) for one in got])
        for ear in ears:
            await gather(ear, 1)  # the probe itself
        await responder.stop()
        byes = [await gather(ear, 12) for ear in ears]
        print(json.dumps({
            "port": server.port,
            "hello": [sorted(told(one, "wsd:XAddrs") for one in some) for some in hellos],
            "matches": matches,
            "bye": [sum(b"/Bye</" in one for one in some) for some in byes],
        }))


asyncio.run(main())
"""


_CAN_SEPARATE = os.geteuid() == 0 and shutil.which("unshare") and shutil.which("ip")
_WIRE = "ip link add quay type bridge && ip addr add 192.0.2.1/24 dev quay && ip link set quay up"


@pytest.mark.skipif(not _CAN_SEPARATE, reason="a network namespace needs root, unshare and ip")
def test_twelve_devices_answer_on_every_interface(clips: dict[str, Path]) -> None:
    """On loopback and on a wire, each with the address that is right there."""
    script = f'ip link set lo up && {_WIRE} && exec "$@"'
    inner = [sys.executable, "-c", textwrap.dedent(IN_NAMESPACE)]
    command = ["unshare", "-n", "sh", "-c", script, "sh", *inner]
    done = subprocess.run(
        [*command, str(clips["small.mp4"]), "127.0.0.1", "192.0.2.1"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "Operation not permitted" in done.stderr and not done.stdout:
        pytest.skip("this machine lets nobody make a network namespace")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for at, interface in enumerate(("127.0.0.1", "192.0.2.1")):
        urls = [
            f"http://{interface}:{found['port']}/onvif/{number}/device_service" for number in range(1, 13)
        ]
        assert found["hello"][at] == sorted(urls)
        assert sorted(url for _, url in found["matches"][at]) == sorted(urls)
        assert len({endpoint for endpoint, _ in found["matches"][at]}) == 12
        assert found["bye"][at] == 12
