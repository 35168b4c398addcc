"""Rows of rules, firings and their actions. Every function works within the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from civiscope.base import ChannelId
from civiscope.rules.body import from_json, to_json
from civiscope.rules.model import Firing, FiringId, Rule, RuleId
from civiscope.rules.tables import firing_action_table, firing_table, rule_body_table, rule_table
from civiscope.storage import Connection, Row, and_, delete, func, insert, select, update

WORDS_LIMIT = 300
_DUE_LIMIT = 100
_FORGET_ROWS = 2_000
_firing = firing_table.c
_action = firing_action_table.c


class ActionState(StrEnum):
    """How one action of a firing stands."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One action of one firing, and what became of it."""

    firing_id: FiringId
    place: int
    name: str
    state: ActionState
    attempts: int
    next_us: int | None
    words: str


@dataclass(frozen=True, slots=True)
class FiringRow:
    """A firing as it is written down."""

    id: FiringId
    rule_id: RuleId
    rule_version: int
    event_id: UUID
    channel_id: ChannelId | None
    at_us: int
    fired_us: int


def all_rules(connection: Connection) -> list[Rule]:
    """The rules that were not removed, each as it stands, in the order of making."""
    query = (
        select(rule_body_table)
        .join(
            rule_table,
            and_(
                rule_table.c.id == rule_body_table.c.rule_id,
                rule_table.c.version == rule_body_table.c.version,
            ),
        )
        .where(rule_table.c.removed_us.is_(None))
        .order_by(rule_table.c.id)
    )
    return [_rule(row) for row in connection.execute(query)]


def rule_at(connection: Connection, rule_id: RuleId, version: int) -> Rule | None:
    """A rule as it stood in a version, removed or not."""
    query = select(rule_body_table).where(
        rule_body_table.c.rule_id == rule_id, rule_body_table.c.version == version
    )
    row = connection.execute(query).first()
    return None if row is None else _rule(row)


def was_ever_written(connection: Connection) -> bool:
    """True if there is a rule, or was one."""
    return connection.execute(select(rule_table.c.id).limit(1)).first() is not None


def add(connection: Connection, rule: Rule) -> None:
    """A new rule with its first version."""
    connection.execute(insert(rule_table).values(id=rule.id, version=rule.version))
    _add_version(connection, rule)


def edit(connection: Connection, rule: Rule) -> None:
    """A new version of a known rule; the old ones stay."""
    query = update(rule_table).where(rule_table.c.id == rule.id)
    connection.execute(query.values(version=rule.version))
    _add_version(connection, rule)


def remove(connection: Connection, rule_id: RuleId, now_us: int) -> None:
    """It fires no more; what it was stays."""
    query = update(rule_table).where(rule_table.c.id == rule_id)
    connection.execute(query.values(removed_us=now_us))


def has_fired(connection: Connection, rule_id: RuleId, event_id: UUID) -> bool:
    """True if it fired for that event."""
    query = select(_firing.id).where(_firing.rule_id == rule_id, _firing.event_id == event_id)
    return connection.execute(query).first() is not None


def fired_within(
    connection: Connection, rule_id: RuleId, channel_id: ChannelId | None, from_us: int, to_us: int
) -> bool:
    """True if it fired on the channel between the two moments, borders left out."""
    query = select(_firing.id).where(
        _firing.rule_id == rule_id,
        _firing.channel_id.is_(None) if channel_id is None else _firing.channel_id == channel_id,
        _firing.at_us > from_us,
        _firing.at_us < to_us,
    )
    return connection.execute(query.limit(1)).first() is not None


def add_firing(
    connection: Connection, firing: Firing, names: Sequence[str], fired_us: int, next_us: int
) -> None:
    """Write it down, with each action waiting until `next_us` at the latest."""
    connection.execute(
        insert(firing_table).values(
            id=firing.id, rule_id=firing.rule_id, rule_version=firing.rule_version,
            event_id=firing.event.id, channel_id=firing.event.channel_id, at_us=firing.at_us,
            fired_us=fired_us,
        )
    )  # fmt: skip
    waiting = ActionState.WAITING.value
    connection.execute(
        insert(firing_action_table),
        [
            {"firing_id": firing.id, "place": place, "name": name, "state": waiting, "attempts": 0,
             "next_us": next_us, "words": ""}
            for place, name in enumerate(names)
        ],
    )  # fmt: skip


def put_action(connection: Connection, row: ActionRow) -> None:
    """What became of one action."""
    query = update(firing_action_table).where(_action.firing_id == row.firing_id, _action.place == row.place)
    connection.execute(
        query.values(
            state=row.state.value, attempts=row.attempts, next_us=row.next_us, words=row.words[:WORDS_LIMIT]
        )
    )


def due_firings(connection: Connection, now_us: int) -> list[FiringRow]:
    """Firings of which something waits and its time has come, oldest first."""
    waiting = select(_action.firing_id).where(
        _action.state == ActionState.WAITING.value, _action.next_us <= now_us
    )
    query = select(firing_table).where(_firing.id.in_(waiting)).order_by(_firing.fired_us).limit(_DUE_LIMIT)
    return [_firing_row(row) for row in connection.execute(query)]


def actions_of(connection: Connection, firing_id: FiringId) -> list[ActionRow]:
    """The actions of a firing, in their order."""
    query = select(firing_action_table).where(_action.firing_id == firing_id).order_by(_action.place)
    return [
        ActionRow(
            FiringId(row.firing_id), row.place, row.name, ActionState(row.state), row.attempts, row.next_us,
            row.words,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def firings(connection: Connection, rule_id: RuleId, limit: int) -> list[FiringRow]:
    """The newest firings of a rule, newest first."""
    query = select(firing_table).where(_firing.rule_id == rule_id).order_by(_firing.id.desc()).limit(limit)
    return [_firing_row(row) for row in connection.execute(query)]


def troubled_rules(connection: Connection, since_us: int) -> dict[RuleId, str]:
    """Of each rule the words of an action that failed since then."""
    query = (
        select(_firing.rule_id, _action.name, func.max(_action.words).label("words"))
        .join(firing_action_table, _action.firing_id == _firing.id)
        .where(_firing.fired_us >= since_us, _action.words != "", _action.state != ActionState.DONE.value)
        .group_by(_firing.rule_id, _action.name)
    )
    return {RuleId(row.rule_id): f"{row.name}: {row.words}" for row in connection.execute(query)}


def forget(connection: Connection, before_us: int) -> int:
    """Drop some firings of before, with their actions; how many."""
    old = select(_firing.id).where(_firing.fired_us < before_us).order_by(_firing.fired_us)
    ids = [row.id for row in connection.execute(old.limit(_FORGET_ROWS))]
    if ids:
        connection.execute(delete(firing_action_table).where(_action.firing_id.in_(ids)))
        connection.execute(delete(firing_table).where(_firing.id.in_(ids)))
    return len(ids)


def _add_version(connection: Connection, rule: Rule) -> None:
    connection.execute(
        insert(rule_body_table).values(
            rule_id=rule.id,
            version=rule.version,
            body=to_json(rule.draft),
            changed_us=rule.changed_us,
            changed_by=rule.changed_by,
        )
    )


def _rule(row: Row[tuple[object, ...]]) -> Rule:
    return Rule(RuleId(row.rule_id), from_json(row.body), row.version, row.changed_us, row.changed_by)


def _firing_row(row: Row[tuple[object, ...]]) -> FiringRow:
    channel: UUID | None = row.channel_id
    return FiringRow(
        FiringId(row.id), RuleId(row.rule_id), row.rule_version, row.event_id,
        None if channel is None else ChannelId(channel), row.at_us, row.fired_us,
    )  # fmt: skip
