"""Carrying a node head to a second party: into a foreign folder, by mail, to another node; all block."""

import http.client
import ipaddress
import json
import os
import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from civiscope.app.settings import AuditSettings, split_listen
from civiscope.app.site_pages import AuditPage
from civiscope.base import AppError, ErrorKind
from civiscope.security import NodeHead, read_word

_LIMIT_S = 20.0
_ANSWER_LIMIT_BYTES = 64 * 1024
_RECEIVED = "/api/v1/audit/heads/received"


class Courier(Protocol):
    """One second party."""

    def deliver(self, head: NodeHead) -> None:
        """It has the head for good when this returns; AppError says why it has not."""
        ...


class FolderCourier:
    """A line in a file of the day, in a folder that somebody else keeps: mounted, and backed up there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def deliver(self, head: NodeHead) -> None:
        """Append and sync; a folder that is not there is not made, for it would not be the mounted one."""
        day = datetime.fromtimestamp(head.at_us / 1_000_000, UTC).date().isoformat()
        path = self._folder / f"audit-heads-{head.node_id}-{day}.jsonl"
        try:
            descriptor = os.open(
                path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644
            )
            with os.fdopen(descriptor, "ab", buffering=0) as file:
                file.write(head.to_json() + b"\n")
                os.fsync(file.fileno())
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except (OSError, ValueError) as error:
            raise _failed(f"{self._folder} takes nothing ({_kind(error)}); is it mounted?") from error


class MailCourier:
    """A mail with the head attached; in the clear to this very machine only."""

    def __init__(self, recipient: str, page: AuditPage, settings: AuditSettings) -> None:
        self._recipient = recipient
        self._page = page
        self._settings = settings

    def deliver(self, head: NodeHead) -> None:
        """Handed to the mail server, which says that it takes it."""
        host, port = self._server()
        try:
            with smtplib.SMTP(host, port, timeout=_LIMIT_S) as mail:
                if not _is_loopback(host):
                    mail.starttls(context=ssl.create_default_context())
                if self._settings.mail_user and self._settings.mail_password_file:
                    word = read_word(self._settings.mail_password_file)
                    mail.login(self._settings.mail_user, word.reveal())
                mail.send_message(self._message(head))
        except smtplib.SMTPResponseException as error:
            raise _failed(f"the mail server {host} answered {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise _failed(f"the mail server {host} cannot be used ({_kind(error)})") from None

    def _server(self) -> tuple[str, int]:
        try:
            return split_listen(self._page.mail_server)
        except ValueError:
            raise _failed("there is no mail server: write one as host:port into the settings") from None

    def _message(self, head: NodeHead) -> EmailMessage:
        message = EmailMessage()
        at = datetime.fromtimestamp(head.at_us / 1_000_000, UTC).isoformat(timespec="seconds")
        message["Subject"] = f"Civiscope: audit head of {at}"
        message["From"] = self._page.mail_from or f"civiscope@{head.node_id}.invalid"
        message["To"] = self._recipient
        message.set_content(
            "Keep this mail. The attached line says where the audit of this node stood at that time.\n"
            "Whoever rewrites the audit later cannot rewrite this copy. To compare:\n\n"
            "    civiscope audit verify --against head.jsonl\n"
        )
        message.add_attachment(
            head.to_json() + b"\n", maintype="application", subtype="x-ndjson", filename="head.jsonl"
        )
        return message


class NodeCourier:
    """Another Civiscope node, with a token of it, trusting only the authority that was pinned for it."""

    def __init__(self, address: str, settings: AuditSettings) -> None:
        self._address = address
        self._settings = settings

    def deliver(self, head: NodeHead) -> None:
        """Kept there when it answers 204."""
        peer = self._settings.peers.get(self._address)
        if peer is None:
            raise _failed(
                f'write [audit.peers."{self._address}"] with token_file and authority into civiscope.toml'
            )
        token = read_word(peer.token_file)
        try:
            parts = urlsplit(self._address)
            trust = ssl.create_default_context(cafile=str(peer.authority))
            connection = http.client.HTTPSConnection(
                parts.hostname or "", parts.port or 443, timeout=_LIMIT_S, context=trust
            )
            try:
                headers = {"Authorization": f"Bearer {token.reveal()}", "Content-Type": "application/json"}
                connection.request("POST", _RECEIVED, head.to_json(), headers)
                answer = connection.getresponse()
                body = answer.read(_ANSWER_LIMIT_BYTES)
            finally:
                connection.close()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _failed(f"{self._address} cannot be reached ({_kind(error)})") from None
        if answer.status != 204:
            raise _failed(f"{self._address} answered {answer.status}: {_said(body)}")


def courier_for(target: str, page: AuditPage, settings: AuditSettings) -> Courier:
    """The courier for one line of the settings."""
    scheme, _, rest = target.partition(":")
    if scheme == "file":
        return FolderCourier(Path(unquote(urlsplit(target).path or rest)))
    if scheme == "mailto":
        return MailCourier(unquote(rest.partition("?")[0]), page, settings)
    return NodeCourier(target.rstrip("/"), settings)


def _said(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["message"])[:200]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "no words of ours"


def _kind(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not the one pinned: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _failed(words: str) -> AppError:
    return AppError(ErrorKind.UNAVAILABLE, words)
