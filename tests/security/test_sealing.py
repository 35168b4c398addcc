"""Sealing and signing, with an independent HPKE reader (RFC 9180) and with attacks on every byte."""

import copy
import hmac
import pickle

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from hypothesis import given
from hypothesis import strategies as st

from civiscope.base import AppError, ErrorKind, NodeId, ProtocolError, StreamId, new_id
from civiscope.security import (
    NONCE_BYTES,
    SIGNATURE_BYTES,
    TAG_BYTES,
    WRAPPED_BYTES,
    IntegrityError,
    KeyContext,
    KeyId,
    Keyring,
    SegmentSealer,
    SiteKeys,
    read_wrapped,
)
from civiscope.security.authority import issue_node, make_node_authority
from civiscope.security.sealing import NODE_SIGNATURE_DOMAIN
from civiscope.security.signature import Signer

from .conftest import NOW_US

NONCE = b"prefix!!\0\0\0\1"
STREAM = StreamId(new_id())


@pytest.fixture(scope="module")
def sealer(made_keys: SiteKeys) -> SegmentSealer:
    return made_keys.sealer()


@pytest.fixture(scope="module")
def keyring(made_keys: SiteKeys) -> Keyring:
    return made_keys.keyring()


def extract(salt: bytes, suite: bytes, label: bytes, key: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + key, "sha256")


def expand(key: bytes, suite: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.digest(key, labelled + b"\1", "sha256")[:length]


def hpke_open(private: X25519PrivateKey, sealed: bytes, info: bytes) -> bytes:
    """RFC 9180 §5 and §6.1 written out by hand: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM."""
    enc, ciphertext = sealed[:32], sealed[32:]
    kem = b"KEM" + (0x20).to_bytes(2, "big")
    suite = b"HPKE" + b"".join(part.to_bytes(2, "big") for part in (0x20, 0x01, 0x02))
    shared = private.exchange(X25519PublicKey.from_public_bytes(enc))
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    secret = expand(extract(b"", kem, b"eae_prk", shared), kem, b"shared_secret", enc + public, 32)
    context = b"\0" + extract(b"", suite, b"psk_id_hash", b"") + extract(b"", suite, b"info_hash", info)
    schedule = extract(secret, suite, b"secret", b"")
    key = expand(schedule, suite, b"key", context, 32)
    nonce = expand(schedule, suite, b"base_nonce", context, 12)
    return AESGCM(key).decrypt(nonce, ciphertext, b"")


def test_a_wrap_is_what_rfc_9180_says(made_keys: SiteKeys, sealer: SegmentSealer) -> None:
    pem = next((made_keys.server_folder / "sealing").iterdir()).read_bytes()
    private = load_pem_private_key(pem, None)
    assert isinstance(private, X25519PrivateKey)
    _, data_key, wrapped = sealer.new_data_key(STREAM, 497_222)
    assert len(wrapped) == WRAPPED_BYTES
    secret = hpke_open(private, wrapped[70:], wrapped[:70])
    assert AESGCM(secret).decrypt(NONCE, sealer.seal(data_key, NONCE, b"frame", b"a"), b"a") == b"frame"


@given(
    plaintext=st.binary(max_size=4000), associated=st.binary(max_size=100), hour=st.integers(-(2**40), 2**40)
)
def test_what_is_sealed_opens(
    sealer: SegmentSealer, keyring: Keyring, plaintext: bytes, associated: bytes, hour: int
) -> None:
    key_id, data_key, wrapped = sealer.new_data_key(STREAM, hour)
    sealed = sealer.seal(data_key, NONCE, plaintext, associated)
    assert len(sealed) == len(plaintext) + TAG_BYTES
    header, _ = read_wrapped(wrapped)
    assert header.context == KeyContext(STREAM, hour, key_id)
    assert header.site_id == sealer.site_id
    opened = keyring.unwrap(wrapped, header.context)
    assert keyring.open(opened, NONCE, sealed, associated) == plaintext


def test_any_changed_byte_is_noticed(sealer: SegmentSealer, keyring: Keyring) -> None:
    key_id, data_key, wrapped = sealer.new_data_key(STREAM, 3)
    context = KeyContext(STREAM, 3, key_id)
    for at in range(len(wrapped)):
        changed = bytearray(wrapped)
        changed[at] ^= 0x40
        with pytest.raises((IntegrityError, ProtocolError)):
            keyring.unwrap(bytes(changed), context)
    sealed = sealer.seal(data_key, NONCE, b"sixteen bytes of", b"header")
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1
        with pytest.raises(IntegrityError) as refused:
            keyring.open(data_key, NONCE, bytes(changed), b"header")
        assert refused.value.kind is ErrorKind.LOST_DATA
    for nonce, ciphertext, associated in (
        (NONCE[:-1] + b"\2", sealed, b"header"),
        (NONCE[:-1], sealed, b"header"),
        (NONCE, sealed[:-1], b"header"),
        (NONCE, sealed[:3], b"header"),
        (NONCE, b"", b"header"),
        (NONCE, sealed, b"Header"),
    ):
        with pytest.raises(IntegrityError):
            keyring.open(data_key, nonce, ciphertext, associated)


def test_a_wrap_for_something_else_is_refused(
    sealer: SegmentSealer, keyring: Keyring, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Wraps swapped between streams, hours, keys and sites: each is told, none opens."""
    key_id, _, wrapped = sealer.new_data_key(STREAM, 3)
    for context in (
        KeyContext(StreamId(new_id()), 3, key_id),
        KeyContext(STREAM, 4, key_id),
        KeyContext(STREAM, 3, KeyId(new_id())),
    ):
        with pytest.raises(IntegrityError, match="for another site, stream, hour or key"):
            keyring.unwrap(wrapped, context)
    other = SiteKeys.create(tmp_path_factory.mktemp("other") / "keys", "Other")
    with pytest.raises(IntegrityError, match="another site"):
        other.keyring().unwrap(wrapped, KeyContext(STREAM, 3, key_id))
    stranger = SegmentSealer(
        sealer.site_id,
        X25519PrivateKey.generate().public_key(),
        Ed25519PrivateKey.generate(),
        sealer.node_certificate,
    )
    key_id, _, wrapped = stranger.new_data_key(STREAM, 3)
    with pytest.raises(IntegrityError, match="machine does not hold"):
        keyring.unwrap(wrapped, KeyContext(STREAM, 3, key_id))


@given(st.binary(max_size=400))
def test_garbage_is_a_protocol_error(keyring: Keyring, sealer: SegmentSealer, garbage: bytes) -> None:
    with pytest.raises(ProtocolError):
        keyring.unwrap(garbage, KeyContext(STREAM, 1, KeyId(new_id())))
    with pytest.raises(ProtocolError):
        keyring.verify_signature(sealer.node_certificate, garbage, b"", NOW_US)
    with pytest.raises(ProtocolError):
        keyring.verify_signature(garbage, sealer.sign(b""), b"", NOW_US)


@given(st.binary(min_size=WRAPPED_BYTES, max_size=WRAPPED_BYTES))
def test_garbage_of_the_right_length_too(garbage: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_wrapped(garbage)
    with pytest.raises(ProtocolError, match="version 77"):
        read_wrapped(b"CVWK\x4d" + garbage[5:])


def test_every_data_key_is_another(sealer: SegmentSealer) -> None:
    made = [sealer.new_data_key(STREAM, 1) for _ in range(50)]
    sealed = {key.seal(NONCE, bytes(32), b"") for _, key, _ in made}
    assert len({key_id for key_id, _, _ in made}) == len(sealed) == len({wrap for _, _, wrap in made}) == 50


def test_a_data_key_shows_nothing_and_stays(sealer: SegmentSealer) -> None:
    key_id, data_key, _ = sealer.new_data_key(STREAM, 1)
    assert repr(data_key) == f"DataKey({key_id})"
    for leave in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="does not leave its process"):
            leave(data_key)


@given(st.binary(max_size=2000))
def test_a_signature_holds_and_only_for_its_message(
    sealer: SegmentSealer, keyring: Keyring, message: bytes
) -> None:
    signature = sealer.sign(message)
    assert len(signature) == SIGNATURE_BYTES
    assert keyring.verify_signature(sealer.node_certificate, signature, message, NOW_US)
    with pytest.raises(IntegrityError):
        keyring.verify_signature(sealer.node_certificate, signature, message + b"\0", NOW_US)


def test_any_changed_byte_of_a_signature_or_certificate_is_noticed(
    sealer: SegmentSealer, keyring: Keyring
) -> None:
    signature, certificate = sealer.sign(b"root"), sealer.node_certificate
    for at in range(len(signature)):
        changed = bytearray(signature)
        changed[at] ^= 4
        with pytest.raises((IntegrityError, ProtocolError)):
            keyring.verify_signature(certificate, bytes(changed), b"root", NOW_US)
    for at in range(len(certificate)):
        changed = bytearray(certificate)
        changed[at] ^= 4
        with pytest.raises((IntegrityError, ProtocolError)):
            keyring.verify_signature(bytes(changed), signature, b"root", NOW_US)


@pytest.mark.parametrize("days", [-1, 3651])
def test_a_signature_outside_the_certificates_life_is_refused(
    sealer: SegmentSealer, keyring: Keyring, days: int
) -> None:
    with pytest.raises(IntegrityError, match="was not valid"):
        keyring.verify_signature(
            sealer.node_certificate, sealer.sign(b"x"), b"x", NOW_US + days * 86_400_000_000
        )


def test_signatures_mean_one_thing(made_keys: SiteKeys, sealer: SegmentSealer, keyring: Keyring) -> None:
    """A head of the audit chain is no signature of a recording, though both are Ed25519."""
    audit_signature = made_keys.audit_keys().signer().sign(b"x")
    with pytest.raises(IntegrityError, match="not by the key"):
        keyring.verify_signature(sealer.node_certificate, audit_signature, b"x", NOW_US)
    with pytest.raises(IntegrityError, match="not by the key"):
        made_keys.audit_keys().checker().check(sealer.sign(b"x"), b"x")


def test_errors_survive_pickle() -> None:
    error = pickle.loads(pickle.dumps(IntegrityError("changed")))
    assert isinstance(error, AppError)
    assert (error.kind, error.message) == (ErrorKind.LOST_DATA, "changed")


def test_the_ring_remembers_a_bounded_number_of_certificates(
    made_keys: SiteKeys, sealer: SegmentSealer
) -> None:
    ring = made_keys.keyring()
    for _ in range(3):
        assert ring.verify_signature(sealer.node_certificate, sealer.sign(b"x"), b"x", NOW_US)
    assert len(ring.trust._known) == 1
    nodes = make_node_authority(sealer.site_id, NOW_US)
    ring = Keyring(sealer.site_id, [], nodes.certificate)
    key = Ed25519PrivateKey.generate()
    signature = Signer(key, NODE_SIGNATURE_DOMAIN).sign(b"x")
    for _ in range(70):
        der = issue_node(nodes, key.public_key(), NodeId(new_id()), NOW_US).public_bytes(Encoding.DER)
        ring.verify_signature(der, signature, b"x", NOW_US)
    assert len(ring.trust._known) == 64


def test_sizes_and_hash_are_the_documented_ones() -> None:
    assert (NONCE_BYTES, TAG_BYTES, WRAPPED_BYTES, SIGNATURE_BYTES) == (12, 16, 150, 74)
