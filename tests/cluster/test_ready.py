"""Readiness: one byte, once; harmless where nobody waits for it."""

import os

import pytest

from civiscope.cluster import tell_ready
from civiscope.cluster.ready import READY_FD


def test_one_byte_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setenv(READY_FD, str(writing))
    tell_ready()
    tell_ready()
    assert os.read(reading, 10) == b"!"
    assert os.read(reading, 10) == b""
    os.close(reading)
    assert READY_FD not in os.environ


def test_a_supervisor_that_is_gone_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setenv(READY_FD, str(writing))
    tell_ready()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writing)


@pytest.mark.parametrize("value", ["", "x", "-1"])
def test_without_a_supervisor_nothing_happens(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(READY_FD, value)
    tell_ready()
