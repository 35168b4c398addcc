"""Mail against a small mail server, with TLS from the start, STARTTLS, and none."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.message import EmailMessage

import pytest
from tests.notify.receivers import MailReceiver, serving

from civiscope.base import AppError, ErrorKind, ManualClock
from civiscope.notify import NotifierPorts
from civiscope.notify.contract import CANARY, NotifierContract, Received, Settings, message
from civiscope.notify.notifiers.mail import NOTIFIER, Mail, MailSettings
from civiscope.notify.reach import resolve_name
from civiscope.security import SiteKeys, server_tls

WORD = "pass-of-the-mail-server"
WHO = {"sender": "civiscope@harbour.example", "recipients": ["duty@harbour.example", "night@harbour.example"]}


class TestContract(NotifierContract):
    """STARTTLS with a login."""

    plugin = NOTIFIER

    @pytest.fixture(autouse=True)
    def _keys(self, made_keys: SiteKeys) -> None:
        self.keys = made_keys

    def settings(self, port: int) -> Settings:
        return {
            "server": "127.0.0.1", "port": port, "security": "plain", "username": "u",
            "password": CANARY, **WHO,
        }  # fmt: skip

    @asynccontextmanager
    async def working(self) -> AsyncIterator[tuple[Settings, Received]]:
        receiver = MailReceiver(server_tls(self.keys), password=WORD)
        async with serving(receiver.serve) as port:
            settings = {
                "server": "localhost", "port": port, "security": "starttls", "username": "civiscope",
                "password": WORD, "authority": self.keys.authority_pem().decode(), **WHO,
            }  # fmt: skip
            yield settings, receiver.received
        assert not [line for line in receiver.in_clear if not line.upper().startswith((b"EHLO", b"STARTTLS"))]


async def deliver(settings: Settings, *found: str, subject: str = "Somebody enters") -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return list(found) or await resolve_name(host, port)

    made = MailSettings.model_validate(settings)
    async with asyncio.timeout(5):
        await Mail(made, NotifierPorts(ManualClock(), resolve, "https://harbour.example")).deliver(
            message(subject)
        )


async def refusal(settings: Settings, *found: str) -> AppError:
    with pytest.raises(AppError) as told:
        await deliver(settings, *found)
    return told.value


def plain(port: int, **others: object) -> Settings:
    return {"server": "localhost", "port": port, "security": "plain", **WHO, **others}


async def test_a_mail_has_what_a_mail_needs(made_keys: SiteKeys) -> None:
    """TLS from the start (RFC 8314), one mail for all."""
    receiver = MailReceiver()
    async with serving(receiver.serve, server_tls(made_keys)) as port:
        await deliver(
            plain(port, security="tls", authority=made_keys.authority_pem().decode()),
            subject="Ворота 2: ein Mensch",
        )
        sender, recipients, raw = await receiver.mails.get()
    assert sender.startswith("FROM:<civiscope@harbour.example>")
    assert recipients == ["TO:<duty@harbour.example>", "TO:<night@harbour.example>"]
    assert receiver.in_clear == []
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert mail["Subject"] == "Harbour town: Ворота 2: ein Mensch"
    assert mail["Date"].datetime is not None
    assert mail["Message-ID"].endswith("@harbour.example>")
    text = mail.get_content()
    assert "https://harbour.example/alarms/1" in text
    assert "Yard – gate 2" in text
    assert raw.isascii()


@pytest.mark.parametrize(
    "subject",
    ["a\r\nBcc: evil@example.org", "a\nBcc: evil@example.org", "a\rBcc: x@example.org",
     "a\u2028Bcc: x\u0085Cc: y",
     "a" * 5_000, "\x00\x1b[31m", "=?utf-8?q?=0D=0ABcc:_x?="],
)  # fmt: skip
async def test_no_subject_makes_a_header(subject: str) -> None:
    receiver = MailReceiver()
    async with serving(receiver.serve) as port:
        await deliver(plain(port), subject=subject)
        _, recipients, raw = await receiver.mails.get()
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    names = {"subject", "from", "to", "date", "message-id", "auto-submitted", "importance", "mime-version",
             "content-type", "content-transfer-encoding"}  # fmt: skip
    assert {name.lower() for name in mail.keys()} == names  # noqa: SIM118  a message is no mapping
    assert len(recipients) == 2
    assert max(len(line) for line in raw.split(b"\r\n")) < 998


async def test_a_dot_alone_does_not_end_a_mail() -> None:
    receiver = MailReceiver()
    async with serving(receiver.serve) as port:
        made = MailSettings.model_validate(plain(port))
        told = message(text="before\n.\nMAIL FROM:<evil@example.org>\nafter")
        await Mail(made, NotifierPorts(ManualClock(), resolve_name)).deliver(told)
        _, _, raw = await receiver.mails.get()
    assert b"after" in raw
    assert receiver.mails.empty()


async def test_in_the_clear_to_this_machine_only() -> None:
    told = await refusal(plain(25, server="mail.example"), "192.168.1.5")
    assert "goes nowhere else" in told.message
    mixed = await refusal(plain(25, server="mail.example"), "127.0.0.1", "192.168.1.5")
    assert "goes nowhere else" in mixed.message


async def test_no_password_without_tls_where_tls_is_wanted() -> None:
    """A server that hides STARTTLS (or somebody on the line who does) gets nothing."""
    receiver = MailReceiver(password=WORD)
    async with serving(receiver.serve) as port:
        told = await refusal(plain(port, security="starttls", username="civiscope", password=WORD))
    assert told.kind is ErrorKind.UNAVAILABLE
    assert not any(b"AUTH" in line for line in receiver.in_clear)


async def test_a_strange_certificate_is_not_trusted(made_keys: SiteKeys) -> None:
    receiver = MailReceiver(server_tls(made_keys), password=WORD)
    pem = made_keys.authority_pem().decode()
    async with serving(receiver.serve) as port:
        login = {"security": "starttls", "username": "civiscope", "password": WORD}
        by_nobody = await refusal(plain(port, **login))
        by_name = await refusal(plain(port, server="mail.example", authority=pem, **login), "127.0.0.1")
    assert "certificate is not trusted" in by_nobody.message
    assert "certificate is not trusted" in by_name.message
    assert receiver.mails.empty()


async def test_what_the_server_says_is_not_repeated() -> None:
    receiver = MailReceiver(refuses=b"550 5.7.1 canary-in-an-answer")
    async with serving(receiver.serve) as port:
        told = await refusal(plain(port))
    assert "550" in told.message
    assert "canary" not in told.message


async def test_a_server_that_drips_is_given_up() -> None:
    """Its thread ends too: the socket is shut under it."""
    gone = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220-wait\r\n")
        await reader.read()
        gone.set()

    async with serving(drip) as port:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await deliver(plain(port))
        async with asyncio.timeout(5):
            await gone.wait()


@pytest.mark.parametrize(
    "wrong",
    [
        {"sender": "Harbour <a@b.example>"}, {"sender": "a@b.example\r\nBcc: c@d.example"}, {"sender": ""},
        {"recipients": []}, {"recipients": ["a@b.example, c@d.example"]},
        {"recipients": ["a@b.example"] * 21},
        {"server": "mail.example\r\nX"}, {"server": ""}, {"port": 0}, {"security": "ssl"},
        {"username": "only"},
        {"username": "a\r\nb", "password": "c"}, {"unknown": 1},
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  pydantic's own
        MailSettings.model_validate({**plain(25), **wrong})
