"""Faces across processes: typed, bounded in time, errors in plain words, nothing leaked."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import pytest
from tests.bus.conftest import MakeEndpoint, until

from civiscope.base import AppError, ChannelId, ErrorKind, PrincipalId, Span, new_id
from civiscope.bus import CallContext, calling, current_call
from civiscope.bus.calls import RUNNING_LIMIT


class Mood(StrEnum):
    CALM = "calm"
    TENSE = "tense"


@dataclass(frozen=True, slots=True)
class Order:
    channel: ChannelId
    mood: Mood
    span: Span
    at: datetime
    picture: bytes = b""


class Desk(Protocol):
    async def echo(self, order: Order, times: int = 2) -> tuple[Order, ...]: ...
    async def whoami(self) -> tuple[UUID, PrincipalId | None]: ...
    async def fail(self, how: str) -> None: ...
    async def wait(self) -> None: ...
    async def big(self, size: int) -> bytes: ...


class RealDesk:
    """Answers for the tests."""

    def __init__(self) -> None:
        self.waiting = 0
        self.cancelled = 0

    async def echo(self, order: Order, times: int = 2) -> tuple[Order, ...]:
        return (order,) * times

    async def whoami(self) -> tuple[UUID, PrincipalId | None]:
        context = current_call()
        return context.trace_id, context.principal_id

    async def fail(self, how: str) -> None:
        if how == "app":
            raise AppError(ErrorKind.DENIED, "You may not, ask the officer.")
        raise RuntimeError("password is hunter2")

    async def wait(self) -> None:
        self.waiting += 1
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.waiting -= 1

    async def big(self, size: int) -> bytes:
        return bytes(size)


@pytest.fixture
async def desk(make_endpoint: MakeEndpoint) -> RealDesk:
    implementation = RealDesk()
    server = make_endpoint("server")
    server.serve(Desk, implementation)
    await server.start()
    return implementation


async def test_values_arrive_as_they_were_sent(make_endpoint: MakeEndpoint, desk: RealDesk) -> None:
    remote = make_endpoint("recorder").face("server", Desk)
    order = Order(ChannelId(new_id()), Mood.TENSE, Span(1, 5), datetime.now(UTC), b"\x00\xff")
    assert await remote.echo(order) == (order, order)
    assert await remote.echo(order=order, times=1) == (order,)
    assert isinstance((await remote.echo(order))[0].mood, Mood)


async def test_principal_and_trace_travel_along(make_endpoint: MakeEndpoint, desk: RealDesk) -> None:
    remote = make_endpoint("recorder").face("server", Desk)
    context = CallContext(new_id(), PrincipalId(new_id()))
    with calling(context):
        assert await remote.whoami() == (context.trace_id, context.principal_id)
    assert (await remote.whoami())[1] is None


async def test_an_app_error_arrives_as_it_is(make_endpoint: MakeEndpoint, desk: RealDesk) -> None:
    with pytest.raises(AppError, match="ask the officer") as caught:
        await make_endpoint("recorder").face("server", Desk).fail("app")
    assert caught.value.kind is ErrorKind.DENIED


async def test_other_errors_do_not_leak(
    make_endpoint: MakeEndpoint, desk: RealDesk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(AppError, match="its log says why") as caught:
        await make_endpoint("recorder").face("server", Desk).fail("bug")
    assert caught.value.kind is ErrorKind.INTERNAL
    assert "hunter2" not in caught.value.message
    assert "a call failed" in caplog.text


async def test_a_call_that_takes_too_long_ends_on_both_sides(
    make_endpoint: MakeEndpoint, desk: RealDesk
) -> None:
    remote = make_endpoint("recorder").face("server", Desk, timeout_s=0.1)
    with pytest.raises(AppError) as caught:
        await remote.wait()
    assert caught.value.kind is ErrorKind.TIMEOUT
    await until(lambda: desk.waiting == 0)


async def test_a_cancelled_call_is_cancelled_at_the_other_end(
    make_endpoint: MakeEndpoint, desk: RealDesk
) -> None:
    remote = make_endpoint("recorder").face("server", Desk)
    task = asyncio.ensure_future(remote.wait())
    await until(lambda: desk.waiting == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: desk.cancelled == 1)


async def test_a_caller_that_goes_away_cancels_its_calls(make_endpoint: MakeEndpoint, desk: RealDesk) -> None:
    caller = make_endpoint("recorder")
    task = asyncio.ensure_future(caller.face("server", Desk).wait())
    await until(lambda: desk.waiting == 1)
    await caller.stop()
    with pytest.raises(AppError) as caught:
        await task
    assert caught.value.kind is ErrorKind.UNAVAILABLE
    await until(lambda: desk.cancelled == 1)


async def test_a_role_that_is_away_is_unavailable_at_once_and_found_when_it_comes(
    make_endpoint: MakeEndpoint,
) -> None:
    remote = make_endpoint("recorder").face("server", Desk)
    with pytest.raises(AppError) as caught:
        await remote.whoami()
    assert caught.value.kind is ErrorKind.UNAVAILABLE
    for _restart in range(2):
        server = make_endpoint("server")
        server.serve(Desk, RealDesk())
        await server.start()
        assert await remote.whoami()
        await server.stop()
        with pytest.raises(AppError) as caught:
            await remote.whoami()
        assert caught.value.kind is ErrorKind.UNAVAILABLE


async def test_many_calls_run_at_once_and_too_many_are_refused(
    make_endpoint: MakeEndpoint, desk: RealDesk
) -> None:
    remote = make_endpoint("recorder").face("server", Desk)
    waiting = [asyncio.ensure_future(remote.wait()) for _ in range(RUNNING_LIMIT)]
    await until(lambda: desk.waiting == RUNNING_LIMIT)
    with pytest.raises(AppError) as caught:
        await remote.whoami()
    assert caught.value.kind is ErrorKind.EXHAUSTED
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await until(lambda: desk.waiting == 0)
    assert await remote.whoami()


async def test_a_result_too_large_is_refused_and_the_connection_lives(
    make_endpoint: MakeEndpoint, desk: RealDesk
) -> None:
    remote = make_endpoint("recorder").face("server", Desk)
    assert len(await remote.big(8 * 1024 * 1024)) == 8 * 1024 * 1024
    with pytest.raises(AppError, match="ask for less") as caught:
        await remote.big(17 * 1024 * 1024)
    assert caught.value.kind is ErrorKind.EXHAUSTED
    assert await remote.big(1) == b"\x00"


class OtherDesk(Protocol):
    async def missing(self) -> int: ...


class Desk2(Protocol):
    async def echo(self, order: int) -> int: ...


async def test_an_unknown_face_is_missing_and_a_wrong_argument_invalid(
    make_endpoint: MakeEndpoint, desk: RealDesk
) -> None:
    caller = make_endpoint("recorder")
    with pytest.raises(AppError) as caught:
        await caller.face("server", OtherDesk).missing()
    assert caught.value.kind is ErrorKind.MISSING
    Desk2.__name__ = "Desk"
    with pytest.raises(AppError, match="do not fit") as caught:
        await caller.face("server", Desk2).echo(5)
    assert caught.value.kind is ErrorKind.INVALID
    with pytest.raises(TypeError):
        await caller.face("server", Desk).echo()  # type: ignore[call-arg]  # the point of the test


class NotAsync(Protocol):
    def ask(self) -> int: ...


class Untyped(Protocol):
    async def ask(self, what) -> int: ...  # type: ignore[no-untyped-def]  # the point of the test


class Starred(Protocol):
    async def ask(self, *what: int) -> int: ...


@pytest.mark.parametrize("face", [NotAsync, Untyped, Starred, object, 5])
def test_a_face_that_cannot_travel_is_refused_when_wiring(make_endpoint: MakeEndpoint, face: type) -> None:
    with pytest.raises(TypeError):
        make_endpoint("server").serve(face, object())


def test_an_implementation_must_have_every_method_and_a_face_is_served_once(
    make_endpoint: MakeEndpoint,
) -> None:
    endpoint = make_endpoint("server")
    with pytest.raises(TypeError, match="has no method"):
        endpoint.serve(Desk, object())
    endpoint = make_endpoint("worker")
    endpoint.serve(Desk, RealDesk())
    with pytest.raises(ValueError, match="already"):
        endpoint.serve(Desk, RealDesk())
