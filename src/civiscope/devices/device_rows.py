"""Devices as rows: what they told as JSON texts, and their last notifications; in a caller's transaction."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter, ValidationError

from civiscope.base import ChannelId, DeviceId, new_id
from civiscope.devices.equipment import (
    Ability,
    DesiredSettings,
    DeviceDescription,
    DeviceIdentity,
    Drift,
    Notification,
    TroubleReport,
)
from civiscope.devices.model import Device, KnownInput, Transport
from civiscope.devices.tables import binding_table, device_table, notification_table
from civiscope.storage import Connection, Row, delete, insert, select, update

DESIRED_VERSION = 1
NOTIFICATIONS_KEPT = 200
"""Of each device."""
_TEXT_LIMIT_CHARS = 4_000
_INPUTS = TypeAdapter(tuple[KnownInput, ...])
_DRIFT = TypeAdapter(tuple[Drift, ...])
_IDENTITY = TypeAdapter(DeviceIdentity)
_TROUBLE = TypeAdapter(TroubleReport)
_DESIRED = TypeAdapter(DesiredSettings)
_PAIRS = TypeAdapter(tuple[tuple[str, str], ...])
_NO_INPUTS = "[]"

_Values = Mapping[str, Any]
_Found = Row[Any, *tuple[Any, ...]]


def told_values(told: DeviceDescription) -> dict[str, object]:
    """A description as the columns of its device."""
    inputs = tuple(
        KnownInput(one.index, one.token, one.name, one.has_ptz, one.has_audio) for one in told.inputs
    )
    return {
        "identity": _IDENTITY.dump_json(told.identity).decode(),
        "abilities": json.dumps([ability.value for ability in told.abilities]),
        "inputs": _INPUTS.dump_json(inputs).decode(),
        "clock_offset_ms": told.clock_offset_ms,
    }


def desired_value(desired: DesiredSettings) -> str:
    """As it is stored, with the version of its schema."""
    return json.dumps({"version": DESIRED_VERSION, "value": asdict(desired)})


def identity_value(identity: DeviceIdentity) -> str:
    """As it is stored."""
    return _IDENTITY.dump_json(identity).decode()


def drift_value(drift: tuple[Drift, ...]) -> str:
    """As it is stored."""
    return _DRIFT.dump_json(drift).decode()


def trouble_value(trouble: TroubleReport | None) -> str | None:
    """As it is stored."""
    return None if trouble is None else _TROUBLE.dump_json(trouble).decode()


def read_inputs(text: str) -> tuple[KnownInput, ...]:
    """The inputs a device told of."""
    return () if text == _NO_INPUTS else _INPUTS.validate_json(text)


def insert_device(connection: Connection, values: _Values) -> None:
    """Store a device."""
    connection.execute(insert(device_table).values(**values))


def change_device(connection: Connection, device_id: DeviceId, values: _Values) -> None:
    """New values for some columns; none for none."""
    if values:
        connection.execute(update(device_table).where(device_table.c.id == device_id).values(**values))


def devices(connection: Connection, *, removed: bool = False) -> list[Device]:
    """All devices in the order of adding, with `removed` those that were removed instead."""
    bound: dict[DeviceId, list[ChannelId]] = defaultdict(list)
    now = select(binding_table).where(binding_table.c.to_us.is_(None)).order_by(binding_table.c.input)
    for row in connection.execute(now):
        bound[DeviceId(row.device_id)].append(ChannelId(row.channel_id))
    is_removed = device_table.c.removed_us.is_not(None)
    found = connection.execute(
        select(device_table).where(is_removed if removed else ~is_removed).order_by(device_table.c.id)
    )
    return [_device(row, bound[DeviceId(row.id)]) for row in found]


def device(connection: Connection, device_id: DeviceId) -> Device | None:
    """One device, removed or not."""
    row = device_row(connection, device_id)
    if row is None:
        return None
    is_bound = (binding_table.c.device_id == device_id) & binding_table.c.to_us.is_(None)
    bound = connection.execute(
        select(binding_table.c.channel_id).where(is_bound).order_by(binding_table.c.input)
    )
    return _device(row, [ChannelId(one.channel_id) for one in bound])


def device_row(connection: Connection, device_id: DeviceId) -> _Found | None:
    """The bare row, with what lies sealed in it."""
    return connection.execute(select(device_table).where(device_table.c.id == device_id)).first()


def sealed_credentials(connection: Connection) -> list[tuple[DeviceId, bytes]]:
    """Of every device that was not removed."""
    found = connection.execute(
        select(device_table.c.id, device_table.c.credentials_sealed).where(
            device_table.c.removed_us.is_(None)
        )
    )
    return [(DeviceId(row.id), row.credentials_sealed) for row in found]


def keep_notification(connection: Connection, device_id: DeviceId, told: Notification) -> None:
    """Store one, and forget the oldest beyond `NOTIFICATIONS_KEPT`; nothing for an unknown device."""
    if device_row(connection, device_id) is None:
        return
    values = {
        "id": new_id(),
        "device_id": device_id,
        "at_us": told.at_us,
        "topic": told.topic[:255],
        "operation": told.operation[:32],
        "source": _pairs_text(told.source),
        "data": _pairs_text(told.data),
    }
    connection.execute(insert(notification_table).values(**values))
    kept = (
        select(notification_table.c.id)
        .where(notification_table.c.device_id == device_id)
        .order_by(notification_table.c.id.desc())
        .limit(NOTIFICATIONS_KEPT)
    )
    connection.execute(
        delete(notification_table).where(
            notification_table.c.device_id == device_id, notification_table.c.id.not_in(kept)
        )
    )


def notifications(connection: Connection, device_id: DeviceId) -> list[Notification]:
    """The last ones, newest first."""
    found = connection.execute(
        select(notification_table)
        .where(notification_table.c.device_id == device_id)
        .order_by(notification_table.c.id.desc())
        .limit(NOTIFICATIONS_KEPT)
    )
    return [
        Notification(
            row.at_us,
            row.topic,
            row.operation,
            _PAIRS.validate_json(row.source),
            _PAIRS.validate_json(row.data),
        )
        for row in found
    ]


def _pairs_text(pairs: tuple[tuple[str, str], ...]) -> str:
    """Whole pairs, as many as fit."""
    kept: list[tuple[str, str]] = []
    for name, value in pairs:
        longer = [*kept, (name[:255], value[:1_000])]
        if len(json.dumps(longer)) > _TEXT_LIMIT_CHARS:
            break
        kept = longer
    return json.dumps(kept)


def _device(row: _Found, bound: list[ChannelId]) -> Device:
    return Device(
        id=DeviceId(row.id),
        driver=row.driver,
        address=row.address,
        identity=_IDENTITY.validate_json(row.identity),
        abilities=tuple(Ability(word) for word in json.loads(row.abilities) if word in set(Ability)),
        inputs=read_inputs(row.inputs),
        channel_ids=tuple(bound),
        transport=Transport(row.transport),
        tls_fingerprint=row.tls_fingerprint,
        desired=_read_desired(row.desired),
        drift=_DRIFT.validate_json(row.drift),
        checked_us=row.checked_us,
        clock_offset_ms=row.clock_offset_ms,
        trouble=None if row.trouble is None else _TROUBLE.validate_json(row.trouble),
        added_us=row.added_us,
        removed_us=row.removed_us,
    )


def _read_desired(text: str | None) -> DesiredSettings:
    """The site's default where nothing was ever said, or where a newer version wrote what we cannot read."""
    if text is None:
        return DesiredSettings()
    stored = json.loads(text)
    if stored.get("version") != DESIRED_VERSION:
        return DesiredSettings()
    try:
        return _DESIRED.validate_python(stored["value"])
    except ValidationError:
        return DesiredSettings()
