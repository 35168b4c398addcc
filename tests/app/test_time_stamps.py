"""Time-stamps by a real authority, `openssl ts` behind a small HTTP server; false tokens are named."""

import asyncio
import contextlib
import hashlib
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.evidence.package_maker import MemoryPackage, make_maker, make_package
from tests.recording.footage import make_site
from typer.testing import CliRunner

from civiscope.app.time_stamps import StampAuthority, fetch_stamp, stamp_package
from civiscope.base import AppError, Backoff, ErrorKind
from civiscope.cli.main import commands
from civiscope.evidence import ExportedChannel, Manifest
from civiscope.security import StampRoots, StampTrouble, TimeStampError, new_nonce, stamp_request

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the program openssl")
DIGEST = hashlib.sha256(b"a manifest").digest()
CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[tsa]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[plain]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
[stamp]
default_tsa = stamper
[stamper]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/ca.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


def openssl(*words: object) -> str:
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class Tsa:
    """An authority in a folder, and the way it is reached."""

    folder: Path
    url: str = ""
    failures: int = 0
    """So many requests are answered with 503 first."""
    asked: list[bytes] = field(default_factory=list)

    def make(self, key: str = "rsa:2048", usage: str = "tsa", days: int = 30) -> "Tsa":
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("ca", "tsa"):
            (self.folder / f"{name}.cnf").write_text(CONFIG.format(name=f"Test {name}", folder=self.folder))
        (self.folder / "serial").write_text("01")
        own = ["-newkey", *key.split(" "), "-nodes"]
        openssl("req", "-x509", *own, "-keyout", self.folder / "ca.key", "-out", self.folder / "ca.pem",
                "-days", 60, "-config", self.folder / "ca.cnf", "-extensions", "ca")  # fmt: skip
        openssl("req", *own, "-keyout", self.folder / "tsa.key", "-out", self.folder / "tsa.csr",
                "-config", self.folder / "tsa.cnf")  # fmt: skip
        openssl("x509", "-req", "-in", self.folder / "tsa.csr", "-CA", self.folder / "ca.pem",
                "-CAkey", self.folder / "ca.key", "-CAcreateserial", "-out", self.folder / "tsa.pem",
                "-days", days, "-extfile", self.folder / "tsa.cnf", "-extensions", usage)  # fmt: skip
        return self

    def reply(self, request: bytes) -> bytes:
        query, answer = self.folder / "query.tsq", self.folder / "answer.tsr"
        query.write_bytes(request)
        openssl("ts", "-reply", "-config", self.folder / "tsa.cnf", "-section", "stamper",
                "-queryfile", query, "-out", answer)  # fmt: skip
        return answer.read_bytes()

    @property
    def roots(self) -> StampRoots:
        return StampRoots([(self.folder / "ca.pem").read_bytes()])

    def authority(self) -> StampAuthority:
        return StampAuthority(self.url, self.roots, Backoff(first_s=0.01))


@pytest.fixture(scope="module", params=["rsa:2048", "ec -pkeyopt ec_paramgen_curve:P-256"])
def tsa(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tsa]:
    made = Tsa(tmp_path_factory.mktemp("tsa")).make(request.param)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            made.asked.append(query)
            if made.failures:
                made.failures -= 1
                self.send_error(503)
                return
            body = made.reply(query)
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # named so by its base
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}/stamp"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def trouble(
    roots: StampRoots, answer: bytes, digest: bytes = DIGEST, nonce: int | None = None
) -> StampTrouble:
    with pytest.raises(TimeStampError) as caught:
        roots.check(answer, digest, nonce)
    return caught.value.trouble


async def test_a_token_is_fetched_checked_and_openssl_says_the_same(tsa: Tsa, tmp_path: Path) -> None:
    tsa.failures = 2
    answer, stamp = await fetch_stamp(tsa.authority(), DIGEST)
    assert stamp.authority == "CN=Test tsa"
    assert len(set(tsa.asked[-3:])) == 3, "a new nonce each time"
    (tmp_path / "a.tsr").write_bytes(answer)
    told = openssl("ts", "-verify", "-digest", DIGEST.hex(), "-in", tmp_path / "a.tsr",
                   "-CAfile", tsa.folder / "ca.pem")  # fmt: skip
    assert "Verification: OK" in told
    shown = openssl("ts", "-reply", "-in", tmp_path / "a.tsr", "-text")
    assert f"{stamp.serial:02X}" in shown.upper()


async def test_an_authority_that_does_not_answer_is_named(tsa: Tsa) -> None:
    tsa.failures = 3
    with pytest.raises(AppError, match="answered 503") as caught:
        await fetch_stamp(tsa.authority(), DIGEST)
    assert caught.value.kind is ErrorKind.UNAVAILABLE
    with pytest.raises(AppError, match="no address"):
        await fetch_stamp(StampAuthority("ftp://x", tsa.roots, Backoff(first_s=0.01)), DIGEST)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")  # a changed certificate may have one below 0
def test_tokens_that_prove_nothing_are_named(tsa: Tsa, tmp_path: Path) -> None:
    nonce = new_nonce()
    answer = tsa.reply(stamp_request(DIGEST, nonce))
    assert tsa.roots.check(answer, DIGEST, nonce).at_us > 0
    assert trouble(tsa.roots, answer, hashlib.sha256(b"x").digest()) is StampTrouble.WRONG_HASH
    assert trouble(tsa.roots, answer, nonce=nonce + 2) is StampTrouble.WRONG_NONCE
    assert trouble(StampRoots(), answer) is StampTrouble.UNTRUSTED
    other = Tsa(tmp_path / "other").make("ec -pkeyopt ec_paramgen_curve:P-256")
    assert trouble(other.roots, answer) is StampTrouble.UNTRUSTED
    refused = bytes.fromhex("30053003020102")
    assert trouble(tsa.roots, refused) is StampTrouble.REFUSED
    assert trouble(tsa.roots, b"") is StampTrouble.UNREADABLE
    stamp = tsa.roots.check(answer, DIGEST, nonce)
    for place in range(len(answer)):
        changed = answer[:place] + bytes((answer[place] ^ 1,)) + answer[place + 1 :]
        with contextlib.suppress(TimeStampError):  # the signature is not over all, but over all that counts
            assert tsa.roots.check(changed, DIGEST, nonce) == stamp, place
    for place in range(len(answer) - 60, len(answer)):
        assert trouble(tsa.roots, answer[:place] + bytes((answer[place] ^ 1,)) + answer[place + 1 :]), place
    imprint = answer.index(DIGEST)
    changed = answer[:imprint] + bytes((answer[imprint] ^ 1,)) + answer[imprint + 1 :]
    assert trouble(tsa.roots, changed, changed[imprint : imprint + 32]) is StampTrouble.BAD_SIGNATURE


def test_a_certificate_that_was_over_is_named(tmp_path: Path) -> None:
    old = Tsa(tmp_path / "old").make("ec -pkeyopt ec_paramgen_curve:P-256")
    ca = x509.load_pem_x509_certificate((old.folder / "ca.pem").read_bytes())
    key = serialization.load_pem_private_key((old.folder / "ca.key").read_bytes(), None)
    own = x509.load_pem_x509_csr((old.folder / "tsa.csr").read_bytes())
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    for purposes, until_days, why in (
        ([ExtendedKeyUsageOID.TIME_STAMPING], 10, None),
        ([ExtendedKeyUsageOID.TIME_STAMPING], -10, StampTrouble.EXPIRED),
    ):
        made = (
            x509.CertificateBuilder()
            .subject_name(own.subject)
            .issuer_name(ca.subject)
            .public_key(own.public_key())
            .serial_number(7)
            .not_valid_before(ca.not_valid_before_utc - timedelta(days=20))
            .not_valid_after(ca.not_valid_before_utc + timedelta(days=until_days))
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=True)
            .sign(key, hashes.SHA256())
        )
        (old.folder / "tsa.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
        answer = old.reply(stamp_request(DIGEST, 1))
        if why is None:
            assert old.roots.check(answer, DIGEST).serial > 0
        else:
            assert trouble(old.roots, answer) is why


@pytest.mark.parametrize(
    "tail", [b"", b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\x30\x80\0\0", b"\x30\x03\x30\x01\x02"]
)
def test_other_bytes_are_no_answer(tail: bytes) -> None:
    assert trouble(StampRoots(), tail) is StampTrouble.UNREADABLE


def test_a_package_is_stamped_once_and_verify_tells_when(tsa: Tsa, tmp_path: Path) -> None:
    maker = make_maker(make_site(tmp_path / "keys"))
    package, _ = make_package(maker, tmp_path / "made", frames=3, runs=1)
    folder = package.write(tmp_path / "package")
    authority, ca = tmp_path / "authority.der", tsa.folder / "ca.pem"
    authority.write_bytes(maker.signer.authority)
    words = ["--authority", str(authority)]
    result = CliRunner().invoke(commands, ["stamp", str(folder), "--tsa", tsa.url, "--tsa-ca", str(ca)])
    assert result.exit_code == 0, result.output
    told = openssl(
        "ts", "-verify", "-data", folder / "manifest.json", "-in", folder / "manifest.tsr", "-CAfile", ca
    )
    assert "Verification: OK" in told
    with pytest.raises(AppError, match="there already"):
        asyncio.run(stamp_package(folder, tsa.authority()))
    result = CliRunner().invoke(commands, ["verify", str(folder), *words, "--tsa-ca", str(ca)])
    assert (result.exit_code, "time-stamped" in result.output) == (0, True), result.output
    result = CliRunner().invoke(commands, ["verify", str(folder), *words])
    assert (result.exit_code, "no trusted root" in result.output) == (3, True), result.output
    stamp = (folder / "manifest.tsr").read_bytes()
    other = MemoryPackage({**maker.sign(package, _channel_of(package)).files, "manifest.tsr": stamp})
    result = CliRunner().invoke(commands, ["verify", str(other.write(tmp_path / "later")), *words])
    assert (result.exit_code, "over something else" in result.output) == (2, True), result.output


def _channel_of(package: MemoryPackage) -> ExportedChannel:
    return Manifest.read(package.files["manifest.json"]).channels[0]
