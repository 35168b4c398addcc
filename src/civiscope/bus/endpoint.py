"""The bus of one process: facts out, facts in, and faces across processes, on one Unix socket."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from civiscope.base import AppError, Clock, ErrorKind, PrincipalId, get_log
from civiscope.bus.calls import Calls
from civiscope.bus.face import Method, methods_of
from civiscope.bus.facts import BusIdentity, Envelope, F, Fact, check_fact_type
from civiscope.bus.inbox import Inbox, Parked
from civiscope.bus.link import Link
from civiscope.bus.listener import Listener
from civiscope.bus.outbox import Carried, Outbox, OutboxFace, OutboxSettings
from civiscope.bus.subscription import Subscription, SubscriptionSettings, SubscriptionStatus
from civiscope.bus.taskset import TaskSet
from civiscope.storage import Database

_log = get_log("civiscope.bus")
T = TypeVar("T")
CALL_LIMIT_S = 10.0
_PULL_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class BusSettings:
    """Bounds of the bus of one process."""

    outbox: OutboxSettings = field(default_factory=OutboxSettings)
    subscription: SubscriptionSettings = field(default_factory=SubscriptionSettings)


@dataclass(frozen=True, slots=True)
class BusStatus:
    """How the bus stands: facts not on the disk yet, why they cannot be written, and every subscription."""

    waiting: int
    trouble: str | None
    subscriptions: tuple[SubscriptionStatus, ...]


class Endpoint:
    """One per process; made, started and stopped on its event loop. `publish` may be called from any thread.

    Wire it first (`subscribe`, `serve`), then `start`. It starts and answers calls also while its database
    cannot be written: facts wait in memory then, and subscriptions wait.
    """

    def __init__(
        self,
        role: str,
        run_folder: Path,
        database: Database,
        identity: BusIdentity,
        clock: Clock,
        settings: BusSettings | None = None,
    ) -> None:
        self.role = role
        self._run_folder = run_folder
        self._clock = clock
        self._settings = settings or BusSettings()
        self._outbox = Outbox(role, database, identity, clock, self._settings.outbox)
        self._inbox = Inbox(database)
        self._calls = Calls(role)
        self._calls.serve(OutboxFace, self._outbox, waits=True)
        self._listener = Listener(role, self._path_of(role), self._calls)
        self._links: dict[str, Link] = {}
        self._subscriptions: dict[tuple[str, str], Subscription] = {}
        self._tasks = TaskSet(_log)
        self._is_started = False

    async def start(self) -> None:
        """Listen on `RUN/<role>.sock`; `CONFLICT` if another process of this role does."""
        await self._listener.start()
        self._outbox.start()
        self._is_started = True
        for subscription in self._subscriptions.values():
            self._start(subscription)

    async def stop(self) -> None:
        """Stop hearing, answering and asking, write what waits; a few seconds. The database stays open."""
        await self._tasks.close()
        await self._listener.stop()
        for link in self._links.values():
            await link.close()
        if not self._is_started:
            return
        await self._outbox.stop()
        for subscription in self._subscriptions.values():
            await self._save_last(subscription)

    def publish(
        self, fact: Fact, *, cause: Envelope | None = None, principal: PrincipalId | None = None
    ) -> None:
        """Say a fact, from any thread; microseconds, never waits for a disk.

        It is durable about 20 ms and one commit later (`flush` waits for that); a process killed in between
        forgets it. `cause` is the fact that led to this one; trace and principal come from it or from the
        running call.
        """
        self._outbox.publish(fact, cause, principal)

    async def flush(self, timeout_s: float = 5.0) -> None:
        """Wait until everything published so far is on the disk; `UNAVAILABLE` if it is not in time."""
        await self._outbox.flush(timeout_s)

    def subscribe(
        self, producer: str, fact_type: type[F], handler: Callable[[Envelope, F], Awaitable[None]], name: str
    ) -> None:
        """Hear every fact of a type that a role has said or will say, at least once, in its order.

        `name` is this subscriber's for ever: its cursor hangs on it. Types under one name and producer share
        one order, and are all named before `start`. Handlers may be called twice with one envelope id.
        """
        check_fact_type(fact_type)
        key = (producer, name)
        subscription = self._subscriptions.get(key)
        if subscription is None:
            subscription = Subscription(name, producer, self._inbox, self._clock, self._settings.subscription)
            subscription.add(fact_type, handler)
            self._subscriptions[key] = subscription
            if self._is_started:
                self._start(subscription)
            return
        if self._is_started:
            raise ValueError(f"{name} hears the {producer} already: name all its types before start")
        subscription.add(fact_type, handler)

    def serve(self, face: Callable[..., object], implementation: object) -> None:
        """Answer other processes' calls of a Protocol with this object; each call runs as a task of its own.

        Arguments and results are what msgspec carries: frozen dataclasses, ids, enums, bytes, datetimes, and
        tuples, lists and dicts of them. `AppError` reaches the caller as it is; anything else becomes
        `INTERNAL` without its text. A caller that goes away or runs out of time cancels its call.
        """
        self._calls.serve(face, implementation)

    def face(self, role: str, face: Callable[..., T], timeout_s: float = CALL_LIMIT_S) -> T:
        """The face of another role as a local object; every method may raise `UNAVAILABLE` and `TIMEOUT`.

        Principal and trace of the running call travel along (`current_call`).
        """
        link = self._link(role)
        name = getattr(face, "__name__", "")
        members = {
            method_name: _remote(link, name, method_name, method, timeout_s)
            for method_name, method in methods_of(face).items()
        }
        return cast("T", type(f"{name}Of{role.title()}", (), members)())

    def status(self) -> BusStatus:
        """For health."""
        return BusStatus(
            self._outbox.waiting,
            self._outbox.trouble,
            tuple(subscription.status for subscription in self._subscriptions.values()),
        )

    async def parked(self) -> list[Parked]:
        """Facts of all subscriptions whose handlers failed for good, oldest first."""
        return await self._inbox.parked()

    async def retry_parked(self, parked: Parked) -> None:
        """Hand a parked fact to its handler once more; it stays parked if the handler raises again."""
        subscription = self._subscriptions.get((parked.producer, parked.subscription))
        if subscription is None:
            raise AppError(ErrorKind.MISSING, f"Nobody here is called {parked.subscription} any more.")
        await subscription.dispatch(Carried(parked.envelope, parked.body))
        await self._inbox.unpark(parked)

    async def discard_parked(self, parked: Parked) -> None:
        """Give a parked fact up."""
        await self._inbox.unpark(parked)

    def _start(self, subscription: Subscription) -> None:
        name, producer = subscription.status.name, subscription.status.producer
        self._tasks.start(self._run(subscription), f"bus-{name}-from-{producer}")

    async def _run(self, subscription: Subscription) -> None:
        await self._outbox.ready.wait()
        await subscription.run(self.face(subscription.status.producer, OutboxFace, _PULL_LIMIT_S))

    async def _save_last(self, subscription: Subscription) -> None:
        try:
            await subscription.save()
        except AppError as error:
            _log.warning(
                "a cursor was not saved; its last facts will be heard again",
                subscription=subscription.status.name,
                why=error.message,
            )

    def _link(self, role: str) -> Link:
        if role not in self._links:
            self._links[role] = Link(self.role, role, self._path_of(role))
        return self._links[role]

    def _path_of(self, role: str) -> Path:
        return self._run_folder / f"{role}.sock"


def _remote(link: Link, face: str, name: str, method: Method, timeout_s: float) -> Callable[..., Any]:
    async def call(_proxy: object, *positional: Any, **named: Any) -> Any:
        body = method.write_arguments(positional, named)
        return method.read_result(await link.call(face, name, body, timeout_s))

    call.__name__ = name
    return call
