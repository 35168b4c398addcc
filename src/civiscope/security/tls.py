"""The TLS side of the one door: who we are to a browser, and which ciphers we speak."""

import ssl

from civiscope.base import AppError, ErrorKind
from civiscope.security.keys import SiteKeys

_TLS12_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!eNULL:!MD5:!SHA1"


def server_tls(keys: SiteKeys) -> ssl.SSLContext:
    """TLS 1.2 and newer with forward secrecy and AEAD ciphers only (BSI TR-02102-2)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_TLS12_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        context.load_cert_chain(keys.tls_certificate_path, keys.tls_key_path)
    except (ssl.SSLError, OSError) as error:
        raise AppError(
            ErrorKind.INVALID,
            f"the TLS certificate and key in {keys.server_folder} do not work together ({error}): "
            "start with `civiscope up`, which issues a new pair",
        ) from None
    return context


def client_tls(authority_pem: bytes) -> ssl.SSLContext:
    """For our own command line and tests: trusts this site's authority alone, and checks the name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=authority_pem.decode("ascii"))
    return context
