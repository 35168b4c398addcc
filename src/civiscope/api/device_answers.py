"""Devices, trials and groups as the page shows them; nothing secret has a place in these shapes."""

import base64
from collections.abc import Collection
from dataclasses import asdict

from civiscope.base import AppError, ChannelId
from civiscope.devices import (
    CsvRow,
    Device,
    DeviceIdentity,
    Group,
    OfferedInput,
    OfferedStream,
    TriedDevice,
    TroubleReport,
    parse_address,
)
from civiscope.media import TrackConfig
from civiscope.security import Secret


def device_answer(
    device: Device, seen: Collection[ChannelId] | None, username: str | None
) -> dict[str, object]:
    """One device, with those of its channels that the asker may know of (None: all)."""
    return {
        "id": str(device.id),
        "driver": device.driver,
        "address": device.address,
        "username": username,
        "identity": _identity(device.identity),
        "abilities": [ability.value for ability in device.abilities],
        "channel_ids": [str(one) for one in device.channel_ids if seen is None or one in seen],
        "inputs": [
            {"index": one.index, "name": one.name, "has_ptz": one.has_ptz, "has_audio": one.has_audio}
            for one in device.inputs
        ],
        "transport": device.transport.value,
        "tls_fingerprint": device.tls_fingerprint,
        "drift": [asdict(one) for one in device.drift],
        "checked_us": device.checked_us,
        "clock_offset_ms": device.clock_offset_ms,
        "desired": asdict(device.desired),
        "added_us": device.added_us,
        "trouble": None if device.trouble is None else trouble_answer(device.trouble),
    }


def trouble_answer(report: TroubleReport) -> dict[str, object]:
    """What went wrong, and what to try."""
    return {
        "code": report.trouble.value,
        "words": report.words,
        "advice": report.advice,
        "fingerprint": report.fingerprint,
    }


def tried_answer(tried: TriedDevice, picture: bytes | None) -> dict[str, object]:
    """What became of trying a device; `picture` only for who may see it."""
    told, opened = tried.asked.told, tried.opened
    return {
        "verdict": "good" if tried.trouble is None else "trouble",
        "trouble": None if tried.trouble is None else trouble_answer(tried.trouble),
        "driver": tried.asked.draft.driver,
        "address": shown(tried.asked.draft.address),
        "identity": None if told is None else _identity(told.identity),
        "clock_offset_ms": None if told is None else told.clock_offset_ms,
        "abilities": [] if told is None else [ability.value for ability in told.abilities],
        "inputs": [] if told is None else [_input(one) for one in told.inputs],
        "tracks": [] if opened is None else [track_answer(track) for track in opened.tracks],
        "picture_jpeg_base64": None if picture is None else base64.b64encode(picture).decode(),
        "took_ms": tried.took_ms,
        "transport": tried.asked.draft.transport.value if opened is None else opened.transport.value,
        "sends_password_in_clear": opened is not None and opened.sends_password_in_clear,
        "warnings": [{"code": one.code, "words": one.words} for one in tried.cautions],
    }


def shown(address: str) -> str:
    """A typed address without user-info and password; empty where it is no address."""
    try:
        return parse_address(address).address.shown
    except AppError:
        return ""


def track_answer(track: TrackConfig) -> dict[str, object]:
    """One track that a stream has."""
    return {
        "kind": track.kind.value,
        "codec": track.codec.value,
        "width_px": track.width_px or None,
        "height_px": track.height_px or None,
        "sample_rate_hz": track.sample_rate_hz or None,
        "channel_count": track.channel_count or None,
    }


def group_answer(group: Group) -> dict[str, object]:
    """One branch of the tree."""
    return {
        "id": str(group.id),
        "name": group.name,
        "parent_id": None if group.parent_id is None else str(group.parent_id),
    }


def csv_answer(row: CsvRow) -> dict[str, object]:
    """One line of a table, before it is tried."""
    return {"line": row.line, "draft": _draft(row), "problem": row.problem}


def _draft(row: CsvRow) -> dict[str, object] | None:
    if row.draft is None:
        return None
    draft, channel = row.draft, row.channel
    typed = parse_address(draft.address)
    password = draft.password or typed.password
    return {
        "name": channel.name,
        "address": shown(draft.address),
        "username": draft.username or typed.username,
        "has_password": password is not None and password != Secret(""),
        "place": channel.place,
        "latitude": channel.latitude,
        "longitude": channel.longitude,
        "purpose": channel.purpose,
        "group": row.group,
        "transport": draft.transport.value,
        "audio": channel.audio,
        "driver": draft.driver,
    }


def _identity(identity: DeviceIdentity) -> dict[str, object]:
    names = ("maker", "model", "firmware", "serial", "hardware")
    return {name: getattr(identity, name) for name in names}


def _input(one: OfferedInput) -> dict[str, object]:
    return {
        "index": one.index,
        "name": one.name,
        "has_ptz": one.has_ptz,
        "has_audio": one.has_audio,
        "streams": [_stream(stream) for stream in one.streams],
    }


def _stream(stream: OfferedStream) -> dict[str, object]:
    return {
        "profile": stream.profile,
        "codec": stream.codec,
        "width_px": stream.width_px,
        "height_px": stream.height_px,
        "fps": stream.fps,
    }
