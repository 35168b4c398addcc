"""The documents a camera signs its video with, as they stand in SEI (ONVIF Media Signing §5)."""

import hashlib
from dataclasses import dataclass, field

from civiscope.base import ProtocolError
from civiscope.media.model import Codec

SIGNING_UUID = bytes.fromhex("005bc93f2d715e95ada4796f90877a6f")
_HASHES = {
    bytes.fromhex("0609608648016503040201"): "sha256",
    bytes.fromhex("0609608648016503040202"): "sha384",
    bytes.fromhex("0609608648016503040203"): "sha512",
}
"""By the DER of their object identifiers."""
_CERTIFICATE_FLAG, _ESCAPED_FLAG = 0x80, 0x40
_GENERAL, _HASH_LIST, _SIGNATURE, _CRYPTO, _CHAIN, _ARBITRARY = 1, 2, 3, 4, 6, 7
_FIXED_BYTES = {1: 19, 2: 27}
"""Of the general tag without its two hashes, by its version."""
_SEI_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class SigningDocument:
    """What one SEI says of the (partial) GOP before it."""

    signed: bytes = field(repr=False)
    """The bytes that the signature is over."""
    signature: bytes | None = field(repr=False)
    """None: a later document signs this one by its hash."""
    hash_name: str
    certificates: tuple[bytes, ...] = field(repr=False)
    """Chains in PEM: the maker's, then the owner's if there is one; the root is in none."""
    is_certificate: bool
    """It carries certificates and stands for no GOP."""
    counter: int = 0
    nal_counts: tuple[int, ...] = ()
    """How many NAL units it is over; makers differ in the order of the two bytes."""
    gop_hash: bytes = b""
    previous_hash: bytes = b""
    """Of the first NAL unit of the GOP before; zeros at the stream's start."""
    hashes: tuple[bytes, ...] = field(default=(), repr=False)
    """Of each NAL unit; empty in the mode of low bit rate."""


def parse_signing_sei(nal: bytes, codec: Codec) -> SigningDocument | None:
    """The document in a NAL unit; None if it holds none. ProtocolError if it is one that cannot be read."""
    head = b"\x06\x05" if codec is Codec.H264 else b"\x4e\x01\x05"
    if not nal.startswith(head) or len(nal) > _SEI_LIMIT_BYTES or codec not in (Codec.H264, Codec.H265):
        return None
    for data in (_plain(nal), nal):
        found = _payload(data, len(head))
        if found is not None:
            return _document(data, *found)
    if SIGNING_UUID in nal[: len(head) + 16 + _SEI_LIMIT_BYTES // 0xFF]:
        raise ProtocolError("a document of the camera's signature is cut")
    return None


def _payload(data: bytes, at: int) -> tuple[int, int] | None:
    """Where the document lies behind its UUID: up to the stop bit. None: it does not lie so in these bytes.

    Some cameras escape the SEI as they should, the framework's own example stream does not.
    """
    size = 0
    while at < len(data) and data[at] == 0xFF:
        size, at = size + 0xFF, at + 1
    if at >= len(data):
        return None
    size, at = size + data[at], at + 1
    end = at + size
    is_ours = data[at : at + 16] == SIGNING_UUID and size > 16 and data[end:] == b"\x80"
    return (at + 16, end) if is_ours else None


def _document(data: bytes, at: int, end: int) -> SigningDocument:
    flags, at = data[at], at + 1
    tags: list[tuple[int, bytes]] = []
    signed_bytes = end
    while at < end:
        length = int.from_bytes(data[at + 1 : at + 3])
        if at + 3 + length > end or length == 0:
            raise ProtocolError("a document of the camera's signature is damaged")
        if data[at] == _SIGNATURE:
            signed_bytes = at
        tags.append((data[at], data[at + 3 : at + 3 + length]))
        at += 3 + length
    known = dict(tags)
    if _SIGNATURE in known and tags[-1][0] != _SIGNATURE:
        raise ProtocolError("something stands behind the camera's signature")
    if _ARBITRARY in known and len(known) > 1:
        raise ProtocolError("a document of the camera's signature carries foreign data")
    signed = data[:signed_bytes]
    document = SigningDocument(
        _escaped(signed) if flags & _ESCAPED_FLAG else signed,
        _signature(known.get(_SIGNATURE)),
        _hash_name(known.get(_CRYPTO)),
        tuple(value[2:] for tag, value in tags if tag == _CHAIN),
        bool(flags & _CERTIFICATE_FLAG),
    )
    general = known.get(_GENERAL)
    return document if general is None else _with_gop(document, general, known.get(_HASH_LIST, b"\1")[1:])


def _with_gop(document: SigningDocument, general: bytes, listed: bytes) -> SigningDocument:
    fixed = _FIXED_BYTES.get(general[0], _FIXED_BYTES[2])
    hash_bytes, rest = divmod(len(general) - fixed, 2)
    if hash_bytes not in (32, 48, 64) or rest or len(listed) % hash_bytes:
        raise ProtocolError("the hashes of the camera's signature have no length that there is")
    counter, count = general[fixed - 6 : fixed - 2], general[fixed - 2 : fixed]
    order = "little" if general[0] >= 2 else "big"
    counts = (int.from_bytes(count), int.from_bytes(count[::-1]))
    hashes = tuple(listed[at : at + hash_bytes] for at in range(0, len(listed), hash_bytes))
    return SigningDocument(
        document.signed, document.signature, document.hash_name, document.certificates,
        document.is_certificate, int.from_bytes(counter if order == "big" else counter[::-1]),
        (len(hashes),) if hashes else tuple(dict.fromkeys(counts)),
        general[fixed : fixed + hash_bytes], general[fixed + hash_bytes :], hashes,
    )  # fmt: skip


def _signature(value: bytes | None) -> bytes | None:
    if value is None:
        return None
    size = int.from_bytes(value[1:3])
    if not 0 < size <= len(value) - 3:
        raise ProtocolError("the camera's signature is cut")
    return value[3 : 3 + size]


def _hash_name(value: bytes | None) -> str:
    if value is None:
        return ""  # as in the documents before
    name = _HASHES.get(value[2 : 2 + value[1]]) if len(value) > 2 else None
    if name is None:
        raise ProtocolError("the camera hashes in a way that this release does not know")
    return name


def digest(hash_name: str, data: bytes) -> bytes:
    """The hash of `data`; SHA-256 where the camera has not said which."""
    return hashlib.new(hash_name or "sha256", data).digest()


def _plain(nal: bytes) -> bytes:
    """Without emulation prevention (ITU-T H.264 §7.4.1)."""
    out = bytearray()
    at = 0
    while (found := nal.find(b"\0\0\3", at)) >= 0:
        out += nal[at : found + 2]
        at = found + 3
    out += nal[at:]
    return bytes(out)


def _escaped(data: bytes) -> bytes:
    """With emulation prevention."""
    out = bytearray()
    zeros = 0
    for one in data:
        if zeros >= 2 and one <= 3:
            out.append(3)
            zeros = 0
        out.append(one)
        zeros = zeros + 1 if one == 0 else 0
    return bytes(out)
