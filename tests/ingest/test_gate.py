"""The gate at every connect: where it says no, no connection is ever opened."""

import asyncio
import socket
import time
from collections.abc import Iterator

import pytest
from tests.ingest.rig import LOOPBACK, Ticking, source_of, ticking
from tests.ingest.test_probe import listening

from civiscope.base import AppError
from civiscope.devices import ANY_PORT, DeviceGate, GateRules
from civiscope.ingest import LossReason, StreamState, Transport, probe
from civiscope.ingest.loss import Lost
from civiscope.ingest.network import Network, allowed_address, endpoint_of
from civiscope.simulator import Footage, RtspServer, SimulatedCamera, serving

CLOSED = DeviceGate(GateRules())


class Knocks:
    """A port that counts who connects."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]

    def count(self) -> int:
        """Connections made so far; the kernel has them although nobody accepted."""
        found = 0
        while True:
            try:
                peer, _ = self._listener.accept()
            except BlockingIOError:
                return found
            peer.close()
            found += 1

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()


@pytest.fixture
def knocks() -> Iterator[Knocks]:
    listener = Knocks()
    yield listener
    listener.close()


@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_a_refused_address_is_never_connected_to(knocks: Knocks, host: str, foreign: bool) -> None:
    source = source_of(f"rtsp://{host}:{knocks.port}/x", foreign=foreign)
    async with ticking([source], gate=CLOSED) as rig:
        await rig.until(lambda: bool(rig.memory.waits))
        reason, detail = rig.memory.waits[0]
        await asyncio.sleep(0.3)
        assert len(rig.memory.waits) == 1  # the next attempt is half a minute away
    assert reason is LossReason.GATE
    assert "this very machine" in detail
    assert knocks.count() == 0


async def test_a_probe_does_not_pass_it_either(knocks: Knocks) -> None:
    began = time.monotonic()
    with pytest.raises(AppError, match="this very machine"):
        await probe(source_of(f"rtsp://127.0.0.1:{knocks.port}/x"), gate=CLOSED)
    assert time.monotonic() - began < 1.0
    assert knocks.count() == 0


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "8.8.8.8", "[2606:4700::1111]", "224.0.0.7", "100.100.100.200", "[::1]"]
)
def test_addresses_outside_are_refused_before_any_socket_is_made(host: str) -> None:
    network = Network(CLOSED)
    try:
        with pytest.raises(Lost) as lost:
            allowed_address(CLOSED, network.look_up(endpoint_of(f"rtsp://{host}/x")).result())
    finally:
        network.close()
    assert lost.value.reason is LossReason.GATE


def test_of_a_names_addresses_the_first_allowed_is_taken() -> None:
    public, inside = (2, ("8.8.8.8", 554)), (2, ("10.1.2.3", 554))
    assert allowed_address(CLOSED, (public, inside)) == inside
    with pytest.raises(Lost, match=r"8\.8\.8\.8 is outside"):
        allowed_address(CLOSED, (public,))
    with pytest.raises(Lost, match="no address"):
        allowed_address(CLOSED, ())


async def test_new_rules_take_hold_at_once(footage: dict[str, Footage]) -> None:
    server = RtspServer([SimulatedCamera("cam", footage["h264"])])
    async with serving(server), ticking([source_of(server.url("cam"))]) as rig:
        await rig.units(3)
        rig.intake.set_gate(LOOPBACK)
        assert state(rig) is StreamState.RUNNING  # the same rules disturb nothing
        rig.intake.set_gate(CLOSED)
        assert rig.memory.run.end is not None
        assert rig.memory.run.end[1] is LossReason.GATE
        await rig.until(lambda: state(rig) is StreamState.WAITING)
        rig.intake.set_gate(DeviceGate(GateRules((), (server.port,))))
        await rig.until(lambda: len(rig.memory.runs) == 2, 3.0)


def state(rig: Ticking) -> StreamState:
    return rig.intake.status()[0].state


async def test_a_cameras_udp_ports_need_leave_to_be_sent_to_but_are_heard(
    footage: dict[str, Footage],
) -> None:
    async with serving(RtspServer([SimulatedCamera("cam", footage["h264"])])) as server:
        gate = DeviceGate(GateRules((), (server.port,)))
        source = source_of(server.url("cam"), transport=Transport.UDP)
        async with ticking([source], gate=gate) as rig:
            await rig.units(10)


async def test_a_redirect_is_not_followed(knocks: Knocks) -> None:
    answer = b"RTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: rtsp://127.0.0.1:%d/x\r\n\r\n" % knocks.port

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in (1, 2):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer.replace(b"CSeq: 1", b"CSeq: %d" % number))
        await reader.read()

    async with listening(serve) as port, ticking([source_of(f"rtsp://127.0.0.1:{port}/x")]) as rig:
        await rig.until(lambda: bool(rig.memory.waits))
    assert rig.memory.waits[0][0] is LossReason.REFUSED
    assert knocks.count() == 0


def test_loopback_for_all_is_what_tests_use() -> None:
    assert LOOPBACK.rules.loopback_ports == (ANY_PORT,)
    assert not LOOPBACK.allows("10.0.0.1", 554)
