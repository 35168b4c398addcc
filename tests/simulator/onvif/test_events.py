"""Notifications by pull points: waiting, filters, state for latecomers, captured bytes, points that die."""

import asyncio
import time
from pathlib import Path

import pytest
from tests.simulator.onvif.asker import Asker, Reply
from tests.simulator.onvif.conftest import ADMIN

from civiscope.simulator import OnvifFaults, OnvifReplay, OnvifServer
from civiscope.simulator.onvif.soap import parse_xml, qualified

CAPTURES = Path(__file__).resolve().parents[4] / "shared" / "data" / "onvif"
MOTION = "tns1:VideoSource/MotionAlarm"


class Listener:
    """One subscription."""

    def __init__(self, asker: Asker, url: str) -> None:
        self._asker = asker
        self._url = url

    @classmethod
    async def open(cls, server: OnvifServer, topics: str = "", life: str = "PT60S") -> "Listener":
        asker = Asker(server.url("Pier"), ADMIN)
        wanted = (
            f"<tev:Filter><wsnt:TopicExpression>{topics}</wsnt:TopicExpression></tev:Filter>"
            if topics
            else ""
        )
        inner = f"{wanted}<tev:InitialTerminationTime>{life}</tev:InitialTerminationTime>"
        reply = await asker.ask(
            f"<tev:CreatePullPointSubscription>{inner}</tev:CreatePullPointSubscription>", "events_service"
        )
        assert reply.status == 200, reply.body
        return cls(asker, reply.text("tev:SubscriptionReference", "wsa:Address"))

    async def ask(self, body: str) -> Reply:
        return await self._asker.ask(body, self._url)

    async def pull(self, wait: str = "PT0S", limit: int = 100) -> Reply:
        inner = f"<tev:Timeout>{wait}</tev:Timeout><tev:MessageLimit>{limit}</tev:MessageLimit>"
        return await self.ask(f"<tev:PullMessages>{inner}</tev:PullMessages>")


def told(reply: Reply) -> list[tuple[str, str, str]]:
    """Topic, operation and the value of the first item of data."""
    found = []
    for message in reply.told.iter(qualified("wsnt:NotificationMessage")):
        inner = message.find(f".//{qualified('tt:Message')}")
        assert inner is not None
        item = inner.find(f"{qualified('tt:Data')}/{qualified('tt:SimpleItem')}")
        topic = message.findtext(qualified("wsnt:Topic")) or ""
        found.append(
            (topic, inner.get("PropertyOperation", ""), "" if item is None else item.get("Value", ""))
        )
    return found


async def test_a_pull_waits_until_something_happens(pier: OnvifServer) -> None:
    listener = await Listener.open(pier)
    pull = asyncio.create_task(listener.pull("PT10S"))
    while "PullMessages" not in pier.device("Pier").requests:
        await asyncio.sleep(0.005)
    began = time.monotonic()
    pier.device("Pier").notify(MOTION, {"Source": "source"}, {"State": "true"})
    assert told(await pull) == [(MOTION, "Changed", "true")]
    assert time.monotonic() - began < 2
    assert told(await listener.pull("PT0.05S")) == []


async def test_a_limit_leaves_the_rest_for_the_next_pull(pier: OnvifServer) -> None:
    listener = await Listener.open(pier)
    for number in range(5):
        pier.device("Pier").notify("tns1:Device/Trigger/Relay", {}, {"Id": str(number)}, "")
    got = [[value for _, _, value in told(await listener.pull(limit=2))] for _ in range(3)]
    assert got == [["0", "1"], ["2", "3"], ["4"]]


async def test_a_latecomer_is_told_the_state(pier: OnvifServer) -> None:
    device = pier.device("Pier")
    device.notify(MOTION, {"Source": "source"}, {"State": "false"}, "Initialized")
    device.notify(MOTION, {"Source": "source"}, {"State": "true"})
    listener = await Listener.open(pier)
    assert told(await listener.pull()) == [(MOTION, "Initialized", "true")]
    assert (await listener.ask("<tev:SetSynchronizationPoint/>")).status == 200
    assert told(await listener.pull()) == [(MOTION, "Initialized", "true")]
    device.notify(MOTION, {"Source": "source"}, {"State": "true"}, "Deleted")
    assert told(await (await Listener.open(pier)).pull()) == []


@pytest.mark.parametrize(
    ("topics", "count"),
    [
        (MOTION, 1),
        ("tns1:VideoSource//.", 1),
        ("tns1:RuleEngine//.|tns1:VideoSource//.", 2),
        ("tns1:Video//.", 0),
    ],
)
async def test_topics_are_filtered(pier: OnvifServer, topics: str, count: int) -> None:
    listener = await Listener.open(pier, topics)
    pier.device("Pier").notify(MOTION, {"Source": "source"}, {"State": "true"})
    pier.device("Pier").notify("tns1:RuleEngine/LineDetector/Crossed", {"Rule": "1"}, {"ObjectId": "7"}, "")
    assert len(told(await listener.pull())) == count


async def test_it_ends_when_told_and_when_nobody_comes(pier: OnvifServer) -> None:
    listener = await Listener.open(pier)
    assert (
        await listener.ask("<wsnt:Renew><wsnt:TerminationTime>PT30S</wsnt:TerminationTime></wsnt:Renew>")
    ).status == 200
    assert (await listener.ask("<wsnt:Unsubscribe/>")).status == 200
    assert (await listener.pull()).subcodes == ["wsnt:ResourceUnknownFault"]
    short = await Listener.open(pier, life="PT0.05S")
    await asyncio.sleep(0.1)
    assert (await short.pull()).status == 400


async def test_a_pull_point_may_die(pier: OnvifServer) -> None:
    pier.device("Pier").faults = OnvifFaults(pull_point_dies_after=2)
    listener = await Listener.open(pier)
    assert [(await listener.pull()).status for _ in range(3)] == [200, 200, 400]


async def test_a_restart_ends_a_pull_that_waits(pier: OnvifServer) -> None:
    listener = await Listener.open(pier)
    pull = asyncio.create_task(listener.pull("PT10S"))
    while "PullMessages" not in pier.device("Pier").requests:
        await asyncio.sleep(0.005)
    assert (await Asker(pier.url("Pier"), ADMIN).ask("<tds:SystemReboot/>")).status == 200
    assert (await pull).subcodes == ["wsnt:ResourceUnknownFault"]


async def test_there_are_only_so_many_pull_points(pier: OnvifServer) -> None:
    for _ in range(10):
        await Listener.open(pier)
    reply = await Asker(pier.url("Pier"), ADMIN).ask("<tev:CreatePullPointSubscription/>", "events_service")
    assert (reply.status, reply.subcodes) == (500, ["ter:Action", "ter:MaxPullPoints"])


@pytest.mark.parametrize("life", ["PT0S", "-PT5S", "PT5H", "soon", "2001-01-01T00:00:00Z"])
async def test_a_life_that_cannot_be_is_refused(pier: OnvifServer, life: str) -> None:
    inner = f"<tev:InitialTerminationTime>{life}</tev:InitialTerminationTime>"
    body = f"<tev:CreatePullPointSubscription>{inner}</tev:CreatePullPointSubscription>"
    reply = await Asker(pier.url("Pier"), ADMIN).ask(body, "events_service")
    assert reply.subcodes == ["ter:InvalidArgVal", "ter:InvalidTerminationTime"]


async def test_what_can_happen_is_told(pier: OnvifServer) -> None:
    reply = await Asker(pier.url("Pier"), ADMIN).ask("<tev:GetEventProperties/>", "events_service")
    assert reply.told.find(f".//{qualified('tns1:RuleEngine')}/LineDetector/Crossed") is not None


async def test_captured_notifications_come_byte_for_byte(pier: OnvifServer) -> None:
    files = sorted((CAPTURES / "events").glob("*.xml"))
    if not files:
        pytest.skip("the captured notifications are not here")
    pier.device("Pier").replay = OnvifReplay.load(*files)
    reply = await (await Listener.open(pier)).pull()
    assert all(path.read_bytes() in reply.body for path in files)
    messages = list(reply.told.iter(qualified("wsnt:NotificationMessage")))
    alone = [parse_xml(path.read_bytes()) for path in files]
    topics = [
        one.findtext(qualified("wsnt:Topic"))
        for one in alone
        if one.tag == qualified("wsnt:NotificationMessage")
    ]
    assert [one.findtext(qualified("wsnt:Topic")) for one in messages] == topics


async def test_captured_answers_come_byte_for_byte(pier: OnvifServer) -> None:
    files = sorted((CAPTURES / "soap").glob("*.xml"))
    if not files:
        pytest.skip("the captured answers are not here")
    asker = Asker(pier.url("Pier"), ADMIN)
    asked = {
        "GetStreamUri": ("<trt:GetStreamUri/>", "media_service"),
        "GetSnapshotUri": ("<trt:GetSnapshotUri/>", "media_service"),
        "GetCapabilities": ("<tds:GetCapabilities/>", "device_service"),
    }
    for path in files:
        pier.device("Pier").replay = replay = OnvifReplay.load(path)
        (operation,) = replay.replies
        reply = await asker.ask(*asked[operation])
        assert (reply.status, reply.body) == (200, path.read_bytes())
        refused = await asker.ask(*asked["GetStreamUri"], header="")
        assert refused.status == 401, "logins are asked for as ever"
