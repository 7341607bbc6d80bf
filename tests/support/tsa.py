"""Time-stamp authorities of tests: the demo's, by `openssl ts`, and tokens of any moment, signed by `openssl cms`."""

import datetime
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import core, tsp  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from collectors.demo.tsa import POLICY, TsaAuthority, answer
from ledger.core.clock import SystemClock, WallClock
from ledger.core.errors import TimestampInvalid

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
URL = "http://127.0.0.1:9/tsa"


class Stamper:
    """One authority: its root, and a stamper in a folder."""

    def __init__(self, folder: Path, authority: TsaAuthority | None = None, **issued: object) -> None:
        self.folder, self._serial = folder, 1000
        self.authority = authority or TsaAuthority(SystemClock(), folder.name)
        self.certificate = self.authority.issue(folder, **issued)  # type: ignore[arg-type]

    @property
    def root(self) -> bytes:
        return self.authority.certificate.public_bytes(Encoding.DER)

    @property
    def own(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    def reply(self, query: bytes) -> bytes:
        """The response to a query, as `openssl ts` makes it, by this machine's clock."""
        return answer(self.folder, query)

    def at(self, moment: datetime.datetime, message: bytes, **how: Any) -> bytes:
        """A response of any moment over SHA-256 of a message; `how` as below."""
        return self.over(moment, sha256(message).digest(), **how)

    def to(self, query: bytes, moment: datetime.datetime, **how: Any) -> bytes:
        """The response of any moment to a query; `how` as below."""
        asked = tsp.TimeStampReq.load(query, strict=True)
        imprint = asked["message_imprint"]
        how = {"nonce": asked["nonce"].native, "digest": imprint["hash_algorithm"]["algorithm"].native} | how
        return self.over(moment, imprint["hashed_message"].native, **how)

    def over(
        self,
        moment: datetime.datetime,
        hashed: bytes,
        *,
        nonce: int | None = None,
        digest: str = "sha256",
        by: str = "sha256",
        cades: bool = True,
    ) -> bytes:
        """A response over what has that `digest`, signed by digest `by`; `cades`: it names its signer."""
        self._serial += 1
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": POLICY,
                "message_imprint": {"hash_algorithm": {"algorithm": digest}, "hashed_message": hashed},
                "serial_number": self._serial,
                "gen_time": moment,
                "nonce": nonce,
            }
        )
        given = self.folder / "info.der"
        given.write_bytes(info.dump())
        token = subprocess.run(
            [
                *("openssl", "cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-md", by, "-in", given),
                *("-econtent_type", "1.2.840.113549.1.9.16.1.4", *(("-cades",) if cades else ())),
                *("-signer", self.folder / "tsa.pem", "-inkey", self.folder / "tsa.key"),
            ],
            check=True,
            capture_output=True,
        ).stdout
        return response_of(token)

    def crl(
        self,
        *,
        since: datetime.datetime | None,
        reason: x509.ReasonFlags | None = None,
        made: datetime.datetime = NOW,
    ) -> bytes:
        """A list (DER) of the root, on which the stamper's certificate was revoked `since` then, or is not."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.authority.certificate.subject)
        builder = builder.last_update(made).next_update(made + DAY)
        if since is not None:
            number = self.certificate.serial_number
            entry = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(since)
            if reason is not None:
                entry = entry.add_extension(x509.CRLReason(reason), False)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.authority._key, hashes.SHA256()).public_bytes(Encoding.DER)


def response_of(token: bytes) -> bytes:
    """A granted response around a token (both DER)."""
    status = tsp.PKIStatusInfo({"status": "granted"}).dump()
    return bytes(core.Sequence(contents=status + token).dump())


class Stampers:
    """What a ledger asks in a test, by name: stampers whose clock is the ledger's, or `ahead_s` of it."""

    def __init__(self, clock: WallClock, **stampers: Stamper) -> None:
        self.stampers, self.clock = stampers, clock
        self.ahead_s: dict[str, float] = {}
        self.down: set[str] = set()
        self.asked: list[str] = []
        self.by = "sha256"
        self.change: Callable[[bytes], bytes] = lambda query: query

    def __call__(self, url: str, request: bytes) -> bytes:
        name = url.rpartition("/")[2]
        self.asked.append(name)
        if name in self.down:
            raise TimestampInvalid("the authority cannot be reached: connection refused")
        seconds = self.clock.now_us() / 1e6 + self.ahead_s.get(name, 0.0)
        moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(microsecond=0)
        return self.stampers[name].to(self.change(request), moment, by=self.by)


@pytest.fixture(scope="session")
def stamper(tmp_path_factory: pytest.TempPathFactory) -> Stamper:
    """An authority that does all as it should."""
    return Stamper(tmp_path_factory.mktemp("tsa") / "good")
