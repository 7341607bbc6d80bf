"""The agent's way to its ledger: outward only, over TLS with its own certificate, to the authority that it pinned.

`https://…` leads to the ledger's own port, `mqtts://…` to a broker that stands between (`broker_link`).
"""

import ssl
import time
from email.utils import parsedate_to_datetime
from typing import Protocol, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from collectors.agent.broker_link import BrokerLink
from collectors.agent.config import AgentConfig
from collectors.agent.identity import Identity, make_request
from collectors.http_sink import problem_of
from ledger.core.batch import SignedBatch, SignedReceipt
from ledger.core.clock import WallClock, utc_text
from ledger.core.enrolment import SERVER_NAME, Certificate, CertificateRequest, Standing
from ledger.core.errors import ConfigError, RetriableSource
from ledger.core.run import SourceState
from ledger.core.times import Clock

T = TypeVar("T")

SCHEMES = "It begins with https:// (the ledger's own port) or mqtts:// (a broker)."
_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_HALF_SECOND_US = 500_000
"""A Date header is cut to whole seconds."""
_REFRESH_US = 1_000_000
"""It may have been written up to this much earlier."""


class Link(Protocol):
    """What the agent needs of its ledger, whatever carries it. Use from one thread."""

    offset: Clock | None
    """The ledger's clock against ours, as its last answer told."""

    def standing(self) -> Standing:
        """Where the agent's epoch stands in the ledger."""
        ...

    def state(self, source: str) -> SourceState:
        """Where one of its sources stands in the ledger."""
        ...

    def deliver(self, batch: SignedBatch) -> SignedReceipt:
        """Hands a batch over; the same batch again gets the same receipt."""
        ...

    def renew(self) -> None:
        """Gets a certificate for a new TLS key."""
        ...

    def close(self) -> None:
        """Ends the connection; the next call makes another."""
        ...


def open_link(config: AgentConfig, identity: Identity, clock: WallClock) -> Link:
    """The way that `server` names; raises ConfigError for an address that is none."""
    if urlsplit(config.server).scheme == "https":
        return HttpLink(config.server, identity, clock)
    return BrokerLink(config, identity, clock)


class HttpLink:
    """Calls the ledger's port for deliveries. Use from one thread; each trouble is RetriableSource or as it is told."""

    def __init__(self, server: str, identity: Identity, clock: WallClock) -> None:
        if urlsplit(server).scheme != "https":
            raise ConfigError(f"{server!r} is no address of a ledger", advice=SCHEMES)
        self._server = server.rstrip("/")
        self._identity = identity
        self._clock = clock
        self._http: httpx.Client | None = None
        self.offset: Clock | None = None
        """The ledger's clock against ours, as its last answer told."""

    def standing(self) -> Standing:
        """Where the agent's epoch stands in the ledger."""
        return self._read(self._call("GET", "last"), Standing)

    def state(self, source: str) -> SourceState:
        """Where one of its sources stands in the ledger."""
        return self._read(self._call("GET", f"sources/{quote(source, safe='')}"), SourceState)

    def deliver(self, batch: SignedBatch) -> SignedReceipt:
        """Hands a batch over; the same batch again gets the same receipt."""
        return self._read(self._call("POST", "batches", msgspec.json.encode(batch)), SignedReceipt)

    def renew(self) -> None:
        """Gets a certificate for a new TLS key; it is used from the next call on."""
        key, request = make_request(self._identity.name)
        body = msgspec.json.encode(CertificateRequest(request=request))
        made = self._read(self._call("POST", "certificate", body), Certificate)
        self._identity.keep_certificate(key, made.certificate)
        self.close()

    def close(self) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None

    def _call(self, method: str, path: str, body: bytes | None = None) -> httpx.Response:
        try:
            http = self._client()
            began, start = self._clock.now_us(), time.monotonic()
            answer = http.request(method, path, content=body, extensions={"sni_hostname": SERVER_NAME})
            self._measure(answer, began, int((time.monotonic() - start) * 1e6))
        except (httpx.HTTPError, ssl.SSLError, OSError) as error:
            self.close()
            raise RetriableSource(
                f"the ledger at {self._server} did not answer: {error.__class__.__name__}: {error}",
                advice="Check the way to the ledger and its [agents] port; what is spooled is kept.",
            ) from None
        if not answer.is_success:
            raise problem_of(answer)
        return answer

    def _client(self) -> httpx.Client:
        if self._http is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.load_verify_locations(self._identity.authority_file)
            context.load_cert_chain(self._identity.tls_file)
            self._http = httpx.Client(
                base_url=f"{self._server}/api/v1/agents/{self._identity.name}/",
                params={"log": self._identity.enrolled.log},
                headers={"Accept": "application/json", "Content-Type": "application/json"},
                verify=context,
                timeout=_TIMEOUT,
                trust_env=False,
            )
        return self._http

    def _measure(self, answer: httpx.Response, began_us: int, took_us: int) -> None:
        try:
            told = int(parsedate_to_datetime(answer.headers["date"]).timestamp()) * 1_000_000 + _HALF_SECOND_US
        except (KeyError, ValueError, TypeError):
            return
        self.offset = Clock(
            offset_us=told - (began_us + took_us // 2),
            uncertainty_us=_HALF_SECOND_US + _REFRESH_US + took_us // 2,
            measured_at=utc_text(began_us + took_us),
            method="http-date",
        )

    def _read(self, answer: httpx.Response, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.DecodeError as error:
            raise ConfigError(
                f"what answers at {self._server} is not a ledger's port for agents: {error}",
                advice="Check `server` in agent.toml.",
            ) from None
