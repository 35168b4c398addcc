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
        talk = _Talk(settings, peer)
        try:
            await asyncio.to_thread(talk.send, written(settings, message, self.ports.origin))
        finally:
            talk.give_up()


def written(settings: MailSettings, message: Message, origin: str) -> EmailMessage:
    """The mail: UTF-8 text, a Message-ID made of the message's own id, so that a repeat is known as one."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = f"{message.site_name}: {message.subject}" if message.site_name else message.subject
    mail["From"] = Address(display_name=message.site_name, addr_spec=settings.sender)
    mail["To"] = [Address(addr_spec=one) for one in settings.recipients]
    mail["Date"] = datetime.fromtimestamp(message.at_us / 1_000_000, UTC)
    mail["Message-ID"] = f"<{message.id}@{settings.sender.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.priority.rank > 1:
        mail["Importance"] = "high"
    mail.set_content(_text(message, origin), charset="utf-8")
    return mail


def _text(message: Message, origin: str) -> str:
    at = datetime.fromtimestamp(message.at_us / 1_000_000, UTC).isoformat(sep=" ", timespec="seconds")
    lines = [message.text or message.subject, "", f"When: {at}"]
    if message.channel_name:
        lines.append(f"Camera: {message.channel_name}")
    lines.append(f"Priority: {message.priority.value}")
    if message.path:
        lines.append(f"More: {origin}{message.path}")
    return "\n".join(lines) + "\n"


class _Talk:
    """One conversation with a mail server, on a thread of its own."""

    def __init__(self, settings: MailSettings, peer: Peer) -> None:
        self._settings = settings
        self._peer = peer
        self._lock = threading.Lock()
        self._raw: socket.socket | None = None
        self._is_over = False

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
            with self._lock:
                if self._raw is not None:
                    self._raw.close()
                    self._raw = None

    def give_up(self) -> None:
        """Whatever the thread waits for ends; called from the loop."""
        with self._lock:
            self._is_over = True
            if self._raw is not None:
                with suppress(OSError):  # it was closed already
                    self._raw.shutdown(socket.SHUT_RDWR)

    def _converse(self, mail: EmailMessage) -> None:
        settings = self._settings
        tls = None if settings.security == "plain" else client_tls(settings.authority)
        with _Smtp(self._connect, tls if settings.security == "tls" else None, self._peer) as smtp:
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

    def _connect(self) -> socket.socket:
        """To one of the judged addresses; a second socket object keeps it within reach of `give_up`."""
        failure: OSError = ConnectionError("no address")
        for address in self._peer.addresses:
            try:
                made = socket.create_connection((address, self._peer.port), timeout=_STEP_LIMIT_S)
            except OSError as error:
                failure = error
                continue
            with self._lock:
                if self._is_over:
                    made.close()
                    raise TimeoutError
                self._raw = made.dup()
            return made
        raise failure


class _Smtp(smtplib.SMTP):
    """smtplib's client on a connection that somebody else opens, to an address that was judged."""

    def __init__(self, connect: object, tls: ssl.SSLContext | None, peer: Peer) -> None:
        self._open = connect
        self._tls = tls
        super().__init__(peer.host, peer.port, timeout=_STEP_LIMIT_S)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """As in `smtplib.SMTP_SSL`; `host` is the name that the certificate must have."""
        raw: socket.socket = self._open()  # type: ignore[operator]  # a method of _Talk
        return self._tls.wrap_socket(raw, server_hostname=host) if self._tls else raw


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
