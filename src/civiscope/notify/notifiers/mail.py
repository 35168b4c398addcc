"""Mail by SMTP (RFC 5321): over TLS, or in the clear to this very machine and nowhere else."""

import asyncio
import re
import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from civiscope.base import AppError, ErrorKind
from civiscope.notify.model import Message
from civiscope.notify.notifiers.shape import AuthorityText, HostName, NotifierSettings, PortNumber, revealed
from civiscope.notify.plugin import NotifierPlugin, NotifierPorts
from civiscope.notify.reach import Peer, client_tls, find_peer, words_of

_DEADLINE_S = 20.0
_STEP_LIMIT_S = 10.0
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
MailAddress = Annotated[str, Field(max_length=254)]


class MailSettings(NotifierSettings):
    """The mail server, and who writes to whom."""

    server: Annotated[HostName, Field(title="Mail server")]
    security: Annotated[
        Literal["starttls", "tls", "plain"],
        Field(title="Security", description="plain: only to a mail server on this very machine."),
    ] = "starttls"
    port: Annotated[PortNumber, Field(title="Port", description="Mostly 587 for starttls, 465 for tls.")] = (
        587
    )
    username: Annotated[str, Field(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$", title="User")] = ""
    password: Annotated[SecretStr | None, Field(max_length=1024, title="Password")] = None
    sender: Annotated[MailAddress, Field(title="From")]
    recipients: Annotated[tuple[MailAddress, ...], Field(min_length=1, max_length=20, title="To")]
    authority: AuthorityText = ""

    @field_validator("sender", "recipients")
    @classmethod
    def _are_addresses(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for one in (value,) if isinstance(value, str) else value:
            if not _ADDRESS.fullmatch(one):
                raise ValueError("write addresses like person@example.org, without a name around them")
        return value

    @model_validator(mode="after")
    def _login_is_whole(self) -> "MailSettings":
        if bool(self.username) != bool(revealed(self.password)):
            raise ValueError("a user needs a password, and a password a user")
        return self


@dataclass(frozen=True, slots=True)
class Mail:
    """A `Notifier`. The talk is smtplib's, in a thread; giving up shuts its socket, which ends the thread."""

    settings: MailSettings
    ports: NotifierPorts

    async def deliver(self, message: Message) -> None:
        """Taken when the server says that it takes it, for every recipient."""
        settings = self.settings
        peer = await find_peer(settings.server, settings.port, self.ports.resolve, allow_private=True)
        if settings.security == "plain" and not peer.is_loopback:
            raise AppError(
                ErrorKind.UNAVAILABLE,
                f"{peer.host} is not this very machine, and mail in the clear goes nowhere else. "
                "Use starttls.",
            )
        async with asyncio.timeout(_STEP_LIMIT_S):
            connection = await _connected(peer)
        talk = _Talk(settings, peer, connection)
        talking = asyncio.ensure_future(
            asyncio.to_thread(talk.send, written(settings, message, self.ports.origin))
        )
        try:
            await asyncio.shield(talking)
        finally:
            talk.give_up()
            await asyncio.wait([talking])
            if not talking.cancelled():
                talking.exception()  # seen already, or of no use to who gave up


def written(settings: MailSettings, message: Message, origin: str) -> EmailMessage:
    """The mail: UTF-8 text, a Message-ID made of the message's own id, so that a repeat is known as one."""
    mail = EmailMessage(policy=SMTP)
    subject, site_name = _plain(message.subject), _plain(message.site_name)
    mail["Subject"] = f"{site_name}: {subject}" if site_name else subject
    mail["From"] = Address(display_name=site_name, addr_spec=settings.sender)
    mail["To"] = [Address(addr_spec=one) for one in settings.recipients]
    mail["Date"] = datetime.fromtimestamp(message.at_us / 1_000_000, UTC)
    mail["Message-ID"] = f"<{message.id}@{settings.sender.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.priority.rank > 1:
        mail["Importance"] = "high"
    mail.set_content(_text(message, origin), charset="utf-8", cte="quoted-printable")
    return mail


def _plain(text: str) -> str:
    """Without encoded words (RFC 2047 §2): `email` decodes those it is given, with line breaks in them."""
    return text.replace("=?", "= ?")


def _text(message: Message, origin: str) -> str:
    at = datetime.fromtimestamp(message.at_us / 1_000_000, UTC).isoformat(sep=" ", timespec="seconds")
    lines = [message.text or message.subject, "", f"When: {at}"]
    if message.channel_name:
        lines.append(f"Camera: {message.channel_name}")
    lines.append(f"Priority: {message.priority.value}")
    if message.path:
        lines.append(f"More: {origin}{message.path}")
    return "\n".join(lines) + "\n"


async def _connected(peer: Peer) -> socket.socket:
    """A connection to the first judged address that takes one; with a limit on each step from now on."""
    failure: OSError = ConnectionError("no address")
    for address in peer.addresses:
        made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        made.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(made, (address, peer.port))
        except OSError as error:
            made.close()
            failure = error
            continue
        except BaseException:
            made.close()
            raise
        made.settimeout(_STEP_LIMIT_S)
        return made
    raise _failed(f"The mail server {peer.host} cannot be reached: {words_of(failure)}.")


class _Talk:
    """One conversation with a mail server, on a thread; `give_up` from another ends it."""

    def __init__(self, settings: MailSettings, peer: Peer, connection: socket.socket) -> None:
        self._settings = settings
        self._peer = peer
        self._connection = connection
        self._lock = threading.Lock()
        self._handle: socket.socket | None = connection.dup()
        """smtplib keeps, wraps and closes the other one."""

    def send(self, mail: EmailMessage) -> None:
        """Blocks; AppError says why it was not taken."""
        host = self._peer.host
        try:
            self._converse(mail)
        except smtplib.SMTPAuthenticationError:
            raise _failed(f"The mail server {host} does not accept the user or the password.") from None
        except smtplib.SMTPRecipientsRefused:
            raise _failed(f"The mail server {host} takes no mail for these recipients.") from None
        except smtplib.SMTPNotSupportedError:
            raise _failed(
                f"The mail server {host} does not offer what this target needs (TLS, login)."
            ) from None
        except smtplib.SMTPResponseException as error:
            raise _failed(f"The mail server {host} answered {int(error.smtp_code)}.") from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise _failed(f"The mail server {host} cannot be used: {words_of(error)}.") from None
        finally:
            self._connection.close()
            with self._lock:
                assert self._handle is not None
                self._handle.close()
                self._handle = None

    def give_up(self) -> None:
        """Whatever the thread waits for ends; called from the loop."""
        with self._lock, suppress(OSError):  # it may be closed already by the other side
            if self._handle is not None:
                self._handle.shutdown(socket.SHUT_RDWR)

    def _converse(self, mail: EmailMessage) -> None:
        settings = self._settings
        tls = None if settings.security == "plain" else client_tls(settings.authority)
        with _Smtp(self._connection, tls if settings.security == "tls" else None, self._peer) as smtp:
            if settings.security == "starttls" and tls is not None:
                smtp.starttls(context=tls)
            if settings.username:
                smtp.login(settings.username, revealed(settings.password))
            refused = smtp.send_message(mail, settings.sender, list(settings.recipients))
        if refused:
            raise _failed(
                f"The mail server {self._peer.host} takes no mail for {len(refused)} of the recipients; "
                "the others have it."
            )


class _Smtp(smtplib.SMTP):
    """smtplib's client on a connection that is there already, to an address that was judged."""

    def __init__(self, connection: socket.socket, tls: ssl.SSLContext | None, peer: Peer) -> None:
        self._connection = connection
        self._tls = tls
        super().__init__(peer.host, peer.port, timeout=_STEP_LIMIT_S)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """As in `smtplib.SMTP_SSL`; `host` is the name that the certificate must have."""
        return (
            self._tls.wrap_socket(self._connection, server_hostname=host) if self._tls else self._connection
        )


def _failed(words: str) -> AppError:
    return AppError(ErrorKind.UNAVAILABLE, words)


NOTIFIER = NotifierPlugin(
    name="mail",
    title="Mail",
    settings=MailSettings,
    secret_fields=frozenset({"password"}),
    peer_fields=frozenset({"server", "port", "security", "authority", "username"}),
    make=Mail,
    deadline_s=_DEADLINE_S,
)
