"""Events by PullPoint: bounded, forgiving, topic without prefixes (ONVIF Core §9.2, WS-BaseNotification)."""

import asyncio
import datetime
from collections.abc import AsyncGenerator
from contextlib import suppress

from civiscope.base import AppError, Clock, ErrorKind, ProtocolError
from civiscope.devices.drivers.onvif.answers import short, without_user_info
from civiscope.devices.drivers.onvif.library import Bounds, Request
from civiscope.devices.drivers.onvif.session import Session, UnsupportedError
from civiscope.devices.drivers.onvif.xml_tree import Node, parse_xml
from civiscope.devices.equipment import Notification

MESSAGE_LIMIT = 64
"""Asked for at a time; some devices send more, and four times as many are read."""
ITEM_LIMIT = 64
PULL_S = 10
LIFE_S = 60
RENEW_S = 25
_UNSUBSCRIBE_S = 2.0
_SHORTEST_PULL_S = 0.2
_PULL_BOUNDS = Bounds(PULL_S + 5.0, 512 * 1024)
"""Some 2 KB a message: what a hostile device can make us read in a second stays small."""


async def pull_notifications(session: Session, clock: Clock) -> AsyncGenerator[Notification, None]:
    """Notifications until closed; raises when the device or its subscription is lost."""
    answer = await session.call(
        Request("events", "CreatePullPointSubscription", {"InitialTerminationTime": f"PT{LIFE_S}S"})
    )
    reference = answer.find("SubscriptionReference") or Node("")
    told = without_user_info(reference.value("Address"))
    if not told:
        raise AppError(
            ErrorKind.UNAVAILABLE, "The device gave no address to pull its events from. Try again."
        )
    point = _PullPoint(session, clock, session.from_here(told), _reference_headers(reference))
    try:
        while True:
            for notification in await point.pull():
                yield notification
    finally:
        await point.end()


class _PullPoint:
    def __init__(self, session: Session, clock: Clock, address: str, headers: tuple[Node, ...]) -> None:
        self._session = session
        self._clock = clock
        self._address = address
        self._headers = headers
        self._renewed_us = clock.monotonic_us()
        self._renews = True

    async def pull(self) -> list[Notification]:
        """One pull, which waits at the device; a device that answers at once and always is slowed down."""
        began_us = self._clock.monotonic_us()
        if self._renews and began_us - self._renewed_us > RENEW_S * 1_000_000:
            await self._renew()
        fields = {"Timeout": datetime.timedelta(seconds=PULL_S), "MessageLimit": MESSAGE_LIMIT}
        answer = await self._session.call(
            Request("pullpoint", "PullMessages", fields, self._headers, _PULL_BOUNDS), self._address
        )
        found = read_notifications(answer, self._clock.now_us())
        spent_s = (self._clock.monotonic_us() - began_us) / 1_000_000
        if spent_s < _SHORTEST_PULL_S:
            await asyncio.sleep(_SHORTEST_PULL_S - spent_s)
        return found

    async def end(self) -> None:
        """Tell the device that nobody listens any more; it would find out within a minute."""
        with suppress(AppError, TimeoutError):
            async with asyncio.timeout(_UNSUBSCRIBE_S):
                await self._session.call(
                    Request("subscription", "Unsubscribe", headers=self._headers), self._address
                )

    async def _renew(self) -> None:
        """Where it is not known pulling keeps the subscription alive, or the next pull sees its end."""
        fields = {"TerminationTime": f"PT{LIFE_S}S"}
        try:
            await self._session.call(Request("subscription", "Renew", fields, self._headers), self._address)
        except (UnsupportedError, ProtocolError):
            self._renews = False
        self._renewed_us = self._clock.monotonic_us()


def _reference_headers(reference: Node) -> tuple[Node, ...]:
    parameters = reference.find("ReferenceParameters")
    return parameters.children[:8] if parameters else ()


def parse_notifications(data: bytes, arrival_us: int) -> list[Notification]:
    """From a document with `NotificationMessage` anywhere in it; ProtocolError when it is no XML."""
    return read_notifications(parse_xml(data), arrival_us)


def read_notifications(node: Node, arrival_us: int) -> list[Notification]:
    """Each `NotificationMessage` below; whatever is missing in one is left empty."""
    found: list[Notification] = []
    for message in node.descendants("NotificationMessage"):
        if len(found) >= 4 * MESSAGE_LIMIT:
            break
        found.append(_notification(message, arrival_us))
    return found


def _notification(node: Node, arrival_us: int) -> Notification:
    said = node.find("Message", "Message") or Node("")
    return Notification(
        at_us=_moment_us(said.attribute("UtcTime"), arrival_us),
        topic=plain_topic(node.value("Topic")),
        operation=short(said.attribute("PropertyOperation")),
        source=(*_items(said, "Source"), *_items(said, "Key"))[:ITEM_LIMIT],
        data=_items(said, "Data"),
    )


def plain_topic(text: str) -> str:
    """`tns1:RuleEngine/tnsaxis:Loitering` becomes `RuleEngine/Loitering`."""
    return "/".join(part.rpartition(":")[2] for part in short(text).split("/"))


def _items(said: Node, name: str) -> tuple[tuple[str, str], ...]:
    part = said.find(name) or Node("")
    return tuple(
        (short(item.attribute("Name")), short(item.attribute("Value")))
        for item in part.all("SimpleItem")[:ITEM_LIMIT]
    )


def _moment_us(text: str, arrival_us: int) -> int:
    """The device's own time; arrival when it gives none, or one that is none. Without a zone it is UTC."""
    try:
        moment = datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        return arrival_us
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    since = moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return since // datetime.timedelta(microseconds=1)
