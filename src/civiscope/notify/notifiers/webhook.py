"""A webhook: one signed POST of JSON (docs/design/notify.md). No redirect, no cookie, no body read."""

import asyncio
import hashlib
import hmac
import ipaddress
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, model_validator

from civiscope.base import AppError, ErrorKind, ProtocolError
from civiscope.media.wire import HttpHead, HttpParser
from civiscope.notify.model import Message
from civiscope.notify.notifiers.shape import AuthorityText, NotifierSettings, revealed
from civiscope.notify.plugin import NotifierPlugin, NotifierPorts
from civiscope.notify.reach import client_tls, find_peer, words_of

SIGNATURE_HEADER = "Civiscope-Signature"
_ANSWER_LIMIT_BYTES = 64 * 1024
_PLACE = re.compile(r"[\x21-\x7e]+")
_NEVER = frozenset({400, 413, 415, 422})
"""The receiver read this very message and will not have it (RFC 9110 §15.5)."""
_HEADER_VALUE = re.compile(r"[\x21-\x7e]*")


class WebhookSettings(NotifierSettings):
    """Where to, and what proves that it was us."""

    url: Annotated[
        str,
        Field(min_length=8, max_length=2048, title="Address", description="https://host/path, shown to all."),
    ]
    url_secret: Annotated[
        SecretStr | None,
        Field(
            max_length=1024,
            title="Secret end of the address",
            description="Added to the address as it stands, where the address itself is the password.",
        ),
    ] = None
    signing_key: Annotated[
        SecretStr | None,
        Field(
            min_length=16,
            max_length=256,
            title="Key of the signature",
            description="At least 16 characters that the receiver knows too; empty: no signature.",
        ),
    ] = None
    token: Annotated[
        SecretStr | None, Field(max_length=1024, title="Token", description="Sent as Authorization: Bearer.")
    ] = None
    authority: AuthorityText = ""
    allow_http: Annotated[
        bool, Field(title="Without TLS", description="Only where no one else is on the line.")
    ] = False
    allow_private: Annotated[
        bool,
        Field(
            title="Own networks",
            description="The address may lead to this site's own networks or this very machine.",
        ),
    ] = False

    @model_validator(mode="after")
    def _address_can_be_used(self) -> "WebhookSettings":
        parts = _parts(self.url + revealed(self.url_secret))
        if parts.scheme == "http" and not self.allow_http:
            raise ValueError("an address with http:// needs allow_http: what is sent can be read on the way")
        if not _HEADER_VALUE.fullmatch(revealed(self.token)):
            raise ValueError("the token has characters that no header can carry")
        return self


@dataclass(frozen=True, slots=True)
class Webhook:
    """A `Notifier`."""

    settings: WebhookSettings
    ports: NotifierPorts

    async def deliver(self, message: Message) -> None:
        """Taken when the answer is 2xx; the body of the answer is not looked at."""
        parts = _parts(self.settings.url + revealed(self.settings.url_secret))
        host, is_tls = parts.hostname or "", parts.scheme == "https"
        peer = await find_peer(
            host, parts.port or (443 if is_tls else 80), self.ports.resolve,
            allow_private=self.settings.allow_private,
        )  # fmt: skip
        tls = await asyncio.to_thread(client_tls, self.settings.authority) if is_tls else None
        request = self._request(parts, message)
        failure: OSError | None = None
        for address in peer.addresses:
            try:
                reader, writer = await asyncio.open_connection(
                    address,
                    peer.port,
                    ssl=tls,
                    server_hostname=host if tls else None,
                    limit=_ANSWER_LIMIT_BYTES,
                )
            except OSError as error:
                failure = error
                continue
            await self._ask(host, request, reader, writer)
            return
        assert failure is not None, "a peer has at least one address"
        raise _unavailable(f"{host} cannot be reached: {words_of(failure)}.") from None

    async def _ask(
        self, host: str, request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            writer.write(request)
            await writer.drain()
            head = await _read_head(reader)
        except (OSError, ProtocolError) as error:
            why = error.message if isinstance(error, ProtocolError) else words_of(error)
            raise _unavailable(f"{host} gave no answer that can be read: {why}.") from None
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()
        _weigh(host, head.status)

    def _request(self, parts: SplitResult, message: Message) -> bytes:
        body = body_of(message, self.ports.origin)
        fields = [
            f"POST {parts.path or '/'}{'?' + parts.query if parts.query else ''} HTTP/1.1",
            f"Host: {parts.netloc}",
            "User-Agent: Civiscope",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            f"Idempotency-Key: {message.id}",
            "Accept-Encoding: identity",
            "Connection: close",
        ]
        if key := revealed(self.settings.signing_key):
            at_s = self.ports.clock.now_us() // 1_000_000
            fields.append(f"{SIGNATURE_HEADER}: {signature_of(key, at_s, body)}")
        if token := revealed(self.settings.token):
            fields.append(f"Authorization: Bearer {token}")
        return ("\r\n".join(fields) + "\r\n\r\n").encode("ascii") + body


def signature_of(key: str, at_s: int, body: bytes) -> str:
    """`t=<seconds>,v1=<hex>`: HMAC-SHA256 over `<seconds>.` and the body, so that neither can be replaced.

    A receiver computes the same, compares in constant time, and refuses what is older than five minutes.
    """
    made = hmac.new(key.encode(), b"%d." % at_s + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={made}"


def body_of(message: Message, origin: str) -> bytes:
    """The document that is posted; version 1."""
    return json.dumps(
        {
            "version": 1,
            "id": str(message.id),
            "site": message.site_name,
            "subject": message.subject,
            "text": message.text,
            "priority": message.priority.value,
            "at_us": message.at_us,
            "channel": message.channel_name or None,
            "alarm_id": str(message.alarm_id) if message.alarm_id else None,
            "event_id": str(message.event_id) if message.event_id else None,
            "path": message.path or None,
            "link": origin + message.path if origin and message.path else None,
        },
        ensure_ascii=False,
    ).encode()


def _parts(url: str) -> SplitResult:
    """The address in its parts; ValueError in words when it is none that may be called."""
    if not _PLACE.fullmatch(url):
        raise ValueError("the address has blanks or letters outside ASCII: write them in percent form")
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise ValueError("write the address as https://host/path")
    if "@" in parts.netloc:
        raise ValueError("the address has a name or password in it: use the token")
    if parts.fragment:
        raise ValueError("the address has a fragment (#…), which is never sent: leave it out")
    _check_host(parts)
    return parts


def _check_host(parts: SplitResult) -> None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("the port of the address is no number from 1 to 65535")
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if not re.fullmatch(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?\.?", host):
            raise ValueError("the host of the address is no name and no IP address") from None


async def _read_head(reader: asyncio.StreamReader) -> HttpHead:
    """The head of the answer; what follows it stays unread."""
    parser = HttpParser()
    came = 0
    while came <= _ANSWER_LIMIT_BYTES:
        piece = await reader.read(4096)
        if not piece:
            break
        came += len(piece)
        for event in parser.feed(piece):
            if isinstance(event, HttpHead):
                return event
    raise ProtocolError("the answer ends before its head is over")


def _weigh(host: str, status: int) -> None:
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise _unavailable(
            f"{host} answered {status}, a redirect. Redirects are not followed: type the address it leads to."
        )
    if status in _NEVER:
        raise AppError(ErrorKind.INVALID, f"{host} refused the message for good: it answered {status}.")
    if status in {401, 403}:
        raise _unavailable(f"{host} answered {status}: it does not accept the token or the signature.")
    raise _unavailable(f"{host} answered {status}.")


def _unavailable(words: str) -> AppError:
    return AppError(ErrorKind.UNAVAILABLE, words)


NOTIFIER = NotifierPlugin(
    name="webhook",
    title="Webhook",
    settings=WebhookSettings,
    secret_fields=frozenset({"url_secret", "signing_key", "token"}),
    peer_fields=frozenset({"url", "authority", "allow_http"}),
    make=Webhook,
    deadline_s=10.0,
)
