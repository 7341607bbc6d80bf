"""Hands runs to a ledger behind its API: `GET …/sources/{id}/state` and `POST …/sources/{id}/runs`.

Bodies are the structs of `ledger.core.run` as JSON, bytes in base64. A run's `Idempotency-Key` is the digest of its
body, so the same run sent again, by this process or after a restart, gets the first receipt. What the API answers as
problem details (RFC 9457) comes back as the error of the tree that has the same code.
"""

from collections.abc import Iterator
from hashlib import sha256
from ipaddress import ip_address
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from ledger.core.errors import (
    AccessDenied,
    ConfigError,
    Conflict,
    InvalidEntry,
    LedgerError,
    NotFound,
    RetriableSource,
)
from ledger.core.run import RunBatch, RunReceipt, SourceState

T = TypeVar("T")

_TIMEOUT = 60.0
_LATER = frozenset({429, 502, 503, 504})
"""Answers that say: the same request may succeed later, whatever their code."""
_BY_STATUS: dict[int, type[LedgerError]] = {
    401: AccessDenied,
    403: AccessDenied,
    404: NotFound,
    409: Conflict,
}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of problem details; other members are left alone."""

    code: str = ""
    title: str = ""
    detail: str = ""
    advice: str = ""


class HttpSink:
    """A `Sink` over HTTP with a bearer token; refuses to send the token in the clear beyond this machine."""

    def __init__(
        self, base_url: str, token: str, *, log: str | None = None, transport: httpx.BaseTransport | None = None
    ) -> None:
        """`log` names the record log; it may be left out where there is only one."""
        parts = urlsplit(base_url)
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
            raise ConfigError(
                f"{base_url!r} is no address to send records to",
                advice="Use https://, or http:// to this machine only: no token may cross a network in the clear.",
            )
        self._http = httpx.Client(
            base_url=f"{base_url.rstrip('/')}/api/v1/",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            params={"log": log} if log is not None else None,
            timeout=_TIMEOUT,
            trust_env=False,
            verify=parts.scheme == "https",  # to read the authorities takes its time
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def state(self, source_id: str) -> SourceState:
        """Where the source stands in the ledger."""
        answer = self._send(self._http.build_request("GET", f"sources/{quote(source_id, safe='')}/state"))
        return _read(answer, SourceState)

    def submit(self, batch: RunBatch) -> RunReceipt:
        """Returns once the run is durable; sending the same run again gives the same receipt."""
        body = msgspec.json.encode(batch)
        request = self._http.build_request(
            "POST",
            f"sources/{quote(batch.source, safe='')}/runs",
            content=body,
            headers={"Content-Type": "application/json", "Idempotency-Key": sha256(body).hexdigest()},
        )
        return _read(self._send(request), RunReceipt)

    def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            answer = self._http.send(request)
        except httpx.HTTPError as error:
            raise RetriableSource(
                f"the ledger at {request.url.copy_with(path='/')} did not answer: {error.__class__.__name__}: {error}",
                advice="Check that the ledger runs and can be reached; nothing is lost, the same run is sent again.",
            ) from None
        if answer.is_success:
            return answer
        raise problem_of(answer)


def problem_of(answer: httpx.Response) -> LedgerError:
    """The error that an answer stands for: RetriableSource where waiting may help, else by code, else by status."""
    return problem_in(answer.status_code, answer.content)


def problem_in(status: int, content: bytes) -> LedgerError:
    """The error that a status and problem details stand for, as `problem_of`."""
    try:
        problem = msgspec.json.decode(content, type=Problem)
    except msgspec.DecodeError:
        problem = Problem()
    message = problem.detail or problem.title or f"the ledger answered with status {status}"
    known = _BY_CODE.get(problem.code) or _BY_STATUS.get(status)
    if status in _LATER or (known is None and status >= 500):
        kind: type[LedgerError] = RetriableSource
    else:
        kind = known or InvalidEntry
    return kind(message, advice=problem.advice or None)


def _read(answer: httpx.Response, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.DecodeError as error:
        raise ConfigError(
            f"what answers at {answer.request.url} is not a ledger's API: {error}",
            advice="Check the address; it is that of `trailseal serve`, without a path.",
        ) from None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _tree(root: type[LedgerError]) -> Iterator[type[LedgerError]]:
    yield root
    for kind in root.__subclasses__():
        yield from _tree(kind)


_BY_CODE: dict[str, type[LedgerError]] = {kind.code: kind for kind in _tree(LedgerError)}
