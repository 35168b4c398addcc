"""Each way of not reaching a device told apart, and hostile answers survived; real sockets."""

import asyncio
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.devices.onvif.conftest import USER, Harm

from civiscope.base import AppError, ErrorKind, SystemClock
from civiscope.devices import (
    DesiredSettings,
    DeviceAddress,
    DeviceDescription,
    DeviceGate,
    DriverPorts,
    GateRules,
    Trouble,
    TroubleError,
    TroubleReport,
)
from civiscope.devices.drivers.onvif import DRIVER
from civiscope.devices.drivers.onvif.connection import Connection
from civiscope.devices.drivers.onvif.library import Documents
from civiscope.devices.drivers.onvif.session import Session
from civiscope.simulator import BodyFault, OnvifServer, SimulatedDevice


async def describe(address: DeviceAddress, ports: DriverPorts) -> DeviceDescription:
    async with DRIVER.reach(address, ports) as equipment:
        return await equipment.describe()


async def trouble_of(address: DeviceAddress, ports: DriverPorts) -> TroubleReport:
    """The trouble, which comes within 6 s."""
    began_s = time.monotonic()
    with pytest.raises(TroubleError) as caught:
        await describe(address, ports)
    assert time.monotonic() - began_s < 6.0
    assert USER.password not in str(caught.value)
    return caught.value.report


async def test_a_wrong_password(pier: OnvifServer, ports: DriverPorts) -> None:
    report = await trouble_of(DeviceAddress(pier.url("Pier"), "admin", "wrong"), ports)
    assert report.trouble is Trouble.AUTHENTICATION
    assert "ONVIF user" in report.advice


async def test_no_password(pier: OnvifServer, ports: DriverPorts) -> None:
    assert (await trouble_of(DeviceAddress(pier.url("Pier")), ports)).trouble is Trouble.AUTHENTICATION


async def test_nothing_listens(ports: DriverPorts) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        report = await trouble_of(DeviceAddress(f"http://127.0.0.1:{taken.getsockname()[1]}/onvif/"), ports)
    assert report.trouble is Trouble.REFUSED


@pytest.mark.parametrize("scheme", ["onvif", "http"])
async def test_a_name_that_nobody_knows(ports: DriverPorts, scheme: str) -> None:
    report = await trouble_of(DeviceAddress(f"{scheme}://no-such-camera.invalid/"), ports)
    assert report.trouble is Trouble.UNREACHABLE
    assert "no-such-camera.invalid" in report.words


@pytest.mark.parametrize("address", ["", "onvif://", "ftp://10.0.0.1/", "http://[::1/", "http://10.0.0.1:x/"])
async def test_what_is_no_address(ports: DriverPorts, address: str) -> None:
    assert (await trouble_of(DeviceAddress(address), ports)).trouble is Trouble.ADDRESS


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "169.254.169.254",
        "0.0.0.0",
        "8.8.8.8",
    ],
)
async def test_the_gate_is_asked_at_the_very_address(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket is even made for what the gate refuses."""
    made: list[object] = []
    monkeypatch.setattr(socket, "socket", lambda *arguments, **_: made.append(arguments))
    closed = DriverPorts(SystemClock(), DeviceGate())
    for address in (f"http://{host}:8080/onvif/device_service", f"onvif://{host}"):
        assert (await trouble_of(DeviceAddress(address), closed)).trouble is Trouble.GATE
    assert made == []


async def test_an_address_without_a_port_is_tried_at_the_usual_ones(
    address: DeviceAddress, ports: DriverPorts, pier: OnvifServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("civiscope.devices.drivers.onvif.session.USUAL_PORTS", (9, pier.port))
    path = address.address.partition(str(pier.port))[2]
    found = await describe(DeviceAddress(f"onvif://127.0.0.1{path}", USER.username, USER.password), ports)
    assert found.inputs[0].streams


@pytest.mark.parametrize(
    ("body", "trouble"),
    [
        (BodyFault.HTML, Trouble.NOT_A_CAMERA),
        (BodyFault.EMPTY, Trouble.NOT_A_CAMERA),
        (BodyFault.GARBAGE, Trouble.NOT_A_CAMERA),
        (BodyFault.TRUNCATED, Trouble.NOT_A_CAMERA),
        (BodyFault.CUT, Trouble.NOT_A_CAMERA),
        (BodyFault.BILLION_LAUGHS, Trouble.NOT_A_CAMERA),
        (BodyFault.HUGE, Trouble.NOT_A_CAMERA),
        (BodyFault.DRIP, Trouble.TIMEOUT),
    ],
)
@pytest.mark.parametrize("only", ["", "GetDeviceInformation"])
async def test_bodies_that_are_no_answer(
    address: DeviceAddress, ports: DriverPorts, harm: Harm, body: BodyFault, trouble: Trouble, only: str
) -> None:
    harm(body=body, only=frozenset({only} if only else ()))
    assert (await trouble_of(address, ports)).trouble is trouble


@pytest.mark.parametrize("operation", ["GetScopes", "GetEndpointReference", "GetSnapshotUri", "GetServices"])
@pytest.mark.parametrize("body", [BodyFault.HTML, BodyFault.BILLION_LAUGHS, BodyFault.HUGE, BodyFault.CUT])
async def test_what_is_not_needed_may_be_broken(
    address: DeviceAddress, ports: DriverPorts, harm: Harm, operation: str, body: BodyFault
) -> None:
    harm(body=body, only=frozenset({operation}))
    found = await describe(address, ports)
    assert [stream.profile for stream in found.inputs[0].streams] == ["main", "sub"]


async def test_a_device_that_hangs(address: DeviceAddress, ports: DriverPorts, harm: Harm) -> None:
    harm(hangs=True)
    assert (await trouble_of(address, ports)).trouble is Trouble.TIMEOUT


async def test_a_device_that_hangs_up(address: DeviceAddress, ports: DriverPorts, harm: Harm) -> None:
    harm(closes=True)
    assert (await trouble_of(address, ports)).trouble is Trouble.NOT_A_CAMERA


async def test_redirects_are_not_followed(address: DeviceAddress, ports: DriverPorts, harm: Harm) -> None:
    async with _listener() as (port, met):
        harm(redirects_to=f"http://127.0.0.1:{port}/onvif/device_service")
        assert (await trouble_of(address, ports)).trouble is Trouble.NOT_A_CAMERA
        assert met == []


async def test_pictures_are_bounded_and_judged(
    device: SimulatedDevice, address: DeviceAddress, ports: DriverPorts, harm: Harm
) -> None:
    async with DRIVER.reach(address, ports) as equipment:
        device.snapshot = b"\xff\xd8" + bytes(8 * 1024 * 1024)
        with pytest.raises(AppError, match="ONVIF"):
            await equipment.snapshot(0)
        device.snapshot = b"<html>sign in</html>"
        with pytest.raises(AppError, match="no such stream or picture"):
            await equipment.snapshot(0)


@pytest.mark.parametrize("told", ["0.0.0.0", "10.255.255.1", "fe80::1", "169.254.169.254"])
async def test_another_host_told_for_services_and_streams_is_replaced(
    pier: OnvifServer, address: DeviceAddress, harm: Harm, told: str
) -> None:
    """Only 127.0.0.1 may be met here, so a connection to what is told would be a trouble of the gate."""
    gate = DeviceGate(GateRules(networks=(), loopback_ports=(0,)))
    harm(xaddr_host=told, stream_host=told, snapshot_host=told)
    found = await describe(address, DriverPorts(SystemClock(), gate))
    assert found.inputs[0].streams[0].url == pier.streams.url("pier")
    assert len(found.warnings) == 2
    assert all("the address typed is used" in warning for warning in found.warnings)
    async with DRIVER.reach(address, DriverPorts(SystemClock(), gate)) as equipment:
        assert (await equipment.snapshot(0)).startswith(b"\xff\xd8")


async def test_names_and_passwords_in_stream_addresses_are_taken_out(
    address: DeviceAddress, ports: DriverPorts, harm: Harm
) -> None:
    harm(stream_has_user_info=True)
    found = await describe(address, ports)
    assert all("@" not in stream.url for stream in found.inputs[0].streams)


@pytest.mark.parametrize(
    "omitted",
    ["Configurations", "VideoEncoder", "RateControl", "Resolution", "Name", "Manufacturer", "UTCDateTime",
     "Uri", "Encoding", "Scopes", "SourceToken", "VideoSource", "MoveStatus", "Position"],
)  # fmt: skip
async def test_odd_devices_are_described_or_told_apart(
    address: DeviceAddress, ports: DriverPorts, harm: Harm, omitted: str
) -> None:
    harm(omits=frozenset({omitted}))
    async with DRIVER.reach(address, ports) as equipment:
        assert isinstance(await equipment.describe(), DeviceDescription)
        await equipment.compare(DesiredSettings())
        await equipment.configure(DesiredSettings())


async def test_certificates(device: SimulatedDevice, ports: DriverPorts, tmp_path: Path) -> None:
    tls, fingerprint = _self_signed(tmp_path)
    async with OnvifServer([device], tls=tls) as server:
        plain = DeviceAddress(server.url("Pier"), USER.username, USER.password)
        report = await trouble_of(plain, ports)
        assert (report.trouble, report.fingerprint) == (Trouble.CERTIFICATE, fingerprint)
        pinned = DeviceAddress(server.url("Pier"), USER.username, USER.password, tls_fingerprint=fingerprint)
        assert (await describe(pinned, ports)).inputs[0].streams
        other = DeviceAddress(server.url("Pier"), USER.username, USER.password, tls_fingerprint="ab" * 32)
        report = await trouble_of(other, ports)
        assert (report.trouble, report.fingerprint) == (Trouble.CERTIFICATE, fingerprint)
        assert device.requests.count("GetSystemDateAndTime") == 1  # nothing was sent but with the pin


def _self_signed(folder: Path) -> tuple[ssl.SSLContext, str]:
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2",         "-subj", "/CN=camera", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    shown = subprocess.run(
        ["openssl", "x509", "-in", str(certificate), "-noout", "-fingerprint", "-sha256"],
        check=True, capture_output=True, timeout=30, text=True,
    )  # fmt: skip
    return context, shown.stdout.partition("=")[2].strip().replace(":", "").lower()


@asynccontextmanager
async def _listener() -> AsyncIterator[tuple[int, list[str]]]:
    """A port that notes who comes."""
    met: list[str] = []

    async def meet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append("somebody")
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], met


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1"])
async def test_odd_spellings_of_this_machine_gain_nothing(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr(socket, "socket", lambda *arguments, **_: made.append(arguments))
    closed = DriverPorts(SystemClock(), DeviceGate())
    report = await trouble_of(DeviceAddress(f"http://{host}:8080/onvif/device_service"), closed)
    assert report.trouble in {Trouble.ADDRESS, Trouble.GATE, Trouble.UNREACHABLE}
    assert made == []


async def test_names_that_a_device_tells_are_not_looked_up(
    pier: OnvifServer, address: DeviceAddress, ports: DriverPorts, harm: Harm, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    real = asyncio.get_running_loop().getaddrinfo

    async def note(host: object, *arguments: object, **named: object) -> object:
        asked.append(host)
        return await real(host, *arguments, **named)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", note)
    harm(xaddr_host="tell.example", stream_host="tell.example", snapshot_host="tell.example")
    found = await describe(address, ports)
    assert found.inputs[0].streams[0].url == pier.streams.url("pier")
    assert "tell.example" not in asked


async def test_a_device_cannot_make_us_knock_at_doors(ports: DriverPorts, address: DeviceAddress) -> None:
    async with _listener() as (port, met), Connection(address, ports) as connection:
        session = Session(address, connection, ports.clock, Documents())
        told = [await session.connects(f"127.0.0.{number}", port) for number in range(1, 20)]
        again = [await session.connects("127.0.0.1", port) for _ in range(20)]
    assert told == [True] + [False] * 18, "the listener is at 127.0.0.1 only"
    assert again == [True] * 20
    assert len(met) == 1


async def test_words_that_no_request_can_hold_are_refused(address: DeviceAddress, ports: DriverPorts) -> None:
    async with DRIVER.reach(address, ports) as equipment:
        for call in (equipment.ptz_goto(0, "a\x00b"), equipment.ptz_keep(0, "\x1b[31m")):
            with pytest.raises(AppError, match="cannot be sent") as caught:
                await call
            assert caught.value.kind is ErrorKind.INVALID
