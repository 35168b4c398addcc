"""Asking a time-stamping authority over HTTP (RFC 3161 §3.4): on demand, over the manifest of a package."""

import asyncio
import hashlib
import http.client
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from civiscope.base import AppError, Backoff, ErrorKind
from civiscope.evidence import MANIFEST_PATH, TIME_STAMP_PATH
from civiscope.security import StampRoots, TimeStamp, new_nonce, stamp_request

_LIMIT_S = 20.0
_TRIES = 3
_ANSWER_LIMIT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class StampAuthority:
    """Where time-stamps come from, and by whom they are believed."""

    url: str
    roots: StampRoots
    backoff: Backoff


async def fetch_stamp(authority: StampAuthority, digest: bytes) -> tuple[bytes, TimeStamp]:
    """The TimeStampResp over a SHA-256, checked; UNAVAILABLE after three tries, TimeStampError if false."""
    for number in range(_TRIES):
        nonce = new_nonce()
        try:
            answer = await asyncio.to_thread(_ask, authority.url, stamp_request(digest, nonce))
        except AppError:
            if number + 1 == _TRIES:
                raise
            await asyncio.sleep(authority.backoff.next_delay_s())
            continue
        return answer, authority.roots.check(answer, digest, nonce)
    raise AssertionError("the last try raises or returns")


async def stamp_package(folder: Path, authority: StampAuthority) -> TimeStamp:
    """Put `manifest.tsr` into an unpacked package; CONFLICT if there is one already."""
    target = folder / TIME_STAMP_PATH
    if target.exists():
        raise AppError(ErrorKind.CONFLICT, f"{target} is there already; it is not replaced.")
    try:
        digest = hashlib.sha256((folder / MANIFEST_PATH).read_bytes()).digest()
    except OSError as error:
        raise AppError(
            ErrorKind.MISSING, f"{folder} is no unpacked package: {MANIFEST_PATH} {error.strerror}."
        ) from None
    answer, stamp = await fetch_stamp(authority, digest)
    with target.open("xb") as file:
        file.write(answer)
    return stamp


def _ask(url: str, request: bytes) -> bytes:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise AppError(ErrorKind.INVALID, f"{url} is no address of a time-stamping authority.")
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    try:
        if parts.scheme == "https":
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                parts.hostname, parts.port, timeout=_LIMIT_S, context=ssl.create_default_context()
            )
        else:
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=_LIMIT_S)
        try:
            connection.request("POST", path, request, {"Content-Type": "application/timestamp-query"})
            answer = connection.getresponse()
            body = answer.read(_ANSWER_LIMIT_BYTES + 1)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise AppError(
            ErrorKind.UNAVAILABLE, f"the time-stamping authority {parts.hostname} cannot be reached: {error}."
        ) from None
    if answer.status != 200 or answer.headers.get_content_type() != "application/timestamp-reply":
        raise AppError(
            ErrorKind.UNAVAILABLE, f"the time-stamping authority {parts.hostname} answered {answer.status}."
        )
    return body
