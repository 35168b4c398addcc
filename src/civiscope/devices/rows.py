"""Rows to values and back: the SQL of this room, each call inside one transaction of the caller."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from civiscope.base import ChannelId, DeviceId, StreamId, new_id
from civiscope.devices.model import Binding, Camera, Stream, Transport
from civiscope.devices.tables import binding_table, channel_table, device_table, stream_table
from civiscope.storage import Connection, Row, insert, select, update

_Values = Mapping[str, Any]
_Found = Row[Any, *tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class StreamRow:
    """A stream with what lies sealed beside it."""

    stream_id: StreamId
    channel_id: ChannelId
    device_id: DeviceId
    channel_name: str
    address: str
    url_sealed: bytes | None = field(repr=False)
    credentials_sealed: bytes = field(repr=False)
    transport: str
    audio: bool
    tls_fingerprint: str | None


_STREAMS = (
    select(
        stream_table.c.id.label("stream_id"),
        stream_table.c.channel_id,
        stream_table.c.device_id,
        channel_table.c.name.label("channel_name"),
        stream_table.c.address,
        stream_table.c.url_sealed,
        device_table.c.credentials_sealed,
        stream_table.c.transport,
        stream_table.c.audio,
        device_table.c.tls_fingerprint,
    )
    .join(channel_table, channel_table.c.id == stream_table.c.channel_id)
    .join(device_table, device_table.c.id == stream_table.c.device_id)
    .order_by(channel_table.c.id)
)

_CAMERAS = (
    select(
        channel_table.c.id.label("channel_id"),
        channel_table.c.name,
        channel_table.c.added_us,
        channel_table.c.removed_us,
        stream_table.c.device_id,
        stream_table.c.id.label("stream_id"),
        stream_table.c.profile,
        stream_table.c.address,
        stream_table.c.transport,
        stream_table.c.audio,
    )
    .join(stream_table, stream_table.c.channel_id == channel_table.c.id)
    .order_by(channel_table.c.id, stream_table.c.id)
)


def insert_camera(
    connection: Connection, device_row: _Values, channel_row: _Values, stream_row: _Values
) -> None:
    """Store a device with its channel and main stream."""
    connection.execute(insert(device_table).values(**device_row))
    connection.execute(insert(channel_table).values(**channel_row))
    connection.execute(insert(stream_table).values(**stream_row))


def open_binding(connection: Connection, channel_id: ChannelId, device_id: Any, from_us: int) -> None:
    """From now on this device's first input watches for the channel."""
    values = {"channel_id": channel_id, "device_id": device_id, "input": 0, "from_us": from_us}
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


def rename(connection: Connection, channel_id: ChannelId, name: str) -> None:
    """Another name for the channel."""
    connection.execute(update(channel_table).where(channel_table.c.id == channel_id).values(name=name))


def set_audio(connection: Connection, channel_id: ChannelId, audio: bool) -> None:
    """Whether sound is asked of the camera."""
    connection.execute(
        update(stream_table).where(stream_table.c.channel_id == channel_id).values(audio=audio)
    )


def set_removed(connection: Connection, camera: Camera, removed_us: int | None) -> None:
    """Mark channel and device removed, or living again with None."""
    connection.execute(
        update(channel_table).where(channel_table.c.id == camera.channel_id).values(removed_us=removed_us)
    )
    connection.execute(
        update(device_table).where(device_table.c.id == camera.device_id).values(removed_us=removed_us)
    )


def cameras(connection: Connection, removed: bool) -> list[Camera]:
    """Living or removed cameras, in the order of adding (UUIDv7 grows with time)."""
    is_removed = channel_table.c.removed_us.is_not(None)
    return _gather(list(connection.execute(_CAMERAS.where(is_removed if removed else ~is_removed))))


def camera(connection: Connection, channel_id: ChannelId) -> Camera | None:
    """One camera, removed or not."""
    found = _gather(list(connection.execute(_CAMERAS.where(channel_table.c.id == channel_id))))
    return found[0] if found else None


def streams(connection: Connection) -> list[StreamRow]:
    """The streams of all living cameras."""
    return [
        _stream_row(row) for row in connection.execute(_STREAMS.where(channel_table.c.removed_us.is_(None)))
    ]


def stream(connection: Connection, stream_id: StreamId) -> StreamRow:
    """One stream that is known to be there."""
    return _stream_row(connection.execute(_STREAMS.where(stream_table.c.id == stream_id)).one())


def _stream_row(row: _Found) -> StreamRow:
    return StreamRow(
        stream_id=StreamId(row.stream_id),
        channel_id=ChannelId(row.channel_id),
        device_id=DeviceId(row.device_id),
        channel_name=row.channel_name,
        address=row.address,
        url_sealed=row.url_sealed,
        credentials_sealed=row.credentials_sealed,
        transport=row.transport,
        audio=row.audio,
        tls_fingerprint=row.tls_fingerprint,
    )


def _gather(found: list[_Found]) -> list[Camera]:
    """Rows of the same channel, next to each other, become one camera."""
    gathered: dict[ChannelId, Camera] = {}
    for row in found:
        one = Stream(StreamId(row.stream_id), row.profile, row.address, Transport(row.transport), row.audio)
        known = gathered.get(row.channel_id)
        gathered[row.channel_id] = Camera(
            channel_id=ChannelId(row.channel_id),
            device_id=DeviceId(row.device_id),
            name=row.name,
            streams=(*(known.streams if known else ()), one),
            added_us=row.added_us,
            removed_us=row.removed_us,
        )
    return list(gathered.values())
