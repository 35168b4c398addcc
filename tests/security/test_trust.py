"""Who signed a manifest or a recording: one authority, two roles, and no signature good for the other."""

import stat

import pytest

from civiscope.base import AppError, ErrorKind, ManualClock, ProtocolError
from civiscope.security import (
    IntegrityError,
    ManifestSigner,
    SiteKeys,
    SiteTrust,
    load_manifest_signer,
    provide_export_key,
)

from .conftest import NOW_US

YEAR_US = 365 * 86_400_000_000


@pytest.fixture
def signer(keys: SiteKeys) -> ManifestSigner:
    assert provide_export_key(keys.folder, keys.identity.node_id, ManualClock(NOW_US))
    assert not provide_export_key(keys.folder, keys.identity.node_id, ManualClock(NOW_US)), "made twice"
    return load_manifest_signer(keys.server_folder)


def test_a_manifest_is_signed_by_the_servers_own_key(keys: SiteKeys, signer: ManifestSigner) -> None:
    trust = SiteTrust.read(signer.authority)
    signature = signer.sign(b"{}")
    assert trust.verify_manifest(signer.certificate, signature, b"{}", NOW_US) == keys.identity.node_id
    assert trust.site == str(keys.identity.site_id)
    assert trust.fingerprint == keys.keyring().trust.fingerprint
    assert trust.der == signer.authority
    path = keys.server_folder / "export.key.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_every_changed_byte_of_manifest_signature_and_certificate_is_found(signer: ManifestSigner) -> None:
    trust, manifest = SiteTrust.read(signer.authority), b'{"civiscope_export": 1}'
    signature = signer.sign(manifest)
    parts = (signer.certificate, signature, manifest)
    for which, part in enumerate(parts):
        for place in range(len(part)):
            changed = [*parts]
            changed[which] = part[:place] + bytes((part[place] ^ 1,)) + part[place + 1 :]
            with pytest.raises((IntegrityError, ProtocolError)):
                trust.verify_manifest(changed[0], changed[1], changed[2], NOW_US)


def test_neither_key_signs_for_the_other_role(keys: SiteKeys, signer: ManifestSigner) -> None:
    trust, sealer = SiteTrust.read(signer.authority), keys.sealer()
    with pytest.raises(IntegrityError, match="may not sign recordings"):
        trust.verify_node(signer.certificate, signer.sign(b"x"), b"x", NOW_US)
    with pytest.raises(IntegrityError, match="may not sign exports"):
        trust.verify_manifest(sealer.node_certificate, sealer.sign(b"x"), b"x", NOW_US)


def test_a_signature_counts_as_of_its_time(signer: ManifestSigner) -> None:
    trust = SiteTrust.read(signer.authority)
    signature = signer.sign(b"x")
    trust.verify_manifest(signer.certificate, signature, b"x", NOW_US + 9 * YEAR_US)
    with pytest.raises(IntegrityError, match="not valid"):
        trust.verify_manifest(signer.certificate, signature, b"x", NOW_US + 11 * YEAR_US)
    with pytest.raises(IntegrityError, match="not valid"):
        trust.verify_manifest(signer.certificate, signature, b"x", NOW_US - YEAR_US)


def test_a_site_without_its_issuing_keys_gets_no_export_key(keys: SiteKeys) -> None:
    (keys.folder / "authority" / "nodes.key.pem").unlink()
    with pytest.raises(AppError) as caught:
        provide_export_key(keys.folder, keys.identity.node_id, ManualClock(NOW_US))
    assert caught.value.kind is ErrorKind.MISSING
    with pytest.raises(AppError):
        load_manifest_signer(keys.server_folder)


@pytest.mark.parametrize(
    "data", [b"", b"x" * 20_000, b"-----BEGIN CERTIFICATE-----\nAA==\n", b"\x30\x03\x02\x01\x01"]
)
def test_other_bytes_are_no_authority(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        SiteTrust.read(data)
