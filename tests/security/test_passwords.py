"""Which passwords are good enough, and hashing with a bound on everything."""

import asyncio
import contextlib
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import AppError, ErrorKind
from civiscope.security import HashSettings, check_password
from civiscope.security.passwords import PasswordHasher

CHEAP = HashSettings(memory_kib=64, passes=1, waiting=2, waiting_known=4)


@pytest.mark.parametrize(
    "password",
    [
        "password1234", "Password!2026", "Administrator", "administrator1", "123456789012", "qwertyuiop123",
        "QWERTZUIOP!!!", "aaaaaaaaaaaaaaaa", "abcabcabcabc", "civiscope2026!", "CivisCope-Graz",
        "passwordpassword", "abcdefghijklmnop", "zyxwvutsrqponm", "iloveyou1234", "welcome12345",
        "Anna Gruber 1234", "hikvision12345",
        "йцукенгшщзхъ", "1qaz2wsx1qaz2wsx",
    ],
)  # fmt: skip
def test_guessable_passwords_are_refused(password: str) -> None:
    with pytest.raises(AppError, match="easy to guess") as refused:
        check_password(password, "Anna Gruber")
    assert refused.value.kind is ErrorKind.INVALID
    assert password.casefold() not in refused.value.message.casefold()


@pytest.mark.parametrize(
    "password",
    [
        "four wild horses ran",
        "Zwölf Boxkämpfer jagen",
        "kJ8#mQ2!vX9z",
        "съешь ещё этих булок",
        "839201748362",
    ],
)
def test_good_passwords_are_taken(password: str) -> None:
    check_password(password, "Anna Gruber")


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("short", "too short"),
        ("x" * 257, "too long"),
        ("four wild\nhorses", "cannot be typed"),
        ("", "too short"),
    ],
)
def test_limits_are_told(password: str, words: str) -> None:
    with pytest.raises(AppError, match=words):
        check_password(password, "Anna")


@given(password=st.text(max_size=400), name=st.text(max_size=100))
def test_any_text_gets_an_answer(password: str, name: str) -> None:
    with contextlib.suppress(AppError):
        check_password(password, name)


async def test_hash_and_verify() -> None:
    hasher = PasswordHasher(CHEAP)
    stored = await hasher.hash("Zwo\u0308lf Boxkämpfer")
    assert stored.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert await hasher.verify(stored, "Zwölf Boxkämpfer")
    assert not await hasher.verify(stored, "Zwölf Boxkampfer")
    assert not await hasher.verify(None, "Zwölf Boxkämpfer")
    assert not hasher.is_outdated(stored)
    stronger = PasswordHasher(HashSettings(memory_kib=128, passes=1))
    assert stronger.is_outdated(stored)
    stronger.close()
    with pytest.raises(AppError, match="hash is damaged") as damaged:
        await hasher.verify("$argon2id$nonsense", "x")
    with pytest.raises(AppError, match="hash is damaged"):
        await hasher.verify("nonsense", "x")
    assert damaged.value.kind is ErrorKind.LOST_DATA
    hasher.close()


async def test_the_queue_is_short_and_known_addresses_have_more_room() -> None:
    hasher = PasswordHasher(CHEAP)
    gate = threading.Event()
    hasher._thread.submit(gate.wait)
    strangers = [asyncio.create_task(hasher.verify(None, "x")) for _ in range(10)]
    await asyncio.sleep(0)
    known = [asyncio.create_task(hasher.verify(None, "x", known=True)) for _ in range(10)]
    await asyncio.sleep(0)
    gate.set()
    outcomes = await asyncio.gather(*strangers, *known, return_exceptions=True)
    refused = [isinstance(outcome, AppError) and outcome.kind is ErrorKind.EXHAUSTED for outcome in outcomes]
    assert refused == [False] * 2 + [True] * 8 + [False] * 2 + [True] * 8
    assert not await hasher.verify(None, "x")
    hasher.close()


async def test_a_cancelled_try_gives_its_place_back() -> None:
    hasher = PasswordHasher(CHEAP)
    gate = threading.Event()
    hasher._thread.submit(gate.wait)
    for _ in range(10):
        task = asyncio.create_task(hasher.verify(None, "x"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    gate.set()
    assert not await hasher.verify(None, "x")
    hasher.close()


async def test_hashing_runs_at_low_priority_and_off_the_loop() -> None:
    hasher = PasswordHasher(CHEAP)
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    theirs, thread = await hasher._run(
        lambda: (os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), threading.get_ident()),
        known=True,
    )
    assert thread != threading.get_ident()
    assert theirs == min(19, max(mine, 10))
    assert os.getpriority(os.PRIO_PROCESS, 0) == mine
    hasher.close()


async def test_after_close_nothing_is_hashed_and_no_place_is_lost() -> None:
    hasher = PasswordHasher(CHEAP)
    hasher.close()
    for _ in range(5):
        with pytest.raises(RuntimeError):
            await hasher.hash("x")
    assert hasher._waiting == 0
