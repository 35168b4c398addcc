"""Channels, bindings and streams as rows; each call inside one transaction of the caller."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from civiscope.base import ChannelId, DeviceId, StreamId, new_id
from civiscope.devices.device_rows import read_inputs
from civiscope.devices.model import MAIN, SUB, Binding, Camera, GroupId, Stream, Transport
from civiscope.devices.recording_policy import read_policy
from civiscope.devices.tables import binding_table, channel_table, device_table, stream_table
from civiscope.storage import Connection, Row, and_, delete, func, insert, select, update

_Values = Mapping[str, Any]
_Found = Row[Any, *tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class StreamRow:
    """A stream with what lies sealed beside it."""

    stream_id: StreamId
    channel_id: ChannelId
    device_id: DeviceId
    channel_name: str
    profile: str
    token: str
    address: str
    url_sealed: bytes | None = field(repr=False)
    credentials_sealed: bytes = field(repr=False)
    transport: str
    audio: bool
    tls_fingerprint: str | None
    input: int | None


_OPEN_BINDING = and_(binding_table.c.channel_id == channel_table.c.id, binding_table.c.to_us.is_(None))

_STREAMS = (
    select(
        stream_table.c.id.label("stream_id"),
        stream_table.c.channel_id,
        stream_table.c.device_id,
        channel_table.c.name.label("channel_name"),
        stream_table.c.profile,
        stream_table.c.token,
        stream_table.c.address,
        stream_table.c.url_sealed,
        device_table.c.credentials_sealed,
        stream_table.c.transport,
        stream_table.c.audio,
        device_table.c.tls_fingerprint,
        binding_table.c.input,
    )
    .join(channel_table, channel_table.c.id == stream_table.c.channel_id)
    .join(device_table, device_table.c.id == stream_table.c.device_id)
    .outerjoin(binding_table, _OPEN_BINDING)
    .order_by(channel_table.c.id, stream_table.c.id)
)

_CAMERAS = (
    select(
        channel_table,
        stream_table.c.device_id,
        stream_table.c.id.label("stream_id"),
        stream_table.c.profile,
        stream_table.c.address,
        stream_table.c.transport,
        stream_table.c.audio,
        device_table.c.driver,
        device_table.c.inputs,
        binding_table.c.input,
    )
    .join(stream_table, stream_table.c.channel_id == channel_table.c.id)
    .join(device_table, device_table.c.id == stream_table.c.device_id)
    .outerjoin(binding_table, _OPEN_BINDING)
    .order_by(channel_table.c.id, stream_table.c.profile != MAIN, stream_table.c.id)
)


def insert_channel(connection: Connection, channel_row: _Values) -> None:
    """Store a channel."""
    connection.execute(insert(channel_table).values(**channel_row))


def put_stream(connection: Connection, stream_row: _Values) -> None:
    """Store a stream, or what one of that id has become."""
    known = update(stream_table).where(stream_table.c.id == stream_row["id"]).values(**stream_row)
    if not connection.execute(known).rowcount:
        connection.execute(insert(stream_table).values(**stream_row))


def delete_stream(connection: Connection, stream_id: StreamId) -> None:
    """Forget a stream of which nothing was recorded."""
    connection.execute(delete(stream_table).where(stream_table.c.id == stream_id))


def open_binding(
    connection: Connection, channel_id: ChannelId, device_id: DeviceId, index: int, from_us: int
) -> None:
    """From now on this input of the device watches for the channel."""
    values = {"channel_id": channel_id, "device_id": device_id, "input": index, "from_us": from_us}
    connection.execute(insert(binding_table).values(id=new_id(), **values))


def close_binding(connection: Connection, channel_id: ChannelId, to_us: int) -> None:
    """End the open binding; not before it began, should the clock have stepped back."""
    for row in bindings(connection, channel_id):
        if row.to_us is None:
            connection.execute(
                update(binding_table)
                .where(binding_table.c.channel_id == channel_id, binding_table.c.to_us.is_(None))
                .values(to_us=max(to_us, row.from_us))
            )


def bindings(connection: Connection, channel_id: ChannelId) -> list[Binding]:
    """All bindings of a channel, oldest first."""
    found = connection.execute(
        select(binding_table).where(binding_table.c.channel_id == channel_id).order_by(binding_table.c.id)
    )
    return [
        Binding(ChannelId(row.channel_id), DeviceId(row.device_id), row.input, row.from_us, row.to_us)
        for row in found
    ]


def who_watches_by(connection: Connection, device_id: DeviceId, index: int) -> str | None:
    """The name of the channel that this input is bound to now."""
    found = connection.execute(
        select(channel_table.c.name)
        .join(binding_table, _OPEN_BINDING)
        .where(binding_table.c.device_id == device_id, binding_table.c.input == index)
    ).first()
    return None if found is None else str(found.name)


def is_bound(connection: Connection, device_id: DeviceId) -> bool:
    """Some input of the device watches for a channel now."""
    is_open = and_(binding_table.c.device_id == device_id, binding_table.c.to_us.is_(None))
    return connection.execute(select(binding_table.c.id).where(is_open).limit(1)).first() is not None


def change_channel(connection: Connection, channel_id: ChannelId, values: _Values) -> None:
    """New values for some columns of the channel; none for none."""
    if values:
        connection.execute(update(channel_table).where(channel_table.c.id == channel_id).values(**values))


def set_audio(connection: Connection, channel_id: ChannelId, audio: bool) -> None:
    """Whether sound is asked of the camera."""
    connection.execute(
        update(stream_table).where(stream_table.c.channel_id == channel_id).values(audio=audio)
    )


def living_count(connection: Connection) -> int:
    """How many channels there are, without the removed."""
    is_living = channel_table.c.removed_us.is_(None)
    return connection.execute(select(func.count()).select_from(channel_table).where(is_living)).scalar_one()


def cameras(connection: Connection, removed: bool) -> list[Camera]:
    """Living or removed cameras, in the order of adding (UUIDv7 grows with time)."""
    is_removed = channel_table.c.removed_us.is_not(None)
    return _gather(list(connection.execute(_CAMERAS.where(is_removed if removed else ~is_removed))))


def camera(connection: Connection, channel_id: ChannelId) -> Camera | None:
    """One camera, removed or not."""
    found = _gather(list(connection.execute(_CAMERAS.where(channel_table.c.id == channel_id))))
    return found[0] if found else None


def streams(connection: Connection, profiles: Sequence[str] = (MAIN, SUB)) -> list[StreamRow]:
    """The streams with one of these profiles of all living cameras."""
    wanted = _STREAMS.where(channel_table.c.removed_us.is_(None), stream_table.c.profile.in_(profiles))
    return [_stream_row(row) for row in connection.execute(wanted)]


def streams_at(connection: Connection, address: str) -> list[StreamRow]:
    """The main streams of living cameras that show this address."""
    wanted = _STREAMS.where(
        channel_table.c.removed_us.is_(None),
        stream_table.c.profile == MAIN,
        stream_table.c.address == address,
    )
    return [_stream_row(row) for row in connection.execute(wanted)]


def streams_of_channel(connection: Connection, channel_id: ChannelId) -> list[StreamRow]:
    """All streams of a channel that is known to be there, the main one first."""
    wanted = _STREAMS.where(stream_table.c.channel_id == channel_id)
    found = [_stream_row(row) for row in connection.execute(wanted)]
    return sorted(found, key=lambda row: row.profile != MAIN)


def streams_of_device(connection: Connection, device_id: DeviceId) -> list[StreamRow]:
    """All streams that the device carries, of removed channels too."""
    return [
        _stream_row(row) for row in connection.execute(_STREAMS.where(stream_table.c.device_id == device_id))
    ]


def _stream_row(row: _Found) -> StreamRow:
    return StreamRow(
        stream_id=StreamId(row.stream_id),
        channel_id=ChannelId(row.channel_id),
        device_id=DeviceId(row.device_id),
        channel_name=row.channel_name,
        profile=row.profile,
        token=row.token,
        address=row.address,
        url_sealed=row.url_sealed,
        credentials_sealed=row.credentials_sealed,
        transport=row.transport,
        audio=row.audio,
        tls_fingerprint=row.tls_fingerprint,
        input=row.input,
    )


def _gather(found: list[_Found]) -> list[Camera]:
    """Rows of the same channel, next to each other, become one camera."""
    gathered: dict[ChannelId, list[_Found]] = {}
    for row in found:
        gathered.setdefault(ChannelId(row.id), []).append(row)
    return [_camera(rows) for rows in gathered.values()]


def _camera(found: list[_Found]) -> Camera:
    first = found[0]
    index = first.input or 0
    return Camera(
        channel_id=ChannelId(first.id),
        device_id=DeviceId(first.device_id),
        name=first.name,
        streams=tuple(
            Stream(StreamId(row.stream_id), row.profile, row.address, Transport(row.transport), row.audio)
            for row in found
        ),
        added_us=first.added_us,
        removed_us=first.removed_us,
        input=index,
        driver=first.driver,
        place=first.place,
        latitude=first.latitude,
        longitude=first.longitude,
        purpose=first.purpose,
        group_id=None if first.group_id is None else GroupId(first.group_id),
        keep_hours=first.keep_hours,
        recording=read_policy(first.recording),
        can_steer=any(one.has_ptz for one in read_inputs(first.inputs) if one.index == index),
    )
