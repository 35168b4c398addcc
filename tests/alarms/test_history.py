"""The database refuses to change the history, and whoever forces it is found out."""

import pytest
from tests.alarms.world import ANNA, AlarmWorld, draft

from civiscope.alarms import Act
from civiscope.base import AppError, ErrorKind
from civiscope.storage import Connection, text


async def handled(world: AlarmWorld) -> None:
    for number in range(3):
        alarm = await world.alarms.raise_alarm(draft(zone=str(number)))
        await world.alarms.claim(Act(alarm.id, alarm.version, ANNA))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE alarm_history SET note = 'nothing happened'",
        "DELETE FROM alarm_history",
        "DELETE FROM alarm_history WHERE sequence = 6",
        "INSERT OR REPLACE INTO alarm_history SELECT 1, alarm_id, at_us, who_id, who, what, 'x', before, "
        "after, link FROM alarm_history WHERE sequence = 2",
    ],
)
async def test_the_database_refuses_changes(world: AlarmWorld, statement: str) -> None:
    await handled(world)
    with pytest.raises(AppError) as refused:
        await world.database.write(lambda connection: connection.execute(text(statement)).rowcount)
    assert refused.value.kind is ErrorKind.CONFLICT
    assert (await world.alarms.verify_history()).is_intact


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE alarm_history SET who = 'Ben' WHERE sequence = 2", 2),
        ("UPDATE alarm_history SET what = 'closed' WHERE sequence = 4", 4),
        ("DELETE FROM alarm_history WHERE sequence = 3", 3),
        ("UPDATE alarm_history SET after = '{}' WHERE sequence = 6", 6),
    ],
)
async def test_what_is_forced_is_found(world: AlarmWorld, statement: str, broken: int) -> None:
    await handled(world)

    def force(connection: Connection) -> None:
        for change in ("update", "delete", "replace"):
            connection.execute(text(f"DROP TRIGGER alarm_history_no_{change}"))
        connection.execute(text(statement))

    assert (await world.alarms.verify_history()).rows == 6
    await world.database.write(force)
    report = await world.alarms.verify_history()
    assert (report.is_intact, report.first_broken) == (False, broken)
