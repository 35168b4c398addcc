"""What strangers say of themselves, cut to what we are ready to keep, show and open. Pure."""

import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from urllib.parse import urlsplit

from civiscope.base import DeviceId
from civiscope.devices.equipment import (
    DeviceDescription,
    DeviceIdentity,
    FoundDevice,
    Notification,
    OfferedInput,
    OfferedStream,
)
from civiscope.devices.facts import DeviceNotified

TEXT_LIMIT_CHARS = 200
VALUE_LIMIT_CHARS = 512
PAIRS_LIMIT = 16
INPUTS_LIMIT = 64
STREAMS_LIMIT = 16
URL_LIMIT_CHARS = 2048
STREAM_SCHEMES = frozenset({"rtsp", "rtsps", "http", "https"})


def tidy_description(found: DeviceDescription, driver_schemes: frozenset[str]) -> DeviceDescription:
    """Bounded, printable, and with no stream address that a transport must not open.

    A `file:` address is kept only of a driver of files: a device on the network may not point at our disk.
    """
    schemes = STREAM_SCHEMES | (driver_schemes & {"file"})
    inputs = tuple(_input(one, schemes) for one in found.inputs[:INPUTS_LIMIT])
    left = sum(len(one.streams) for one in found.inputs) - sum(len(one.streams) for one in inputs)
    warnings = tuple(printable(words, VALUE_LIMIT_CHARS) for words in found.warnings[:PAIRS_LIMIT])
    if left:
        warnings += (f"{left} of its streams are left out: their addresses are of no kind that is opened.",)
    return replace(found, identity=tidy_identity(found.identity), inputs=inputs, warnings=warnings)


def tidy_identity(said: DeviceIdentity) -> DeviceIdentity:
    """Every field printable and short."""
    return DeviceIdentity(
        printable(said.maker), printable(said.model), printable(said.firmware),
        printable(said.serial), printable(said.hardware), printable(said.endpoint),
    )  # fmt: skip


def tidy_found(said: FoundDevice, driver: str) -> FoundDevice:
    """An answer to discovery, bounded; `driver` is who heard it, whatever the answer says."""
    return FoundDevice(
        driver,
        printable(said.endpoint),
        tuple(one for one in said.addresses[:8] if _may_open(one, None)),
        printable(said.name),
        printable(said.hardware),
        printable(said.maker),
        tuple(printable(scope) for scope in said.scopes[:32]),
    )


def tidy_notification(device_id: DeviceId, said: Notification) -> DeviceNotified:
    """As a fact: some 150 KB at the very most, so that it always fits (`bus.BODY_LIMIT_BYTES`)."""
    return DeviceNotified(
        device_id, said.at_us, printable(said.topic, VALUE_LIMIT_CHARS), printable(said.operation, 32),
        _pairs(said.source), _pairs(said.data),
    )  # fmt: skip


def printable(text: str, limit_chars: int = TEXT_LIMIT_CHARS) -> str:
    """Without control, formatting and surrogate characters, and no longer than this."""
    kept = (c for c in text[: limit_chars * 2] if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"})
    return "".join(kept).strip()[:limit_chars]


def _pairs(said: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    kept = islice(said, PAIRS_LIMIT)
    return tuple((printable(name, 64), printable(value, VALUE_LIMIT_CHARS)) for name, value in kept)


def _input(said: OfferedInput, schemes: frozenset[str]) -> OfferedInput:
    streams = tuple(_stream(one) for one in said.streams[:STREAMS_LIMIT] if _may_open(one.url, schemes))
    snapshot_url = said.snapshot_url if _may_open(said.snapshot_url, schemes) else ""
    return replace(
        said,
        token=printable(said.token),
        name=printable(said.name),
        streams=streams,
        snapshot_url=snapshot_url,
    )


def _stream(said: OfferedStream) -> OfferedStream:
    return replace(
        said,
        profile=printable(said.profile, 64),
        token=printable(said.token),
        codec=printable(said.codec, 32),
    )


def _may_open(url: str, schemes: frozenset[str] | None) -> bool:
    """Short, of a kind that is opened, without user-info and without what would break a request's line."""
    if not url or len(url) > URL_LIMIT_CHARS or any(c.isspace() or not c.isprintable() for c in url):
        return False
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) or parts.scheme == "file"
        whole = parts.port is None or 0 < parts.port < 65_536
    except ValueError:
        return False
    return named and whole and "@" not in parts.netloc and (schemes is None or parts.scheme in schemes)
