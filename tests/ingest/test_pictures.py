"""Motion JPEG by HTTP on real sockets: what was sent is what comes, and every mishap has its reason."""

import asyncio
import ssl
import time
from pathlib import Path

import pytest
from tests.ingest.rig import LOOPBACK, Memory, Remembered, source_of, ticking
from tests.ingest.test_probe import fingerprint_of, listening, refusal
from tests.ingest.web_camera import WebCamera, jpegs_of

from civiscope.base import SystemClock
from civiscope.devices import DeviceGate, GateRules, Trouble
from civiscope.ingest import Intake, IntakeSettings, LossReason, StreamState, Transport, probe
from civiscope.media import Codec, UnitFlags, decode_key_frame
from civiscope.media.wire import Credentials

QUICK = IntakeSettings(stall_s=0.4, answer_timeout_s=0.5, connect_timeout_s=0.6)


@pytest.fixture(scope="session")
def jpegs(clips: dict[str, Path]) -> list[bytes]:
    return jpegs_of(clips["mjpeg"])[:20]


def assert_pictures(run: Remembered, sent: list[bytes]) -> None:
    """Each is the next of those sent, a key unit, in time."""
    first = sent.index(run.units[0].data)
    for place, unit in enumerate(run.units):
        assert unit.data == sent[(first + place) % len(sent)]
        assert unit.flags & UnitFlags.KEY
    assert all(b.pts > a.pts for a, b in zip(run.units, run.units[1:], strict=False))


@pytest.mark.parametrize(
    "habits",
    [
        {},
        {"sized": False},
        {"sized": False, "gap": b"", "boundary": '"--frame"'},
        {"chunked": True, "boundary": "--frame"},
        {"is_single": True},
        {"is_single": True, "closes": True},
        {"login": Credentials("viewer", "s3cret")},
        {"login": Credentials("viewer", "s3cret"), "digest": False},
    ],
)
async def test_pictures_come_as_they_were_sent(jpegs: list[bytes], habits: dict[str, object]) -> None:
    camera = WebCamera(jpegs, **habits)  # type: ignore[arg-type]  # passed on as given
    async with camera.serving(), ticking([source_of(camera.url, login=("viewer", "s3cret"))]) as rig:
        run = await rig.units(6)
        (track,) = run.tracks[0]
        assert (track.codec, track.width_px, track.height_px) == (Codec.MJPEG, 160, 120)
        assert_pictures(run, jpegs)
        assert rig.intake.status()[0].state is StreamState.RUNNING
    assert run.end is not None
    assert run.end[1] is LossReason.OUR_RESTART
    if camera.is_single:
        assert camera.sent < 14


async def test_single_pictures_are_asked_for_at_most_five_times_a_second(jpegs: list[bytes]) -> None:
    camera = WebCamera(jpegs, is_single=True)
    async with camera.serving(), ticking([source_of(camera.url)]) as rig:
        await rig.units(2)
        began, before = time.monotonic(), camera.sent
        await rig.units(8)
        assert camera.sent - before <= 5 * (time.monotonic() - began) + 1
    assert camera.connections == 1


async def test_a_pinned_certificate(
    jpegs: list[bytes], tls_files: tuple[Path, Path], tls_context: ssl.SSLContext
) -> None:
    camera = WebCamera(jpegs)
    pin = fingerprint_of(tls_files[0])
    async with camera.serving(tls_context):
        url = camera.url.replace("http:", "https:")
        async with ticking([source_of(url, tls_fingerprint=pin)]) as rig:
            assert_pictures(await rig.units(5), jpegs)
        report = await refusal(url)
    assert (report.trouble, report.fingerprint) == (Trouble.CERTIFICATE, pin)


async def test_a_camera_that_falls_silent_and_one_that_hangs_up(jpegs: list[bytes]) -> None:
    camera = WebCamera(jpegs, stops_after=4)
    async with camera.serving(), ticking([source_of(camera.url)], QUICK) as rig:
        await rig.until(lambda: bool(rig.memory.runs) and rig.memory.run.end is not None)
        run = rig.memory.run
        assert run.end is not None
        assert run.end[1] is LossReason.STALLED
        assert len(run.units) == 4
        camera.stops_after = None
        await rig.until(lambda: len(rig.memory.runs) == 2)

    async def short(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n--b\r\n"
        writer.write(
            head + b"Content-Length: %d\r\n\r\n%s\r\n--b\r\n\r\n\xff\xd8" % (len(jpegs[0]), jpegs[0])
        )

    async with listening(short) as port, ticking([source_of(f"http://127.0.0.1:{port}/x")]) as rig:
        await rig.until(lambda: bool(rig.memory.runs) and rig.memory.run.end is not None)
        assert rig.memory.runs[0].end is not None
        assert rig.memory.runs[0].end[1] is LossReason.CLOSED
        assert [unit.data for unit in rig.memory.runs[0].units] == [jpegs[0]]


async def test_another_size_is_another_configuration(jpegs: list[bytes], clips: dict[str, Path]) -> None:
    small = bytearray(jpegs[0])
    at = small.index(b"\xff\xc0")
    small[at + 5 : at + 9] = (64).to_bytes(2) + (80).to_bytes(2)
    camera = WebCamera([*jpegs[:3], bytes(small), bytes(small)])
    async with camera.serving(), ticking([source_of(camera.url)]) as rig:
        run = await rig.units(5)
        assert [tracks[0].width_px for tracks in run.tracks][:2] == [160, 80]
        assert UnitFlags.CONFIG_CHANGED in run.units[3].flags


@pytest.mark.parametrize(
    ("answer", "trouble", "reason"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", Trouble.STREAM, LossReason.REFUSED),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", Trouble.STREAM, LossReason.REFUSED),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nhi", Trouble.NOT_A_CAMERA, LossReason.PROTOCOL),
        (b"RTSP/1.0 400 Bad\r\n\r\n", Trouble.NOT_A_CAMERA, LossReason.PROTOCOL),
        (b"SSH-2.0-x\r\n", Trouble.NOT_A_CAMERA, LossReason.PROTOCOL),
        (
            b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\n\r\n",
            Trouble.AUTHENTICATION, LossReason.AUTHENTICATION,
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n" + bytes(17 << 20),
            Trouble.STREAM, LossReason.PROTOCOL,
        ),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_told_apart(answer: bytes, trouble: Trouble, reason: LossReason) -> None:
    camera = WebCamera([], answer=answer)
    async with camera.serving():
        report = await refusal(camera.url)
        async with ticking([source_of(camera.url)]) as rig:
            await rig.until(lambda: bool(rig.memory.waits))
    assert report.trouble is trouble
    assert rig.memory.waits[0][0] is reason


async def test_the_gate_holds_for_http_too(jpegs: list[bytes]) -> None:
    camera = WebCamera(jpegs)
    gate = DeviceGate(GateRules())
    async with camera.serving(), ticking([source_of(camera.url)], gate=gate) as rig:
        await rig.until(lambda: bool(rig.memory.waits))
        assert rig.memory.waits[0][0] is LossReason.GATE
    assert camera.connections == 0


async def test_a_probe_sees_the_picture_the_clock_and_the_open_password(jpegs: list[bytes]) -> None:
    camera = WebCamera(jpegs, login=Credentials("viewer", "s3cret"), digest=False)
    async with camera.serving():
        found = await probe(source_of(camera.url, login=("viewer", "s3cret")), gate=LOOPBACK)
    assert found.key_unit is not None
    assert decode_key_frame(found.tracks[0], found.key_unit).width_px == 160
    assert found.transport is Transport.TCP
    assert found.sends_password_in_clear
    assert found.clock_offset_ms is not None
    assert found.clock_offset_ms < -86_400_000 * 365


async def test_a_flood_of_tiny_pictures_does_not_hold_the_tick(jpegs: list[bytes]) -> None:
    tiny = jpegs[0][: jpegs[0].index(b"\xff\xda") + 20] + b"\xff\xd9"
    part = b"--b\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(tiny), tiny)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n"
    flood = WebCamera([], answer=head + part * 20_000)
    memory = Memory()
    intake = Intake([memory], SystemClock(), LOOPBACK)
    async with flood.serving():
        intake.set_sources([source_of(flood.url)])
        counts = []
        while not memory.runs or len(memory.run.units) < 3000:
            before = len(memory.run.units) if memory.runs else 0
            intake.tick()
            counts.append((len(memory.run.units) if memory.runs else 0) - before)
            await asyncio.sleep(0)
        intake.close()
    assert max(counts) < 600
