"""What the options of a syslog source mean: addresses, certificates, who may send."""

import ipaddress
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from collectors.base import Option
from collectors.infra.syslog_server import Address, Network
from collectors.options import read_list
from ledger.core.errors import ConfigError, FatalSource

TRANSPORTS: Final = ("tls", "tcp", "udp")
_CLIENTS: Final = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}

OPTIONS: Final = (
    Option(
        name="listen",
        meaning="where to listen, comma-separated: tls://HOST:PORT, tcp://…, udp://…; without HOST on 127.0.0.1",
        required=True,
    ),
    Option(name="certificate", meaning="tls: file of the server's certificate, with its chain (PEM)"),
    Option(name="key", meaning="tls: file of its key (PEM); empty: it is in the certificate's file"),
    Option(name="client_certificates", meaning="tls: none, optional or required", default="none"),
    Option(name="client_ca", meaning="tls: file of the authorities whose client certificates are accepted (PEM)"),
    Option(name="clients", meaning="tls: names of certificates that may send, comma-separated; empty: all"),
    Option(name="allow", meaning="addresses and networks that may send, comma-separated; empty: all"),
    Option(
        name="spool",
        meaning="folder in which what was received is kept until the ledger has it; empty: while this process runs",
    ),
    Option(name="spool_mib", meaning="with so many MiB in it, nothing more is read from the senders", default="1024"),
    Option(name="max_message", meaning="bytes of a message; of a longer one these are rejected", default="65536"),
    Option(name="max_connections", meaning="so many at the same time", default="200"),
    Option(name="encoding", meaning="of texts that do not say they are UTF-8", default="utf-8"),
    Option(name="heartbeat_seconds", meaning="how often an idle run is handed over", default="60"),
)


def read_addresses(text: str) -> tuple[Address, ...]:
    """The option `listen`; raises ConfigError."""
    found = []
    for word in read_list(text):
        parts = urlsplit(word)
        try:
            port = parts.port
        except ValueError:
            port = None
        if parts.scheme not in TRANSPORTS or port is None or parts.path or parts.query or parts.username:
            raise ConfigError(
                f"option 'listen': {word!r} is no address",
                advice="Write tls://HOST:6514, tcp://HOST:601, udp://HOST:514.",
            )
        found.append(Address(transport=parts.scheme, host=parts.hostname or "127.0.0.1", port=port))
    if not found:
        raise ConfigError("option 'listen' is empty", advice="Write tls://HOST:6514, tcp://HOST:601, udp://HOST:514.")
    return tuple(found)


def read_networks(text: str) -> tuple[Network, ...]:
    """The option `allow`; raises ConfigError."""
    try:
        return tuple(ipaddress.ip_network(word) for word in read_list(text))
    except ValueError as error:
        raise ConfigError(f"option 'allow': {error}", advice="Write 192.0.2.7, 192.0.2.0/24, 2001:db8::/32.") from None


def check_tls(option: Callable[[str], str], wanted: bool) -> None:
    """Raises ConfigError for TLS options that do not go together."""
    clients = option("client_certificates")
    if clients not in _CLIENTS:
        raise ConfigError(f"option 'client_certificates' is {clients!r}", advice=f"Use one of: {', '.join(_CLIENTS)}.")
    if wanted and not option("certificate"):
        raise ConfigError("option 'certificate' is empty", advice="Name the server's certificate, or use tcp:// only.")
    if clients != "none" and not option("client_ca"):
        raise ConfigError("option 'client_ca' is empty", advice="Name the authorities of the clients' certificates.")
    if option("clients") and clients != "required":
        raise ConfigError(
            "option 'clients' names certificates, and none is required", advice="Set client_certificates to required."
        )


def tls_context(option: Callable[[str], str]) -> ssl.SSLContext:
    """TLS 1.2 and newer with the certificates of the options; raises FatalSource when they can't be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = _CLIENTS[option("client_certificates")]
    files = (option("certificate"), option("key"), option("client_ca"))
    try:
        context.load_cert_chain(option("certificate"), option("key") or None, password=_no_password)
        if option("client_ca"):
            context.load_verify_locations(option("client_ca"))
    except (OSError, ValueError) as error:
        missing = [file for file in files if file and not Path(file).is_file()]
        what = f"{missing[0]} is not there" if missing else f"{getattr(error, 'reason', None) or error}"
        raise FatalSource(
            f"the certificates cannot be used: {what}",
            advice="Name files in PEM form that belong together, without a passphrase, readable by this account.",
        ) from None
    return context


def _no_password() -> str:
    raise ValueError("the key has a passphrase")
