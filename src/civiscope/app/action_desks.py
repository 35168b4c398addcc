"""What rules command, carried out by the rooms: notices sent, moments named, spans held. Once per firing."""

from collections.abc import Sequence
from uuid import UUID, uuid5

from civiscope.alarms import Alarm
from civiscope.app.site import Site
from civiscope.base import AppError, ChannelId, PrincipalId, Span
from civiscope.evidence import HoldDraft
from civiscope.notify import Message, Priority, TargetId
from civiscope.rules import BookmarkOrder, HoldOrder, Notice
from civiscope.security import Principal, PrincipalKind


class NoticeDesk:
    """`rules.Notifier` and the escalation of alarms, by the room notify."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def send(self, notice: Notice, target_ids: Sequence[UUID]) -> None:
        """Queued on the disk when it returns; told again it is the same message."""
        message = Message(
            id=notice.id,
            subject=notice.subject,
            text=notice.text,
            at_us=notice.at_us,
            site_name=self._site.pages.site.name,
            channel_name=await _channel_name(self._site, notice.channel_id),
            event_id=notice.event_id,
            priority=Priority(notice.priority),
        )
        await self._site.notify.send(message, [TargetId(one) for one in target_ids])

    async def escalate(self, alarm: Alarm) -> None:
        """Tell the targets for escalations that nobody has claimed an alarm."""
        message = Message(
            id=uuid5(alarm.id, str(alarm.escalations)),
            subject=f"Nobody has claimed: {alarm.title}",
            text=f"“{alarm.title}” was told {alarm.escalations + 1} times, and nobody has claimed it.",
            at_us=self._site.clock.now_us(),
            site_name=self._site.pages.site.name,
            path=f"/alarms?alarm={alarm.id}",
            channel_name=await _channel_name(self._site, alarm.channel_id),
            alarm_id=alarm.id,
            event_id=alarm.event_id,
            priority=Priority(alarm.priority.value),
        )
        await self._site.notify.escalate(message)


class KeepingDesk:
    """`rules.EvidenceDesk` by the room evidence."""

    def __init__(self, site: Site) -> None:
        self._evidence = site.evidence

    async def add_bookmark(self, order: BookmarkOrder) -> None:
        """Name the moment, unless this event has that name there already."""
        there = await self._evidence.bookmarks([order.channel_id], Span(order.at_us, order.at_us + 1))
        if any((one.event_id, one.text) == (order.event_id, order.text) for one in there):
            return
        by = _rule_principal(order.made_by, order.firing_id)
        await self._evidence.add_bookmark(order.channel_id, order.at_us, order.text, by, order.event_id)

    async def hold(self, order: HoldOrder) -> None:
        """Protect the span, unless it is held for that reason already."""
        span = (order.span.start_us, order.span.end_us, order.reason)
        held = await self._evidence.holds([order.channel_id])
        if any((one.from_us, one.to_us, one.reason) == span for one in held):
            return
        draft = HoldDraft(order.channel_id, order.span, order.reason, order.until_us)
        await self._evidence.hold(draft, _rule_principal(order.made_by, order.firing_id))


def _rule_principal(name: str, firing_id: UUID) -> Principal:
    """The rule as the audit names it: a process without any role of its own."""
    return Principal(PrincipalId(firing_id), name, PrincipalKind.PROCESS, frozenset())


async def _channel_name(site: Site, channel_id: ChannelId | None) -> str:
    if channel_id is None:
        return ""
    try:
        return (await site.devices.camera(channel_id)).name
    except AppError:
        return ""
