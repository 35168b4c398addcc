"""The key folder: complete, private, all or nothing, and each role's part enough for that role."""

import os
import shutil
import stat
from pathlib import Path

import pytest
from cryptography import x509

from civiscope.base import AppError, ErrorKind, ManualClock, StreamId, new_id
from civiscope.security import (
    IntegrityError,
    KeyContext,
    SiteIdentity,
    SiteKeys,
    load_keyring,
    load_sealer,
    server_tls,
)
from civiscope.security.keyfile import write_private

from .conftest import NOW_US

DAY_US = 86_400_000_000


def test_every_file_is_private_and_every_folder_closed(keys: SiteKeys, made_keys: SiteKeys) -> None:
    for path in [made_keys.folder, *made_keys.folder.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_the_recorder_folder_holds_no_key_that_opens_footage(keys: SiteKeys) -> None:
    private = [path.name for path in keys.recorder_folder.rglob("*") if b"PRIVATE" in path.read_bytes()]
    assert private == ["node.key.pem"]
    assert {path.name for path in keys.recorder_folder.iterdir()} == {
        "site.json", "node.key.pem", "node.pem", "sealing.pub.pem", "vault.key",
    }  # fmt: skip


def test_no_two_uses_share_a_key(keys: SiteKeys) -> None:
    files = [*keys.folder.rglob("*.key.pem"), *keys.folder.rglob("*.key")]
    assert len(files) == 10
    assert len({path.read_bytes() for path in files}) == len(files)


def test_a_site_from_before_second_factors_gets_their_key(keys: SiteKeys) -> None:
    path = keys.server_folder / "factors.key"
    path.unlink()
    sealed = keys.factor_vault().seal_secret(b"secret", b"user")
    assert keys.factor_vault().open_secret(sealed, b"user") == b"secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() != (keys.server_folder / "vault.key").read_bytes()


def test_each_role_works_with_its_own_folder_alone(keys: SiteKeys, tmp_path: Path) -> None:
    for name in ("recorder", "server"):
        shutil.move(keys.folder / name, tmp_path / name)
    shutil.rmtree(keys.folder)
    sealer, keyring = load_sealer(tmp_path / "recorder"), load_keyring(tmp_path / "server")
    stream = StreamId(new_id())
    key_id, data_key, wrapped = sealer.new_data_key(stream, 7)
    sealed = sealer.seal(data_key, b"n" * 12, b"picture", b"")
    opened = keyring.unwrap(wrapped, KeyContext(stream, 7, key_id))
    assert keyring.open(opened, b"n" * 12, sealed, b"") == b"picture"
    signature = sealer.sign(b"root")
    assert keyring.verify_signature(sealer.node_certificate, signature, b"root", NOW_US)


def test_keys_are_never_overwritten(keys: SiteKeys) -> None:
    before = {path: path.read_bytes() for path in keys.folder.rglob("*") if path.is_file()}
    with pytest.raises(AppError, match="never overwritten") as refused:
        SiteKeys.create(keys.folder, "Another")
    assert refused.value.kind is ErrorKind.CONFLICT
    assert before == {path: path.read_bytes() for path in keys.folder.rglob("*") if path.is_file()}


def test_an_empty_folder_is_taken_and_its_mode_closed(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o755)
    keys = SiteKeys.create(folder, "  ")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert keys.identity.site_name == "Civiscope"
    assert SiteKeys.load(folder) == keys


def test_a_failed_creation_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="neither a host name nor an IP address"):
        SiteKeys.create(tmp_path / "keys", "Graz", ["a..b"])
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("x")
    with pytest.raises(AppError, match="is not empty"):
        SiteKeys.create(tmp_path / "keys", "Graz")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o606])
def test_a_readable_key_file_is_refused(keys: SiteKeys, mode: int) -> None:
    path = keys.server_folder / "vault.key"
    path.chmod(mode)
    with pytest.raises(AppError, match=f"chmod 600 {path}") as refused:
        keys.vault()
    assert refused.value.kind is ErrorKind.DENIED


def test_an_open_key_folder_is_refused(keys: SiteKeys) -> None:
    keys.recorder_folder.chmod(0o755)
    with pytest.raises(AppError, match="chmod 700"):
        keys.sealer()


def test_a_link_in_place_of_a_key_is_refused(keys: SiteKeys, tmp_path: Path) -> None:
    path = keys.server_folder / "vault.key"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AppError, match="cannot open the key file"):
        keys.vault()
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(AppError, match="not a plain file"):
        keys.vault()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_key_of_another_user_is_refused(keys: SiteKeys) -> None:
    os.chown(keys.server_folder / "vault.key", 12345, -1)
    with pytest.raises(AppError, match="belongs to user 12345"):
        keys.vault()


def test_a_missing_site_is_told_in_plain_words(tmp_path: Path) -> None:
    with pytest.raises(AppError, match="run `civiscope init` first") as missing:
        SiteKeys.load(tmp_path / "nothing")
    assert missing.value.kind is ErrorKind.MISSING


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b'{"version": 2}', b'{"version": 1, "site_id": "x"}', b"\xff", b'{"version": 1}'],
)
def test_a_broken_site_file_is_told(keys: SiteKeys, content: bytes) -> None:
    (keys.folder / "site.json").write_bytes(content)
    with pytest.raises(AppError, match=r"site\.json"):
        SiteKeys.load(keys.folder)


def test_a_huge_key_file_is_not_read(keys: SiteKeys) -> None:
    (keys.folder / "site.json").write_bytes(b" " * 70_000)
    with pytest.raises(AppError, match="too large"):
        SiteKeys.load(keys.folder)


def test_identity_round_trip(keys: SiteKeys) -> None:
    assert SiteIdentity.from_json(keys.identity.to_json()) == keys.identity


@pytest.mark.parametrize("name", ["server/audit.key.pem", "server/tls.key.pem", "recorder/sealing.pub.pem"])
@pytest.mark.parametrize("kind", ["garbage", "another kind"])
def test_a_wrong_key_in_a_file_is_told(keys: SiteKeys, name: str, kind: str) -> None:
    other = next((keys.server_folder / "sealing").iterdir()).read_bytes()
    (keys.folder / name).write_bytes(b"garbage" if kind == "garbage" else other)
    with pytest.raises(AppError, match="does not hold the key it should"):
        {
            "server/audit.key.pem": keys.audit_keys,
            "server/tls.key.pem": lambda: keys.renew_tls([], ManualClock(NOW_US)),
            "recorder/sealing.pub.pem": keys.sealer,
        }[name]()


def test_wrong_kinds_of_keys_everywhere(keys: SiteKeys) -> None:
    """A public key of another kind, a private one where X25519 should be, a certificate that is none."""
    sealing = next((keys.server_folder / "sealing").iterdir())
    sealing.write_bytes((keys.server_folder / "audit.key.pem").read_bytes())
    with pytest.raises(AppError, match="does not hold the key"):
        keys.keyring()
    (keys.recorder_folder / "node.pem").write_bytes(b"no certificate")
    with pytest.raises(AppError, match="does not hold the key"):
        keys.sealer()
    public = x509.load_pem_x509_certificate(keys.authority_pem()).public_key()
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (keys.recorder_folder / "sealing.pub.pem").write_bytes(pem)
    with pytest.raises(AppError, match="does not hold the key"):
        keys.sealer()


def test_older_sealing_keys_still_open(keys: SiteKeys, tmp_path: Path) -> None:
    other = SiteKeys.create(tmp_path / "other", "Other")
    newer = next((other.server_folder / "sealing").iterdir())
    shutil.copy(newer, keys.server_folder / "sealing" / newer.name)
    stream = StreamId(new_id())
    key_id, _, wrapped = keys.sealer().new_data_key(stream, 1)
    assert keys.keyring().unwrap(wrapped, KeyContext(stream, 1, key_id)).key_id == key_id


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_private(tmp_path / "folder", b"key")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_the_two_vaults_do_not_open_each_others_secrets(keys: SiteKeys) -> None:
    sealed = keys.recorder_vault().seal_secret(b"plan")
    assert keys.recorder_vault().open_secret(sealed) == b"plan"
    with pytest.raises(IntegrityError, match="another vault key"):
        keys.vault().open_secret(sealed)


HOSTS = ["cams.graz.example", "10.1.2.3"]


def test_a_good_certificate_is_kept(keys: SiteKeys) -> None:
    before = keys.tls_certificate_path.read_bytes()
    assert not keys.renew_tls(HOSTS, ManualClock(NOW_US + 300 * DAY_US))
    assert keys.tls_certificate_path.read_bytes() == before


@pytest.mark.parametrize("days", [368, 500])
def test_a_certificate_is_renewed_in_time(keys: SiteKeys, days: int) -> None:
    key = keys.tls_key_path.read_bytes()
    authority = keys.authority_pem()
    assert keys.renew_tls(HOSTS, ManualClock(NOW_US + days * DAY_US))
    assert keys.tls_key_path.read_bytes() != key
    assert keys.authority_pem() == authority
    assert not keys.renew_tls(HOSTS, ManualClock(NOW_US + days * DAY_US))
    server_tls(keys)


@pytest.mark.parametrize("days", [-20_000, -2, 8000])
def test_a_clock_far_off_changes_nothing(keys: SiteKeys, days: int) -> None:
    before = keys.tls_certificate_path.read_bytes()
    assert not keys.renew_tls(HOSTS, ManualClock(NOW_US + days * DAY_US))
    assert keys.tls_certificate_path.read_bytes() == before


def test_a_new_name_within_the_constraints_keeps_the_authority(keys: SiteKeys) -> None:
    authority = keys.authority_pem()
    assert keys.renew_tls([*HOSTS, "192.168.7.7", "box.local"], ManualClock(NOW_US))
    assert keys.authority_pem() == authority


def test_a_name_outside_the_constraints_makes_a_new_authority(keys: SiteKeys) -> None:
    authority, sealer = keys.authority_pem(), keys.sealer()
    assert keys.renew_tls([*HOSTS, "video.linz.example"], ManualClock(NOW_US))
    assert keys.authority_pem() != authority
    assert not keys.renew_tls([*HOSTS, "video.linz.example"], ManualClock(NOW_US))
    server_tls(keys)
    signature = sealer.sign(b"before")
    assert keys.keyring().verify_signature(sealer.node_certificate, signature, b"before", NOW_US)


@pytest.mark.parametrize("name", ["server/tls.key.pem", "authority/authority.key.pem", "authority.pem"])
def test_a_renewal_cut_by_a_crash_is_done_again(keys: SiteKeys, tmp_path: Path, name: str) -> None:
    """One of the two files is of the next generation already: a power cut between two renames."""
    other = SiteKeys.create(tmp_path / "other", "Graz", HOSTS, ManualClock(NOW_US))
    shutil.copy(other.folder / name, keys.folder / name)
    assert keys.renew_tls(HOSTS, ManualClock(NOW_US))
    assert not keys.renew_tls(HOSTS, ManualClock(NOW_US))
    server_tls(keys)
