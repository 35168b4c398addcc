"""Pictures of events: sealed with the public key alone, opened by the keyring alone, bound to their event."""

import shutil
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import AppError, ErrorKind, StreamId, new_id
from civiscope.security import (
    HOUR_US,
    WRAPPED_BYTES,
    IntegrityError,
    Keyring,
    PictureSealer,
    SiteKeys,
    load_picture_sealer,
    open_picture,
    read_wrapped,
)
from civiscope.security.pictures import SEALED_PICTURE_OVERHEAD_BYTES

from .conftest import NOW_US

STREAM = StreamId(new_id())
EVENT = new_id()
JPEG = b"\xff\xd8 a small picture \xff\xd9"


@pytest.fixture(scope="module")
def sealer(made_keys: SiteKeys) -> PictureSealer:
    return made_keys.picture_sealer()


@pytest.fixture(scope="module")
def keyring(made_keys: SiteKeys) -> Keyring:
    return made_keys.keyring()


@given(picture=st.binary(max_size=300), event=st.uuids(), hour=st.integers(0, 500_000))
def test_what_is_sealed_is_opened(
    picture: bytes, event: UUID, hour: int, sealer: PictureSealer, keyring: Keyring
) -> None:
    sealed = sealer.seal(event, STREAM, hour * HOUR_US + 7, picture)
    assert len(sealed) == len(picture) + SEALED_PICTURE_OVERHEAD_BYTES
    assert open_picture(keyring, event, sealed) == picture
    header, _ = read_wrapped(sealed[1 : 1 + WRAPPED_BYTES])
    assert (header.context.stream_id, header.context.hour) == (STREAM, hour)


@given(data=st.data())
def test_every_changed_bit_is_noticed(data: st.DataObject, sealer: PictureSealer, keyring: Keyring) -> None:
    sealed = bytearray(sealer.seal(EVENT, STREAM, NOW_US, JPEG))
    at, bit = data.draw(st.integers(0, len(sealed) - 1)), data.draw(st.integers(0, 7))
    sealed[at] ^= 1 << bit
    with pytest.raises(IntegrityError):
        open_picture(keyring, EVENT, bytes(sealed))


@given(garbage=st.binary(max_size=400), cut=st.integers(0, 250))
def test_other_bytes_and_cuts_are_refused(
    garbage: bytes, cut: int, sealer: PictureSealer, keyring: Keyring
) -> None:
    sealed = sealer.seal(EVENT, STREAM, NOW_US, JPEG)
    for wrong in (garbage, b"\x01" + garbage, sealed[: min(cut, len(sealed) - 1)], sealed + b"\0"):
        with pytest.raises(IntegrityError):
            open_picture(keyring, EVENT, wrong)


def test_a_picture_belongs_to_one_event(sealer: PictureSealer, keyring: Keyring) -> None:
    with pytest.raises(IntegrityError):
        open_picture(keyring, new_id(), sealer.seal(EVENT, STREAM, NOW_US, JPEG))


def test_a_key_serves_one_stream_and_hour_and_no_nonce_comes_twice(sealer: PictureSealer) -> None:
    one, same, later = (sealer.seal(new_id(), STREAM, at, JPEG) for at in (0, HOUR_US - 1, HOUR_US))
    other = sealer.seal(new_id(), StreamId(new_id()), HOUR_US, JPEG)
    wraps = [sealed[1 : 1 + WRAPPED_BYTES] for sealed in (one, same, later, other)]
    assert wraps[0] == wraps[1]
    assert len(set(wraps)) == 3
    nonces = [sealed[1 + WRAPPED_BYTES : 13 + WRAPPED_BYTES] for sealed in (one, same)]
    assert nonces[0][:8] == nonces[1][:8]
    assert nonces[0] != nonces[1]


def test_a_locked_vault_opens_nothing_and_still_seals(made_keys: SiteKeys, sealer: PictureSealer) -> None:
    sealed = sealer.seal(EVENT, STREAM, NOW_US, JPEG)
    with pytest.raises(AppError) as refused:
        open_picture(made_keys.locked_keyring(), EVENT, sealed)
    assert refused.value.kind is ErrorKind.UNAVAILABLE


def test_the_analyst_seals_with_its_own_folder_and_has_no_secret(keys: SiteKeys, tmp_path: Path) -> None:
    folder, keyring = tmp_path / "alone", keys.keyring()
    shutil.move(keys.folder / "analyst", folder)
    shutil.rmtree(keys.folder)
    assert {path.name for path in folder.iterdir()} == {"site.json", "sealing.pub.pem"}
    assert not any(b"PRIVATE" in path.read_bytes() for path in folder.iterdir())
    sealed = load_picture_sealer(folder).seal(EVENT, STREAM, NOW_US, JPEG)
    assert open_picture(keyring, EVENT, sealed) == JPEG


def test_an_older_site_gets_the_folder_at_its_next_start(keys: SiteKeys) -> None:
    shutil.rmtree(keys.folder / "analyst")
    sealed = SiteKeys.load(keys.folder).picture_sealer().seal(EVENT, STREAM, NOW_US, JPEG)
    assert open_picture(keys.keyring(), EVENT, sealed) == JPEG
    for path in (keys.folder / "analyst").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
