"""The vault's key in a PKCS #11 token: SoftHSM, a token in a folder of its own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from civiscope.base import AppError, ErrorKind, ManualClock
from civiscope.security import (
    HolderKind,
    KeyHolder,
    ModuleSettings,
    PassphraseHolder,
    ScryptSettings,
    Secret,
    SiteKeys,
    VaultDoor,
    WrongPassphraseError,
    module_holder,
)

MODULES = [Path("/usr/lib/softhsm/libsofthsm2.so"), Path("/usr/lib64/pkcs11/libsofthsm2.so")]
MODULE = next((path for path in MODULES if path.exists()), None)
PIN = Secret("4711-4711")
pytestmark = pytest.mark.skipif(
    MODULE is None or shutil.which("softhsm2-util") is None,
    reason="no SoftHSM on this machine: install the package softhsm2",
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> ModuleSettings:
    """A fresh token; the module reads its place from the environment when it is loaded first."""
    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", "vault", "--so-pin", "12345678",
         "--pin", PIN.reveal()], check=True, capture_output=True,
    )  # fmt: skip
    assert MODULE is not None
    return ModuleSettings(MODULE, "vault")


@pytest.fixture
def holder(settings: ModuleSettings) -> KeyHolder:
    return module_holder(settings, PIN)


def test_the_token_opens_what_it_closed(holder: KeyHolder) -> None:
    key = os.urandom(32)
    record = holder.close_key(key)
    assert holder.open_key(record) == key
    assert key.hex() not in str(record)
    assert holder.close_key(key) != record


def test_what_goes_wrong_is_told_apart(holder: KeyHolder, settings: ModuleSettings) -> None:
    record = dict(holder.close_key(bytes(32)))
    with pytest.raises(WrongPassphraseError, match="PIN"):
        module_holder(settings, Secret("0000-0000")).open_key(record)
    with pytest.raises(AppError) as absent:
        module_holder(ModuleSettings(settings.module, "elsewhere"), PIN).open_key(record)
    assert absent.value.kind is ErrorKind.UNAVAILABLE
    with pytest.raises(AppError, match="does not answer") as broken:
        module_holder(ModuleSettings(Path("/nowhere/module.so"), "vault"), PIN).open_key(record)
    assert broken.value.kind is ErrorKind.UNAVAILABLE
    with pytest.raises(AppError, match="has no AES key") as missing:
        module_holder(ModuleSettings(settings.module, "vault", "other"), PIN).open_key(record)
    assert missing.value.kind is ErrorKind.MISSING
    sealed = bytearray.fromhex(str(record["sealed"]))
    sealed[0] ^= 1
    with pytest.raises(AppError) as changed:
        holder.open_key({**record, "sealed": sealed.hex()})
    assert changed.value.kind is ErrorKind.LOST_DATA
    with pytest.raises(AppError, match="damaged"):
        holder.open_key({})


def test_the_key_cannot_be_read_out_of_the_token(holder: KeyHolder, settings: ModuleSettings) -> None:
    import pkcs11

    holder.close_key(bytes(32))
    token = pkcs11.lib(str(settings.module)).get_token(token_label="vault")
    with token.open(user_pin=PIN.reveal()) as session:
        key = next(iter(session.get_objects({pkcs11.Attribute.LABEL: settings.key_label})))
        assert key[pkcs11.Attribute.SENSITIVE]
        assert not key[pkcs11.Attribute.EXTRACTABLE]
        with pytest.raises(pkcs11.PKCS11Error):
            key[pkcs11.Attribute.VALUE]


def test_a_site_moves_into_the_token_and_out_again(
    keys: SiteKeys, clock: ManualClock, holder: KeyHolder
) -> None:
    door = VaultDoor(keys, clock, scrypt=ScryptSettings(1 << 10))
    sealed = door.vault.seal_secret(b"camera password")
    door.hold_with(holder)
    assert not (keys.server_folder / "vault.key").exists()
    later = VaultDoor(keys, clock)
    assert (later.state.is_open, later.state.kind) == (False, HolderKind.PKCS11)
    with pytest.raises(AppError, match="held by pkcs11"):
        later.unlock(PassphraseHolder(Secret("a passphrase")))
    later.unlock(holder)
    assert later.vault.open_secret(sealed) == b"camera password"
    later.set_passphrase(None, Secret("nine blue herons stand"))
    assert later.state.kind is HolderKind.PASSPHRASE
    again = VaultDoor(keys, clock)
    again.unlock(PassphraseHolder(Secret("nine blue herons stand")))
    assert again.vault.open_secret(sealed) == b"camera password"
