"""Enrolment: the agent makes its keys, knows the ledger by the code, and shows the code to that ledger alone."""

import ssl
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec

from collectors.agent import config
from collectors.agent.files import write_whole
from collectors.agent.identity import AUTHORITY_FILE, ENROLLED_FILE, TLS_FILE, make_key, make_request
from collectors.agent.link import SCHEMES
from collectors.http_sink import problem_of
from ledger.core.batch import fingerprint
from ledger.core.enrolment import SERVER_NAME, Certificate, Enrolled, Enrolment, read_code
from ledger.core.errors import ConfigError, InvalidEntry, RetriableSource
from ledger.core.hashing import b64
from ledger.core.note import ed25519_public_key

_TIMEOUT = 30.0


def enrol(folder: Path, server: str, deliveries: str, code: str) -> str:
    """Enrols the agent whose folder this is or becomes; returns the fingerprint of its key, to be compared.

    `server` is the ledger's port for enrolment, `deliveries` the way that the agent uses from then on. Raises
    ConfigError for a folder that holds an enrolled agent, a code that is none, and a server that is not the code's.
    """
    if (folder / ENROLLED_FILE).exists():
        raise ConfigError(
            f"an agent is enrolled in {folder} already", advice="Choose another folder, one for each enrolment."
        )
    if urlsplit(server).scheme != "https":
        raise ConfigError(f"{server!r} is no address of a ledger", advice="It begins with https://")
    if urlsplit(deliveries).scheme not in ("https", "mqtts"):
        raise ConfigError(f"{deliveries!r} is no address of a ledger", advice=SCHEMES)
    try:
        told = read_code(code)
    except InvalidEntry as error:
        raise ConfigError(f"this is no one-time code: {error.message}", advice=_WHOLE) from None
    authority = _authority(server, told.authority)
    seed = make_key(folder)
    public_key = ed25519_public_key(seed)
    tls_key, request = make_request(told.agent)
    asked = Enrolment(
        agent=told.agent, log=told.log, secret=b64(told.secret), public_key=b64(public_key), request=request
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=authority)
    enrolled = msgspec.json.decode(
        _ask(server, "POST", "enrolment", context, msgspec.json.encode(asked)), type=Enrolled
    )
    write_whole(folder / AUTHORITY_FILE, authority.encode())
    write_whole(folder / TLS_FILE, tls_key + enrolled.certificate.encode())
    if not (folder / config.FILE_NAME).exists():
        write_whole(folder / config.FILE_NAME, config.first_text(deliveries, enrolled.sources).encode())
    write_whole(folder / ENROLLED_FILE, msgspec.json.encode(enrolled))
    return fingerprint(public_key)


def _authority(server: str, pinned: bytes) -> str:
    """The certificate of the ledger's authority, from whoever answers there, if it is the one that the code names."""
    # Nothing is verified yet, and nothing but this is asked: what comes is only taken if its digest is the code's.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    answer = _ask(server, "GET", "authority", context)
    try:
        pem = msgspec.json.decode(answer, type=Certificate).certificate
        found = ssl.PEM_cert_to_DER_cert(pem)
    except (msgspec.DecodeError, ValueError):
        raise ConfigError(f"what answers at {server} is no ledger's port for enrolment", advice=_PORT) from None
    if sha256(found).digest() != pinned:
        raise ConfigError(
            f"what answers at {server} is not the ledger that gave this code",
            advice="Check address and code; if both are right, somebody stands in between. The code was not shown.",
        )
    return ssl.DER_cert_to_PEM_cert(found)


def _ask(server: str, method: str, path: str, context: ssl.SSLContext, body: bytes | None = None) -> bytes:
    try:
        with httpx.Client(verify=context, timeout=_TIMEOUT, trust_env=False) as http:
            answer = http.request(
                method,
                f"{server.rstrip('/')}/api/v1/agents/{path}",
                content=body,
                headers={"Content-Type": "application/json"},
                extensions={"sni_hostname": SERVER_NAME},
            )
    except (httpx.HTTPError, ssl.SSLError) as error:
        raise RetriableSource(
            f"the ledger at {server} did not answer: {error.__class__.__name__}: {error}", advice=_PORT
        ) from None
    if not answer.is_success:
        raise problem_of(answer)
    return answer.content


_PORT = "Check the address: it is the ledger's `enrol_port` under [agents] in its trailseal.toml."
_WHOLE = "Copy the whole line that `trailseal agent invite` printed."
