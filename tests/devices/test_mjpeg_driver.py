"""The Motion JPEG driver against simulated cameras: the contract, logins, and how such cameras differ."""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.devices.driver_contract import OPEN, DriverContract

from civiscope.base import AppError, ErrorKind, SystemClock
from civiscope.devices import DeviceAddress, DeviceDescription, DeviceGate, DriverPorts, Trouble, TroubleError
from civiscope.devices.drivers.http_get import get
from civiscope.devices.drivers.line import target_of
from civiscope.devices.drivers.mjpeg import DRIVER
from civiscope.media import FileUnits
from civiscope.media.wire import Credentials, Login
from civiscope.simulator import PictureCamera, PictureFaults, PictureOptions, PictureServer, serving_pictures

USERS = (Credentials("viewer", "pa ss:wörd"),)


def login(url: str, password: str = USERS[0].password, pin: str | None = None) -> DeviceAddress:
    return DeviceAddress(url, USERS[0].username, password, pin)


async def describe(device: DeviceAddress) -> DeviceDescription:
    async with DRIVER.reach(device, DriverPorts(SystemClock(), DeviceGate(OPEN))) as equipment:
        return await equipment.describe()


async def snapshot(device: DeviceAddress, index: int = 0) -> bytes:
    async with DRIVER.reach(device, DriverPorts(SystemClock(), DeviceGate(OPEN))) as equipment:
        return await equipment.snapshot(index)


async def trouble(device: DeviceAddress) -> TroubleError:
    with pytest.raises(TroubleError) as caught:
        await describe(device)
    return caught.value


def server_of(
    units: FileUnits, faults: PictureFaults | None = None, options: PictureOptions | None = None
) -> PictureServer:
    camera = PictureCamera.of_file("cam", units)
    camera.faults = faults or camera.faults
    return PictureServer([camera], options=options)


class TestContract(DriverContract):
    """What every driver must do."""

    driver = DRIVER

    @pytest.fixture(autouse=True)
    def _units(self, jpeg_units: FileUnits) -> None:
        self.units = jpeg_units

    def address(self, port: int) -> str:
        return f"http://127.0.0.1:{port}/video"

    @asynccontextmanager
    async def working(self) -> AsyncIterator[DeviceAddress]:
        async with serving_pictures(server_of(self.units, options=PictureOptions(USERS))) as server:
            yield login(server.url("cam"))


@pytest.mark.parametrize("kind", list(Login))
@pytest.mark.parametrize("path", ["video", "snapshot"])
async def test_the_pictures_are_told_by_every_login(jpeg_units: FileUnits, kind: Login, path: str) -> None:
    async with serving_pictures(server_of(jpeg_units, options=PictureOptions(USERS, kind))) as server:
        device = login(server.url("cam", path))
        found = await describe(device)
        picture = await snapshot(device)
    (one,) = found.inputs
    stream = one.streams[0]
    assert stream.url == device.address
    assert (stream.codec, stream.width_px, stream.height_px) == ("mjpeg", 160, 120)
    assert one.snapshot_url == (device.address if path == "snapshot" else "")
    assert found.identity.model == "Civiscope simulator"
    assert found.clock_offset_ms is not None
    assert abs(found.clock_offset_ms) < 2_000
    assert bool(found.warnings) is (kind is Login.BASIC), "a password in clear is told"
    assert picture == jpeg_units.units[0].data


@pytest.mark.parametrize(
    "faults",
    [PictureFaults(hides_lengths=True), PictureFaults(is_chunked=True), PictureFaults(stalls_after=1)],
)
async def test_streams_are_cut_into_pictures_however_they_come(
    jpeg_units: FileUnits, faults: PictureFaults
) -> None:
    async with serving_pictures(server_of(jpeg_units, faults)) as server:
        picture = await snapshot(DeviceAddress(server.url("cam")))
    assert picture == jpeg_units.units[0].data


@pytest.mark.parametrize(
    ("faults", "expected", "word"),
    [
        (
            PictureFaults(redirects_to="http://u:hidden@169.254.169.254/latest?key=hidden"),
            Trouble.STREAM,
            "http://169.254.169.254/latest",
        ),
        (PictureFaults(closes_after=0), Trouble.STREAM, "before the first picture"),
        (PictureFaults(stalls_after=0), Trouble.TIMEOUT, "in time"),
        (PictureFaults(sends="image/png"), Trouble.CODEC, "image/png"),
    ],
)
async def test_what_is_no_stream_is_told(
    jpeg_units: FileUnits, faults: PictureFaults, expected: Trouble, word: str
) -> None:
    async with serving_pictures(server_of(jpeg_units, faults)) as server:
        error = await trouble(DeviceAddress(server.url("cam")))
        assert len(server.requests) == 1, "a redirect is not followed"
    assert error.report.trouble is expected
    assert word in error.report.words
    assert "hidden" not in error.report.words


async def test_a_wrong_path_and_a_wrong_picture_are_told(jpeg_units: FileUnits) -> None:
    false = PictureCamera("false", [b"\xff\xd8 no picture \xff\xd9"])
    huge = PictureCamera("huge", [b"\xff\xd8" + bytes(9 << 20)])
    async with serving_pictures(PictureServer([false, huge])) as server:
        lost = await trouble(DeviceAddress(server.url("nobody")))
        broken = await trouble(DeviceAddress(server.url("false", "snapshot")))
        large = await trouble(DeviceAddress(server.url("huge", "snapshot")))
    assert (lost.report.trouble, broken.report.trouble) == (Trouble.STREAM, Trouble.CODEC)
    assert "8 MiB" in large.report.words


async def test_a_clock_a_day_off_is_told(jpeg_units: FileUnits) -> None:
    async with serving_pictures(server_of(jpeg_units, PictureFaults(clock_skew_s=-86_400))) as server:
        found = await describe(DeviceAddress(server.url("cam")))
    assert found.clock_offset_ms is not None
    assert -86_402_000 < found.clock_offset_ms < -86_398_000


async def test_https_is_pinned(
    jpeg_units: FileUnits, tls_context: ssl.SSLContext, tls_files: tuple[Path, Path]
) -> None:
    right = hashlib.sha256(ssl.PEM_cert_to_DER_cert(tls_files[0].read_text())).hexdigest()
    options = PictureOptions(USERS, Login.BASIC, tls_context)
    async with serving_pictures(server_of(jpeg_units, options=options)) as server:
        unknown = await trouble(login(server.url("cam")))
        assert server.requests == [], "nothing is sent to a stranger's certificate"
        found = await describe(login(server.url("cam"), pin=right))
    assert unknown.report.trouble is Trouble.CERTIFICATE
    assert unknown.report.fingerprint == right
    assert found.warnings == ()


async def test_there_is_one_input_and_nothing_to_steer(jpeg_units: FileUnits) -> None:
    async with serving_pictures(server_of(jpeg_units)) as server:
        device = DeviceAddress(server.url("cam"))
        with pytest.raises(TroubleError, match="one input"):
            await snapshot(device, 1)
        async with DRIVER.reach(device, DriverPorts(SystemClock(), DeviceGate(OPEN))) as equipment:
            with pytest.raises(AppError) as caught:
                equipment.notifications()
    assert caught.value.kind is ErrorKind.UNAVAILABLE


class Bytes:
    """A web server that answers each call with the same bytes, in cuts."""

    def __init__(self, data: bytes, cuts: list[int]) -> None:
        self._parts = [data[a:b] for a, b in pairwise([0, *sorted(cuts), len(data)])]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            for part in self._parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.0005)
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


async def answered(data: bytes, cuts: list[int]) -> DeviceDescription | TroubleError:
    server = await asyncio.start_server(Bytes(data, cuts).serve, "127.0.0.1", 0)
    try:
        return await describe(DeviceAddress(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v"))
    except TroubleError as error:
        return error
    finally:
        server.close()


PICTURE = bytes.fromhex("ffd8ffc0001108000a00140301220002110103110101ffd9")
"""The head of a picture of 20×10, and its end."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=--b\r\n"
PLAIN = HEAD + b"\r\n--b\r\nContent-Type: image/jpeg\r\n\r\n" + PICTURE + b"\r\n--b\r\n"
PART = b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(PICTURE) + PICTURE
CHUNKED = (
    HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + b"5;x=1\r\n%b\r\n%x\r\n%b\r\n"
    % (
        PART[:5],
        len(PART) - 5,
        PART[5:],
    )
)


@given(st.sampled_from([PLAIN, CHUNKED]), st.data())
def test_any_cut_of_the_bytes_gives_the_same_picture(stream: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6))
    found = asyncio.run(answered(stream, cuts))
    assert isinstance(found, DeviceDescription)
    assert (found.inputs[0].streams[0].width_px, found.inputs[0].streams[0].height_px) == (20, 10)


@given(st.sampled_from([PLAIN, CHUNKED]), st.data())
def test_broken_bytes_give_a_picture_or_a_trouble(stream: bytes, data: st.DataObject) -> None:
    """`answered` lets anything else through, and the test fails with it."""
    at = data.draw(st.integers(0, len(stream) - 1))
    junk = data.draw(st.binary(max_size=40))
    found = asyncio.run(answered(stream[:at] + junk + stream[at + len(junk) // 2 :], []))
    if isinstance(found, TroubleError):
        assert found.report.trouble in {Trouble.NOT_A_CAMERA, Trouble.STREAM, Trouble.CODEC}
        assert found.report.words


async def test_chunks_of_a_byte_cost_no_more_than_large_ones() -> None:
    """A hostile camera could keep the driver's thread busy for minutes with a megabyte of them."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head + b"1;x=y\r\na\r\n" * 40_000 + b"7\r\nthe end\r\n0\r\n\r\nmore")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
        device, ports = DeviceAddress(address, "", ""), DriverPorts(SystemClock(), DeviceGate(OPEN))
        async with get(target_of(address), device, ports) as answer:
            pieces = [piece async for piece in answer.body()]
    assert b"".join(pieces) == b"a" * 40_000 + b"the end"
    assert len(pieces) < 1_000, "as they came, not one by one"
