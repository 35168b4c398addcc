"""The book of rules: written by people, asked for every event, on record whenever one fires."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from civiscope.base import AppError, Clock, ErrorKind, Span, get_log, new_id
from civiscope.events import Event, EventStore
from civiscope.rules import rows
from civiscope.rules.body import to_json
from civiscope.rules.defaults import FIRST_RULE
from civiscope.rules.dry import DryRun, dry_run
from civiscope.rules.lasting import Waiting
from civiscope.rules.model import (
    RULE_LIMIT,
    Answer,
    Firing,
    FiringId,
    Rule,
    RuleDraft,
    RuleId,
    check,
    judge,
)
from civiscope.rules.performing import FIRST_LOOK_US, Performer
from civiscope.rules.ports import ActionPorts
from civiscope.rules.shelf import ActionShelf
from civiscope.security import (
    AuditEntry,
    AuditLog,
    AuditWriter,
    Permission,
    Principal,
    ScopeBook,
    authorise,
)
from civiscope.storage import Connection, Database

_LONGEST_SLEEP_S = 5.0
DETAIL_CHARS = 4_000
"""Of a rule's text in the details of an audit entry; the versions hold it whole."""
_TROUBLE_US = 86_400_000_000
_log = get_log("civiscope.rules")


@dataclass(frozen=True, slots=True)
class RuleFaces:
    """What this room asks others for."""

    events: EventStore
    scopes: ScopeBook
    """Which channels each group holds, and the site's zone."""
    ports: ActionPorts
    shelf: ActionShelf
    clock: Clock


class RuleBook:
    """Rules on the server's database, also in memory; `load` before anything else, `run` beside it."""

    def __init__(self, database: Database, audit: AuditLog, faces: RuleFaces) -> None:
        self._database = database
        self._audit = audit
        self._faces = faces
        self._rules: dict[RuleId, Rule] = {}
        self._waiting = Waiting()
        self._news = asyncio.Event()
        self._must_look_through = True
        self.performer = Performer(database, faces.events, faces.shelf, faces.ports, faces.clock)

    @property
    def shelf(self) -> ActionShelf:
        """The actions there are."""
        return self._faces.shelf

    async def load(self) -> None:
        """Read the rules; on a site that never had any, write the first one."""
        now_us = self._faces.clock.now_us()

        def work(connection: Connection, writer: AuditWriter) -> None:
            if not rows.was_ever_written(connection):
                rule = Rule(RuleId(new_id()), FIRST_RULE, 1, now_us, "civiscope")
                rows.add(connection, rule)
                writer.append(_entry("civiscope", "rule.seed", rule, ""))

        if not await self._database.read(rows.was_ever_written):
            await self._audit.transact(work)
        self._rules = {rule.id: rule for rule in await self._database.read(rows.all_rules)}

    # -- by people

    def all(self) -> tuple[Rule, ...]:
        """The rules as they stand, in the order of making."""
        return tuple(self._rules.values())

    def rule(self, rule_id: RuleId) -> Rule:
        """One rule; MISSING."""
        found = self._rules.get(rule_id)
        if found is None:
            raise AppError(ErrorKind.MISSING, "There is no such rule. Reload the list.")
        return found

    async def troubles(self) -> dict[RuleId, str]:
        """Why a rule cannot do all it should, or did not within a day; those without trouble are left out."""
        since_us = self._faces.clock.now_us() - _TROUBLE_US
        failed = await self._database.read(lambda connection: rows.troubled_rules(connection, since_us))
        unable = {rule.id: self.shelf.trouble(rule.draft.actions) for rule in self._rules.values()}
        return {**failed, **{rule_id: words for rule_id, words in unable.items() if words}}

    async def add(self, draft: RuleDraft, by: Principal, where: str = "") -> Rule:
        """A new rule; needs `rule.manage`. `RuleError` naming the fields that do not fit."""
        authorise(by, Permission.RULE_MANAGE)
        tidy = self._checked(draft)
        if len(self._rules) >= RULE_LIMIT:
            raise AppError(ErrorKind.EXHAUSTED, f"The site holds {RULE_LIMIT} rules. Remove some.")
        rule = Rule(RuleId(new_id()), tidy, 1, self._faces.clock.now_us(), by.name)
        await self._audit.transact(partial(_store, rows.add, rule, _entry(by, "rule.add", rule, where)))
        return self._changed(rule)

    async def edit(self, rule_id: RuleId, draft: RuleDraft, by: Principal, where: str = "") -> Rule:
        """The next version of a rule, as `add`; MISSING."""
        authorise(by, Permission.RULE_MANAGE)
        version = self.rule(rule_id).version + 1
        rule = Rule(rule_id, self._checked(draft), version, self._faces.clock.now_us(), by.name)
        await self._audit.transact(partial(_store, rows.edit, rule, _entry(by, "rule.edit", rule, where)))
        return self._changed(rule)

    async def remove(self, rule_id: RuleId, by: Principal, where: str = "") -> None:
        """It fires no more; what it was and did stays on record. MISSING."""
        authorise(by, Permission.RULE_MANAGE)
        rule, now_us = self.rule(rule_id), self._faces.clock.now_us()

        def work(connection: Connection, writer: AuditWriter) -> None:
            rows.remove(connection, rule_id, now_us)
            writer.append(_entry(by, "rule.remove", rule, where))

        await self._audit.transact(work)
        self._rules.pop(rule_id, None)

    async def dry_run(self, draft: RuleDraft, span: Span, by: Principal) -> DryRun:
        """What the rule would have done with the events of that time; needs `rule.read`."""
        authorise(by, Permission.RULE_READ)
        return await dry_run(self._faces.events, self._checked(draft), span, self._faces.scopes)

    # -- by events

    async def consider(self, event: Event) -> tuple[Firing, ...]:
        """Fire the rules that it fulfils, each once for it; what they order has begun when this returns.

        What must last first is looked at again when it has.
        """
        return await self._consider(event, self._rules.values())

    async def consider_end(self, event: Event) -> tuple[Firing, ...]:
        """As `consider` when an event is over: only rules that ask how long it lasted."""
        lasting = [rule for rule in self._rules.values() if rule.draft.conditions.min_lasting_s > 0]
        return await self._consider(event, lasting)

    async def run(self) -> None:
        """Perform what waits, and look at what lasts when it is due; until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.performer.run())
            group.create_task(self._watch_lasting())

    async def look_at_lasting(self) -> tuple[Firing, ...]:
        """Consider what is due by now."""
        if self._must_look_through:
            for event in await self._faces.events.going_on():
                self._wait_for(event)
            self._must_look_through = False
        fired: list[Firing] = []
        for event_id in self._waiting.take_due(self._faces.clock.now_us()):
            try:
                event = await self._faces.events.event(event_id)
            except AppError as error:
                if error.kind is ErrorKind.MISSING:
                    continue
                self._must_look_through = True
                raise
            fired += await self.consider_end(event)
        return tuple(fired)

    async def forget_before(self, before_us: int) -> int:
        """Drop records of firings of before, a few thousand at a time; how many."""
        forgotten = 0
        while True:
            some = await self._database.write(partial(rows.forget, before_us=before_us))
            forgotten += some
            if not some:
                return forgotten

    async def _consider(self, event: Event, asked: Iterable[Rule]) -> tuple[Firing, ...]:
        now_us, wanted = self._faces.clock.now_us(), list[tuple[Rule, int]]()
        for rule in tuple(asked):
            judgement = judge(rule.draft, event, self._faces.scopes, now_us)
            if judgement.answer is Answer.YES:
                wanted.append((rule, judgement.at_us))
            elif judgement.answer is Answer.NOT_YET:
                self._waiting.add(judgement.at_us, event.id)
                self._news.set()
        if not wanted or not await self._database.read(partial(_fresh, event=event, wanted=wanted)):
            return ()
        return await self._fire(event, wanted, now_us)

    async def _fire(self, event: Event, wanted: list[tuple[Rule, int]], now_us: int) -> tuple[Firing, ...]:
        """Write firings, their actions and the audit in one transaction; then have them performed."""

        def work(connection: Connection, writer: AuditWriter) -> list[tuple[Rule, Firing]]:
            fired: list[tuple[Rule, Firing]] = []
            for rule, at_us in _fresh(connection, event, wanted):
                firing = Firing(FiringId(new_id()), rule.id, rule.version, event, at_us)
                names = [order.name for order in rule.draft.actions]
                rows.add_firing(connection, firing, names, now_us, now_us + FIRST_LOOK_US)
                writer.append(_fired_entry(rule, firing, names))
                fired.append((rule, firing))
            return fired

        fired = await self._audit.transact(work)
        for rule, firing in fired:
            self.performer.begin(rule, firing)
        return tuple(firing for _, firing in fired)

    async def _watch_lasting(self) -> None:
        while True:
            try:
                await self.look_at_lasting()
            except AppError as error:
                _log.warning("what lasts cannot be looked at", cause=error.message)
            self._news.clear()
            next_us = self._waiting.next_us()
            wait_s = _LONGEST_SLEEP_S
            if next_us is not None:
                wait_s = min(wait_s, max(0.0, (next_us - self._faces.clock.now_us()) / 1_000_000))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._news.wait()

    def _wait_for(self, event: Event) -> None:
        for rule in self._rules.values():
            judgement = judge(rule.draft, event, self._faces.scopes, event.began_us)
            if judgement.answer is Answer.NOT_YET:
                self._waiting.add(judgement.at_us, event.id)

    def _checked(self, draft: RuleDraft) -> RuleDraft:
        tidy = check(draft)
        self.shelf.check(tidy.actions)
        return tidy

    def _changed(self, rule: Rule) -> Rule:
        self._rules[rule.id] = rule
        self._must_look_through = True
        self._news.set()
        return rule


def _fresh(
    connection: Connection, event: Event, wanted: Iterable[tuple[Rule, int]]
) -> list[tuple[Rule, int]]:
    """Those that have not fired for the event and do not rest."""
    found = []
    for rule, at_us in wanted:
        rest_us = round(rule.draft.rest_s * 1_000_000)
        if rows.has_fired(connection, rule.id, event.id):
            continue
        if rest_us and rows.fired_within(
            connection, rule.id, event.channel_id, at_us - rest_us, at_us + rest_us
        ):
            continue
        found.append((rule, at_us))
    return found


def _store(
    write: Callable[[Connection, Rule], None],
    rule: Rule,
    entry: AuditEntry,
    connection: Connection,
    writer: AuditWriter,
) -> None:
    write(connection, rule)
    writer.append(entry)


def _entry(by: Principal | str, what: str, rule: Rule, where: str) -> AuditEntry:
    details = {"version": rule.version, "body": to_json(rule.draft)[:DETAIL_CHARS]}
    return AuditEntry(by, what, f"rule {rule.id}", from_where=where, details=details)


def _fired_entry(rule: Rule, firing: Firing, names: list[str]) -> AuditEntry:
    details: dict[str, object] = {
        "event": str(firing.event.id), "channel": str(firing.event.channel_id), "actions": names,
        "version": rule.version, "at_us": firing.at_us,
    }  # fmt: skip
    return AuditEntry(f"rule {rule.draft.name}", "rule.fire", f"rule {rule.id}", details=details)
