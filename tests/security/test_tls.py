"""TLS on real sockets, the authority's limits, and certificates that must not pass for another kind."""

import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import PolicyBuilder, Store
from hypothesis import given, settings
from hypothesis import strategies as st

from civiscope.base import AppError, ManualClock, NodeId, ProtocolError, SiteId, SystemClock, new_id
from civiscope.security import IntegrityError, SiteKeys, client_tls, server_tls
from civiscope.security.authority import (
    TLS_DAYS,
    Authority,
    SignerRole,
    issue_node,
    issue_signer,
    issue_tls,
    make_node_authority,
    make_tls_authority,
    may_speak_for,
    read_node_certificate,
)

from .conftest import NOW_US

SITE = SiteId(new_id())


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> tuple[str, str]:
    """One handshake over a real loopback socket: (TLS version, cipher)."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(5)
                try:
                    with server.wrap_socket(connection, server_side=True) as secured:
                        secured.recv(1)
                except (ssl.SSLError, OSError):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with (
                socket.create_connection(listener.getsockname(), timeout=5) as plain,
                client.wrap_socket(plain, server_hostname=name) as secured,
            ):
                cipher = secured.cipher()
                assert cipher is not None
                return secured.version() or "", cipher[0]
        finally:
            thread.join()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SiteKeys:
    """Keys by the real clock: OpenSSL asks no other."""
    return SiteKeys.create(
        tmp_path_factory.mktemp("tls") / "keys", "Graz", ["cams.graz.example"], SystemClock()
    )


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "cams.graz.example", socket.gethostname()])
def test_every_name_of_the_server_is_accepted(site: SiteKeys, name: str) -> None:
    version, _ = shake_hands(server_tls(site), client_tls(site.authority_pem()), name)
    assert version == "TLSv1.3"


def test_another_name_is_not(site: SiteKeys) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server_tls(site), client_tls(site.authority_pem()), "bank.example")


def test_another_sites_authority_is_not_trusted(site: SiteKeys, tmp_path: Path) -> None:
    other = SiteKeys.create(tmp_path / "keys", "Linz")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server_tls(site), client_tls(other.authority_pem()), "localhost")


def test_tls_1_2_speaks_forward_secret_aead_only(site: SiteKeys) -> None:
    client = client_tls(site.authority_pem())
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    version, cipher = shake_hands(server_tls(site), client, "localhost")
    assert version == "TLSv1.2"
    assert cipher.startswith("ECDHE-ECDSA-")
    for offered in server_tls(site).get_ciphers():
        assert offered["protocol"] == "TLSv1.3" or offered["name"].startswith("ECDHE-")
        assert offered["aead"]


def test_older_tls_is_refused(site: SiteKeys) -> None:
    client = client_tls(site.authority_pem())
    client.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        client.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        client.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        shake_hands(server_tls(site), client, "localhost")


def test_a_pair_that_does_not_match_is_told(keys: SiteKeys, site: SiteKeys) -> None:
    keys.tls_key_path.write_bytes(site.tls_key_path.read_bytes())
    with pytest.raises(AppError, match="do not work together"):
        server_tls(keys)


def test_the_certificate_is_as_browsers_want_it(site: SiteKeys) -> None:
    certificate = x509.load_pem_x509_certificate(site.tls_certificate_path.read_bytes())
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert life.days <= TLS_DAYS
    store = Store([x509.load_pem_x509_certificate(site.authority_pem())])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName)[0] == "cams.graz.example"
    verifier = PolicyBuilder().store(store).build_server_verifier(x509.DNSName("cams.graz.example"))
    assert len(verifier.verify(certificate, [])) == 2


def test_a_stolen_authority_cannot_speak_for_others(tmp_path: Path, site: SiteKeys) -> None:
    """Whoever has the authority's key issues `bank.example`: devices that trust the authority refuse it."""
    now_us = SystemClock().now_us()
    authority = make_tls_authority("Graz", SITE, ["cams.graz.example"], now_us)
    key = ec.generate_private_key(ec.SECP256R1())
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat

    for name, accepted in (("cams.graz.example", True), ("bank.example", False), ("8.8.8.8", False)):
        forged = issue_tls(authority, key.public_key(), [name], now_us)
        (tmp_path / "c.pem").write_bytes(forged.public_bytes(Encoding.PEM))
        (tmp_path / "k.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(tmp_path / "c.pem", tmp_path / "k.pem")
        client = client_tls(authority.certificate.public_bytes(Encoding.PEM))
        if accepted:
            assert shake_hands(server, client, name)[0] == "TLSv1.3"
        else:
            with pytest.raises(ssl.SSLCertVerificationError, match="subtree"):
                shake_hands(server, client, name)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("cams.graz.example", True),
        ("a.cams.graz.example", True),
        ("evilcams.graz.example", False),
        ("graz.example", False),
        ("box.local", True),
        ("local.evil.example", False),
        ("10.99.0.1", True),
        ("11.0.0.1", False),
        ("203.0.113.9", True),
        ("203.0.113.10", False),
        ("fd00::5", True),
        ("2001:db8::1", False),
        ("münchen.example", False),
    ],
)
def test_what_the_authority_may_speak_for(host: str, allowed: bool) -> None:
    authority = make_tls_authority("Graz", SITE, ["cams.graz.example", "203.0.113.9"], NOW_US)
    assert may_speak_for(authority.certificate, host) is allowed


def test_a_certificate_never_outlives_its_authority() -> None:
    late_us = NOW_US + 19 * 365 * 86_400_000_000 + 300 * 86_400_000_000
    authority = make_tls_authority("Graz", SITE, ["a.example"], NOW_US)
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    certificate = issue_tls(authority, key, ["a.example"], late_us)
    assert certificate.not_valid_after_utc == authority.certificate.not_valid_after_utc


@pytest.fixture(scope="module")
def nodes() -> Authority:
    return make_node_authority(SITE, NOW_US)


def test_a_nodes_certificate_is_read_back(nodes: Authority) -> None:
    node_id, key = NodeId(new_id()), Ed25519PrivateKey.generate()
    der = issue_node(nodes, key.public_key(), node_id, NOW_US).public_bytes(Encoding.DER)
    read_id, read_key, _ = read_node_certificate(der, nodes.certificate)
    assert (read_id, read_key) == (node_id, key.public_key())


def test_other_certificates_are_no_nodes(nodes: Authority) -> None:
    """The authority itself, a TLS certificate by the same key, a stranger's, a broken name: none may sign."""
    key = Ed25519PrivateKey.generate().public_key()
    stranger = make_node_authority(SITE, NOW_US)
    tls = issue_tls(nodes, ec.generate_private_key(ec.SECP256R1()).public_key(), ["box.local"], NOW_US)
    own = issue_node(stranger, key, NodeId(new_id()), NOW_US)
    bad_name = issue_node(nodes, key, "no-uuid", NOW_US)  # type: ignore[arg-type]  # that is the attack
    for certificate in (nodes.certificate, tls, own, bad_name):
        with pytest.raises(IntegrityError):
            read_node_certificate(certificate.public_bytes(Encoding.DER), nodes.certificate)
    with pytest.raises(ProtocolError, match="larger than any"):
        read_node_certificate(bytes(20_000), nodes.certificate)


@given(
    flips=st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 255)), min_size=1, max_size=4),
    cut=st.integers(0, 50),
)
@settings(max_examples=300)
@pytest.mark.filterwarnings("ignore:Parsed a:UserWarning", "ignore:The parsed certificate:UserWarning")
def test_mutated_certificates_are_refused(
    made_keys: SiteKeys, flips: list[tuple[int, int]], cut: int
) -> None:
    good = made_keys.sealer().node_certificate
    changed = bytearray(good[: len(good) - cut])
    for at, mask in flips:
        changed[at % len(changed)] ^= mask
    if bytes(changed) != good:
        with pytest.raises((IntegrityError, ProtocolError)):
            made_keys.keyring().verify_signature(bytes(changed), b"", b"", NOW_US)


def test_a_huge_certificate_is_not_read(nodes: Authority) -> None:
    with pytest.raises(ProtocolError, match="larger than any"):
        read_node_certificate(bytes(20_000), nodes.certificate)


def test_a_signature_that_is_no_whole_octets_is_refused(nodes: Authority) -> None:
    """DER lets nobody else write the same certificate in other bytes (X.690 §11.2.1)."""
    certificate = issue_node(nodes, Ed25519PrivateKey.generate().public_key(), NodeId(new_id()), NOW_US)
    der = bytearray(certificate.public_bytes(Encoding.DER))
    der[-len(certificate.signature) - 1] = 1
    with pytest.raises(ProtocolError):
        read_node_certificate(bytes(der), nodes.certificate)


def test_a_certificate_with_another_name_is_no_nodes(nodes: Authority) -> None:
    key = Ed25519PrivateKey.generate().public_key()
    other = issue_signer(nodes, key, NodeId(new_id()), NOW_US, SignerRole.EXPORT)
    with pytest.raises(IntegrityError, match="not a node's"):
        read_node_certificate(other.public_bytes(Encoding.DER), nodes.certificate)


def test_hosts_that_are_none_are_refused(keys: SiteKeys) -> None:
    for host in ("", "a" * 64 + ".example", "a..b"):
        if host:
            with pytest.raises(AppError, match="neither a host name nor an IP address"):
                keys.renew_tls([host], ManualClock(NOW_US))
