"""Every call × everybody: who gets in, who is turned away with what; generated from the table of calls."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.api.town import PEOPLE, Town

from civiscope.api.calls import PREFIX, Call
from civiscope.api.guard import Open
from civiscope.base import new_id
from civiscope.security import PERMISSIONS, Permission

REPOSITORY = Path(__file__).resolve().parents[2]
UNSAFE = {"POST", "PATCH", "DELETE", "PUT"}
RULE: dict[str, object] = {
    "name": "Night at the pier",
    "when": {"kinds": ["zone.entered"], "classes": ["person"], "zones": [], "sources": []},
    "at": {"channels": [], "groups": [], "everywhere": True},
    "during": {"name": "Night", "spans": [{"weekday": 0, "from_minute": 1320, "to_minute": 360}]},
    "conditions": {"min_score": 0, "min_lasting_s": 0, "direction": ""},
    "actions": [{"name": "raise_alarm", "settings": {"priority": "high"}}],
    "rest_s": 60,
    "is_on": True,
}
ZONE = {"name": "Door", "zone": [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]}
VALID_BODIES: Mapping[str, dict[str, object]] = {
    "/cameras": {"name": "Pier", "address": "rtsp://192.0.2.1/s"},
    "/cameras/probe": {"address": "rtsp://192.0.2.1/s"},
    "/cameras/{channel_id}": {"name": "Pier 2"},
    "/cameras/{channel_id}/replace": {"address": "onvif://192.0.2.1"},
    "/cameras/{channel_id}/ptz": {"stop": True},
    "/channels": {"ids": [str(new_id())], "change": {"place": "Pier"}},
    "/devices": {"address": "onvif://192.0.2.1", "channels": [{"name": "Pier"}]},
    "/devices/try": {"address": "192.0.2.1"},
    "/devices/discover": {"listen_s": 1},
    "/devices/import": {"csv": "name,address\nPier,192.0.2.1\n", "lines": [2]},
    "/devices/import/read": {"csv": "name,address\nPier,192.0.2.1\n"},
    "/devices/{device_id}": {"username": "admin"},
    "/channels/{channel_id}/analytics": {"plugin": "zone", "name": "Door", "settings": ZONE},
    "/channels/{channel_id}/analytics/{analytic_id}": {"plugin": "zone", "name": "Door", "settings": ZONE},
    "/channels/{channel_id}/recording": {"mode": "continuous"},
    "/channels/{channel_id}/record": {"seconds": 30},
    "/groups": {"name": "North"},
    "/targets": {"name": "Duty", "notifier": "webhook", "settings": {"url": "https://hook.example/"}},
    "/targets/{target_id}": {
        "name": "Night",
        "notifier": "webhook",
        "settings": {"url": "https://hook.example/"},
    },
    "/bookmarks": {"channel_id": str(new_id()), "at_us": 1, "text": "The van"},
    "/exports": {
        "channels": [str(new_id())],
        "from_us": 1,
        "to_us": 9_000_000,
        "purpose": "public_safety",
        "reason": "Case 7",
    },
    "/holds": {"channel_id": str(new_id()), "from_us": 1, "to_us": 9_000_000, "reason": "Case 7"},
    "/groups/{group_id}": {"name": "South"},
    "/me/password": {"old": "not this one either", "new": "nine blue herons stand"},
    "/me/totp": {"password": "not this one either"},
    "/me/totp/confirm": {"code": "123456"},
    "/me/totp/remove": {"password": "not this one either"},
    "/me/passkeys/options": {"password": "not this one either"},
    "/me/passkeys": {"ticket": "none", "name": "Key", "credential": {}},
    "/session/passkey": {"ticket": "none", "credential": {}},
    "/invitations": {"code": "K7QF-2M9X-TR4D-0ZPA", "password": "nine blue herons stand"},
    "/tokens": {"name": "Wall", "permissions": ["channel.list"], "expires_us": 253_402_300_799_999_999},
    "/users": {"name": "Newcomer", "roles": ["viewer"]},
    "/users/{user_id}": {"roles": ["viewer"]},
    "/users/{user_id}/grants": {"role": "viewer"},
    "/settings/{name}": {"value": {"name": "Pier town"}},
    "/vault/unlock": {"passphrase": "a wrong one, but the vault is open"},
    "/vault/passphrase": {"old": "there is none yet", "new": "nine blue herons stand"},
    "/rules": RULE,
    "/rules/{rule_id}": RULE,
    "/rules/dry-run": {"rule": RULE, "from_us": 1, "to_us": 9},
    "/alarms/{alarm_id}/claim": {"version": 1},
    "/alarms/{alarm_id}/forward": {"version": 1, "to_user_id": str(new_id())},
    "/alarms/{alarm_id}/park": {"version": 1, "until_us": 253_402_300_799_999_999},
    "/alarms/{alarm_id}/close": {"version": 1, "reason": "a dog"},
    "/alarms/{alarm_id}/note": {"version": 1, "note": "calm"},
    "/looks": {
        "channel_id": str(new_id()),
        "purpose": "public_safety",
        "kind": "live",
        "presentation": "raw",
    },
}


def path_of(call: Call) -> str:
    return PREFIX + re.sub(r"\{\w+\}", lambda _: str(new_id()), call.path)


def is_let_in(call: Call, name: str) -> bool:
    if call.access is Open.SIGNED_IN:
        return True
    assert isinstance(call.access, Permission)
    return PEOPLE[name] in PERMISSIONS[call.access].roles


async def test_every_call_for_everybody(town: Town) -> None:
    guarded = [call for call in town.app.calls if call.access is not Open.ANYONE and call.path != "/session"]
    assert len(guarded) >= 14
    for name in ("anonymous", *PEOPLE):
        client = town.client() if name == "anonymous" else await town.client_as(name)
        async with client:
            for call in guarded:
                answer = await client.request(call.method, path_of(call), json=VALID_BODIES.get(call.path))
                told = (name, call.method, call.path, answer.status_code, answer.text)
                if name == "anonymous":
                    assert answer.status_code == 401, told
                elif is_let_in(call, name):
                    assert answer.status_code not in {401, 500}, told
                    assert "lacks the permission" not in answer.text, told
                else:
                    assert answer.status_code == 403, told
                    assert "Ask an administrator" in answer.json()["error"]["message"]


async def test_who_has_no_right_learns_nothing_from_bad_bodies(town: Town) -> None:
    async with await town.client_as("viewer") as client:
        for call in town.app.calls:
            if isinstance(call.access, Permission) and call.method in UNSAFE:
                answer = await client.request(call.method, path_of(call), content=b"{")
                assert answer.status_code == 403, call.path


async def test_every_changing_call_needs_origin_and_csrf_token(town: Town) -> None:
    async with await town.client_as("administrator") as client:
        token = client.headers.pop("X-CSRF-Token")
        for call in town.app.calls:
            if call.method not in UNSAFE:
                continue
            body, path = VALID_BODIES.get(call.path), path_of(call)
            if call.access is not Open.ANYONE:
                for wrong in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": token[:-1] + "_"}):
                    answer = await client.request(call.method, path, json=body, headers=wrong)
                    assert answer.status_code == 403, (call.path, wrong)
            for origin in ("", "null", "https://evil.example", "http://localhost", "https://localhost:444"):
                wrong = {"X-CSRF-Token": token, "Origin": origin}
                answer = await client.request(call.method, path, json=body, headers=wrong)
                assert answer.status_code == 403, (call.path, origin)
            for site in ("cross-site", "same-site"):
                wrong = {"X-CSRF-Token": token, "Sec-Fetch-Site": site}
                answer = await client.request(call.method, path, json=body, headers=wrong)
                assert answer.status_code == 403, (call.path, site)
        assert (await client.get("/api/v1/session")).status_code == 200
        assert await town.faces.devices.cameras() == []


async def test_another_persons_csrf_token_is_no_good(town: Town) -> None:
    async with await town.client_as("operator") as other, await town.client_as("administrator") as client:
        client.headers["X-CSRF-Token"] = other.headers["X-CSRF-Token"]
        answer = await client.post("/api/v1/cameras", json=VALID_BODIES["/cameras"])
        assert answer.status_code == 403


async def test_nothing_is_routed_beside_the_table(town: Town) -> None:
    listed = {(call.method, PREFIX + call.path) for call in town.app.calls}
    routed = set()
    for route in town.app.framework.routes:
        for method in getattr(route, "methods", None) or {"WS"}:
            routed.add((method, getattr(route, "path", "")))
    beside = routed - listed
    assert beside == {
        ("WS", "/api/v1/looks/{look_id}/live"),
        ("WS", "/api/v1/alarms/live"),
        ("GET", "/{path:path}"),
        ("HEAD", "/{path:path}"),
    }
    open_calls = {call.path for call in town.app.calls if call.access is Open.ANYONE}
    assert open_calls == {"/health", "/setup", "/session", "/invitations"} | {
        *(f"/authority{kind}" for kind in ("", ".pem", ".der", ".mobileconfig")),
        "/session/passkey",
        "/session/passkey/options",
    }


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
async def test_the_description_is_for_those_signed_in(town: Town, path: str) -> None:
    async with town.client() as client:
        answer = await client.get(path)
        assert "openapi" not in answer.text
        assert (await client.get("/api/v1/openapi.json")).status_code == 401
    async with await town.client_as("viewer") as client:
        document = (await client.get("/api/v1/openapi.json")).json()
        paths = {PREFIX + call.path for call in town.app.calls}
        assert paths == set(document["paths"])
        operations = [
            operation["operationId"] for entry in document["paths"].values() for operation in entry.values()
        ]
        assert len(operations) == len(set(operations))


async def test_the_page_of_calls_is_true(town: Town) -> None:
    page = (REPOSITORY / "docs" / "design" / "api.md").read_text(encoding="utf-8")
    written = {
        (method, path.partition("?")[0].replace("{id}", "{look_id}")): access
        for method, path, access in re.findall(
            r"^\| `(GET|POST|PUT|PATCH|DELETE) (\S+)` \| (.*?) \|", page, re.M
        )
    }
    for call in town.app.calls:
        if call.path == "/openapi.json":
            continue
        access = written.pop((call.method, call.path))
        if isinstance(call.access, Permission):
            assert access == f"`{call.access.value}`", call.path
    assert written == {}
