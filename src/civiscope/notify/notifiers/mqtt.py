"""MQTT (3.1.1 and 5): one JSON document per message, QoS 1, never retained (docs/design/notify.md)."""

import asyncio
import json
import re
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import aiomqtt
from pydantic import Field, SecretStr, field_validator, model_validator

from civiscope.base import AppError, ErrorKind
from civiscope.notify.model import Message
from civiscope.notify.notifiers.shape import AuthorityText, HostName, NotifierSettings, PortNumber, revealed
from civiscope.notify.plugin import NotifierPlugin, NotifierPorts
from civiscope.notify.reach import Peer, client_tls, find_peer, words_of

_STEP_LIMIT_S = 2.5
"""Each of connecting, greeting and publishing: together they end before the deadline, by themselves."""
_KEEPALIVE_S = 4
"""A broker that never greets holds its socket no longer."""
_PLACES = ("site", "channel", "priority")
_PLACE = re.compile(r"\{([a-z]*)\}")
_NO_LEVEL = re.compile(r"[/+#\x00-\x1f\x7f-\x9f]+")
_TOPIC_LIMIT_CHARS = 200


class MqttSettings(NotifierSettings):
    """The broker, and the topic."""

    server: Annotated[HostName, Field(title="Broker")]
    port: Annotated[PortNumber, Field(title="Port")] = 8883
    tls: Annotated[
        bool,
        Field(title="TLS", description="Off: only within this site's own networks, readable on the way."),
    ] = True
    username: Annotated[str, Field(max_length=255, title="User")] = ""
    password: Annotated[SecretStr | None, Field(max_length=1024, title="Password")] = None
    topic: Annotated[
        str,
        Field(
            min_length=1,
            max_length=_TOPIC_LIMIT_CHARS,
            title="Topic",
            description="{site}, {channel} and {priority} are filled in.",
        ),
    ] = "civiscope/{site}/{channel}/alarm"
    authority: AuthorityText = ""

    @field_validator("topic")
    @classmethod
    def _topic_is_one(cls, value: str) -> str:
        if any(mark in value for mark in "+#") or not value.isprintable():
            raise ValueError("a topic to publish on has no + and no # in it (they are for subscribing)")
        if value.startswith("$"):
            raise ValueError("topics that begin with $ are the broker's own")
        if any(name not in _PLACES for name in _PLACE.findall(value)):
            raise ValueError("only {site}, {channel} and {priority} are filled in")
        if "{" in _PLACE.sub("", value) or "}" in _PLACE.sub("", value):
            raise ValueError("a { or } stands alone: write {site}, {channel} or {priority}")
        return value

    @model_validator(mode="after")
    def _login_is_whole(self) -> "MqttSettings":
        if revealed(self.password) and not self.username:
            raise ValueError("a password needs a user")
        return self


@dataclass(frozen=True, slots=True)
class Mqtt:
    """A `Notifier`."""

    settings: MqttSettings
    ports: NotifierPorts

    async def deliver(self, message: Message) -> None:
        """Taken when the broker acknowledges it (PUBACK)."""
        settings = self.settings
        peer = await find_peer(settings.server, settings.port, self.ports.resolve, allow_private=True)
        if not settings.tls and not peer.is_private:
            raise _failed(
                f"{peer.host} is outside this site's own networks, and nothing goes there without TLS. "
                "Switch TLS on."
            )
        tls = await asyncio.to_thread(_named_tls, settings.authority, peer.host) if settings.tls else None
        try:
            await self._publish(peer, tls, message)
        except aiomqtt.MqttCodeError as error:
            raise _failed(f"The broker {peer.host} refused: {_refusal(error)}.") from None
        except aiomqtt.MqttError:
            raise _failed(f"The broker {peer.host} cannot be reached, or gave no answer.") from None
        except (OSError, ssl.SSLError) as error:
            raise _failed(f"The broker {peer.host} cannot be reached: {words_of(error)}.") from None

    async def _publish(self, peer: Peer, tls: ssl.SSLContext | None, message: Message) -> None:
        settings = self.settings
        client = _Client(
            await _answering(peer),
            peer.port,
            username=settings.username or None,
            password=revealed(settings.password) or None,
            tls_context=tls,
            timeout=_STEP_LIMIT_S,
            keepalive=_KEEPALIVE_S,
            clean_session=True,
        )
        try:
            await client.enter()
            topic = topic_of(settings.topic, message)
            await client.publish(topic, payload_of(message, self.ports.origin), qos=1, retain=False)
        finally:
            client.leave()


class _Client(aiomqtt.Client):
    """aiomqtt's client, which leaves no socket behind when something fails before the broker has greeted."""

    async def enter(self) -> None:
        """As `async with`, but does not wait on when the broker hangs up in place of a greeting."""
        entering = asyncio.ensure_future(self.__aenter__())
        try:
            both: set[asyncio.Future[Any]] = {entering, self._disconnected}  # of a client and of nothing
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not entering.done():
                raise aiomqtt.MqttError("the broker hung up")
            await entering
        finally:
            entering.cancel()

    def leave(self) -> None:
        """Say farewell and close, without waiting for an answer: there is none (MQTT 3.1.1 §3.14)."""
        self._client.disconnect()
        if self._disconnected.done():
            self._disconnected.exception()  # told already by whatever failed


class _NamedContext(ssl.SSLContext):
    """Checks a certificate for a name while the connection goes to an address that was judged."""

    server_name = ""

    def wrap_socket(  # type: ignore[override]  # what paho calls it with
        self, sock: socket.socket, *, server_hostname: str | None = None, do_handshake_on_connect: bool = True
    ) -> ssl.SSLSocket:
        """For the broker's name, whatever address is given."""
        made = super().wrap_socket(sock, server_hostname=self.server_name, do_handshake_on_connect=False)
        made.settimeout(_STEP_LIMIT_S)
        try:
            made.do_handshake()  # here, because paho leaves the socket open when it fails
        except BaseException:
            made.close()
            raise
        return made


def _named_tls(authority: str, name: str) -> ssl.SSLContext:
    checked = client_tls(authority)
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.server_name = name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if authority.strip():
        context.load_verify_locations(cadata=authority)
    else:
        context.load_default_certs()
    assert checked.verify_mode == context.verify_mode == ssl.CERT_REQUIRED
    return context


async def _answering(peer: Peer) -> str:
    """The first judged address at which somebody listens; aiomqtt takes one address only."""
    if len(peer.addresses) == 1:
        return peer.addresses[0]
    failure: OSError = ConnectionError("no address")
    for address in peer.addresses:
        try:
            async with asyncio.timeout(_STEP_LIMIT_S):
                _, writer = await asyncio.open_connection(address, peer.port)
        except OSError as error:
            failure = error
            continue
        writer.transport.abort()
        return address
    raise failure


def topic_of(template: str, message: Message) -> str:
    """The topic, each filled-in level without separators, wildcards and control characters."""
    filled = {
        "site": _level(message.site_name),
        "channel": _level(message.channel_name),
        "priority": message.priority.value,
    }
    return _PLACE.sub(lambda found: filled[found[1]], template)


def payload_of(message: Message, origin: str) -> bytes:
    """In the shape of ONVIF's JSON events (ONVIF Core §9.9: UtcTime, Source, Key, Data)."""
    at = datetime.fromtimestamp(message.at_us / 1_000_000, UTC)
    return json.dumps(
        {
            "UtcTime": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "Source": {"Site": message.site_name, "Channel": message.channel_name},
            "Key": {
                "Message": str(message.id),
                "Alarm": str(message.alarm_id) if message.alarm_id else "",
                "Event": str(message.event_id) if message.event_id else "",
            },
            "Data": {
                "Subject": message.subject,
                "Text": message.text,
                "Priority": message.priority.value,
                "Link": origin + message.path if message.path else "",
            },
        },
        ensure_ascii=False,
    ).encode()


def _level(text: str) -> str:
    return _NO_LEVEL.sub("_", text).strip() or "_"


def _refusal(error: aiomqtt.MqttCodeError) -> str:
    """In our words: what a broker says may repeat what it was told."""
    name = str(getattr(error, "rc", "")).lower()
    if any(
        word in name for word in ("authoriz", "authoris", "user name", "password", "5", "4", "135", "134")
    ):
        return "user and password are not accepted, or may not publish on this topic"
    return "it does not take the connection or the topic"


def _failed(words: str) -> AppError:
    return AppError(ErrorKind.UNAVAILABLE, words)


NOTIFIER = NotifierPlugin(
    name="mqtt",
    title="MQTT",
    settings=MqttSettings,
    secret_fields=frozenset({"password"}),
    peer_fields=frozenset({"server", "port", "tls", "authority", "username"}),
    make=Mqtt,
    deadline_s=10.0,
)
