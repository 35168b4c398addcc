"""The RTSP driver against simulated cameras and captured answers: the contract, and what is its own."""

import asyncio
import hashlib
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.devices.driver_contract import OPEN, SHUT, DriverContract

from civiscope.base import ManualClock, SystemClock
from civiscope.devices import (
    DeviceAddress,
    DeviceDescription,
    DeviceGate,
    DriverPorts,
    GateRules,
    Trouble,
    TroubleError,
)
from civiscope.devices.drivers.rtsp import DRIVER
from civiscope.media.wire import Credentials, Login
from civiscope.simulator import (
    Faults,
    Footage,
    ReplayPeer,
    RtspServer,
    ServerOptions,
    SimulatedCamera,
    serving,
)

USERS = (Credentials("viewer", "pa ss:wörd"),)


def login(url: str, password: str = USERS[0].password, pin: str | None = None) -> DeviceAddress:
    return DeviceAddress(url, USERS[0].username, password, pin)


async def describe(
    device: DeviceAddress, rules: GateRules = OPEN, clock: SystemClock | ManualClock | None = None
) -> DeviceDescription:
    ports = DriverPorts(clock or SystemClock(), DeviceGate(rules))
    async with DRIVER.reach(device, ports) as equipment:
        return await equipment.describe()


async def trouble(device: DeviceAddress, rules: GateRules = OPEN) -> TroubleError:
    with pytest.raises(TroubleError) as caught:
        await describe(device, rules)
    return caught.value


class TestContract(DriverContract):
    """What every driver must do."""

    driver = DRIVER

    @pytest.fixture(autouse=True)
    def _footage(self, footage: Footage) -> None:
        self.footage = footage

    def address(self, port: int) -> str:
        return f"rtsp://127.0.0.1:{port}/cam"

    @asynccontextmanager
    async def working(self) -> AsyncIterator[DeviceAddress]:
        server = RtspServer([SimulatedCamera("cam", self.footage)], options=ServerOptions(users=USERS))
        async with serving(server):
            yield login(server.url("cam"))


@pytest.mark.parametrize("kind", list(Login))
async def test_the_stream_is_told_by_every_login(footage: Footage, kind: Login) -> None:
    options = ServerOptions(users=USERS, login=kind)
    async with serving(RtspServer([SimulatedCamera("cam", footage)], options=options)) as server:
        found = await describe(login(server.url("cam")))
        assert found.inputs[0].streams[0].url == server.url("cam"), "the address typed, and nothing guessed"
    stream = found.inputs[0].streams[0]
    assert (stream.codec, stream.width_px, stream.height_px) == ("h264", 320, 240)
    assert found.identity.model
    assert bool(found.warnings) is (kind is Login.BASIC), "a password in clear is told"


async def test_a_certificate_is_offered_for_pinning(
    footage: Footage, tls_context: ssl.SSLContext, tls_files: tuple[Path, Path]
) -> None:
    right = hashlib.sha256(ssl.PEM_cert_to_DER_cert(tls_files[0].read_text())).hexdigest()
    options = ServerOptions(users=USERS, tls=tls_context)
    async with serving(RtspServer([SimulatedCamera("cam", footage)], options=options)) as server:
        url = server.url("cam")
        unknown = await trouble(login(url))
        other = await trouble(login(url, pin="0" * 64))
        found = await describe(login(url, pin=right))
        colons = await describe(login(url, pin=":".join(right[i : i + 2] for i in range(0, 64, 2)).upper()))
    assert unknown.report.trouble is other.report.trouble is Trouble.CERTIFICATE
    assert unknown.report.fingerprint == other.report.fingerprint == right
    assert "another certificate" in other.report.words
    assert found.inputs == colons.inputs
    assert found.warnings == ()


async def test_a_plain_port_is_no_tls(footage: Footage) -> None:
    async with serving(RtspServer([SimulatedCamera("cam", footage)])) as server:
        error = await trouble(DeviceAddress(server.url("cam").replace("rtsp:", "rtsps:")))
    assert error.report.trouble is Trouble.CERTIFICATE
    assert error.report.fingerprint is None


async def test_a_wrong_path_is_a_stream_that_is_not_there(footage: Footage) -> None:
    async with serving(RtspServer([SimulatedCamera("cam", footage)])) as server:
        error = await trouble(DeviceAddress(server.url("cam") + "era2"))
    assert error.report.trouble is Trouble.STREAM
    assert "404" in error.report.words


async def test_a_stale_nonce_costs_one_more_question(footage: Footage) -> None:
    camera = SimulatedCamera("cam", footage, faults=Faults(nonce_uses=1))
    async with serving(RtspServer([camera], options=ServerOptions(users=USERS))) as server:
        assert (await describe(login(server.url("cam")))).inputs


class HangsUp:
    """A camera that closes the connection behind each 401, as H264DVR firmware does; knows one proof."""

    def __init__(self, opens_for: bytes) -> None:
        self.calls = 0
        self._opens_for = opens_for

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                cseq = head.partition(b"CSeq: ")[2].partition(b"\r\n")[0]
                if self._opens_for not in head:
                    writer.write(
                        b'RTSP/1.0 401 No\r\nCSeq: %b\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n' % cseq
                    )
                    return
                reply = described(VIDEO % b"H264") if head.startswith(b"DESCRIBE") else OPTIONS
                writer.write(re.sub(rb"CSeq: \d", b"CSeq: " + cseq, reply))
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@pytest.mark.parametrize(("password", "is_right"), [("open", True), ("wrong", False)])
async def test_a_camera_that_hangs_up_at_the_password_is_called_again(password: str, is_right: bool) -> None:
    camera = HangsUp(b"Authorization: Basic dXNlcjpvcGVu\r\n")
    server = await asyncio.start_server(camera.serve, "127.0.0.1", 0)
    try:
        device = DeviceAddress(f"rtsp://127.0.0.1:{server.sockets[0].getsockname()[1]}/x", "user", password)
        if is_right:
            assert (await describe(device)).inputs[0].streams[0].codec == "h264"
        else:
            assert (await trouble(device)).report.trouble is Trouble.AUTHENTICATION
    finally:
        server.close()
    assert camera.calls == 2, "once more, and not for ever"


OPTIONS = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: H264DVR 1.0\r\nDate: Tue, 14 Nov 2023 22:14:20 GMT\r\n\r\n"


def described(sdp: bytes) -> bytes:
    kind = b"Content-Type: application/sdp\r\n"
    return b"RTSP/1.0 200 OK\r\nCSeq: 2\r\n%bContent-Length: %d\r\n\r\n%b" % (kind, len(sdp), sdp)


async def answers(*replies: bytes) -> tuple[DeviceDescription | None, TroubleError | None]:
    peer = ReplayPeer({"OPTIONS": [replies[0]], "DESCRIBE": [replies[1]]})
    await peer.start()
    try:
        return await describe(DeviceAddress(peer.url), clock=ManualClock(1_700_000_000_000_000)), None
    except TroubleError as error:
        return None, error
    finally:
        await peer.stop()


VIDEO = b"v=0\r\ns=Gate\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 %b/90000\r\n"


async def test_clock_and_maker_are_read_from_the_answer() -> None:
    found, _ = await answers(OPTIONS, described(VIDEO % b"H265"))
    assert found is not None
    assert found.identity.model == "H264DVR 1.0"
    assert found.clock_offset_ms == 60_000, "a minute ahead of 2023-11-14 22:13:20"
    assert found.inputs[0].name == "Gate"
    assert found.inputs[0].streams[0].codec == "h265"


@pytest.mark.parametrize(
    ("reply", "expected", "word"),
    [
        (described(VIDEO % b"AV1"), Trouble.CODEC, "AV1"),
        (described(b"v=0\r\nm=audio 0 RTP/AVP 0\r\n"), Trouble.STREAM, "no pictures"),
        (described(b"\xff\xfe nonsense"), Trouble.NOT_A_CAMERA, "RTSP"),
        (
            b"RTSP/1.0 302 Moved\r\nCSeq: 2\r\nLocation: rtsp://u:hidden@203.0.113.9/x?token=hidden\r\n\r\n",
            Trouble.STREAM,
            "rtsp://203.0.113.9/x",
        ),
        (b"RTSP/1.0 503 Busy\r\nCSeq: 2\r\n\r\n", Trouble.STREAM, "503"),
    ],
)
async def test_answers_that_are_no_stream(reply: bytes, expected: Trouble, word: str) -> None:
    _, error = await answers(OPTIONS, reply)
    assert error is not None
    assert error.report.trouble is expected
    assert word in error.report.words
    assert "hidden" not in error.report.words


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1/x y", "rtsp://", "rtsp://u:p@127.0.0.1/", "rtsp://h:99999/", "ftp://127.0.0.1/"],
)
async def test_an_address_that_is_none(address: str) -> None:
    assert (await trouble(DeviceAddress(address))).report.trouble is Trouble.ADDRESS


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "203.0.113.9", "[fd00:ec2::254]", "0.0.0.0", "2130706433", "[::ffff:127.0.0.1]"],
)
async def test_hosts_outside_are_refused_before_a_packet(host: str) -> None:
    """As judged by the rules of a fresh site; nothing is sent, or it would take seconds."""
    assert (await trouble(DeviceAddress(f"rtsp://{host}/x"), SHUT)).report.trouble is Trouble.GATE


async def test_an_unknown_name_is_told() -> None:
    error = await trouble(DeviceAddress("rtsp://no.such.name.invalid/x"))
    assert error.report.trouble is Trouble.UNREACHABLE
    assert "name" in error.report.words
