"""WS-Discovery: any datagram is read or refused; answers are matched, judged and merged; real multicast."""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import ProtocolError
from civiscope.devices import ANY_PORT, DeviceGate, GateRules
from civiscope.devices.drivers.onvif.discovery import ANSWER_LIMIT, SOURCE_LIMIT, Answers, probing_interfaces
from civiscope.devices.drivers.onvif.discovery_wire import PROBED_TYPES, parse_probe_matches, write_probe
from civiscope.devices.drivers.onvif.xml_tree import parse_xml

ASKED = "urn:uuid:0a6dc791-2be6-4991-9af1-454778a1917a"
SCOPES = (
    "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/Quay%20East "
    "onvif://www.onvif.org/hardware/D1-P onvif://www.onvif.org/Profile/Streaming "
    "onvif://www.onvif.org/location/country/germany"
)


def answer(
    endpoint: str = "urn:uuid:1", addresses: str = "http://192.168.1.20/onvif/device_service",
    relates_to: str = ASKED, scopes: str = SCOPES,
) -> bytes:  # fmt: skip
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        'xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><SOAP-ENV:Header>'
        f"<wsa:MessageID>urn:uuid:9</wsa:MessageID><wsa:RelatesTo>{relates_to}</wsa:RelatesTo>"
        "</SOAP-ENV:Header><SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch><wsa:EndpointReference>"
        f"<wsa:Address>{endpoint}</wsa:Address></wsa:EndpointReference><d:Types>dn:NetworkVideoTransmitter"
        f"</d:Types><d:Scopes>{scopes}</d:Scopes><d:XAddrs>{addresses}</d:XAddrs>"
        "<d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></SOAP-ENV:Body>"
        "</SOAP-ENV:Envelope>"
    ).encode()


def gather(*received: tuple[bytes, str]) -> Answers:
    answers = Answers(DeviceGate(), frozenset({ASKED}))
    for data, source in received:
        answers.receive(data, source)
    return answers


@given(st.binary(max_size=400))
def test_any_datagram_is_read_or_refused(data: bytes) -> None:
    with suppress(ProtocolError):
        parse_probe_matches(data)


@given(st.integers(0, 2_000), st.binary(max_size=6))
def test_a_bent_answer_is_read_or_refused(at: int, inserted: bytes) -> None:
    data = answer()
    data = data[: at % len(data)] + inserted + data[at % len(data) + len(inserted) :]
    gather((data, "192.168.1.20"))
    with suppress(ProtocolError):
        parse_probe_matches(data)


def test_a_probe_is_what_the_standard_says() -> None:
    root = parse_xml(write_probe(ASKED, PROBED_TYPES[0]))
    assert root.value("Header", "MessageID") == ASKED
    assert root.value("Header", "Action") == "http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe"
    assert root.value("Body", "Probe", "Types") == "t:NetworkVideoTransmitter"


def test_an_answer_becomes_a_device() -> None:
    (found,) = gather((answer(), "192.168.1.20")).found.values()
    assert (found.driver, found.endpoint, found.name, found.hardware) == (
        "onvif",
        "urn:uuid:1",
        "Quay East",
        "D1-P",
    )
    assert found.addresses == ("http://192.168.1.20/onvif/device_service",)
    assert "onvif://www.onvif.org/Profile/Streaming" in found.scopes


def test_answers_to_others_are_not_even_read() -> None:
    answers = gather((answer(relates_to="urn:uuid:other"), "192.168.1.20"))
    assert (answers.found, answers.heard) == ({}, 0)
    answers = gather((answer(relates_to="urn:uuid:other", scopes=ASKED), "192.168.1.20"))
    assert (answers.found, answers.heard) == ({}, 1)


def test_a_device_is_found_once_with_all_its_addresses_its_own_first() -> None:
    (found,) = gather(
        (answer(addresses="http://10.0.0.5/onvif/device_service"), "192.168.1.20"),
        (answer(addresses="http://192.168.1.20/onvif/device_service http://10.0.0.5/onvif/device_service"),
         "192.168.1.20"),
    ).found.values()  # fmt: skip
    assert found.addresses == (
        "http://192.168.1.20/onvif/device_service", "http://10.0.0.5/onvif/device_service",
    )  # fmt: skip


@pytest.mark.parametrize(
    "told",
    ["http://8.8.8.8/", "http://169.254.169.254/latest", "http://127.0.0.1/", "http://camera.example/", "ftp://10.0.0.1/",
     "http://[::1]/", "file:///etc/passwd", "http://2130706433/", "http://10.0.0.1:99999/", "http://[10.0.0.1/"],
)  # fmt: skip
def test_addresses_that_the_gate_refuses_are_dropped_and_counted(told: str) -> None:
    answers = gather((answer(addresses=told), "192.168.1.20"))
    assert (answers.found, answers.refused_addresses) == ({}, 1)
    (found,) = gather((answer(addresses=f"{told} http://10.0.0.9/x"), "10.0.0.9")).found.values()
    assert found.addresses == ("http://10.0.0.9/x",)


def test_user_info_is_taken_out() -> None:
    (found,) = gather((answer(addresses="http://a:b@10.0.0.9/x"), "10.0.0.9")).found.values()
    assert found.addresses == ("http://10.0.0.9/x",)


def test_floods_are_bounded() -> None:
    one = gather(*((answer(f"urn:uuid:{n}"), "192.168.1.20") for n in range(2 * SOURCE_LIMIT)))
    assert len(one.found) == SOURCE_LIMIT
    many = gather(
        *((answer(f"urn:uuid:{n}"), f"10.0.{n // 200}.{n % 200}") for n in range(ANSWER_LIMIT + 50))
    )
    assert len(many.found) == ANSWER_LIMIT


def test_hostile_answers_are_counted() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "c">]>' + answer()
    assert gather((bomb, "10.0.0.9"), (ASKED.encode(), "10.0.0.9")).unreadable == 2


def test_probes_leave_only_where_devices_may_stand() -> None:
    assert probing_interfaces(DeviceGate(GateRules(networks=()))) == ()
    shown = probing_interfaces(DeviceGate(GateRules(networks=(), loopback_ports=(ANY_PORT,))))
    assert [one.address for one in shown] in ([], ["127.0.0.1"])


def test_devices_answer_on_a_network_of_our_own() -> None:
    """A network of its own (a namespace): two interfaces, a device on each, and a hostile one."""
    if (
        os.geteuid() != 0
        or shutil.which("unshare") is None
        or shutil.which("ip") is None
        or shutil.which("ffmpeg") is None
    ):
        pytest.skip("needs root, unshare, ip and ffmpeg: multicast is tested in a network namespace")
    script = Path(__file__).with_name("multicast_story.py")
    setup = "ip link set lo up"
    for name, address in (("cam0", "10.9.0.1"), ("pub0", "198.51.100.7")):
        setup += f" && ip link add {name} type veth peer name {name}b && ip addr add {address}/24 dev {name}"
        setup += f" && ip link set {name} up && ip link set {name}b up"
    probe = subprocess.run(["unshare", "-n", "sh", "-c", setup], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"no network namespace here: {probe.stderr.strip()[:100]}")
    told = subprocess.run(
        ["unshare", "-n", "sh", "-c", f"{setup} && exec {sys.executable} {script}"],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout.splitlines()[-1] == "cam0 and lo answered, pub0 was not asked"
