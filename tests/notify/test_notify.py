"""Targets and the queue: sealed, in order, tried again, given up, bounded, whole after a restart."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint
from typing import Any, cast

import pytest
from pydantic import SecretStr
from tests.notify.conftest import ADMINISTRATOR, Site
from tests.notify.receivers import WebReceiver, serving

from civiscope.base import AppError, ErrorKind
from civiscope.notify import (
    DeliveryFailed,
    DeliveryQuery,
    DeliveryState,
    Message,
    NotifierPlugin,
    NotifierPlugins,
    NotifierPorts,
    Notify,
    Priority,
    SettingsError,
    TargetDraft,
    TargetId,
)
from civiscope.notify.contract import CANARY, message
from civiscope.notify.notifiers.shape import NotifierSettings
from civiscope.security import LOCKED_WORDS


class RadioSettings(NotifierSettings):
    """Of a notifier made for these tests."""

    place: str
    word: SecretStr | None = None


@dataclass
class Radio:
    """What each place takes: everything, or what `moods` says."""

    taken: list[tuple[str, str, str]] = field(default_factory=list)
    """Place, subject, secret."""
    moods: dict[str, Callable[[Message], Exception | None]] = field(default_factory=dict)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    tried: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def plugin(self) -> NotifierPlugin:
        return NotifierPlugin(
            "radio", "Radio", RadioSettings, frozenset({"word"}), frozenset({"place"}), self._make, 2.0
        )

    def _make(self, settings: Any, ports: NotifierPorts) -> "_Station":
        return _Station(self, settings)

    async def until(self, question: Callable[[], bool]) -> None:
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(question)


def _content(_: Message) -> Exception | None:
    return None


@dataclass
class _Station:
    radio: Radio
    settings: RadioSettings

    async def deliver(self, message: Message) -> None:
        radio, place = self.radio, self.settings.place
        if place in radio.gates:
            await radio.gates[place].wait()
        async with radio.changed:
            radio.tried += 1
            fault = radio.moods.get(place, _content)(message)
            if fault is None:
                word = "" if self.settings.word is None else self.settings.word.get_secret_value()
                radio.taken.append((place, message.subject, word))
            radio.changed.notify_all()
        if fault is not None:
            raise fault


class _Point:
    """An entry point that names a value of this file."""

    def __init__(self, name: str, value: object) -> None:
        self.name, self.dist, self._value = name, None, value

    def load(self) -> object:
        if isinstance(self._value, BaseException):
            raise self._value
        return self._value


def point(name: str, value: object) -> EntryPoint:
    return cast("EntryPoint", _Point(name, value))


@pytest.fixture
def radio() -> Radio:
    return Radio()


@pytest.fixture
def plugins(radio: Radio) -> NotifierPlugins:
    return NotifierPlugins(("radio",), [point("radio", radio.plugin())])


@asynccontextmanager
async def started(site: Site) -> AsyncIterator[Notify]:
    """The site's queue, running."""
    site.stop()
    notify = site.start()
    running = asyncio.ensure_future(notify.run())
    try:
        yield notify
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def target(notify: Notify, place: str = "yard", **others: Any) -> TargetId:
    settings = others.pop("settings", {"place": place})
    return (await notify.add(TargetDraft(place, "radio", settings, **others), ADMINISTRATOR)).id


def told(subject: str, priority: Priority = Priority.NORMAL) -> Message:
    return replace(message(subject), priority=priority)


async def ended(notify: Notify, count: int) -> None:
    async with asyncio.timeout(10):
        while (
            await notify.waiting_count() or len((await notify.deliveries(DeliveryQuery())).deliveries) < count
        ):
            await asyncio.sleep(0.005)


async def states(notify: Notify) -> list[tuple[str, str, int]]:
    page = await notify.deliveries(DeliveryQuery())
    return [(one.subject, one.state.value, one.attempts) for one in reversed(page.deliveries)]


def away(_: Message) -> AppError:
    return AppError(ErrorKind.UNAVAILABLE, "the radio is away")


async def test_messages_go_in_order_and_are_on_record(site: Site, radio: Radio) -> None:
    async with started(site) as notify:
        yard = await target(notify)
        for number in range(20):
            await notify.send(told(f"m{number}"), [yard])
        await radio.until(lambda: len(radio.taken) == 20)
        await ended(notify, 20)
        assert [one[1] for one in radio.taken] == [f"m{number}" for number in range(20)]
        assert await states(notify) == [(f"m{number}", "sent", 1) for number in range(20)]
        newest = await notify.deliveries(DeliveryQuery(limit=5))
        older = await notify.deliveries(DeliveryQuery(limit=100, before=newest.next))
        assert [one.subject for one in newest.deliveries] == ["m19", "m18", "m17", "m16", "m15"]
        assert (len(older.deliveries), older.next) == (15, None)


async def test_the_same_message_goes_to_a_target_once(site: Site, radio: Radio) -> None:
    """Rules ask again after a crash: before it was sent, and after."""
    async with started(site) as notify:
        yard, gate = await target(notify), await target(notify, "gate")
        wanted = told("a")
        first = await notify.send(wanted, [yard])
        assert await notify.send(wanted, [yard]) == first
        await ended(notify, 1)
        assert (await notify.send(wanted, [yard, gate]))[:1] == first
        await ended(notify, 2)
    assert [one[0] for one in radio.taken] == ["yard", "gate"]


async def test_what_fails_is_tried_again_and_nothing_overtakes(site: Site, radio: Radio) -> None:
    left = [3]

    def mood(_: Message) -> Exception | None:
        left[0] -= 1
        return away(_) if left[0] >= 0 else None

    radio.moods["yard"] = mood
    async with started(site) as notify:
        yard = await target(notify)
        await notify.send(told("first"), [yard])
        await notify.send(told("second"), [yard])
        await ended(notify, 2)
        assert [one[1] for one in radio.taken] == ["first", "second"]
        assert await states(notify) == [("first", "sent", 4), ("second", "sent", 1)]


async def test_one_slow_target_holds_up_no_other(site: Site, radio: Radio) -> None:
    radio.gates["cellar"] = asyncio.Event()
    async with started(site) as notify:
        cellar, yard = await target(notify, "cellar"), await target(notify, "yard")
        await notify.send(told("a"), [cellar, yard])
        await notify.send(told("b"), [cellar, yard])
        await radio.until(lambda: len(radio.taken) == 2)
        assert {one[0] for one in radio.taken} == {"yard"}
        radio.gates["cellar"].set()
        await radio.until(lambda: len(radio.taken) == 4)


async def test_a_message_refused_for_good_fails_at_once_and_says_so(site: Site, radio: Radio) -> None:
    radio.moods["yard"] = lambda one: (
        AppError(ErrorKind.INVALID, "no such word") if one.subject == "bad" else None
    )
    async with started(site) as notify:
        yard = await target(notify)
        await notify.send(told("bad"), [yard])
        await notify.send(told("good"), [yard])
        await ended(notify, 2)
        assert await states(notify) == [("bad", "failed", 1), ("good", "sent", 1)]
    (fact,) = site.facts
    assert isinstance(fact, DeliveryFailed)
    assert (fact.target_id, fact.why, fact.attempts) == (yard, "no such word", 1)


async def test_after_its_time_a_message_has_failed(site: Site, radio: Radio) -> None:
    radio.moods["yard"] = away
    site.settings = replace(site.settings, give_up_us=100_000)
    async with started(site) as notify:
        await notify.send(told("late"), [await target(notify)])
        await ended(notify, 1)
        (one,) = (await notify.deliveries(DeliveryQuery(state=DeliveryState.FAILED))).deliveries
        assert one.attempts >= 1
        assert "the radio is away" in one.why
        assert one.next_us is None
    assert len(site.facts) == 1


async def test_a_restart_goes_on_where_it_stood(site: Site, radio: Radio) -> None:
    radio.moods["yard"] = away
    async with started(site) as notify:
        yard = await target(notify)
        for subject in ("a", "b"):
            await notify.send(told(subject), [yard])
        await radio.until(lambda: radio.tried >= 2)
    radio.moods.clear()
    async with started(site) as notify:
        await ended(notify, 2)
        assert [one[1] for one in radio.taken] == ["a", "b"]
        assert (await states(notify))[0][2] >= 2


async def test_a_long_wait_is_resumed_not_begun_anew(site: Site, radio: Radio) -> None:
    """What was put off stays put off, and the wall clock may step as it likes."""
    site.settings = replace(site.settings, first_retry_s=600.0, retry_limit_s=900.0)
    radio.moods["yard"] = away
    async with started(site) as notify:
        await notify.send(told("a"), [await target(notify)])
        await radio.until(lambda: radio.tried == 1)
        while not (await notify.deliveries(DeliveryQuery())).deliveries[0].why:
            await asyncio.sleep(0.005)
    radio.moods.clear()
    async with started(site) as notify:
        await asyncio.sleep(0.1)
        assert radio.tried == 1
        async with asyncio.timeout(10):
            while await notify.waiting_count():
                notify.hurry()
                await asyncio.sleep(0.02)
        assert radio.tried == 2


async def test_beyond_the_bound_the_least_and_oldest_give_way(site: Site, radio: Radio) -> None:
    site.settings = replace(site.settings, waiting_limit=3)
    site.stop()
    notify = site.start()  # not running: everything waits
    yard = await target(notify)
    wanted = [
        ("low 1", Priority.LOW), ("high", Priority.HIGH), ("low 2", Priority.LOW),
        ("critical", Priority.CRITICAL),
        ("normal", Priority.NORMAL), ("low 3", Priority.LOW),
    ]  # fmt: skip
    for subject, priority in wanted:
        await notify.send(told(subject, priority), [yard])
    assert await states(notify) == [
        ("low 1", "failed", 0), ("high", "waiting", 0), ("low 2", "failed", 0), ("critical", "waiting", 0),
        ("normal", "waiting", 0), ("low 3", "failed", 0),
    ]  # fmt: skip
    failed = await notify.deliveries(DeliveryQuery(state=DeliveryState.FAILED))
    assert all("give way" in one.why for one in failed.deliveries)
    assert len(site.facts) == 3


async def test_while_the_vault_is_locked_secrets_wait(site: Site, radio: Radio) -> None:
    async with started(site) as notify:
        yard = await target(notify, settings={"place": "yard", "word": CANARY})
        open_one = await target(notify, "open")
        site.vault.lock()
        await notify.send(told("a"), [yard, open_one])
        await radio.until(lambda: len(radio.taken) == 1)
        async with asyncio.timeout(10):
            while True:
                page = await notify.deliveries(DeliveryQuery(target_id=yard))
                if page.deliveries[0].why:
                    break
                await asyncio.sleep(0.005)
        (one,) = page.deliveries
        assert (one.state, one.attempts, one.why) == (DeliveryState.WAITING, 0, LOCKED_WORDS[:300])
        result = await notify.test(yard, "Harbour town", ADMINISTRATOR)
        assert (result.ok, result.words) == (False, LOCKED_WORDS)
        site.vault.unlock(site.vault_key)
        notify.hurry()
        await ended(notify, 2)
    assert radio.taken == [("open", "a", ""), ("yard", "a", CANARY)]


async def test_a_target_that_is_off_waits_and_one_that_is_gone_fails(site: Site, radio: Radio) -> None:
    radio.gates["yard"] = asyncio.Event()
    async with started(site) as notify:
        off = await target(notify, "off", is_on=False)
        assert await notify.send(told("nobody"), [off]) == ()
        yard = await target(notify)
        await notify.send(told("a"), [yard])
        await notify.send(told("b"), [yard])
        await notify.remove(yard, ADMINISTRATOR)
        radio.gates["yard"].set()
        assert [one[1:] for one in await states(notify)] == [("failed", 0), ("failed", 0)]
        with pytest.raises(AppError) as gone:
            await notify.send(told("c"), [yard])
        assert gone.value.kind is ErrorKind.MISSING
    assert len(site.facts) == 2


async def test_only_targets_marked_so_are_told_of_escalations(site: Site, radio: Radio) -> None:
    async with started(site) as notify:
        assert await notify.escalate(told("nobody")) == ()
        await target(notify, "yard")
        await target(notify, "chief", is_escalation=True)
        await target(notify, "off", is_escalation=True, is_on=False)
        assert len(await notify.escalate(told("nobody claims"))) == 1
        await radio.until(lambda: len(radio.taken) == 1)
    assert radio.taken == [("chief", "nobody claims", "")]


async def test_a_secret_shows_nowhere(site: Site, radio: Radio, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    radio.moods["yard"] = lambda _: AppError(ErrorKind.UNAVAILABLE, f"refused with {CANARY}")
    radio.moods["cellar"] = lambda _: ValueError(f"broke with {CANARY}")
    async with started(site) as notify:
        ids = [
            await target(notify, place, settings={"place": place, "word": CANARY})
            for place in ("yard", "cellar")
        ]
        await notify.send(told("a"), ids)
        await radio.until(lambda: radio.tried >= 4)
        shown = [repr(await notify.test(one, "Harbour town", ADMINISTRATOR)) for one in ids]
        shown += [repr(await notify.targets()), repr(await notify.deliveries(DeliveryQuery()))]
        assert all(one.settings["word"] is None for one in await notify.targets())
        for sequence in range(1, 9):
            shown.append(repr(await site.audit.details(sequence)))
    shown += [caplog.text, repr(site.facts)]
    assert CANARY not in "".join(shown)
    assert "***" in "".join(shown)
    for file in site.folder.iterdir():
        if file.is_file():
            assert CANARY.encode() not in file.read_bytes(), file.name


async def test_a_secret_stays_unless_the_target_leads_elsewhere(site: Site, radio: Radio) -> None:
    async with started(site) as notify:
        yard = await target(notify, settings={"place": "yard", "word": CANARY})
        await notify.edit(yard, TargetDraft("Yard", "radio", {"place": "yard", "word": None}), ADMINISTRATOR)
        assert (await notify.test(yard, "x", ADMINISTRATOR)).ok
        moved = TargetDraft("Yard", "radio", {"place": "evil", "word": None})
        with pytest.raises(SettingsError) as refused:
            await notify.edit(yard, moved, ADMINISTRATOR)
        assert set(refused.value.fields) == {"word"}
        assert (await notify.target(yard)).settings["place"] == "yard"
        typed = TargetDraft("Yard", "radio", {"place": "evil", "word": ""})
        assert (await notify.edit(yard, typed, ADMINISTRATOR)).settings == {"place": "evil", "word": None}
        assert (await notify.test(yard, "x", ADMINISTRATOR)).ok
    assert [one[::2] for one in radio.taken] == [("yard", CANARY), ("evil", "")]


@pytest.mark.parametrize(
    ("draft", "kind"),
    [
        (TargetDraft("", "radio", {"place": "x"}), ErrorKind.INVALID),
        (TargetDraft("a\x00b", "radio", {"place": "x"}), ErrorKind.INVALID),
        (TargetDraft("a", "radio", {}), ErrorKind.INVALID),
        (TargetDraft("a", "radio", {"place": 5, "word": CANARY}), ErrorKind.INVALID),
        (TargetDraft("a", "radio", {"place": "x", "other": CANARY}), ErrorKind.INVALID),
        (TargetDraft("a", "pigeon", {}), ErrorKind.MISSING),
        (TargetDraft("yard", "radio", {"place": "x"}), ErrorKind.CONFLICT),
    ],
)
async def test_what_does_not_fit_is_refused_in_words(site: Site, draft: TargetDraft, kind: ErrorKind) -> None:
    async with started(site) as notify:
        await target(notify)
        with pytest.raises(AppError) as refused:
            await notify.add(draft, ADMINISTRATOR)
        assert refused.value.kind is kind
        assert CANARY not in refused.value.message
        assert len(await notify.targets()) == 1


async def test_every_change_is_in_the_audit(site: Site) -> None:
    async with started(site) as notify:
        yard = await target(notify)
        await notify.edit(yard, TargetDraft("Yard", "radio", {"place": "yard"}), ADMINISTRATOR)
        await notify.test(yard, "x", ADMINISTRATOR)
        await notify.remove(yard, ADMINISTRATOR)
        entries = await site.audit.entries()
    assert [one.what for one in entries] == ["target.remove", "target.test", "target.edit", "target.add"]
    assert {one.who for one in entries} == {"Anna"}


async def test_what_is_over_for_long_is_forgotten(site: Site, radio: Radio) -> None:
    site.settings = replace(site.settings, keep_us=0)
    async with started(site) as notify:
        yard = await target(notify)
        await notify.send(told("a"), [yard])
        await ended(notify, 1)
    async with started(site) as notify:
        async with asyncio.timeout(10):
            while (await notify.deliveries(DeliveryQuery())).deliveries:
                await asyncio.sleep(0.005)


async def test_a_test_ends_within_its_limit(site: Site, radio: Radio) -> None:
    site.settings = replace(site.settings, test_limit_s=0.05)
    radio.gates["yard"] = asyncio.Event()
    async with started(site) as notify:
        result = await notify.test(await target(notify), "x", ADMINISTRATOR)
    assert not result.ok
    assert "0.05 s" in result.words


def test_a_broken_notifier_breaks_nothing_but_itself(radio: Radio) -> None:
    good = radio.plugin()
    found = [
        point("radio", good), point("other", good), point("number", 5), point("bad", RuntimeError("boom")),
        point("open", replace(good, name="open", secret_fields=frozenset({"place"}))),
        point("slow", replace(good, name="slow", deadline_s=99.0)), point("twice", good),
        point("twice", good),
        point("extra", good),
    ]  # fmt: skip
    plugins = NotifierPlugins(("radio", "other", "number", "bad", "open", "slow", "twice", "gone"), found)
    told_of = {one.name: (one.state, one.why) for one in plugins.infos()}
    assert told_of["radio"] == ("loaded", "")
    assert {name for name, (state, _) in told_of.items() if state == "broken"} == {
        "other", "number", "bad", "open", "slow", "twice", "gone",
    }  # fmt: skip
    assert told_of["extra"][0] == "not_allowed"
    assert "boom" in told_of["bad"][1]
    for name, kind in (("extra", ErrorKind.DENIED), ("bad", ErrorKind.UNAVAILABLE), ("x", ErrorKind.MISSING)):
        with pytest.raises(AppError) as refused:
            plugins.load(name)
        assert refused.value.kind is kind


async def test_a_real_webhook_from_end_to_end(site: Site) -> None:
    site.plugins = NotifierPlugins()
    receiver = WebReceiver(token="the-token")
    async with serving(receiver.serve) as port, started(site) as notify:
        settings = {
            "url": f"http://127.0.0.1:{port}/", "allow_http": True, "allow_private": True,
            "token": "the-token",
        }  # fmt: skip
        made = await notify.add(TargetDraft("Hook", "webhook", settings), ADMINISTRATOR)
        wanted = told("Somebody enters")
        await notify.send(wanted, [made.id])
        async with asyncio.timeout(10):
            body = json.loads(await receiver.received())
        await ended(notify, 1)
    assert (body["id"], body["subject"]) == (str(wanted.id), "Somebody enters")
