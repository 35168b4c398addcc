"""What strangers hand to who verifies: manifests, proofs, ledgers, shares, stamps, cameras' documents."""

from collections.abc import Sequence
from contextlib import suppress
from functools import cache

from tests.app.test_time_stamps import DIGEST, Tsa
from tests.evidence.test_manifest import manifest
from tests.fuzz.stored_targets import VAULT, recorded_room, scratch, wraps
from tests.fuzz.target import REFUSED, Target
from tests.recording.footage import EVERYTHING

from civiscope.base import StreamId, new_id
from civiscope.evidence import Manifest
from civiscope.media import Codec, SigningWalk, parse_signing_sei
from civiscope.media.signing_sei import SIGNING_UUID
from civiscope.recording import (
    LEDGER_NAME,
    DestructionLedger,
    DoomedWraps,
    ProofNeeds,
    check_certificate,
    deletions,
    verify_proof,
)
from civiscope.recording.keys import read_key_file
from civiscope.recording.modes import ModeBook
from civiscope.security import (
    CaseId,
    KeyId,
    SiteTrust,
    new_case_key,
    new_nonce,
    open_case_key,
    read_case_wrap,
    read_wrapped,
    stamp_request,
)
from civiscope.security.officers import read_share, split_key
from civiscope.storage import DirectoryFiles


@cache
def trust() -> SiteTrust:
    """Of the recorded room's site."""
    return SiteTrust.read((recorded_room().site.keys.server_folder / "nodes.pem").read_bytes())


@cache
def exported() -> tuple[bytes, bytes]:
    """(media, proof) of one camera of the recorded room."""
    archive = recorded_room().archive()
    pieces = list(archive.export_proved(sorted(archive.streams())[0], EVERYTHING, "video/a.mp4"))
    return b"".join(one.media for one in pieces), b"".join(one.proof for one in pieces)


def read_proof(data: bytes) -> None:
    """The lines of a proof beside the media that is theirs: a verdict, whatever they are."""
    media, _ = exported()

    def certificate(_: str) -> bytes:
        return recorded_room().site.sealer.node_certificate

    needs = ProofNeeds(trust(), certificate, lambda at, length: media[at : at + length], len(media))
    verify_proof(data.splitlines(keepends=True), needs)


@cache
def ledger_bytes() -> bytes:
    """Two deletions, finished."""
    site, folder = recorded_room().site, scratch() / "ledger"
    files = DirectoryFiles(folder)
    ledger = DestructionLedger(files, site.sealer, site.identity.node_id, recorded_room().clock)
    for hour in (1, 2):
        wraps = [DoomedWraps(StreamId(new_id()), KeyId(new_id()), hour, site=True, spans=((1, 9),))]
        ledger.done(ledger.order(new_id(), wraps, "retention", "older than 72 hours"))
    files.close()
    return (folder / LEDGER_NAME).read_bytes()


def read_ledger(data: bytes) -> None:
    """As a page reads it, and as the recorder finds it at its start, which goes on."""
    folder = scratch() / "found"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / LEDGER_NAME).write_bytes(data)
    site, files = recorded_room().site, DirectoryFiles(folder)
    DestructionLedger(files, site.sealer, site.identity.node_id, recorded_room().clock)
    files.close()
    deletions(data)


def certificates() -> Sequence[bytes]:
    """Of the two deletions."""
    node = recorded_room().site.sealer.node_certificate
    return [one.to_json(node) for one in deletions(ledger_bytes())]


def case_wraps() -> Sequence[bytes]:
    """A wrap for a case of the recorded room's first key."""
    case_id = CaseId(new_id())
    case = open_case_key(VAULT, case_id, new_case_key(VAULT, case_id))
    wrapped = read_key_file(wraps()[0].read_bytes())
    return [recorded_room().site.keyring.rewrap([wrapped], read_wrapped(wrapped)[0].context, case)]


def shares() -> Sequence[bytes]:
    """Three of five."""
    site_id = recorded_room().site.identity.site_id
    return [one.text.encode() for one in split_key(site_id, bytes(range(32)), 3, 5)]


def read_typed(data: bytes) -> None:
    """A share as somebody types it."""
    read_share(data.decode("utf-8", "replace"))


@cache
def stamper() -> Tsa:
    """A real authority with a short key."""
    return Tsa(scratch() / "tsa").make("ec -pkeyopt ec_paramgen_curve:P-256")


def read_stamp(data: bytes) -> None:
    """An answer of an authority."""
    stamper().roots.check(data, DIGEST)


def documents() -> Sequence[bytes]:
    """A camera's SEI with its UUID, in both codecs, with tags of every kind."""
    body = SIGNING_UUID + b"\x00" + b"".join(bytes((tag, 0, 4)) + bytes(4) for tag in range(1, 12))
    return [head + bytes((len(body),)) + body + b"\x80" for head in (b"\x06\x05", b"\x4e\x01\x05")]


def read_document(data: bytes) -> None:
    """Alone, and within the stream that it is to prove."""
    for codec in (Codec.H264, Codec.H265):
        with suppress(*REFUSED):
            parse_signing_sei(data, codec)
        walk = SigningWalk(codec)
        for nal in (b"\x65" + bytes(8), data, b"\x41" + bytes(8), data):
            walk.feed(len(nal).to_bytes(4) + nal, 1)
        walk.finish()


def read_modes(data: bytes) -> None:
    """The recorder's own file: what cannot be read leaves everything recorded."""
    path = scratch() / "modes.json"
    path.write_bytes(data)
    ModeBook(path, lambda _: None)


TARGETS = {
    "manifest": Target(Manifest.read, lambda: [manifest().to_json()], REFUSED),
    "proof": Target(read_proof, lambda: [exported()[1]], ()),
    "destruction ledger": Target(read_ledger, lambda: [ledger_bytes()]),
    "certificate of deletion": Target(
        lambda data: check_certificate(data, trust().verify_node), certificates, REFUSED
    ),
    "case wrap": Target(read_case_wrap, case_wraps, REFUSED),
    "officer's share": Target(read_typed, shares, REFUSED),
    "time-stamp": Target(read_stamp, lambda: [stamper().reply(stamp_request(DIGEST, new_nonce()))], REFUSED),
    "camera's document": Target(read_document, documents, ()),
    "recording modes": Target(
        read_modes, lambda: [b'{"version": 1, "time_zone": "Europe/Sofia", "streams": []}'], ()
    ),
}
