"""The webhook against a small HTTPS server, and against servers that mean ill."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.notify.receivers import WebReceiver, serving

from civiscope.base import AppError, ErrorKind, ManualClock
from civiscope.notify import Message, NotifierPorts
from civiscope.notify.contract import CANARY, NotifierContract, Received, Settings, message
from civiscope.notify.notifiers.webhook import NOTIFIER, Webhook, WebhookSettings, signature_of
from civiscope.notify.reach import resolve_name
from civiscope.security import SiteKeys, server_tls

NOW_S = 1_796_083_200
WORD = "token-of-the-receiver"


class TestContract(NotifierContract):
    """Over TLS, with a token."""

    plugin = NOTIFIER

    @pytest.fixture(autouse=True)
    def _keys(self, made_keys: SiteKeys) -> None:
        self.keys = made_keys

    def settings(self, port: int) -> Settings:
        return {
            "url": f"http://127.0.0.1:{port}/hook", "allow_http": True, "allow_private": True,
            "token": CANARY, "signing_key": CANARY, "url_secret": f"?{CANARY}",
        }  # fmt: skip

    @asynccontextmanager
    async def working(self) -> AsyncIterator[tuple[Settings, Received]]:
        receiver = WebReceiver(token=WORD)
        async with serving(receiver.serve, server_tls(self.keys)) as port:
            settings = {
                "url": f"https://localhost:{port}/hook", "allow_private": True, "token": WORD,
                "authority": self.keys.authority_pem().decode(),
            }  # fmt: skip
            yield settings, receiver.received


def settings(port: int, **others: object) -> WebhookSettings:
    return WebhookSettings.model_validate(
        {"url": f"http://127.0.0.1:{port}/hook", "allow_http": True, "allow_private": True, **others}
    )


async def deliver(made: WebhookSettings, wanted: Message | None = None, *found: str) -> None:
    """As the line does, with a look-up that says `found`, if anything."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return list(found) or await resolve_name(host, port)

    ports = NotifierPorts(ManualClock(NOW_S * 1_000_000), resolve, "https://harbour.example")
    async with asyncio.timeout(5):
        await Webhook(made, ports).deliver(wanted or message())


async def refusal(made: WebhookSettings, *found: str) -> AppError:
    with pytest.raises(AppError) as told:
        await deliver(made, None, *found)
    return told.value


async def test_what_is_posted_is_signed_with_its_time() -> None:
    receiver, wanted = WebReceiver(), message()
    async with serving(receiver.serve) as port:
        await deliver(settings(port, signing_key="sixteen and more", url_secret="?k=v"), wanted)
        line, fields, body = await receiver.requests.get()
    assert line == "POST /hook?k=v HTTP/1.1"
    assert fields["idempotency-key"] == str(wanted.id)
    assert fields["civiscope-signature"] == signature_of("sixteen and more", NOW_S, body)
    assert signature_of("sixteen and more", NOW_S + 1, body) != fields["civiscope-signature"]
    told = json.loads(body)
    assert told["link"] == "https://harbour.example/alarms/1"
    assert (told["version"], told["priority"], told["channel"]) == (1, "high", "Yard – gate 2")
    assert set(told) == {
        "version", "id", "site", "subject", "text", "priority", "at_us", "channel", "alarm_id", "event_id",
        "path", "link",
    }  # fmt: skip


def test_the_signature_is_as_documented() -> None:
    """Fixed words, so that no version signs otherwise unnoticed (docs/design/notify.md)."""
    page = (Path(__file__).parents[2] / "docs/design/notify.md").read_text(encoding="utf-8")
    signed = signature_of("sixteen and more", 1_700_000_000, b'{"version": 1}')
    assert signed in page


async def test_no_redirect_is_followed() -> None:
    inner = WebReceiver()
    async with serving(inner.serve) as inside:
        outer = WebReceiver(
            raw=b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n" % inside
        )
        async with serving(outer.serve) as port:
            told = await refusal(settings(port))
    assert told.kind is ErrorKind.UNAVAILABLE
    assert "redirect" in told.message
    assert inner.calls == 0


@pytest.mark.parametrize(
    "found",
    [
        ("127.0.0.1",), ("::1",), ("10.0.0.7",), ("192.168.1.1",), ("169.254.1.1",), ("100.64.0.1",),
        ("fd00::1",), ("fe80::1%eth0",), ("0.0.0.0",), ("::",), ("::ffff:127.0.0.1",), ("64:ff9b::7f00:1",),
        ("2002:7f00:1::",), ("::127.0.0.1",), ("224.0.0.1",), ("ff02::1",), ("255.255.255.255",),
        ("203.0.113.9", "127.0.0.1"), ("93.184.216.34", "10.0.0.1"), ("no address",),
    ],
)  # fmt: skip
async def test_a_name_that_leads_inside_is_not_met(found: tuple[str, ...]) -> None:
    receiver = WebReceiver()
    async with serving(receiver.serve) as port:
        made = settings(port, url=f"http://hook.example:{port}/", allow_private=False)
        told = await refusal(made, *found)
    assert told.kind is ErrorKind.UNAVAILABLE
    assert receiver.calls == 0


@pytest.mark.parametrize(
    "found", ["169.254.169.254", "168.63.129.16", "fd00:ec2::254", "::ffff:169.254.169.254"]
)
async def test_nobody_may_switch_on_where_machines_hand_out_passwords(found: str) -> None:
    told = await refusal(settings(80, url="http://hook.example/"), found)
    assert "nothing is ever sent" in told.message


async def test_the_name_is_looked_up_once_and_that_address_met() -> None:
    """A name server that says something else the second time changes nothing."""
    receiver, asked = WebReceiver(), list[str]()

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["192.0.2.1"]

    async with serving(receiver.serve) as port:
        made = settings(port, url=f"http://hook.example:{port}/")
        async with asyncio.timeout(5):
            await Webhook(made, NotifierPorts(ManualClock(), resolve)).deliver(message())
    assert asked == ["hook.example"]
    assert receiver.calls == 1
    assert (await receiver.requests.get())[1]["host"] == f"hook.example:{port}"


async def test_localhost_by_name_is_not_met_without_leave() -> None:
    receiver = WebReceiver()
    async with serving(receiver.serve) as port:
        made = settings(port, url=f"http://localhost:{port}/", allow_private=False)
        told = await refusal(made)
    assert "allow_private" in told.message
    assert receiver.calls == 0


async def test_a_strange_certificate_is_not_trusted(made_keys: SiteKeys) -> None:
    receiver, pem = WebReceiver(), made_keys.authority_pem().decode()
    async with serving(receiver.serve, server_tls(made_keys)) as port:
        by_nobody = await refusal(settings(port, url=f"https://localhost:{port}/"))
        other_name = settings(port, url=f"https://hook.example:{port}/", authority=pem)
        by_name = await refusal(other_name, "127.0.0.1")
        in_clear = await refusal(settings(port, url=f"http://localhost:{port}/"))
        no_pem = await refusal(
            settings(port, url=f"https://localhost:{port}/", authority="not a certificate")
        )
    assert "certificate is not trusted" in by_nobody.message
    assert "certificate is not trusted" in by_name.message
    assert in_clear.kind is ErrorKind.UNAVAILABLE
    assert "PEM" in no_pem.message
    assert receiver.requests.empty()


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 2_000_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 50_000,
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 200",
    ],
)
async def test_answers_are_bounded(raw: bytes) -> None:
    async with serving(WebReceiver(raw=raw).serve) as port:
        told = await refusal(settings(port))
    assert told.kind is ErrorKind.UNAVAILABLE


async def test_a_huge_body_is_not_read() -> None:
    receiver = WebReceiver(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n" + b"x" * 5_000_000)
    async with serving(receiver.serve) as port:
        await deliver(settings(port))


async def test_a_slow_answer_ends_with_the_deadline() -> None:
    """A byte now and then keeps nobody (slow loris)."""
    gone = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"HTTP/1.1 200 OK\r\nX-A: b"[:1])
                await writer.drain()
                await asyncio.sleep(0.01)
        except OSError:
            gone.set()

    async with serving(drip) as port:
        with pytest.raises((TimeoutError, AppError)):
            async with asyncio.timeout(0.3):
                await deliver(settings(port))
        async with asyncio.timeout(5):
            await gone.wait()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, ErrorKind.INVALID), (413, ErrorKind.INVALID), (422, ErrorKind.INVALID),
     (401, ErrorKind.UNAVAILABLE),
     (404, ErrorKind.UNAVAILABLE), (429, ErrorKind.UNAVAILABLE), (503, ErrorKind.UNAVAILABLE)],
)  # fmt: skip
async def test_only_what_is_refused_for_good_is_not_tried_again(status: int, kind: ErrorKind) -> None:
    async with serving(WebReceiver(status=status).serve) as port:
        told = await refusal(settings(port))
    assert told.kind is kind
    assert str(status) in told.message


@pytest.mark.parametrize(
    "url",
    [
        "http://hook.example/", "ftp://hook.example/", "https://user:word@hook.example/", "https://hook.example/#a",
        "https://hook.example/ HTTP/1.1", "https://hook.example/\r\nX: y", "https:///hook", "https://hook.example:0/",
        "https://hook.example:99999/", "https://hook.éxample/", "https://ho\\ok/", "//hook.example",
    ],
)  # fmt: skip
def test_addresses_that_cannot_be_meant_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"url|address|http"):
        WebhookSettings.model_validate({"url": url})


def test_a_secret_cannot_break_a_header_or_the_address() -> None:
    for others in ({"token": "a\r\nX: y"}, {"url_secret": "a b"}, {"url_secret": "\r\nHost: x"}):
        with pytest.raises(ValueError) as told:  # noqa: PT011  pydantic's own
            WebhookSettings.model_validate({"url": "https://hook.example/", **others})
        assert "X: y" not in str(told.value)
