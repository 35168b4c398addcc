"""The site's tree of groups: a branch for a quarter, a building, a line; a channel is in at most one."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from civiscope.base import AppError, ChannelId, ErrorKind, new_id
from civiscope.devices.model import KEEP, Group, GroupId, Keep, clean_name
from civiscope.devices.tables import channel_table, group_table
from civiscope.storage import Connection, Database, delete, insert, select, update

GROUP_LIMIT = 2_000
DEPTH_LIMIT = 16
SEPARATOR = "/"
"""Between the names of a path of groups, as in `North/School`."""


class Groups:
    """Groups in the database; `on_change` is called after each change, since rights may follow groups."""

    def __init__(self, database: Database, on_change: Callable[[], None]) -> None:
        self._database = database
        self._on_change = on_change

    async def all(self) -> list[Group]:
        """Every group, in the order of making: a parent may come after its child."""
        return await self._database.read(read_groups)

    async def add(self, name: str, parent_id: GroupId | None = None) -> Group:
        """A new branch; CONFLICT when its parent has one of that name."""
        group = Group(GroupId(new_id()), _clean(name), parent_id)

        def store(connection: Connection) -> Group:
            known = read_groups(connection)
            if len(known) >= GROUP_LIMIT:
                raise AppError(ErrorKind.EXHAUSTED, f"The site holds {GROUP_LIMIT} groups. Remove some.")
            _check(group, known)
            values = {"id": group.id, "name": group.name, "parent_id": group.parent_id}
            connection.execute(insert(group_table).values(**values))
            return group

        return self._changed(await self._database.write(store))

    async def edit(
        self, group_id: GroupId, *, name: str | None = None, parent_id: GroupId | Keep | None = KEEP
    ) -> Group:
        """Rename or move a branch; INVALID when it would hang below itself."""

        def store(connection: Connection) -> Group:
            known = read_groups(connection)
            old = find_group(known, group_id)
            parent = old.parent_id if isinstance(parent_id, Keep) else parent_id
            new = Group(group_id, old.name if name is None else _clean(name), parent)
            _check(new, known)
            values = {"name": new.name, "parent_id": new.parent_id}
            connection.execute(update(group_table).where(group_table.c.id == group_id).values(**values))
            return new

        return self._changed(await self._database.write(store))

    async def remove(self, group_id: GroupId) -> Group:
        """Take a branch away: what hung on it hangs on its parent now. CONFLICT when names would clash."""

        def store(connection: Connection) -> Group:
            known = read_groups(connection)
            group = find_group(known, group_id)
            rest = [one for one in known if one.id != group_id]
            for child in [one for one in rest if one.parent_id == group_id]:
                _check(Group(child.id, child.name, group.parent_id), rest)
            for table, column in (
                (group_table, group_table.c.parent_id),
                (channel_table, channel_table.c.group_id),
            ):
                values = {column.name: group.parent_id}
                connection.execute(update(table).where(column == group_id).values(**values))
            connection.execute(delete(group_table).where(group_table.c.id == group_id))
            return group

        return self._changed(await self._database.write(store))

    async def channels(self) -> dict[GroupId, frozenset[ChannelId]]:
        """Each group's channels, with those of every group below it; removed ones too."""
        return await self._database.read(_channels_of_groups)

    def _changed(self, group: Group) -> Group:
        self._on_change()
        return group


def read_groups(connection: Connection) -> list[Group]:
    """Every group, in the order of making."""
    found = connection.execute(select(group_table).order_by(group_table.c.id))
    return [
        Group(GroupId(row.id), row.name, None if row.parent_id is None else GroupId(row.parent_id))
        for row in found
    ]


def find_group(groups: Sequence[Group], group_id: GroupId) -> Group:
    """MISSING when it is none of these."""
    for group in groups:
        if group.id == group_id:
            return group
    raise AppError(ErrorKind.MISSING, "There is no such group. Load the list again.")


def path_of(groups: Sequence[Group], group: Group) -> str:
    """The names from the root down, as in `North/School`."""
    by_id = {one.id: one for one in groups}
    names = [group.name]
    while group.parent_id is not None and len(names) <= DEPTH_LIMIT:
        group = by_id[group.parent_id]
        names.append(group.name)
    return SEPARATOR.join(reversed(names))


def group_named(groups: Sequence[Group], text: str) -> Group:
    """By its path, or by its name alone where only one group has it; INVALID in plain words otherwise."""
    wanted = SEPARATOR.join(part.strip() for part in text.split(SEPARATOR))
    by_path = [one for one in groups if path_of(groups, one) == wanted]
    found = by_path or [one for one in groups if one.name == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        raise AppError(
            ErrorKind.INVALID, f"Several groups are called “{wanted}”. Write the path, like North/School."
        )
    raise AppError(
        ErrorKind.INVALID, f"There is no group “{wanted[:120]}”. Make it first, or leave it empty."
    )


def _clean(name: str) -> str:
    cleaned = clean_name(name)
    if SEPARATOR in cleaned:
        raise AppError(ErrorKind.INVALID, "A group's name has no / in it: that separates groups in a path.")
    return cleaned


def _check(group: Group, known: Sequence[Group]) -> None:
    others = {one.id: one for one in known if one.id != group.id}
    if any(one.name == group.name and one.parent_id == group.parent_id for one in others.values()):
        raise AppError(
            ErrorKind.CONFLICT, f"There is a group “{group.name}” at that place already. Choose another name."
        )
    above = group.parent_id
    for _ in range(DEPTH_LIMIT):
        if above is None:
            return
        if above == group.id:
            raise AppError(ErrorKind.INVALID, "A group cannot hang below itself. Choose another parent.")
        above = find_group(list(others.values()), above).parent_id
    raise AppError(ErrorKind.INVALID, f"Groups nest at most {DEPTH_LIMIT} deep. Choose a higher parent.")


def _channels_of_groups(connection: Connection) -> dict[GroupId, frozenset[ChannelId]]:
    parents = {group.id: group.parent_id for group in read_groups(connection)}
    gathered: dict[GroupId, set[ChannelId]] = defaultdict(set)
    members = connection.execute(
        select(channel_table.c.id, channel_table.c.group_id).where(channel_table.c.group_id.is_not(None))
    )
    for row in members:
        above: GroupId | None = GroupId(row.group_id)
        while above is not None:
            gathered[above].add(ChannelId(row.id))
            above = parents[above]
    return {group_id: frozenset(gathered[group_id]) for group_id in parents}
