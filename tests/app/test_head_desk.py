"""Heads of the audit on their way to second parties: a folder, a real mail server, another node over TLS."""

import asyncio
import contextlib
import email
import json
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError

from civiscope.app import head_couriers
from civiscope.app.audit_desk import read_heads
from civiscope.app.head_desk import NODE_HEAD_NAME, HeadDesk, HeadPlaces
from civiscope.app.settings import AuditSettings, PeerSettings
from civiscope.app.site_pages import AuditPage
from civiscope.base import AppError, ErrorKind, ManualClock
from civiscope.security import (
    AuditEntry,
    AuditLog,
    HeadLedger,
    NodeHead,
    SiteKeys,
    migrate_security,
    server_tls,
    terminal_principal,
)
from civiscope.storage import Database

NOW_US = 1_790_000_000_000_000
DAY_US = 24 * 3_600_000_000


class MailServer:
    """RFC 5321 as far as a client of ours goes; keeps what it took. Offers no STARTTLS."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.recipients: list[str] = []
        self.refuses = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test ESMTP\r\n")
        while line := (await reader.readline()).decode().strip():
            word = line.upper()
            if word.startswith("RCPT"):
                self.recipients.append(line)
                writer.write(b"550 unknown\r\n" if self.refuses else b"250 ok\r\n")
            elif word == "DATA":
                writer.write(b"354 go\r\n")
                self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"250 taken\r\n")
            elif word == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        with contextlib.suppress(OSError):
            await writer.drain()
        writer.close()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SiteKeys:
    return SiteKeys.create(tmp_path_factory.mktemp("site") / "keys", "Graz", ["localhost"])


class World:
    """A desk on a real chain; `page` is what the settings say."""

    def __init__(self, keys: SiteKeys, folder: Path, database: Database) -> None:
        self.clock = ManualClock(NOW_US)
        self.audit = AuditLog(database, keys.audit_keys(), folder, self.clock)
        self.folder = folder
        self.page = AuditPage()
        self.settings = AuditSettings()
        self.places = HeadPlaces(self.audit, HeadLedger(database, self.clock), keys.identity, folder)
        self.desk = self.new_desk()

    def new_desk(self) -> HeadDesk:
        return HeadDesk(self.places, lambda: self.page, self.settings, self.clock)

    async def enter(self, what: str = "look.live") -> None:
        await self.audit.append(AuditEntry("anna", what))

    async def sent(self) -> list[bool]:
        return [one.is_done for one in reversed(await self.desk.deliveries())]


@pytest.fixture
def world(keys: SiteKeys, tmp_path: Path) -> Iterator[World]:
    with Database(tmp_path / "server.db") as database:
        migrate_security(database)
        yield World(keys, tmp_path, database)


@pytest.fixture
async def mail() -> AsyncIterator[tuple[MailServer, str]]:
    """The server, and its host:port."""
    made = MailServer()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    async with server:
        yield made, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_folder_gets_a_line_a_day_and_it_proves_the_chain(world: World, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    world.page = AuditPage(send_to=(f"file:{elsewhere}",))
    await world.desk.tick()
    assert await world.sent() == [], "nothing was entered yet"
    await world.enter()
    await world.desk.tick()
    assert NodeHead.from_json((tmp_path / NODE_HEAD_NAME).read_bytes()).holds
    await world.enter()
    await world.desk.tick()
    assert await world.sent() == [True], "a day is not over"
    world.clock.advance(DAY_US)
    await world.desk.tick()
    await world.desk.tick()
    assert await world.sent() == [True, True]
    files = sorted(elsewhere.iterdir())
    assert len(files) == 2, "a file of each day"
    heads = [NodeHead.from_json(head) for path in files for head in read_heads(path)]
    report = await world.audit.check_against("server", world.places.identity.node_id, heads)
    assert (report.intact, report.compared, report.newest_sequence) == (True, 2, 2)


async def test_a_quiet_day_sends_nothing_and_a_restart_remembers(world: World, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    world.page = AuditPage(send_to=(f"file:{tmp_path / 'elsewhere'}",))
    await world.enter()
    await world.desk.tick()
    world.clock.advance(2 * DAY_US)
    await world.desk.tick()
    assert await world.sent() == [True]
    again = world.new_desk()
    running = asyncio.create_task(again.run())
    async with asyncio.timeout(10):
        while not (await again.targets())[0].sent_us:
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    (state,) = await again.targets()
    assert (state.sent_us, state.failing_since_us) != (None, 0)


async def test_a_folder_that_is_away_is_tried_again_later(world: World, tmp_path: Path) -> None:
    elsewhere = tmp_path / "not mounted"
    world.page = AuditPage(send_to=(f"file:{elsewhere}",))
    await world.enter()
    await world.desk.tick()
    await world.desk.tick()
    assert await world.sent() == [False], "not tried again at once"
    (state,) = await world.desk.targets()
    assert (state.sent_us, state.failing_since_us) == (None, NOW_US)
    assert "is it mounted?" in state.why
    elsewhere.mkdir()
    world.clock.advance(61_000_000)
    await world.desk.tick()
    assert await world.sent() == [False, True]
    (healed,) = await world.desk.targets()
    assert (healed.failing_since_us, healed.why) == (None, "")


async def test_a_mail_carries_the_head(world: World, mail: tuple[MailServer, str], tmp_path: Path) -> None:
    server, address = mail
    world.page = AuditPage(
        send_to=("mailto:dpo@town.example",), mail_server=address, mail_from="c@town.example"
    )
    await world.enter()
    await world.desk.tick()
    assert await world.sent() == [True]
    assert "<dpo@town.example>" in server.recipients[0]
    message = email.message_from_bytes(server.mails[0])
    attached = next(part for part in message.walk() if part.get_filename() == "head.jsonl")
    content = attached.get_payload(decode=True)
    assert isinstance(content, bytes)
    (tmp_path / "head.jsonl").write_bytes(content)
    assert [NodeHead.from_json(one).holds for one in read_heads(tmp_path / "head.jsonl")] == [True]
    server.refuses = True
    with pytest.raises(AppError, match="no second party"):
        await HeadDesk(world.places, AuditPage, world.settings, world.clock).send_now(
            terminal_principal("x"), ""
        )
    await world.desk.send_now(terminal_principal("x"), "")
    assert await world.sent() == [True, False]


async def test_no_head_goes_in_the_clear_to_another_machine(
    world: World, mail: tuple[MailServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, address = mail
    monkeypatch.setattr(head_couriers, "_is_loopback", lambda _: False)
    world.page = AuditPage(send_to=("mailto:dpo@town.example",), mail_server=address)
    await world.enter()
    await world.desk.tick()
    assert (await world.sent(), server.mails) == ([False], [])
    world.page = AuditPage(send_to=("mailto:dpo@town.example",))
    await world.desk.send_now(terminal_principal("x"), "")
    assert "there is no mail server" in (await world.desk.targets())[0].why


class Other(BaseHTTPRequestHandler):
    """The receiving call of another node."""

    taken: list[NodeHead]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/api/v1/audit/heads/received" or self.headers["Authorization"] != "Bearer cvt_right":
            words = json.dumps({"error": {"message": "This token is not known."}}).encode()
            self.send_response(401)
            self.send_header("Content-Length", str(len(words)))
            self.end_headers()
            self.wfile.write(words)
            return
        self.taken.append(NodeHead.from_json(body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  the base class names it
        """Say nothing."""


@pytest.fixture
def other(keys: SiteKeys) -> Iterator[tuple[str, list[NodeHead]]]:
    """Address and what came."""
    Other.taken = []
    server = HTTPServer(("127.0.0.1", 0), Other)
    server.socket = server_tls(keys).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://localhost:{server.server_port}", Other.taken
    server.shutdown()
    thread.join()
    server.server_close()


async def test_another_node_keeps_the_head(
    world: World, other: tuple[str, list[NodeHead]], keys: SiteKeys, tmp_path: Path
) -> None:
    address, taken = other
    token = tmp_path / "token"
    token.write_text("cvt_wrong\n")
    token.chmod(0o600)
    world.page = AuditPage(send_to=(address,))
    await world.enter()
    await world.desk.tick()
    assert "audit.peers" in (await world.desk.targets())[0].why
    world.settings = AuditSettings(
        peers={address: PeerSettings(token_file=token, authority=keys.folder / "authority.pem")}
    )
    world.desk = world.new_desk()
    await world.desk.tick()
    assert "answered 401: This token is not known." in (await world.desk.targets())[0].why
    token.write_text("cvt_right\n")
    await world.desk.send_now(terminal_principal("x"), "")
    assert [head.holds for head in taken] == [True]
    token.chmod(0o644)
    await world.desk.send_now(terminal_principal("x"), "")
    assert "can be read" in (await world.desk.targets())[0].why


async def test_a_node_with_another_authority_is_not_spoken_to(
    world: World, other: tuple[str, list[NodeHead]], tmp_path: Path
) -> None:
    address, taken = other
    stranger = SiteKeys.create(tmp_path / "stranger" / "keys", "Elsewhere", ["localhost"])
    token = tmp_path / "token"
    token.write_text("cvt_right\n")
    token.chmod(0o600)
    pinned = PeerSettings(token_file=token, authority=stranger.folder / "authority.pem")
    world.settings = AuditSettings(peers={address: pinned})
    world.page, world.desk = AuditPage(send_to=(address,)), world.new_desk()
    await world.enter()
    await world.desk.tick()
    assert "not the one pinned" in (await world.desk.targets())[0].why
    assert taken == []


def test_files_that_hold_no_heads_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "heads"
    for text, kind in (
        ("", ErrorKind.INVALID),
        ("{}\n", ErrorKind.LOST_DATA),
        ('{"received": []}', ErrorKind.INVALID),
    ):
        path.write_text(text)
        with pytest.raises(AppError) as refused:
            read_heads(path)
        assert refused.value.kind is kind, text
    with pytest.raises(AppError):
        read_heads(tmp_path / "missing")


@pytest.mark.parametrize(
    "target",
    [
        "file://[", "file:/a%00b", "file:/a\0b", "file://elsewhere/heads", "mailto:", "mailto:@", "mailto:<",
        "mailto:a@[", 'mailto:"', "mailto:a@b,c@d", "mailto:a@b%0d%0aBcc:c@d", "https://", "https://[",
        "https://other:99999",
    ],
)  # fmt: skip
def test_a_second_party_that_no_courier_can_read_is_refused(target: str) -> None:
    """Else the desk would fall over it at each start, and the server with it."""
    with pytest.raises(ValidationError, match="check it"):
        AuditPage(send_to=(target,))


@pytest.mark.parametrize("sender", ["a@b\r\nBcc: c@d", "<", "a@[", "Anna <anna@town.example>"])
def test_a_sender_is_one_plain_address(sender: str) -> None:
    with pytest.raises(ValidationError, match="one plain mail address"):
        AuditPage(mail_from=sender)


async def test_the_desk_outlives_a_folder_with_an_impossible_name(world: World) -> None:
    world.page = AuditPage.model_construct(send_to=("file:/a%00b",), mail_server="", mail_from="")
    await world.enter()
    await world.desk.tick()
    assert await world.sent() == [False]
