"""Tries what a syslog source needs on this machine: its addresses, certificates and spool."""

import socket
import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from cryptography import x509

from collectors.base import Check, CheckReport, judge_clock
from collectors.infra.syslog_options import tls_context
from collectors.infra.syslog_server import Address
from ledger.core.clock import WallClock
from ledger.core.errors import CollectorError

_SOON = timedelta(days=30)


def check_listening(
    addresses: Sequence[Address], option: Callable[[str], str], tls: bool, clock: WallClock
) -> CheckReport:
    """Never raises; the report says what does not hold."""
    checks = [_try_address(address) for address in addresses]
    if tls:
        checks.append(_try_certificates(option, clock))
    checks.append(_try_spool(option("spool")))
    return CheckReport(checks=(*checks, judge_clock(None)))


def _try_address(address: Address) -> Check:
    kind = socket.SOCK_DGRAM if address.transport == "udp" else socket.SOCK_STREAM
    try:
        family = socket.getaddrinfo(address.host, address.port, type=kind)[0][0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address.host, address.port))
            if kind == socket.SOCK_STREAM:
                probe.listen(1)
    except OSError as error:
        return Check(
            name="listen",
            ok=False,
            says=f"{address}: cannot listen: {error.strerror}",
            advice="If this source is being collected now, that is why; else see what listens there (ss -lntup).",
        )
    return Check(name="listen", ok=True, says=f"{address} is free; {_MEANING[address.transport]}")


_MEANING = {
    "tls": "what is sent there is encrypted, and not acknowledged",
    "tcp": "what is sent there can be read and forged on the way, and is not acknowledged",
    "udp": "what is sent there can be read, forged and lost on the way, and nobody notices",
}


def _try_certificates(option: Callable[[str], str], clock: WallClock) -> Check:
    try:
        tls_context(option)
        certificate = x509.load_pem_x509_certificates(Path(option("certificate")).read_bytes())[0]
    except (CollectorError, OSError, ValueError) as error:
        advice = error.advice if isinstance(error, CollectorError) else "Name a certificate in PEM form."
        return Check(name="certificate", ok=False, says=str(error), advice=advice)
    ends = certificate.not_valid_after_utc
    left = timedelta(seconds=ends.timestamp() - clock.now_us() / 1e6)
    says = f"{certificate.subject.rfc4514_string()}, valid until {ends:%Y-%m-%d}; clients' certificates: " + option(
        "client_certificates"
    )
    if left < _SOON:
        return Check(name="certificate", ok=False, says=says, advice="Renew it: senders refuse one that has expired.")
    return Check(name="certificate", ok=True, says=says)


def _try_spool(folder: str) -> Check:
    if not folder:
        return Check(
            name="spool",
            ok=False,
            says="no spool is set: if this process is ended by force, what it received in its last second is lost",
            advice="Set the option `spool` to a folder on a disk of this machine.",
        )
    try:
        Path(folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"a test")
    except OSError as error:
        return Check(
            name="spool",
            ok=False,
            says=f"{folder} cannot be written: {error.strerror}",
            advice="Give the collector's account the right to write there.",
        )
    return Check(name="spool", ok=True, says=f"{folder} can be written")
