"""The tree of groups: no cycles, no twins, and every branch knows the channels below it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from civiscope.base import AppError, ErrorKind, ManualClock, new_id
from civiscope.devices import (
    CameraDraft,
    ChannelChange,
    Devices,
    GroupId,
    group_named,
    migrate_devices,
    path_of,
)
from civiscope.devices.groups import DEPTH_LIMIT
from civiscope.security import Vault
from civiscope.storage import Database


@pytest.fixture
def changes() -> list[int]:
    return []


@pytest.fixture
def devices(tmp_path: Path, changes: list[int]) -> Iterator[Devices]:
    with Database(tmp_path / "server.db") as database:
        migrate_devices(database)
        yield Devices(database, Vault(bytes(32)), ManualClock(), lambda: changes.append(1))


async def test_a_branch_knows_the_channels_below_it(devices: Devices, changes: list[int]) -> None:
    north = await devices.groups.add("North")
    school = await devices.groups.add("School", north.id)
    empty = await devices.groups.add("South")
    gate = await devices.add_camera(CameraDraft("Gate", "rtsp://a/"))
    yard = await devices.add_camera(CameraDraft("Yard", "rtsp://b/"))
    await devices.add_camera(CameraDraft("Free", "rtsp://c/"))
    await devices.change_cameras([gate.channel_id], ChannelChange(group_id=north.id))
    await devices.change_cameras([yard.channel_id], ChannelChange(group_id=school.id))
    assert await devices.group_channels() == {
        north.id: {gate.channel_id, yard.channel_id},
        school.id: {yard.channel_id},
        empty.id: frozenset(),
    }
    assert len(changes) == 8
    await devices.groups.edit(school.id, parent_id=empty.id)
    assert (await devices.group_channels())[empty.id] == {yard.channel_id}
    await devices.groups.remove(empty.id)
    moved = {group.id: group for group in await devices.groups.all()}
    assert moved[school.id].parent_id is None
    await devices.groups.remove(school.id)
    assert (await devices.camera(yard.channel_id)).group_id is None


async def test_a_branch_cannot_hang_below_itself(devices: Devices) -> None:
    a = await devices.groups.add("A")
    b = await devices.groups.add("B", a.id)
    c = await devices.groups.add("C", b.id)
    for parent in (a, b, c):
        with pytest.raises(AppError, match="below itself"):
            await devices.groups.edit(a.id, parent_id=parent.id)
    assert (await devices.groups.edit(c.id, parent_id=None)).parent_id is None


async def test_names_are_one_of_a_kind_beside_each_other(devices: Devices) -> None:
    a = await devices.groups.add("A")
    await devices.groups.add("B", a.id)
    await devices.groups.add("B")
    with pytest.raises(AppError) as caught:
        await devices.groups.add(" B ", a.id)
    assert caught.value.kind is ErrorKind.CONFLICT
    with pytest.raises(AppError) as caught:
        await devices.groups.remove(a.id)
    assert caught.value.kind is ErrorKind.CONFLICT
    with pytest.raises(AppError, match="no / in it"):
        await devices.groups.add("x/y")
    with pytest.raises(AppError) as caught:
        await devices.groups.add("C", GroupId(new_id()))
    assert caught.value.kind is ErrorKind.MISSING


async def test_groups_nest_only_so_deep(devices: Devices) -> None:
    above: GroupId | None = None
    for number in range(DEPTH_LIMIT):
        above = (await devices.groups.add(f"G{number}", above)).id
    with pytest.raises(AppError, match="deep"):
        await devices.groups.add("too deep", above)


async def test_groups_are_found_by_path_or_name(devices: Devices) -> None:
    north = await devices.groups.add("North")
    south = await devices.groups.add("South")
    first = await devices.groups.add("School", north.id)
    await devices.groups.add("School", south.id)
    groups = await devices.groups.all()
    assert path_of(groups, first) == "North/School"
    assert group_named(groups, " North / School ") == first
    assert group_named(groups, "South") == south
    with pytest.raises(AppError, match="Several"):
        group_named(groups, "School")
    with pytest.raises(AppError, match="no group"):
        group_named(groups, "West")
