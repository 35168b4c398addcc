"""A book of rules with real events and alarms behind it, and actions whose ports can be made to fail."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from tests.alarms.world import AlarmWorld, alarm_world

from civiscope.base import AppError
from civiscope.events import Event, EventStore, EventTold, migrate_events, open_database
from civiscope.rules import (
    ActionOrder,
    ActionPorts,
    ActionShelf,
    BookmarkOrder,
    EventPattern,
    Firing,
    HoldOrder,
    Notice,
    Places,
    RecordOrder,
    Rule,
    RuleBook,
    RuleDraft,
    RuleFaces,
    migrate_rules,
)
from civiscope.rules.rows import ActionRow
from civiscope.security import Principal, ScopeBook, SiteKeys, terminal_principal

ADMIN: Principal = terminal_principal("test")
ALARM = ActionOrder("raise_alarm", {"priority": "high"})
TARGET = UUID(int=55)


class Outside:
    """Targets and evidence that write down what they are asked, or fail."""

    def __init__(self) -> None:
        self.told: list[tuple[Notice, tuple[UUID, ...]]] = []
        self.bookmarks: list[BookmarkOrder] = []
        self.holds: list[HoldOrder] = []
        self.recorded: list[RecordOrder] = []
        self.faults: list[AppError] = []

    async def send(self, notice: Notice, target_ids: Sequence[UUID]) -> None:
        self._fail()
        self.told.append((notice, tuple(target_ids)))

    async def add_bookmark(self, order: BookmarkOrder) -> None:
        self._fail()
        self.bookmarks.append(order)

    async def hold(self, order: HoldOrder) -> None:
        self._fail()
        self.holds.append(order)

    async def record(self, order: RecordOrder) -> None:
        self._fail()
        self.recorded.append(order)

    def _fail(self) -> None:
        if self.faults:
            raise self.faults.pop(0)


def rule(*actions: ActionOrder, **changes: object) -> RuleDraft:
    """Everywhere, for everything, an alarm."""
    made: dict[str, object] = {
        "name": "Somebody in the zone", "when": EventPattern(), "at": Places(everywhere=True),
        "actions": actions or (ALARM,), **changes,
    }  # fmt: skip
    return RuleDraft(**made)  # type: ignore[arg-type]  # names of the draft


@dataclass
class RuleWorld:
    """The book with everything around it."""

    book: RuleBook
    events: EventStore
    around: AlarmWorld
    outside: Outside
    scopes: ScopeBook
    known: list[Rule] = field(default_factory=list)

    async def happens(self, told: EventTold) -> tuple[Event, tuple[Firing, ...]]:
        """Store and consider, as `app` does."""
        event = await self.events.record(told)
        if event is None:
            event = await self.events.event(told.event.id)
        is_end = told.phase.value == "ended"
        return event, await (self.book.consider_end(event) if is_end else self.book.consider(event))

    async def perform(self, firing: Firing) -> list[ActionRow]:
        """Do what the firing orders, now."""
        return await self.book.performer.perform(self.book.rule(firing.rule_id), firing)

    async def only(self, draft: RuleDraft) -> Rule:
        """The draft is the site's one rule."""
        for old in self.book.all():
            await self.book.remove(old.id, ADMIN)
        return await self.book.add(draft, ADMIN)


@contextmanager
def rule_world(folder: Path, keys: SiteKeys, shelf: ActionShelf | None = None) -> Iterator[RuleWorld]:
    """A fresh one in the folder; `book.load` is the test's."""
    with (
        alarm_world(folder, keys) as around,
        open_database(folder / "events.db", around.clock) as database,
    ):
        migrate_events(database)
        migrate_rules(around.database)
        events, outside, scopes = EventStore(database, around.clock), Outside(), ScopeBook()
        ports = ActionPorts(around.alarms, outside, outside, outside)
        faces = RuleFaces(events, scopes, ports, shelf or ActionShelf(), around.clock)
        yield RuleWorld(RuleBook(around.database, around.audit, faces), events, around, outside, scopes)
