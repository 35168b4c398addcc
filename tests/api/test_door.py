"""What every answer carries, and what never comes in."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.api.town import ORIGIN, Town

from civiscope.base import AppError, ErrorKind, new_id


async def test_every_answer_carries_the_security_headers(town: Town) -> None:
    async with town.client() as client:
        for method, path in [
            ("GET", "/api/v1/health"),
            ("GET", "/api/v1/session"),
            ("GET", "/api/v1/nothing"),
            ("POST", "/api/v1/session"),
            ("GET", "/"),
            ("GET", "/missing.js"),
        ]:
            answer = await client.request(method, path)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'self'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["cross-origin-opener-policy"] == "same-origin"
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
            assert "camera=()" in answer.headers["permissions-policy"]
            assert "access-control-allow-origin" not in answer.headers
            assert "server" not in answer.headers
            assert (answer.headers.get("cache-control") == "no-store") == path.startswith("/api/")


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "[::1]", "127.0.0.2"])
async def test_other_host_names_are_refused(town: Town, host: str) -> None:
    async with town.client() as client:
        for path in ("/", "/api/v1/health", "/api/v1/session"):
            answer = await client.get(path, headers={"Host": host})
            assert answer.status_code == 421
            assert "[server] hosts" in answer.json()["error"]["message"]


@pytest.mark.parametrize("host", ["LOCALHOST", "localhost:8443", "127.0.0.1:1", "localhost."])
async def test_our_own_names_are_taken(town: Town, host: str) -> None:
    async with town.client() as client:
        assert (await client.get("/api/v1/health", headers={"Host": host})).status_code == 200


async def test_large_bodies_are_refused_announced_or_not(town: Town) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b" " * 1024

    async with town.client() as client:
        for content in (b" " * 70_000, endless()):
            answer = await client.post("/api/v1/session", content=content)
            assert answer.status_code == 413
            assert answer.json()["error"]["kind"] == "invalid"
        answer = await client.post("/api/v1/session", headers={"Content-Length": "12z"}, content=b"{}")
        assert answer.status_code == 413


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"name": "a"', b"{}", b'{"name": 1, "password": 2}'],
)
async def test_malformed_bodies_are_told_in_plain_words(town: Town, body: bytes) -> None:
    async with town.client() as client:
        answer = await client.post(
            "/api/v1/session", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 422, answer.text
        error = answer.json()["error"]
        assert error["kind"] == "invalid"
        assert error["message"].endswith(".")


async def test_deep_and_huge_json_is_refused(town: Town) -> None:
    async with town.client() as client:
        for body in (b"[" * 60_000, b'{"a":' * 10_000, b"1" * 60_000):
            answer = await client.post(
                "/api/v1/session", content=body, headers={"Content-Type": "application/json"}
            )
            assert answer.status_code in {400, 422}, answer.text
            assert "Traceback" not in answer.text


async def test_what_was_sent_is_not_repeated(town: Town) -> None:
    async with town.client() as client:
        answer = await client.post("/api/v1/session", json={"name": "a", "password": ["hush-hush"]})
        assert "hush" not in answer.text
        answer = await client.post("/api/v1/session", json={"name": "a", "password": "b", "hush-hush": 1})
        assert answer.status_code == 422


async def test_the_unexpected_is_told_in_general_words(town: Town) -> None:
    town.system.fault = ZeroDivisionError("secret detail")
    async with await town.client_as("administrator") as client:
        answer = await client.get("/api/v1/status")
        assert answer.status_code == 500
        assert answer.json()["error"]["kind"] == "internal"
        assert "secret detail" not in answer.text
        assert "Zero" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ErrorKind.INVALID, 422),
        (ErrorKind.UNAUTHENTICATED, 401),
        (ErrorKind.DENIED, 403),
        (ErrorKind.MISSING, 404),
        (ErrorKind.CONFLICT, 409),
        (ErrorKind.UNAVAILABLE, 503),
        (ErrorKind.EXHAUSTED, 429),
        (ErrorKind.LOST_DATA, 410),
        (ErrorKind.TIMEOUT, 504),
        (ErrorKind.INTERNAL, 500),
    ],
)
async def test_each_kind_of_failure_has_its_status(town: Town, kind: ErrorKind, status: int) -> None:
    town.system.fault = AppError(kind, "What, why, what to do.")
    async with await town.client_as("administrator") as client:
        answer = await client.get("/api/v1/status")
        assert answer.status_code == status
        assert answer.json() == {"error": {"kind": kind.value, "message": "What, why, what to do."}}


async def test_an_answer_that_takes_too_long_is_given_up(town: Town) -> None:
    town.system.delay_s = 60
    async with await town.client_as("administrator") as client:
        start = asyncio.get_running_loop().time()
        answer = await client.get("/api/v1/status")
        assert answer.status_code == 504
        assert asyncio.get_running_loop().time() - start < 12


async def test_health_says_nothing_else(town: Town) -> None:
    async with town.client() as client:
        well = await client.get("/api/v1/health")
        assert (well.status_code, well.json()) == (200, {"healthy": True})
        town.system.is_healthy = False
        ill = await client.get("/api/v1/health")
        assert (ill.status_code, ill.json()) == (503, {"healthy": False})


async def test_the_authority_can_be_fetched_by_anybody(town: Town) -> None:
    async with town.client() as client:
        answer = await client.get("/api/v1/authority.pem")
        assert answer.content == town.keys.authority_pem()
        assert b"PRIVATE" not in answer.content
        assert "attachment" in answer.headers["content-disposition"]


async def test_wrong_methods_and_paths_have_our_shape(town: Town) -> None:
    async with town.client() as client:
        wrong = await client.put("/api/v1/session", json={})
        assert wrong.status_code == 405
        assert "POST" in wrong.headers["allow"]
        missing = await client.get("/api/v2/session")
        assert missing.status_code == 404
        assert missing.json()["error"]["kind"] == "missing"
        assert (await client.options("/api/v1/session")).status_code == 405


_ODD = st.one_of(
    st.text(max_size=30),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["-1", "1e9", "9" * 40, "null", "true", "%00", "../..", "0x10", " 1"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(values=st.lists(_ODD, min_size=4, max_size=4), body=st.recursive(_ODD, st.lists, max_leaves=5))
async def test_any_parameters_end_in_a_plain_answer(town: Town, values: list[str], body: object) -> None:
    async with await town.client_as("administrator") as client:
        town.clock.advance(3_600_000_000)
        names = ("channel", "from_us", "to_us", "resolution_us")
        told = [
            await client.get("/api/v1/timeline", params=dict(zip(names, values, strict=True))),
            await client.get("/api/v1/audit", params={"limit": values[0], "before": values[1]}),
            await client.post("/api/v1/looks", content=json.dumps({"channel_id": body, "purpose": body})),
            await client.get(f"/api/v1/looks/{new_id()}/media", params={"at_us": values[2]}),
        ]
    for answer in told:
        assert answer.status_code in {200, 404, 422}, answer.text
        if answer.status_code != 200:
            assert set(answer.json()) == {"error"}


async def test_origin_is_compared_with_the_port_we_are_called_by(town: Town) -> None:
    async with town.client() as client:
        body = {"name": "viewer", "password": "x"}
        headers = {"Host": "localhost:8443", "Origin": "https://localhost:8443"}
        assert (await client.post("/api/v1/session", json=body, headers=headers)).status_code == 401
        headers["Origin"] = ORIGIN
        assert (await client.post("/api/v1/session", json=body, headers=headers)).status_code == 403
