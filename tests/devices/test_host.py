"""The driver host: whatever a plug-in does, the others and the process go on."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable

import pytest
from tests.devices.strange_drivers import LISTENING, SECRET, installed

from civiscope.base import AppError, DeviceId, ErrorKind, SystemClock, new_id
from civiscope.bus import Fact
from civiscope.devices import (
    DesiredSettings,
    DeviceAddress,
    DeviceNotified,
    DriverHost,
    EventSource,
    GateRules,
    NotificationsDropped,
    PlugIns,
    PtzMove,
    Trouble,
)

ALLOWED = ("good", "other", "deaf")
OPEN = GateRules()


class Heard:
    """Facts as the bus would take them, from any thread."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def publish(self, fact: Fact) -> None:
        self.facts.append(fact)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def host(heard: Heard) -> AsyncIterator[DriverHost]:
    made = DriverHost(PlugIns(ALLOWED, installed()), SystemClock(), heard.publish)
    await made.apply_gate(OPEN)
    yield made
    await made.close()


def fake(act: str, settings: str = "{}") -> DeviceAddress:
    return DeviceAddress(f"fake://{act}", "user", SECRET, settings=settings)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0.01)


def test_what_is_installed_is_told_apart() -> None:
    names = ("good", "text", "misnamed", "gone", "exits", "twice", "lazy", "homeless", "missing")
    infos = {one.name: one for one in PlugIns(names, installed()).infos()}
    assert infos["good"].state == "loaded"
    assert '"channel"' in infos["good"].settings_schema
    assert {infos["other"].state, infos["deaf"].state} == {"not_allowed"}
    expected = {
        "text": "str", "misnamed": "otherwise", "gone": "No module", "exits": "licence",
        "twice": "Several", "lazy": "deadline", "homeless": "scheme", "missing": "not installed",
    }  # fmt: skip
    for name, words in expected.items():
        assert infos[name].state == "broken"
        assert words in infos[name].why


def test_a_driver_off_the_list_is_never_imported() -> None:
    script = (
        "import sys\n"
        "from civiscope.devices import PlugIns\n"
        "plug_ins = PlugIns(('rtsp',))\n"
        "assert {i.name: i.state for i in plug_ins.infos()}['onvif'] == 'not_allowed'\n"
        "assert not [m for m in sys.modules if m.startswith('civiscope.devices.drivers.onvif')]\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.parametrize("module", ["civiscope.devices", "civiscope.app.recorder", "civiscope.app.driver"])
def test_nothing_heavy_comes_with_a_face(module: str) -> None:
    """The recorder, the face, and the driver host before its first call load no library of a driver."""
    script = (
        f"import sys, {module}\n"
        "heavy = {'zeep', 'onvif', 'aiohttp', 'lxml', 'civiscope.devices.drivers'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, timeout=60, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


async def test_nothing_is_reached_before_the_gate_is_known(heard: Heard) -> None:
    host = DriverHost(PlugIns(ALLOWED, installed()), SystemClock(), heard.publish)
    assert (await host.standing()).gate is None
    for ask in (host.snapshot("good", fake("well"), 0), host.discover(0.1), host.follow_events(())):
        with pytest.raises(AppError) as caught:
            await ask
        assert caught.value.kind is ErrorKind.UNAVAILABLE
    trouble = (await host.describe("good", fake("well"))).trouble
    assert trouble is not None
    assert "where devices may stand" in trouble.words


async def test_the_gate_is_the_one_applied_last(host: DriverHost) -> None:
    assert (await host.describe("good", fake("well"))).description is not None
    await host.apply_gate(GateRules(networks=("192.168.0.0/16",)))
    described = await host.describe("good", fake("well"))
    assert described.trouble is not None
    assert "10.0.0.9 is outside" in described.trouble.words
    assert (await host.standing()).gate == GateRules(networks=("192.168.0.0/16",))


async def test_every_call_reaches_its_driver(host: DriverHost) -> None:
    device, wanted = fake("well", '{"channel": 2}'), DesiredSettings()
    assert await host.snapshot("good", device, 0) == b"\xff\xd8 picture"
    assert (await host.compare("good", device, wanted))[0].setting == "clock"
    assert await host.configure("good", device, wanted) == ()
    assert not (await host.ptz_status("good", device, 0)).is_moving
    await host.ptz_move("good", device, 0, PtzMove(pan=1.0))
    await host.ptz_goto("good", device, 0, "1")
    assert (await host.ptz_keep("good", device, 0, "Gate")).name == "Gate"
    with pytest.raises(AppError, match="no JPEG"):
        await host.snapshot("good", device, 1)


@pytest.mark.parametrize(
    ("act", "trouble"),
    [
        ("wait", Trouble.TIMEOUT), ("raise", Trouble.DRIVER), ("exit", Trouble.DRIVER),
        ("trouble", Trouble.AUTHENTICATION), ("nonsense", Trouble.DRIVER),
    ],
)  # fmt: skip
async def test_what_a_driver_does_wrong_is_a_trouble(
    host: DriverHost, act: str, trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    began = time.monotonic()
    described = await host.describe("good", fake(act))
    assert time.monotonic() - began < 2.0
    assert described.trouble is not None
    assert described.trouble.trouble is trouble
    assert SECRET not in repr(described) + caplog.text + str([r.__dict__ for r in caplog.records])


async def test_wrong_addresses_settings_and_names_are_told(host: DriverHost) -> None:
    rtsp = await host.describe("good", DeviceAddress("rtsp://10.0.0.9/"))
    assert rtsp.trouble is not None
    assert rtsp.trouble.trouble is Trouble.ADDRESS
    misfit = await host.describe("good", fake("well", '{"chanel": 2}'))
    assert misfit.trouble is not None
    assert "chanel" in misfit.trouble.words
    for name in ("nobody", "text"):
        nobody = await host.describe(name, fake("well"))
        assert nobody.trouble is not None
        assert nobody.trouble.trouble is Trouble.DRIVER


async def test_a_device_cannot_point_at_our_disk(host: DriverHost) -> None:
    described = await host.describe("good", fake("disk"))
    assert described.description is not None
    assert described.description.inputs[0].streams == ()
    assert "left out" in described.description.warnings[0]


async def test_a_driver_that_blocks_takes_no_other_along(host: DriverHost) -> None:
    async def other() -> float:
        began = time.monotonic()
        assert (await host.describe("other", fake("well"))).description is not None
        return time.monotonic() - began

    await other()
    blocked = asyncio.create_task(host.describe("good", fake("block")))
    await asyncio.sleep(0.1)
    assert await other() < 0.5
    first = await blocked
    assert first.trouble is not None
    began = time.monotonic()
    while (again := await host.describe("good", fake("well"))).description is None:
        assert again.trouble is not None
        assert time.monotonic() - began < 10, "the driver's loop turns again and nobody noticed"
        await asyncio.sleep(0.05)


async def test_calls_that_will_not_end_use_up_their_own_slots(host: DriverHost) -> None:
    calls = [asyncio.create_task(host.describe("good", fake("stubborn"))) for _ in range(40)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    refused = [one for one in results if isinstance(one, AppError)]
    assert len(refused) == 40 - 32
    assert {one.kind for one in refused} == {ErrorKind.EXHAUSTED}
    assert (await host.describe("other", fake("well"))).description is not None


async def test_a_caller_who_goes_away_ends_the_call(host: DriverHost) -> None:
    before = threading.active_count()
    for _ in range(40):  # more than there are slots
        call = asyncio.create_task(host.describe("good", fake("wait")))
        await asyncio.sleep(0.01)
        call.cancel()
    assert (await host.describe("good", fake("well"))).description is not None
    assert threading.active_count() <= before + 4


async def test_discovery_asks_all_and_survives_one(host: DriverHost) -> None:
    found = await host.discover(0.2)
    assert [one.endpoint for one in found] == ["urn:uuid:1", "urn:uuid:2"]
    assert {one.driver for one in found} == {"good"}
    assert found[0].addresses == ("http://10.0.0.9/onvif/device_service",)
    assert len(found[1].name) == 200


def source(act: str, driver: str = "good") -> EventSource:
    return EventSource(DeviceId(new_id()), driver, fake(act))


async def test_notifications_become_facts_within_bounds(host: DriverHost, heard: Heard) -> None:
    one, flood = source("well"), source("flood")
    await host.follow_events((one, flood, source("well", "other")))  # the last has no events
    assert (await host.standing()).followed == 2
    await until(lambda: any(isinstance(fact, NotificationsDropped) for fact in heard.facts))
    told = [fact for fact in heard.facts if isinstance(fact, DeviceNotified)]
    (dropped,) = [fact for fact in heard.facts if isinstance(fact, NotificationsDropped)]
    assert [fact.device_id for fact in told].count(one.device_id) == 1
    assert [fact.device_id for fact in told].count(flood.device_id) == 20
    assert (dropped.device_id, dropped.count) == (flood.device_id, 30)
    assert told[0].topic == "Device/Trigger"
    assert len(told[0].source) == 16
    assert max(len(value) for _, value in told[0].source) == 512


async def test_following_ends_and_begins_as_told(host: DriverHost, heard: Heard) -> None:
    kept, gone = source("well"), source("well")
    await host.follow_events((kept, gone))
    await until(lambda: len(heard.facts) == 2)
    await host.follow_events((kept,))
    await host.follow_events((kept,))
    await asyncio.sleep(0.05)
    assert len(heard.facts) == 2, "what is heard already is left in peace"
    await host.apply_gate(GateRules(networks=("10.0.0.0/8",)))
    await until(lambda: len(heard.facts) == 3)
    assert heard.facts[-1].device_id == kept.device_id  # type: ignore[attr-defined]  # a DeviceNotified
    assert (await host.standing()).followed == 1


async def test_calls_at_once_leave_one_follower_a_device(host: DriverHost, heard: Heard) -> None:
    sources = tuple(source("well") for _ in range(5))
    await asyncio.gather(
        host.follow_events(sources),
        host.apply_gate(GateRules(networks=("10.0.0.0/9",))),
        host.follow_events(sources),
        host.apply_gate(GateRules(networks=("10.0.0.0/10",))),
        host.follow_events(sources[:3]),
    )
    assert (await host.standing()).followed == 3
    await host.follow_events(())
    await host.describe("good", fake("well"))  # in the same cell, behind all that was begun and ended
    assert heard.facts
    await until(lambda: not LISTENING)


async def test_a_lost_device_is_followed_again(host: DriverHost, caplog: pytest.LogCaptureFixture) -> None:
    await host.follow_events((source("lost"),))
    await until(lambda: "notifications are lost" in caplog.text)
    assert (await host.standing()).followed == 1
    assert SECRET not in caplog.text


async def test_closing_is_quick_whatever_drivers_do(heard: Heard) -> None:
    host = DriverHost(PlugIns(ALLOWED, installed()), SystemClock(), heard.publish)
    await host.apply_gate(OPEN)
    await host.follow_events((source("well"),))
    calls = [asyncio.create_task(host.describe("good", fake(act))) for act in ("wait", "block")]
    await asyncio.sleep(0.1)
    began = time.monotonic()
    await host.close()
    assert time.monotonic() - began < 0.9
    for call in calls:
        call.cancel()
