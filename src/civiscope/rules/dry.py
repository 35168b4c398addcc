"""What a rule would have done: the same judgement over events that are kept, and nothing is done."""

from dataclasses import dataclass, replace

from civiscope.base import ChannelId, Span
from civiscope.events import SEARCH_LIMIT, Event, EventQuery, EventStore
from civiscope.rules.model import Answer, DryFiring, RuleDraft, judge, rests
from civiscope.security import ScopeBook

READ_LIMIT = 20_000
"""Events looked at; the newest ones where there are more."""
SHOWN_LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class DryRun:
    """How often it would have fired, and the newest of these."""

    fired: int
    at: tuple[DryFiring, ...]
    """Newest first, at most 1,000."""
    truncated: bool
    """Not everything was looked at, or is shown."""


async def dry_run(events: EventStore, draft: RuleDraft, span: Span, scopes: ScopeBook) -> DryRun:
    """By the site's groups and zone of now; as if it had been on."""
    wanted = replace(draft, is_on=True)
    query = EventQuery(
        channels=_channels(wanted, scopes),
        kinds=wanted.when.kinds,
        zones=wanted.when.zones,
        span=span,
        limit=SEARCH_LIMIT,
    )
    found: list[Event] = []
    while True:
        page = await events.search(query)
        found += page.events
        if page.next is None or len(found) >= READ_LIMIT:
            break
        query = replace(query, before=page.next)
    firings = fire_dry(wanted, found[::-1], scopes, span.end_us)
    shown = tuple(reversed(firings[-SHOWN_LIMIT:]))
    return DryRun(len(firings), shown, page.next is not None or len(firings) > SHOWN_LIMIT)


def fire_dry(draft: RuleDraft, events: list[Event], scopes: ScopeBook, now_us: int) -> list[DryFiring]:
    """The firings of events in the order in which they began, resting as the rule says."""
    last_us: dict[ChannelId | None, int] = {}
    fired: list[DryFiring] = []
    for event in events:
        judgement = judge(draft, event, scopes, now_us)
        if judgement.answer is not Answer.YES:
            continue
        before_us = last_us.get(event.channel_id)
        if before_us is not None and rests(before_us, judgement.at_us, draft.rest_s):
            continue
        last_us[event.channel_id] = judgement.at_us
        fired.append(DryFiring(event.id, judgement.at_us, event.channel_id))
    return fired


def _channels(draft: RuleDraft, scopes: ScopeBook) -> frozenset[ChannelId] | None:
    if draft.at.everywhere:
        return None
    of_groups = (scopes.groups.get(group, frozenset()) for group in draft.at.groups)
    return draft.at.channels.union(*of_groups)
