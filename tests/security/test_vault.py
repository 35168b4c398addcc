"""Secrets at rest: they open for what they were sealed for, and for nothing else."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import AppError, ProtocolError
from civiscope.security import IntegrityError, Secret, Vault

VAULT = Vault(bytes(range(32)))


@given(secret=st.binary(max_size=500), context=st.binary(max_size=50))
def test_what_is_sealed_opens_in_its_context(secret: bytes, context: bytes) -> None:
    sealed = VAULT.seal_secret(secret, context)
    assert VAULT.open_secret(sealed, context) == secret
    assert len(secret) < 8 or secret not in sealed
    with pytest.raises(IntegrityError):
        VAULT.open_secret(sealed, context + b"x")


def test_the_same_secret_never_looks_the_same() -> None:
    assert len({VAULT.seal_secret(b"admin") for _ in range(100)}) == 100


def test_any_changed_or_missing_byte_is_noticed() -> None:
    sealed = VAULT.seal_secret(b"camera password", b"device/1")
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 0x80
        with pytest.raises((IntegrityError, ProtocolError)):
            VAULT.open_secret(bytes(changed), b"device/1")
        with pytest.raises((IntegrityError, ProtocolError)):
            VAULT.open_secret(sealed[:at], b"device/1")


@given(st.binary(max_size=200))
def test_garbage_is_a_protocol_error(garbage: bytes) -> None:
    with pytest.raises(ProtocolError):
        VAULT.open_secret(garbage)


def test_another_vault_says_so() -> None:
    with pytest.raises(IntegrityError, match="another vault key"):
        Vault(Vault.new_key()).open_secret(VAULT.seal_secret(b"x"))


def test_limits() -> None:
    with pytest.raises(AppError, match="32 bytes, not 31"):
        Vault(bytes(31))
    with pytest.raises(AppError, match="too large"):
        VAULT.seal_secret(bytes(17 * 1024 * 1024))


def test_a_secret_never_shows() -> None:
    secret = Secret("hunter22")
    assert "hunter" not in f"{secret} {secret!r} {[secret]} {secret!s:>20}"
    assert secret.reveal() == "hunter22"
    with pytest.raises(TypeError, match="does not leave its process"):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        hash(secret)


def test_secrets_compare_by_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
