"""Every call × everybody × one's own, another's and an unknown object: the answer follows from the tables.

Expected answers are computed from the table of calls and the table of rights (`matrix_world.Visitor`), never
written down for a call.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.api.matrix_world import HERE, VISITORS, Visitor, World, make_world
from tests.api.test_permissions import VALID_BODIES
from tests.api.town import HOST, ORIGIN, Town, set_cookie

from civiscope.api import ApiSettings
from civiscope.api.calls import PREFIX, Call
from civiscope.api.guard import Open
from civiscope.base import new_id
from civiscope.security import PERMISSIONS, Permission

KINDS = ("unknown", "foreign", "own")
PERSONAL = {"look_id", "peer_id", "session_id", "passkey_id", "token_id", "export_id"}
"""What is one person's alone, whoever else asks."""
PLAIN = {"name": "site", "sequence": "1"}
QUERIES = {
    "/looks/{look_id}/media": "at_us=2000000",
    "/timeline": "channel={channel_id}&from_us=1&to_us=9",
    "/timeline/days": "channel={channel_id}&from_us=1&to_us=9",
    "/availability": "month=2026-11",
    "/availability/export": "month=2026-11",
    "/channels/{channel_id}/motion": "from_us=1",
    "/looks/{look_id}/thumbnail": "at_us=5",
    "/events": "channel={channel_id}",
    "/events/histogram": "channel={channel_id}&from_us=1&to_us=9000000&bucket_us=1000000",
    "/coverage": "channel={channel_id}&from_us=1&to_us=9",
    "/alarms": "channel={channel_id}",
    "/bookmarks": "channel={channel_id}&from_us=1&to_us=9",
    "/holds": "channel={channel_id}",
}


@dataclass(frozen=True)
class Row:
    """One request: a call, or one of the ways to ask it about a channel."""

    call: Call
    permission: Permission | None
    """What is needed on the object's channel, or on the site; None: to be signed in."""
    parameters: tuple[str, ...]
    body: Callable[[str], dict[str, object]] | None = None

    @property
    def subject(self) -> str | None:
        return self.parameters[-1] if self.parameters else None

    @property
    def is_personal(self) -> bool:
        return self.subject in PERSONAL

    @property
    def scoped(self) -> bool:
        return self.call.scoped or self.call.path == "/looks"


def rows(calls: tuple[Call, ...]) -> Iterator[Row]:
    """The table of calls as requests; ways to name a channel besides the path are told here, once."""
    for call in calls:
        named = re.findall(r"\{(\w+)\}", call.path + "?" + QUERIES.get(call.path, ""))
        permission = call.access if isinstance(call.access, Permission) else None
        if (call.method, call.path) == ("POST", "/looks"):
            for kind in ("live", "playback", "export"):
                yield Row(call, Permission(f"video.{kind}"), ("channel_id",), _look_body(kind))
        elif (call.method, call.path) == ("PATCH", "/channels"):
            yield Row(
                call, permission, ("channel_id",), lambda one: {"ids": [one], "change": {"place": "Mole"}}
            )
        elif (call.method, call.path) in {("POST", "/bookmarks"), ("POST", "/holds")}:
            yield Row(call, permission, ("channel_id",), _evidence_body(call.path))
        elif (call.method, call.path) == ("POST", "/exports"):
            yield Row(
                call, permission, ("channel_id",), lambda one: {**VALID_BODIES["/exports"], "channels": [one]}
            )
        else:
            yield Row(call, permission, tuple(named))


def _look_body(kind: str) -> Callable[[str], dict[str, object]]:
    span = {} if kind == "live" else {"from_us": 1_000_000, "to_us": 9_000_000}
    wish = {"purpose": "public_safety", "kind": kind, "presentation": "raw", **span}
    return lambda channel: {"channel_id": channel, **wish}


def _evidence_body(path: str) -> Callable[[str], dict[str, object]]:
    return lambda channel: {**VALID_BODIES[path], "channel_id": channel}


def phase(row: Row) -> tuple[int, str]:
    """What takes objects away comes after what needs them."""
    call = row.call
    if call.path.startswith("/alarms/{alarm_id}/"):
        return 2, f"{call.path.endswith('/close')} {call.path}"
    late = {"/session": 9, "/cameras/{channel_id}": 8, "/cameras/{channel_id}/replace": 7}
    if call.method == "DELETE" and not call.path.endswith("/factors"):
        return late.get(call.path, 1 if call.path.startswith("/users/{user_id}/") else 5), call.path
    if call.path.endswith("/replace") or call.path.startswith("/vault"):
        return 7, call.path
    return (0 if call.method == "GET" else 3), call.path


def is_admitted(row: Row, visitor: Visitor) -> bool:
    if row.call.person_only and visitor.is_token:
        return False
    if row.permission is None:
        return True
    if row.scoped:
        return visitor.on_site(row.permission) or visitor.at_pier(row.permission)
    return visitor.on_site(row.permission)


def expected(row: Row, visitor: Visitor, kind: str) -> set[int] | None:
    """Status codes of a refusal; None: the visitor passes."""
    if not visitor.is_signed_in:
        return {401}
    if not is_admitted(row, visitor):
        return {403}
    if row.subject is None or kind == "own":
        return None
    if kind == "unknown":
        return {404, 422} if row.subject in PLAIN else {404}
    if row.is_personal:
        return {404}
    return _of_the_gate(row, visitor)


def _of_the_gate(row: Row, visitor: Visitor) -> set[int] | None:
    """The camera that is not among those of who has rights at the pier alone."""
    if row.call.path == "/looks/{look_id}/pictures/{event_id}":
        return {404}
    if row.permission is None or visitor.on_site(row.permission):
        return None
    return {403} if visitor.on_site(Permission.CHANNEL_LIST) else {404}


@pytest.fixture
def api_settings(tmp_path: Path) -> ApiSettings:
    """The product's own patience: nothing here is about time."""
    return ApiSettings(hosts=frozenset({HOST}), static_folder=tmp_path / "static")


@pytest.fixture(params=list(VISITORS))
async def world(town: Town, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    made = await make_world(town, VISITORS[request.param], tmp_path)
    async with made.client:
        yield made


async def ask(world: World, row: Row, kind: str) -> httpx.Response | None:
    path, values = row.call.path, dict[str, str]()
    for name in row.parameters:
        wanted = kind if name == row.subject else "own"
        if name in PLAIN and wanted == "foreign":
            return None
        if name in PLAIN:
            values[name] = PLAIN[name] if wanted == "own" else {"name": "attic", "sequence": "999999"}[name]
            continue
        found = world.object_of(path, name, wanted)
        if found is None:
            return None
        values[name] = str(found)
    query = QUERIES.get(path)
    address = PREFIX + path.format(**values) + ("?" + query.format(**values) if query else "")
    body = VALID_BODIES.get(path) if row.body is None else row.body(values["channel_id"])
    return await world.client.request(row.call.method, address, json=body)


async def test_every_answer_follows_from_the_tables(world: World) -> None:
    await lists_show_what_is_ones_business(world)
    await the_live_socket_knows_the_same_rules(world)
    await the_socket_of_alarms_knows_them_too(world)
    asked, wrong = 0, list[tuple[object, ...]]()
    guarded = [row for row in rows(world.app.calls) if row.call.access is not Open.ANYONE]
    for row in sorted(guarded, key=phase):
        unknown: tuple[int, str] | None = None
        for kind in KINDS if row.subject else ("own",):
            answer = await ask(world, row, kind)
            if answer is None:
                continue
            asked += 1
            told = (
                world.visitor.name,
                row.call.method,
                row.call.path,
                kind,
                answer.status_code,
                answer.text[:200],
            )
            codes = expected(row, world.visitor, kind)
            if codes is None:
                if answer.status_code in {401, 404, 500} or "lacks the permission" in answer.text:
                    wrong.append(("passes", *told))
            elif answer.status_code not in codes:
                wrong.append((codes, *told))
            if kind == "unknown":
                unknown = (answer.status_code, answer.text)
            elif kind == "foreign" and codes == {404} and (answer.status_code, answer.text) != unknown:
                wrong.append(("not as unknown", *told))
    assert wrong == []
    assert asked > 80


async def lists_show_what_is_ones_business(world: World) -> None:
    visitor = world.visitor
    if not visitor.is_signed_in or not (
        visitor.on_site(Permission.CHANNEL_LIST) or visitor.at_pier(Permission.CHANNEL_LIST)
    ):
        return
    await lists_of_what_happened_show_ones_own(world)
    for path in ("/channels", "/devices"):
        names = {str(one["id"]) for one in (await world.client.get(PREFIX + path)).json()}
        pier = {str(world.pier.channel_id), str(world.pier.device_id)} & names
        gate = {str(world.gate.channel_id), str(world.gate.device_id)} & names
        assert len(pier) == 1
        assert len(gate) == visitor.on_site(Permission.CHANNEL_LIST)


async def lists_of_what_happened_show_ones_own(world: World) -> None:
    for path, name, permission in (
        ("/events", "event_id", Permission.EVENT_READ), ("/alarms", "alarm_id", Permission.ALARM_HANDLE),
    ):  # fmt: skip
        if not world.visitor.on_site(permission) and not world.visitor.at_pier(permission):
            continue
        answer = await world.client.get(PREFIX + path)
        shown = {one["id"] for one in answer.json()[path.removeprefix("/")]}
        assert str(world.own[name]) in shown
        assert (str(world.foreign[name]) in shown) == world.visitor.on_site(permission)


async def the_live_socket_knows_the_same_rules(world: World) -> None:
    path = "/looks/{look_id}/live"
    for kind in KINDS:
        found = world.object_of(path, "look_id", kind)
        if found is None:
            continue
        code = await close_code(world, PREFIX + path.format(look_id=found))
        if not world.visitor.is_signed_in:
            assert code == 4401, kind
        else:
            assert code == (None if kind == "own" else 4404), kind


async def the_socket_of_alarms_knows_them_too(world: World) -> None:
    visitor, handle = world.visitor, Permission.ALARM_HANDLE
    code = await close_code(world, f"{PREFIX}/alarms/live")
    may = visitor.on_site(handle) or visitor.at_pier(handle)
    assert code == (4401 if not visitor.is_signed_in else None if may else 4403)


async def close_code(world: World, path: str) -> int | None:
    """How the server closes a socket there; None if it lets it live."""
    headers = [(b"host", HOST.encode())]
    sent = dict(world.client.headers)
    if "authorization" in sent:
        headers.append((b"authorization", sent["authorization"].encode()))
    else:
        cookies = "; ".join(f"{one.name}={one.value}" for one in world.client.cookies.jar)
        headers += [(b"origin", ORIGIN.encode()), (b"cookie", cookies.encode())]
    incoming: Iterator[dict[str, Any]] = iter(
        [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]
    )
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(incoming)

    async def send(message: Any) -> None:
        said.append(message)

    scope = {
        "type": "websocket", "asgi": {"version": "3.0"}, "scheme": "wss", "path": path,
        "raw_path": path.encode(), "query_string": b"", "headers": headers, "client": (HERE, 4711),
        "server": (HOST, 443),
        "subprotocols": [], "root_path": "", "http_version": "1.1",
    }  # fmt: skip
    await world.app(scope, receive, send)
    assert said[0]["type"] == "websocket.accept"
    closes = [message["code"] for message in said if message["type"] == "websocket.close"]
    return closes[0] if closes else None


async def test_only_permissions_for_channels_are_asked_again_with_one(town: Town) -> None:
    for call in town.app.calls:
        if call.scoped:
            assert isinstance(call.access, Permission), call.path
            assert PERMISSIONS[call.access].per_channel, call.path


async def test_no_token_is_taken_from_an_address_or_a_cookie(town: Town, tmp_path: Path) -> None:
    world = await make_world(town, VISITORS["token for everything it may"], tmp_path)
    text = world.client.headers["authorization"].partition(" ")[2]
    assert (await world.client.get(f"{PREFIX}/channels")).status_code == 200
    await world.client.aclose()
    async with town.client() as client:
        for name in ("token", "access_token", "authorization", "bearer", "api_key"):
            answer = await client.get(f"{PREFIX}/channels", params={name: text})
            assert answer.status_code == 401
        set_cookie(client, text)
        assert (await client.get(f"{PREFIX}/channels")).status_code == 401
        answer = await client.get(f"{PREFIX}/looks/{new_id()}/media?at_us=1&token={text}")
        assert answer.status_code == 401
