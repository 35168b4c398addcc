"""The server's line to the driver host, over a real bus: after each start and each change it is put right."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from tests.devices.strange_drivers import installed

from civiscope.app.driver_link import DriverLink
from civiscope.base import (
    AppError,
    DeviceId,
    ErrorKind,
    NodeId,
    OrganisationId,
    SiteId,
    SystemClock,
    new_id,
)
from civiscope.bus import BusIdentity, Endpoint, Envelope
from civiscope.devices import (
    DeviceAddress,
    DeviceNotified,
    DriverFace,
    DriverHost,
    EventSource,
    GateRules,
    PlugIns,
    Trouble,
)
from civiscope.storage import Database

IDENTITY = BusIdentity(OrganisationId(new_id()), SiteId(new_id()), NodeId(new_id()))
POINTS: list[EntryPoint] = installed()


@asynccontextmanager
async def endpoint(role: str, folder: Path) -> AsyncIterator[Endpoint]:
    database = Database(folder / f"{role}.db")
    made = Endpoint(role, folder, database, IDENTITY, SystemClock())
    try:
        yield made
    finally:
        await made.stop()
        database.close()


@asynccontextmanager
async def hosting(folder: Path) -> AsyncIterator[DriverHost]:
    """The driver host as its process has it."""
    async with endpoint("driver", folder) as bus:
        host = DriverHost(PlugIns(("good",), POINTS), SystemClock(), bus.publish)
        bus.serve(DriverFace, host)
        await bus.start()
        try:
            yield host
        finally:
            await host.close()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(8):
        while not is_so():
            await asyncio.sleep(0.02)


@pytest.fixture
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("r")


async def test_gate_and_events_are_applied_after_each_start_and_change(run_folder: Path) -> None:
    source = EventSource(DeviceId(new_id()), "good", DeviceAddress("fake://well"))
    rules = [GateRules()]
    told: list[DeviceNotified] = []

    async def hear(_envelope: Envelope, fact: DeviceNotified) -> None:
        told.append(fact)

    async def events() -> tuple[EventSource, ...]:
        return (source,)

    async with endpoint("server", run_folder) as bus:
        link = DriverLink(bus.face("driver", DriverFace), SystemClock(), lambda: rules[0], events)
        bus.subscribe("driver", DeviceNotified, hear, "devices")
        await bus.start()
        running = asyncio.create_task(link.run())
        try:
            with pytest.raises(AppError) as away:
                await link.face.drivers()
            assert away.value.kind is ErrorKind.UNAVAILABLE
            for start in (1, 2):
                async with hosting(run_folder) as host:
                    await until(lambda start=start: len(told) == start)  # type: ignore[misc]  # a default
                    assert link.is_fresh
                    assert (await host.standing()).gate == rules[0]
                    found = await link.face.describe("good", DeviceAddress("fake://well"))
                    assert found.description is not None
                    if start == 2:
                        rules[0] = GateRules(networks=("192.168.0.0/16",))
                        link.wake()
                        async with asyncio.timeout(2):
                            while (await link.face.standing()).gate != rules[0]:
                                await asyncio.sleep(0.02)
                        shut = await link.face.describe("good", DeviceAddress("fake://well"))
                        assert shut.trouble is not None
                        assert shut.trouble.trouble is Trouble.DRIVER
        finally:
            running.cancel()
    assert {fact.device_id for fact in told} == {source.device_id}
