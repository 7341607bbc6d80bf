"""An HTTP session with one source: bounded in time and size, and never in the clear beyond this machine.

A source that asks for patience (`Retry-After`) gets it. An answer that sends on to another address is not followed, so
no credential reaches a server that nobody named. TLS certificates are always verified, against a CA file where one is
given. The source's clock is measured by the Date header of its answers.
"""

import ssl
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from ipaddress import ip_address
from time import monotonic
from types import TracebackType
from typing import Self
from urllib.parse import quote, urljoin, urlsplit

import httpx
import msgspec

from collectors.base import Stop
from collectors.clocks import clock_told
from collectors.it.http_words import excerpt
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError, FatalSource, RetriableSource
from ledger.core.times import Clock

Pairs = Sequence[tuple[str, str]]

MAX_PATIENCE = 300.0
"""Seconds that a source may ask to wait before the run is given up instead."""
_METHOD = "HTTP Date header, 1 s resolution: half a second added, half the round trip as uncertainty"
_SECOND_US = 1_000_000
_ASKS_FOR_PATIENCE = frozenset({429, 503})
_LATER = frozenset({408, 425, 429})
_DENIED = frozenset({401, 403})
_WAITS = 5
_QUERY_SAFE = "$:,'()*/!@;"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back from `url`; `body` is decompressed, `next_link` the target of the Link header's `next`."""

    url: str
    status: int
    headers: httpx.Headers
    body: bytes
    next_link: str | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one answer: bytes, seconds of silence, and seconds in all."""

    bytes: int = 32 * 1024 * 1024
    silence: float = 30.0
    whole: float = 300.0


class Pause:
    """Until when a source has asked to be left alone; kept by a collector over its runs."""

    def __init__(self) -> None:
        self._until = 0.0

    def set(self, seconds: float) -> None:
        self._until = monotonic() + seconds

    def check(self, place: str) -> None:
        """Raises RetriableSource while it lasts, so that the source is not asked."""
        if (left := self._until - monotonic()) > 0:
            raise _not_now(place, left)


def checked_address(url: str) -> str:
    """The address, with a slash at its end; raises ConfigError for one that can't be, or over which secrets leak."""
    try:
        parts = urlsplit(url)
        port_is_none_or_fits = parts.port is None or parts.port > 0
    except ValueError:
        raise ConfigError(f"{url!r} is no address", advice="Write https://HOST:PORT/PATH.") from None
    if parts.username is not None or parts.password is not None:
        raise ConfigError("the address holds an account", advice="Use the options and secrets for it.")
    if not parts.hostname or parts.query or parts.fragment or not port_is_none_or_fits:
        raise ConfigError(f"{url!r} is no base address", advice="Write https://HOST:PORT/PATH, without ? and #.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ConfigError(
            f"{url!r} would be asked in the clear",
            advice="Use https://, or http:// to this machine only: no password may cross a network in the clear.",
        )
    return url if url.endswith("/") else f"{url}/"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def query_text(pairs: Pairs) -> str:
    """Parameters as a query; what OData and its like write plainly (`$`, `:`, quotes, brackets) stays readable."""
    return "&".join(f"{quote(name, safe=_QUERY_SAFE)}={quote(value, safe=_QUERY_SAFE)}" for name, value in pairs)


def with_query(url: str, pairs: Pairs) -> str:
    """The address with these parameters after those that it has."""
    if not pairs:
        return url
    return f"{url}{'&' if '?' in url else '?'}{query_text(pairs)}"


def clock_by_date(headers: Mapping[str, str], asked_us: int, answered_us: int) -> Clock | None:
    """The clock of whoever sent these headers, between two instants of ours; None without a Date that can be read."""
    try:
        moment: datetime = parsedate_to_datetime(headers["date"])
        server_us = int(moment.timestamp()) * _SECOND_US
    except (KeyError, ValueError, OverflowError):
        return None
    return clock_told(server_us, asked_us, answered_us, _METHOD, _SECOND_US)


@cache
@cache
def trust(ca_file: str = "") -> ssl.SSLContext:
    """What certificates are verified against: the authorities of a file, or of the system this runs on.

    Raises ConfigError for a file that can't be read. A changed file is read by the next process.
    """
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"the CA file {ca_file} cannot be read: {error}",
            advice="It holds the certificates, in PEM, of whoever signed the source's own.",
        ) from None


class Http:
    """One session. Every call raises RetriableSource or FatalSource, and names the source's place."""

    def __init__(
        self,
        base: str,
        clock: WallClock,
        *,
        verify: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        stop: Stop | None = None,
        pause: Pause | None = None,
    ) -> None:
        self.base = base
        self.headers: dict[str, str] = {}
        """Sent with every request from now on."""
        self.account = "the collector"
        """How messages name who asks; never a secret."""
        self.secret = ""
        """What no message shows, even where the source repeats it."""
        self.source_clock: Clock | None = None
        """The source's clock, as measured by its last answer."""
        self._clock = clock
        self._limits = limits or Limits()
        self._stop = stop
        self._pause = pause or Pause()
        self._http = httpx.Client(
            timeout=self._limits.silence,
            trust_env=False,
            verify=verify or trust(),
            headers={"Accept": "application/json", "Accept-Encoding": "gzip"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def address(self, link: str, seen_from: str | None = None) -> str:
        """The address that a link names; raises FatalSource when it leads to another server than the source's own."""
        try:
            found = urljoin(seen_from or self.base, link)
            same = _origin(found) == _origin(self.base)
        except ValueError:
            found, same = link, False
        if not same:
            raise FatalSource(
                f"{self.base} sends on to another server: {excerpt(link)}",
                advice="Set the source's address to the one that it gives itself (its public base address).",
            )
        return found

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer, whatever its status below 300, or 304 or 404; every other one is raised."""
        return self._judged(lambda: self._send("GET", url, headers=headers))

    def post(self, url: str, *, form: Mapping[str, str] | None = None, json: object = None) -> Answer:
        """As `get`; the request is one that may be sent again, such as a sign-in."""
        return self._judged(lambda: self._send("POST", url, form=form, json=json))

    def change(self, method: str, url: str, body: bytes) -> Answer:
        """The answer to a request that changes something there: it is sent once, whatever comes back.

        Raises RetriableSource where it is not known what came of it, FatalSource where it was refused.
        """
        answer = self._send(method, url, headers={"Content-Type": "application/json"}, body=body)
        if answer.status < 300:
            return answer
        if answer.status == 404:
            raise FatalSource(
                f"{self.base} has nothing at {urlsplit(url).path}", advice="Correct the path, or make the object first."
            )
        raise self._error(answer)

    def said(self, answer: Answer) -> str:
        """What an answer says, in few words."""
        words = excerpt(answer.body)
        return words.replace(self.secret, "…") if self.secret else words

    def _judged(self, send: Callable[[], Answer]) -> Answer:
        answer = send()
        for _ in range(_WAITS):
            seconds = self._asked_to_wait(answer)
            if seconds is None:
                break
            self._wait(seconds)
            answer = send()
        if answer.status < 300 or answer.status in {304, 404}:
            return answer
        raise self._error(answer)

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: object = None,
        body: bytes | None = None,
    ) -> Answer:
        asked_us = self._clock.now_us()
        try:
            with self._http.stream(
                method, url, headers={**self.headers, **(headers or {})}, data=form, json=json, content=body
            ) as response:
                answered_us = self._clock.now_us()
                answered = self._read(response)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise FatalSource(f"{url!r} is no address: {error}", advice="Correct the source's address.") from None
        except httpx.HTTPError as error:
            raise RetriableSource(
                f"{self.base} did not answer: {error.__class__.__name__}: {error}", advice=_advice(error)
            ) from None
        self.source_clock = clock_by_date(response.headers, asked_us, answered_us) or self.source_clock
        return Answer(
            url=url, status=response.status_code, headers=response.headers, body=answered, next_link=_next(response)
        )

    def _read(self, response: httpx.Response) -> bytes:
        coding = response.headers.get("content-encoding", "identity").strip().lower()
        if coding not in {"identity", "gzip", ""}:
            raise FatalSource(
                f"{self.base} answers compressed as {coding!r}, which was not asked for",
                advice="Let the server, or the proxy before it, compress by gzip or not at all.",
            )
        began, body = monotonic(), bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > self._limits.bytes:
                raise FatalSource(
                    f"{self.base} gave an answer of more than {self._limits.bytes} bytes",
                    advice="Ask for smaller pages (option page_size), or raise the limit (option max_mebibytes).",
                )
            if monotonic() - began > self._limits.whole:
                raise RetriableSource(
                    f"{self.base} took more than {self._limits.whole:g} s for one answer",
                    advice="Ask for smaller pages (option page_size); check network and load of the source.",
                )
        return bytes(body)

    def _asked_to_wait(self, answer: Answer) -> float | None:
        if answer.status not in _ASKS_FOR_PATIENCE:
            return None
        return retry_after(answer.headers, self._clock.now_us())

    def _wait(self, seconds: float) -> None:
        if seconds > MAX_PATIENCE:
            self._pause.set(seconds)
            raise _not_now(self.base, seconds)
        if self._stop is None or self._stop.wait(seconds):
            raise _not_now(self.base, seconds)

    def _error(self, answer: Answer) -> FatalSource | RetriableSource:
        where, says = self.base, self.said(answer)
        if answer.status in _DENIED:
            return FatalSource(
                f"{where} refuses {self.account} (status {answer.status}{': ' if says else ''}{says})",
                advice="Check the account, its secret and its rights at the source.",
            )
        if answer.status in _LATER or answer.status >= 500:
            return RetriableSource(
                f"{where} answered with status {answer.status}: {says}",
                advice="Wait for the next try; if it stays so, look into the source's own log.",
            )
        if answer.status < 400:
            to = excerpt(answer.headers.get("location", "an address that it does not name"))
            return FatalSource(
                f"{where} sends on to {to}", advice="Set the source's address to that one, if it is right."
            )
        return FatalSource(
            f"{where} does not take the request {urlsplit(answer.url).path} (status {answer.status}): {says}",
            advice="Check the source's options: address, path and query.",
        )


def retry_after(headers: Mapping[str, str], now_us: int) -> float | None:
    """Seconds that a source asks to wait (RFC 9110, 10.2.3), a date by its own clock; None where it does not say."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text).timestamp()
        now = parsedate_to_datetime(headers["date"]).timestamp() if "date" in headers else now_us / _SECOND_US
    except (ValueError, OverflowError):
        return None
    return max(0.0, until - now)


def _next(response: httpx.Response) -> str | None:
    """The target whose relation is `next` (RFC 8288); a link may have several relations."""
    for link in response.links.values():
        if "next" in (link.get("rel") or "").lower().split():
            return link.get("url")
    return None


def _not_now(place: str, seconds: float) -> RetriableSource:
    return RetriableSource(
        f"{place} asks to be left alone for {seconds:.0f} s more",
        advice="It limits its callers: collect less often, or ask its administrator for a higher limit.",
    )


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _advice(error: httpx.HTTPError) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "Give the CA that signed the source's certificate as option ca_file; verification is never switched off."
    return "Check that the source runs and can be reached; nothing is lost, it is read from the same place again."
