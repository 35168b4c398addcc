"""Facts: durable, in order, at least once, for subscribers that are slow, down or broken."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.bus.conftest import IDENTITY, QUICK, MakeEndpoint, until, until_async
from tests.bus.test_calls import Desk, RealDesk

from civiscope.base import AppError, ErrorKind, NodeId, OrganisationId, PrincipalId, SiteId, new_id
from civiscope.bus import (
    BusIdentity,
    BusSettings,
    CallContext,
    Envelope,
    Fact,
    FactsLost,
    OutboxSettings,
    SubscriptionSettings,
    calling,
    current_call,
)


@dataclass(frozen=True, slots=True)
class LampLit(Fact):
    name: ClassVar[str] = "lamps.lamp_lit"
    schema_version: ClassVar[int] = 1
    number: int


@dataclass(frozen=True, slots=True)
class LampBroke(Fact):
    name: ClassVar[str] = "lamps.lamp_broke"
    schema_version: ClassVar[int] = 1
    number: int
    why: str = ""


class Listener:
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[Envelope, Any]] = []
        self.failing: dict[int, BaseException] = {}
        self.attempts = 0
        self.hold: asyncio.Event | None = None

    async def hear(self, envelope: Envelope, fact: Any) -> None:
        self.attempts += 1
        if self.hold is not None:
            await self.hold.wait()
        if (failure := self.failing.get(getattr(fact, "number", -1))) is not None:
            raise failure
        self.heard.append((envelope, fact))

    @property
    def numbers(self) -> list[int]:
        return [fact.number for _envelope, fact in self.heard]


async def test_a_fact_is_heard_in_another_process_role_with_its_envelope(make_endpoint: MakeEndpoint) -> None:
    recorder, server, ear = make_endpoint("recorder"), make_endpoint("server"), Listener()
    server.subscribe("recorder", LampLit, ear.hear, "lamps")
    await recorder.start()
    await server.start()
    principal = PrincipalId(new_id())
    recorder.publish(LampLit(1), principal=principal)
    await until(lambda: len(ear.heard) == 1)
    envelope, fact = ear.heard[0]
    assert fact == LampLit(1)
    assert (envelope.name, envelope.schema_version, envelope.producer) == ("lamps.lamp_lit", 1, "recorder")
    assert (envelope.site_id, envelope.node_id) == (IDENTITY.site_id, IDENTITY.node_id)
    assert (envelope.principal_id, envelope.causation_id, envelope.sequence) == (principal, None, 1)


async def test_a_process_hears_its_own_facts(make_endpoint: MakeEndpoint) -> None:
    server, ear = make_endpoint("server"), Listener()
    server.subscribe("server", LampLit, ear.hear, "own")
    await server.start()
    server.publish(LampLit(5))
    await until(lambda: ear.numbers == [5])


async def test_order_holds_across_types_threads_and_batches(make_endpoint: MakeEndpoint) -> None:
    recorder, server, ear = make_endpoint("recorder"), make_endpoint("server"), Listener()
    server.subscribe("recorder", LampLit, ear.hear, "lamps")
    server.subscribe("recorder", LampBroke, ear.hear, "lamps")
    await recorder.start()
    await server.start()

    def say() -> None:
        for number in range(1000):
            recorder.publish(LampLit(number) if number % 2 else LampBroke(number))

    thread = threading.Thread(target=say)
    thread.start()
    await until(lambda: len(ear.heard) == 1000)
    thread.join()
    assert ear.numbers == list(range(1000))
    assert [envelope.sequence for envelope, _fact in ear.heard] == list(range(1, 1001))


async def test_cause_trace_and_principal_flow_on(make_endpoint: MakeEndpoint) -> None:
    recorder, server, ear = make_endpoint("recorder"), make_endpoint("server"), Listener()

    async def react(envelope: Envelope, fact: LampLit) -> None:
        assert current_call() == CallContext(envelope.trace_id, envelope.principal_id)
        server.publish(LampBroke(fact.number), cause=envelope)

    server.subscribe("recorder", LampLit, react, "reacting")
    server.subscribe("server", LampBroke, ear.hear, "after")
    await recorder.start()
    await server.start()
    context = CallContext(new_id(), PrincipalId(new_id()))
    with calling(context):
        recorder.publish(LampLit(1))
    await until(lambda: len(ear.heard) == 1)
    envelope, _fact = ear.heard[0]
    assert (envelope.trace_id, envelope.principal_id) == (context.trace_id, context.principal_id)
    assert envelope.causation_id is not None


async def test_a_subscriber_that_was_down_gets_what_it_missed_and_nothing_twice(
    make_endpoint: MakeEndpoint,
) -> None:
    recorder, ear = make_endpoint("recorder"), Listener()
    await recorder.start()
    for number in range(3):
        server = make_endpoint("server")
        server.subscribe("recorder", LampLit, ear.hear, "lamps")
        recorder.publish(LampLit(number))
        await server.start()
        await until(lambda expected=number: len(ear.heard) == expected + 1)  # type: ignore[misc]  # loop variable
        await server.stop()
    assert ear.numbers == [0, 1, 2]


async def test_a_producer_that_restarts_is_heard_on(make_endpoint: MakeEndpoint) -> None:
    server, ear = make_endpoint("server"), Listener()
    server.subscribe("recorder", LampLit, ear.hear, "lamps")
    await server.start()
    for number in range(3):
        recorder = make_endpoint("recorder")
        await recorder.start()
        recorder.publish(LampLit(number))
        await until(lambda expected=number: len(ear.heard) == expected + 1)  # type: ignore[misc]  # loop variable
        await recorder.stop()
    assert ear.numbers == [0, 1, 2]


async def test_what_was_flushed_survives_kill_minus_9(
    make_endpoint: MakeEndpoint, tmp_path: Path, run_folder: Path
) -> None:
    program = """
import asyncio, os, pathlib, signal, sys, uuid
from civiscope.base import *
from civiscope.bus import *
from civiscope.storage import Database
from tests.bus.test_facts import LampLit

async def main():
    identity = BusIdentity(*(uuid.UUID(text) for text in sys.argv[3:6]))
    database = Database(pathlib.Path(sys.argv[1]))
    endpoint = Endpoint("recorder", pathlib.Path(sys.argv[2]), database, identity, SystemClock())
    await endpoint.start()
    for number in range(50):
        endpoint.publish(LampLit(number))
    await endpoint.flush()
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    identity = [str(i) for i in (IDENTITY.organisation_id, IDENTITY.site_id, IDENTITY.node_id)]
    arguments = [str(tmp_path / "recorder-bus.db"), str(run_folder), *identity]
    done = subprocess.run([sys.executable, "-c", program, *arguments], check=False, timeout=30)
    assert done.returncode == -9
    assert (run_folder / "recorder.sock").exists()
    recorder, server, ear = make_endpoint("recorder"), make_endpoint("server"), Listener()
    server.subscribe("recorder", LampLit, ear.hear, "lamps")
    await server.start()
    await recorder.start()
    await until(lambda: len(ear.heard) == 50)
    assert ear.numbers == list(range(50))


async def test_a_handler_that_raises_is_retried_then_parked_and_blocks_nobody(
    make_endpoint: MakeEndpoint,
) -> None:
    recorder, server = make_endpoint("recorder"), make_endpoint("server")
    bad, good = Listener(), Listener()
    bad.failing[1] = ValueError("cannot be")
    server.subscribe("recorder", LampLit, bad.hear, "bad")
    server.subscribe("recorder", LampLit, good.hear, "good")
    await recorder.start()
    await server.start()
    for number in range(3):
        recorder.publish(LampLit(number))
    await until(lambda: good.numbers == [0, 1, 2])
    await until(lambda: bad.numbers == [0, 2])
    assert bad.attempts == 2 + QUICK.subscription.attempts

    async def is_parked() -> bool:
        return len(await server.parked()) == 1

    await until_async(is_parked)
    (parked,) = await server.parked()
    assert (parked.subscription, parked.envelope.name) == ("bad", "lamps.lamp_lit")
    assert "cannot be" in parked.why
    assert [status.parked for status in server.status().subscriptions] == [1, 0]
    with pytest.raises(ValueError, match="cannot be"):
        await server.retry_parked(parked)
    assert len(await server.parked()) == 1
    bad.failing.clear()
    await server.retry_parked(parked)
    assert await server.parked() == []
    assert bad.numbers == [0, 2, 1]


async def test_a_handler_whose_disk_is_full_keeps_its_fact(
    make_endpoint: MakeEndpoint,
) -> None:
    recorder, server, ear = make_endpoint("recorder"), make_endpoint("server"), Listener()
    ear.failing[1] = AppError(ErrorKind.EXHAUSTED, "The disk is full.")
    server.subscribe("recorder", LampLit, ear.hear, "lamps")
    await recorder.start()
    await server.start()
    for number in range(3):
        recorder.publish(LampLit(number))
    await until(lambda: ear.attempts > 3 * QUICK.subscription.attempts)
    assert ear.numbers == [0]
    assert "disk is full" in (server.status().subscriptions[0].trouble or "")
    ear.failing.clear()
    await until(lambda: ear.numbers == [0, 1, 2])
    assert server.status().subscriptions[0].trouble is None


async def test_a_handler_that_hangs_is_stopped(make_endpoint: MakeEndpoint) -> None:
    settings = BusSettings(
        outbox=QUICK.outbox, subscription=SubscriptionSettings(handler_limit_s=0.05, attempts=1)
    )
    recorder, server, ear = make_endpoint("recorder"), make_endpoint("server", settings), Listener()
    ear.hold = asyncio.Event()
    server.subscribe("recorder", LampLit, ear.hear, "lamps")
    await recorder.start()
    await server.start()
    recorder.publish(LampLit(0))

    async def is_parked() -> bool:
        return [parked.why for parked in await server.parked()] != []

    recorder.publish(LampLit(1))
    await until(lambda: server.status().subscriptions[0].parked == 2)
    await until_async(is_parked)


async def test_a_slow_subscriber_slows_nobody_and_costs_no_memory(make_endpoint: MakeEndpoint) -> None:
    recorder, server = make_endpoint("recorder"), make_endpoint("server")
    slow, quick = Listener(), Listener()
    slow.hold = asyncio.Event()
    server.subscribe("recorder", LampLit, slow.hear, "slow")
    server.subscribe("recorder", LampLit, quick.hear, "quick")
    await recorder.start()
    await server.start()
    for number in range(2000):
        recorder.publish(LampLit(number))
    await until(lambda: len(quick.heard) == 2000)
    assert recorder.status().waiting == 0
    assert slow.heard == []
    slow.hold.set()
    await until(lambda: len(slow.heard) == 2000)


async def test_facts_of_an_unknown_shape_are_parked_at_once(make_endpoint: MakeEndpoint) -> None:
    @dataclass(frozen=True, slots=True)
    class LampLitOld(Fact):
        name: ClassVar[str] = "lamps.lamp_lit"
        schema_version: ClassVar[int] = 0
        colour: str

    recorder, server, ear = make_endpoint("recorder"), make_endpoint("server"), Listener()
    server.subscribe("recorder", LampLit, ear.hear, "lamps")
    await recorder.start()
    await server.start()
    recorder.publish(LampLitOld("red"))
    recorder.publish(LampLit(1))
    await until(lambda: ear.numbers == [1])
    await until(lambda: server.status().subscriptions[0].parked == 1)


async def test_an_unwritable_database_stops_no_call_and_facts_wait_in_memory(
    make_endpoint: MakeEndpoint, tmp_path: Path
) -> None:
    locked = sqlite3.connect(tmp_path / "recorder-bus.db", isolation_level=None)
    locked.execute("PRAGMA journal_mode=WAL")
    locked.execute("BEGIN IMMEDIATE")
    settings = BusSettings(outbox=OutboxSettings(linger_s=0.002, waiting_facts=100, stop_s=1.0))
    recorder, server, ear = make_endpoint("recorder", settings), make_endpoint("server"), Listener()
    server.subscribe("recorder", LampLit, ear.hear, "lamps")
    server.subscribe("recorder", FactsLost, ear.hear, "lamps")
    await recorder.start()
    await server.start()
    for number in range(250):
        recorder.publish(LampLit(number))
    assert recorder.status().waiting == 100
    with pytest.raises(AppError) as caught:
        await recorder.flush(timeout_s=0.05)
    assert caught.value.kind is ErrorKind.UNAVAILABLE
    locked.execute("ROLLBACK")
    locked.close()
    await until(lambda: len(ear.heard) == 101, limit_s=10)
    lost = ear.heard[0][1]
    assert isinstance(lost, FactsLost)
    assert lost.count == 150
    assert [fact.number for _envelope, fact in ear.heard[1:]] == list(range(150, 250))


async def test_a_damaged_database_stops_no_call_and_is_named(
    make_endpoint: MakeEndpoint, tmp_path: Path
) -> None:
    (tmp_path / "recorder-bus.db").write_bytes(b"no database" * 1000)
    recorder = make_endpoint("recorder")
    recorder.serve(Desk, RealDesk())
    await recorder.start()
    recorder.publish(LampLit(1))
    await until(lambda: "restore it from a backup" in (recorder.status().trouble or ""))
    assert recorder.status().waiting == 1
    assert await make_endpoint("server").face("recorder", Desk).whoami()


async def test_a_producer_whose_file_was_replaced_is_heard_from_its_beginning(
    make_endpoint: MakeEndpoint, tmp_path: Path
) -> None:
    server, ear = make_endpoint("server"), Listener()
    server.subscribe("recorder", LampLit, ear.hear, "lamps")
    await server.start()
    for number in range(2):
        recorder = make_endpoint("recorder")
        await recorder.start()
        for offset in range(3):
            recorder.publish(LampLit(10 * number + offset))
        await until(lambda expected=number: len(ear.heard) == 3 * expected + 3)  # type: ignore[misc]  # loop
        await recorder.stop()
        for path in tmp_path.glob("recorder-bus.db*"):
            path.unlink()
    assert ear.numbers == [0, 1, 2, 10, 11, 12]


async def test_what_a_restored_file_says_again_is_not_handled_again(
    make_endpoint: MakeEndpoint, tmp_path: Path
) -> None:
    path, copy = tmp_path / "recorder-bus.db", tmp_path / "backup.db"
    server, ear = make_endpoint("server"), Listener()
    server.subscribe("recorder", LampLit, ear.hear, "lamps")
    await server.start()
    for number in range(3):
        recorder = make_endpoint("recorder")
        await recorder.start()
        recorder.publish(LampLit(number))
        await until(lambda expected=number: len(ear.heard) == expected + 1)  # type: ignore[misc]  # loop
        await recorder.stop()
        if number == 0:
            with sqlite3.connect(path) as source, sqlite3.connect(copy) as target:
                source.backup(target)
            source.close()
            target.close()
    for old in tmp_path.glob("recorder-bus.db*"):
        old.unlink()
    copy.rename(path)
    recorder = make_endpoint("recorder")
    await recorder.start()
    await until(lambda: server.status().subscriptions[0].sequence == 1)
    recorder.publish(LampLit(7))
    await until(lambda: len(ear.heard) == 4)
    assert ear.numbers == [0, 1, 2, 7]


async def test_a_database_of_another_site_is_not_used(make_endpoint: MakeEndpoint) -> None:
    first = make_endpoint("recorder")
    await first.start()
    first.publish(LampLit(1))
    await first.flush()
    await first.stop()
    other = BusIdentity(OrganisationId(new_id()), SiteId(new_id()), NodeId(new_id()))
    stranger = make_endpoint("recorder", identity=other)
    await stranger.start()
    await until(lambda: "belongs to site" in (stranger.status().trouble or ""))


async def test_retention_takes_the_oldest_and_a_late_subscriber_is_told(make_endpoint: MakeEndpoint) -> None:
    settings = BusSettings(outbox=OutboxSettings(linger_s=0.001, kept_facts=500))
    recorder, server, ear = make_endpoint("recorder", settings), make_endpoint("server"), Listener()
    server.subscribe("recorder", LampLit, ear.hear, "lamps")
    await recorder.start()
    await server.start()
    recorder.publish(LampLit(0))
    await until(lambda: ear.numbers == [0])
    await server.stop()
    for number in range(1, 3000):
        recorder.publish(LampLit(number))
        if number % 200 == 0:
            await recorder.flush()
    await recorder.flush()
    later = make_endpoint("server")
    later.subscribe("recorder", LampLit, ear.hear, "lamps")
    await later.start()
    await until(lambda: ear.numbers[-1] == 2999)
    heard = ear.numbers[1:]
    assert heard == list(range(heard[0], 3000))
    assert later.status().subscriptions[0].lost == heard[0] - 1 > 0


async def test_a_fact_too_large_is_the_publishers_error(make_endpoint: MakeEndpoint) -> None:
    with pytest.raises(AppError) as caught:
        make_endpoint("recorder").publish(LampBroke(1, "x" * 300_000))
    assert caught.value.kind is ErrorKind.INVALID


async def test_wiring_mistakes_are_said_at_once(make_endpoint: MakeEndpoint) -> None:
    class Nameless(Fact):
        pass

    endpoint, ear = make_endpoint("server"), Listener()
    with pytest.raises(TypeError, match="ClassVars"):
        endpoint.subscribe("recorder", Nameless, ear.hear, "x")
    endpoint.subscribe("recorder", LampLit, ear.hear, "x")
    with pytest.raises(ValueError, match="already"):
        endpoint.subscribe("recorder", LampLit, ear.hear, "x")
    await endpoint.start()
    with pytest.raises(ValueError, match="before start"):
        endpoint.subscribe("recorder", LampBroke, ear.hear, "x")
