"""A time-stamp authority on loopback: `openssl ts` behind a small HTTP server, with a root of its own.

For the demo, and for tests: its clock is this machine's, so it proves nothing that whoever owns the machine could not
make up.
"""

import datetime
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from ledger.core.clock import WallClock
from ledger.core.issuing import common_name, key_usage

POLICY: Final = "1.3.6.1.4.1.55555.1.1"
_MAX_QUERY: Final = 4096
_CONFIGURATION: Final = """\
[tsa]
default_tsa = stamper
[stamper]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = {digest}
default_policy = {policy}
digests = sha256, sha384, sha512
accuracy = secs:1
clock_precision_digits = 6
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class TsaAuthority:
    """A root, and what it issues: certificates of stampers in a folder, each with what `openssl ts` needs."""

    def __init__(
        self,
        clock: WallClock,
        name: str = "Demo time-stamps",
        digest: hashes.SHA256 | hashes.SHA512 = hashes.SHA256(),  # noqa: B008 - it has no state
    ) -> None:
        """`digest`: what certificates are signed by."""
        self._digest = digest
        self._name = common_name(f"{name} root")
        self._key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.fromtimestamp(clock.now_us() // 1_000_000, datetime.UTC)
        self._since, self._until = now - datetime.timedelta(days=3650), now + datetime.timedelta(days=3650)
        self.certificate = (
            self._builder(self._name, self._key.public_key(), self._since, self._until)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(key_usage(signs_certificates=True), critical=True)
            .sign(self._key, digest)
        )

    @property
    def pem(self) -> bytes:
        """The root's certificate, which is pinned."""
        return self.certificate.public_bytes(Encoding.PEM)

    def issue(
        self,
        folder: Path,
        *,
        uses: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.TIME_STAMPING,),
        critical: bool = True,
        since: datetime.datetime | None = None,
        until: datetime.datetime | None = None,
        digest: str = "sha256",
        lists_at: str | None = None,
    ) -> x509.Certificate:
        """Makes a stamper in a folder: certificate, key, serial file and configuration.

        `lists_at`: where the certificate says that its root's revocation list is.
        """
        folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._builder(common_name("Stamper"), key.public_key(), since or self._since, until or self._until)
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        made = made.add_extension(key_usage(signs_certificates=False), critical=True)
        if uses:
            made = made.add_extension(x509.ExtendedKeyUsage(uses), critical=critical)
        if lists_at is not None:
            place = [x509.UniformResourceIdentifier(lists_at)]
            made = made.add_extension(
                x509.CRLDistributionPoints([x509.DistributionPoint(place, None, None, None)]), critical=False
            )
        certificate = made.sign(self._key, self._digest)
        (folder / "tsa.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
        (folder / "tsa.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(_CONFIGURATION.format(folder=folder, digest=digest, policy=POLICY))
        return certificate

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, since: datetime.datetime, until: datetime.datetime
    ) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key)
        made = made.serial_number(x509.random_serial_number()).not_valid_before(since).not_valid_after(until)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        return made.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )


def answer(folder: Path, query: bytes) -> bytes:
    """The response (DER) of a folder's stamper to a query (DER), by `openssl ts`; a refusal to one that is none."""
    given, made = folder / f"query-{threading.get_ident()}.tsq", folder / f"reply-{threading.get_ident()}.tsr"
    given.write_bytes(query)
    try:
        subprocess.run(
            ["openssl", "ts", "-reply", "-config", folder / "tsa.cnf", "-queryfile", given, "-out", made],
            check=True,
            capture_output=True,
        )
        return made.read_bytes()
    finally:
        given.unlink(missing_ok=True)
        made.unlink(missing_ok=True)


class TsaServer:
    """Answers on a free port of 127.0.0.1, from `with` to its end."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self._folder = folder
        self._turn = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="tsa", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    def reply(self, query: bytes) -> bytes:
        """What it answers; `openssl ts` counts serial numbers in a file, so one query at a time."""
        with self._turn:
            return answer(self._folder, query)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                if not 0 < length <= _MAX_QUERY:
                    self.send_error(413)
                    return
                try:
                    made = server.reply(self.rfile.read(length))
                except subprocess.CalledProcessError:
                    self.send_error(500)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(made)))
                self.end_headers()
                self.wfile.write(made)

            def log_message(self, *_: Any) -> None:
                """Nothing: the demo's terminal shows what matters."""

        return Handler
