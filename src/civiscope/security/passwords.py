"""Passwords: which are good enough, and hashing them without taking the machine from the recorder.

Argon2id (RFC 9106) with 64 MiB and 3 passes; one at a time, on one thread of low priority, in a short queue.
"""

import asyncio
import os
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import argon2

from civiscope.base import AppError, ErrorKind

PASSWORD_MIN = 12
PASSWORD_MAX = 256
_NICENESS = 10
_T = TypeVar("_T")

_COMMON = (
    "password", "passwort", "passw0rd", "parola", "motdepasse", "contrasena", "senha", "wachtwoord",
    "haslo", "administrator", "admin", "root", "user", "guest", "operator", "login", "letmein",
    "welcome", "willkommen", "changeme", "default", "secret", "geheim", "master", "superman", "batman",
    "dragon", "monkey", "football", "baseball", "iloveyou", "sunshine", "princess", "shadow", "michael",
    "whatever", "trustno1", "starwars", "hello", "hallo", "test", "demo", "camera", "kamera", "cctv",
    "onvif", "video", "security", "city", "civiscope", "summer", "sommer", "winter", "spring", "autumn",
    "monday", "january", "august", "december", "hikvision", "dahua", "axis", "qwerty", "qwertz",
    "azerty", "1q2w3e4r5t", "1q2w3e4r", "1qaz2wsx", "zaq12wsx", "q1w2e3r4", "asdf", "abc", "abcd",
    "123", "1234",
)  # fmt: skip
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "qwertzuiop", "azertyuiop",
    "asdfghjkl", "qsdfghjklm", "zxcvbnm", "yxcvbnm", "йцукенгшщзхъ", "фывапролджэ",
)  # fmt: skip
_RUN = 4
_DISTINCT_LEFT = 6


def tidy_password(password: str) -> str:
    """The password in Unicode NFC (RFC 8265 §4.2.2), so that every keyboard gives the same."""
    return unicodedata.normalize("NFC", password)


def _bytes_to_hash(password: str) -> bytes:
    return tidy_password(password[: 4 * PASSWORD_MAX])[:PASSWORD_MAX].encode("utf-8", "surrogatepass")


def check_password(password: str, name: str) -> None:
    """AppError(INVALID) that says what is wrong with a new password; nothing of the password is in it."""
    tidy = tidy_password(password)
    if len(tidy) < PASSWORD_MIN:
        raise AppError(
            ErrorKind.INVALID, f"The password is too short: use at least {PASSWORD_MIN} characters."
        )
    if len(tidy) > PASSWORD_MAX:
        raise AppError(ErrorKind.INVALID, f"The password is too long: use at most {PASSWORD_MAX} characters.")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in tidy):
        raise AppError(
            ErrorKind.INVALID, "The password holds a character that cannot be typed: leave it out."
        )
    if len(set(_without_common(tidy.casefold(), name))) < _DISTINCT_LEFT:
        raise AppError(
            ErrorKind.INVALID,
            "The password is easy to guess: it is made of common words, your name, repeated or neighbouring "
            "keys. Use four words that have nothing to do with each other.",
        )


def _without_common(folded: str, name: str) -> str:
    """What is left of a password when everything that is guessed first is taken out."""
    parts = [part for part in name.casefold().replace(".", " ").replace("@", " ").split() if len(part) > 2]
    for word in sorted((*_COMMON, *parts), key=len, reverse=True):
        folded = folded.replace(word, "")
    return _without_runs(folded)


def _without_runs(text: str) -> str:
    rows = [*_ROWS, *(row[::-1] for row in _ROWS)]
    left, at = [], 0
    while at < len(text):
        piece = text[at : at + _RUN]
        if len(piece) == _RUN and (len(set(piece)) == 1 or any(piece in row for row in rows)):
            at += _RUN
        else:
            left.append(text[at])
            at += 1
    return "".join(left)


@dataclass(frozen=True, slots=True)
class HashSettings:
    """Cost of one hash and how many may wait. RFC 9106 §4, second recommended option, with one lane."""

    memory_kib: int = 64 * 1024
    passes: int = 3
    waiting: int = 8
    """Tries that may wait; the next is refused with EXHAUSTED at once."""
    waiting_known: int = 24
    """The same for addresses from which somebody has signed in before: a flood of strangers does not shut
    them out."""


class PasswordHasher:
    """Hashes and checks on a thread of its own; `close` ends it. Memory: one hash at a time."""

    def __init__(self, settings: HashSettings) -> None:
        self._settings = settings
        self._argon2 = argon2.PasswordHasher(
            time_cost=settings.passes, memory_cost=settings.memory_kib, parallelism=1, type=argon2.Type.ID
        )
        self._thread = ThreadPoolExecutor(1, "password", initializer=_lower_priority)
        self._lock = threading.Lock()
        self._waiting = 0
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """The PHC string to store."""
        return await self._run(lambda: self._argon2.hash(_bytes_to_hash(password)), known=True)

    async def verify(self, stored: str | None, password: str, *, known: bool = False) -> bool:
        """True if the password is the stored one. With None as stored: False, after the same work.

        AppError(EXHAUSTED) at once if too many wait; `known` addresses have more room.
        """
        return await self._run(lambda: self._verify(stored, password), known=known)

    def is_outdated(self, stored: str) -> bool:
        """True if the hash was made with other costs than today's: hash again at the next sign-in."""
        return self._argon2.check_needs_rehash(stored)

    def close(self) -> None:
        """End the thread after the hash it works on; those that wait are cancelled."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _verify(self, stored: str | None, password: str) -> bool:
        if self._nobody is None:
            self._nobody = self._argon2.hash(os.urandom(16))
        try:
            return self._argon2.verify(stored or self._nobody, _bytes_to_hash(password))
        except argon2.exceptions.VerifyMismatchError:
            return False
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            raise AppError(
                ErrorKind.LOST_DATA,
                "The stored password hash is damaged: let an administrator set a new password.",
            ) from None

    async def _run(self, work: Callable[[], _T], *, known: bool) -> _T:
        limit = self._settings.waiting_known if known else self._settings.waiting
        with self._lock:
            if self._waiting >= limit:
                raise AppError(
                    ErrorKind.EXHAUSTED, "Too many people sign in at this moment. Try again in a moment."
                )
            self._waiting += 1
        try:
            future = self._thread.submit(work)
        except BaseException:
            self._done(None)
            raise
        future.add_done_callback(self._done)
        return await asyncio.wrap_future(future)

    def _done(self, _: Future[_T] | None) -> None:
        with self._lock:
            self._waiting -= 1


def _lower_priority() -> None:
    """Linux has priorities per thread (setpriority(2), "C library/kernel differences"); others go without."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
