"""Notifications of a simulated device and the pull points that wait for them (ONVIF Core §9)."""

import asyncio
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from civiscope.simulator.onvif.soap import Node, Raw, SoapFault, invalid, node

CONCRETE = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
PULL_POINTS_LIMIT = 10
_WAITING_LIMIT = 1000
"""Notifications that wait at one pull point; then the oldest are lost."""
_LONGEST_LIFE_US = 3_600_000_000
_TOPIC = re.compile(r"[A-Za-z_][\w.-]*:?[\w.-]*(/[\w.:-]+)*")


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification, ready to be written."""

    topic: str
    """With prefix: `tns1:RuleEngine/CellMotionDetector/Motion`; empty for captured bytes of unknown topic."""
    content: Node | Raw


def make_notice(
    topic: str, source: Mapping[str, str], data: Mapping[str, str], at: str, operation: str
) -> Notice:
    """A wsnt:NotificationMessage (ONVIF Core §9.5); `at` is xs:dateTime."""
    attributes = (("UtcTime", at), *((("PropertyOperation", operation),) if operation else ()))
    message = Node("tt:Message", attributes, (_items("tt:Source", source), _items("tt:Data", data)))
    topic_node = Node("wsnt:Topic", (("Dialect", CONCRETE),), (topic,))
    return Notice(topic, node("wsnt:NotificationMessage", topic_node, node("wsnt:Message", message)))


def _items(name: str, items: Mapping[str, str]) -> Node:
    return node(name, *(node("tt:SimpleItem", Name=key, Value=value) for key, value in items.items()))


class TopicFilter:
    """Topics joined by `|`, each exact or with `//.` for all below it (ONVIF Core §9.6.3)."""

    def __init__(self, expression: str) -> None:
        self._branches = []
        for part in expression.split("|"):
            clean = part.strip()
            root = clean.removesuffix("//.").removesuffix("/.")
            if not _TOPIC.fullmatch(root):
                raise SoapFault("the topic expression cannot be read", "wsnt:InvalidTopicExpressionFault")
            self._branches.append((_plain(root), root != clean))

    def admits(self, topic: str) -> bool:
        """A notification of this topic is wanted."""
        told = _plain(topic)
        return any(
            told == root or (with_below and told.startswith(f"{root}/"))
            for root, with_below in self._branches
        )


def _plain(topic: str) -> str:
    """Prefixes away: each client picks its own."""
    return "/".join(part.rpartition(":")[2] for part in topic.split("/"))


class PullPoint:
    """One subscription; ends when nobody pulled or renewed it in time. Times are monotonic."""

    def __init__(self, wanted: TopicFilter | None, ends_us: int) -> None:
        self._wanted = wanted
        self.ends_us = ends_us
        self.life_us = 0
        """How much a pull prolongs it."""
        self.pulls = 0
        self._waiting: deque[Notice] = deque(maxlen=_WAITING_LIMIT)
        self._arrived = asyncio.Event()
        self.is_gone = False

    def give(self, notice: Notice) -> None:
        """Keep it for the next pull, if its topic is wanted."""
        if self._wanted is None or not notice.topic or self._wanted.admits(notice.topic):
            self._waiting.append(notice)
            self._arrived.set()

    def end(self) -> None:
        """Wake a pull that waits; it finds the subscription gone."""
        self.is_gone = True
        self._arrived.set()

    async def take(self, limit: int, wait_s: float) -> list[Notice]:
        """At most so many, waiting for the first one; none after the time, or when it ended."""
        if not self._waiting and not self.is_gone:
            self._arrived.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self._arrived.wait()
            except TimeoutError:
                return []
        return [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]


class NoticeBoard:
    """All pull points of one device, and the state of every property for who comes later."""

    def __init__(self) -> None:
        self._points: dict[str, PullPoint] = {}
        self._state: dict[tuple[str, tuple[tuple[str, str], ...]], Mapping[str, str]] = {}
        self._number = 0

    def post(self, notice: Notice) -> None:
        """Give it to everybody who waits."""
        for point in self._points.values():
            point.give(notice)

    def keep_state(self, topic: str, source: Mapping[str, str], data: Mapping[str, str]) -> None:
        """The last word on a property, told as Initialized to new pull points."""
        self._state[topic, tuple(source.items())] = dict(data)

    def forget_state(self, topic: str, source: Mapping[str, str]) -> None:
        """The property is gone."""
        self._state.pop((topic, tuple(source.items())), None)

    def tell_state(self, point: PullPoint, at: str) -> None:
        """Every property anew (ONVIF Core §9.1.3)."""
        for (topic, source), data in self._state.items():
            point.give(make_notice(topic, dict(source), data, at, "Initialized"))

    def open(self, wanted: TopicFilter | None, now_us: int, life_us: int) -> tuple[str, PullPoint]:
        """A new pull point with its name."""
        self.tidy(now_us)
        if len(self._points) >= PULL_POINTS_LIMIT:
            raise SoapFault("no more pull points", "ter:Action", "ter:MaxPullPoints", is_ours=True)
        self._number += 1
        name = str(self._number)
        point = PullPoint(wanted, now_us + _checked(life_us))
        point.life_us = life_us
        self._points[name] = point
        return name, point

    def find(self, name: str, now_us: int) -> PullPoint:
        """The pull point of this name; a fault when it never was or is over."""
        self.tidy(now_us)
        try:
            return self._points[name]
        except KeyError:
            raise SoapFault("there is no such subscription", "wsnt:ResourceUnknownFault") from None

    def renew(self, point: PullPoint, now_us: int, life_us: int) -> None:
        """It lives so long from now on."""
        point.life_us = _checked(life_us)
        point.ends_us = now_us + life_us

    def close(self, name: str) -> None:
        """End one; unknown names do nothing."""
        point = self._points.pop(name, None)
        if point is not None:
            point.end()

    def close_all(self) -> None:
        """Forget every pull point, as a device does that starts anew."""
        for name in list(self._points):
            self.close(name)

    def tidy(self, now_us: int) -> None:
        """Let those go whose time is over."""
        for name in [name for name, point in self._points.items() if point.ends_us <= now_us]:
            self.close(name)


def _checked(life_us: int) -> int:
    if not 0 < life_us <= _LONGEST_LIFE_US:
        raise invalid("a subscription lives from 1 s to 1 h", "ter:InvalidTerminationTime")
    return life_us
