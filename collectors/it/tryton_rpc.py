"""Speaks JSON-RPC to a Tryton server, and keeps every row exactly as the server wrote it.

A row comes back as the text between its braces in the answer, never decoded and encoded again.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from collectors.it.http import clock_by_date, trust
from collectors.verbatim import items, members
from ledger.core.clock import WallClock
from ledger.core.errors import FatalSource, RetriableSource
from ledger.core.times import Clock

PAGE = 1000
"""Rows asked for in one call."""
_TIMEOUT = 30.0
_TRANSIENT = frozenset({"ConcurrencyException", "RateLimitException"})
_DENIED = frozenset({401, 403})

Domain = Sequence[object]


class Refused(FatalSource):
    """The server understood the call and refuses it: no right, no such row, no such model."""


class TrytonRpc:
    """One session of one user; logs out at the end. Every call raises RetriableSource or FatalSource."""

    def __init__(self, url: str, user: str, password: str, clock: WallClock) -> None:
        self._url = url
        self._user = user
        self._password = password
        self._clock = clock
        self._http = httpx.Client(timeout=_TIMEOUT, trust_env=False, verify=trust())
        self._authorization = ""
        self._context: dict[str, Any] = {}
        self.source_clock: Clock | None = None
        """The server's clock, as measured by the last call."""

    def __enter__(self) -> Self:
        try:
            self._log_in()
        except BaseException:
            self._http.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._post("common.db.logout", [])
        except (RetriableSource, FatalSource):
            pass  # the session ends by itself; what the run did is what counts
        finally:
            self._http.close()

    def version(self) -> str:
        """The server's version, as it says it."""
        parts = urlsplit(self._url)
        root = parts._replace(path="/rpc/" if parts.path.rstrip("/").endswith("/rpc") else "/").geturl()
        return str(json.loads(self._post("common.server.version", [], root)))

    def search(self, model: str, domain: Domain) -> list[int]:
        """The ids of all rows that match, ascending; inactive rows count too."""
        ids: list[int] = []
        while True:
            page = self._call(
                f"model.{model}.search", [[*domain, ["id", ">", ids[-1] if ids else -1]], 0, PAGE, [["id", "ASC"]]]
            )
            found: list[int] = json.loads(page)
            ids += found
            if len(found) < PAGE:
                return ids

    def read(self, model: str, ids: Sequence[int], fields: Sequence[str]) -> dict[int, str]:
        """Id and exact text of these rows, ascending; raises Refused when one of them is not there or not readable."""
        found: dict[int, str] = {}
        for start in range(0, len(ids), PAGE):
            answer = self._call(f"model.{model}.read", [list(ids[start : start + PAGE]), list(fields)])
            found.update(_with_ids(model, answer))
        return dict(sorted(found.items()))

    def rows(self, model: str, ids: Sequence[int], fields: Sequence[str]) -> Iterator[tuple[int, str]]:
        """Id and exact text of each row, ascending; a row that is no longer there is left out."""
        for start in range(0, len(ids), PAGE):
            domain = [["id", "in", list(ids[start : start + PAGE])]]
            answer = self._call(f"model.{model}.search_read", [domain, 0, None, [["id", "ASC"]], list(fields)])
            yield from _with_ids(model, answer)

    def write(self, model: str, row: int, field: str, value: str) -> None:
        """Changes one field of one row, once; for planting a challenge, which no collector does.

        Raises Refused where the server does not let the user, RetriableSource where what came of it is not known.
        """
        self._call(f"model.{model}.write", [[row], {field: value}])

    def _log_in(self) -> None:
        answer = self._post("common.db.login", [self._user, {"password": self._password}, "en"])
        session = json.loads(answer)
        if not session:
            raise FatalSource(
                f"the ERP at {self._url} refuses user {self._user!r}", advice="Check the account and its password."
            )
        token = f"{self._user}:{session[0]}:{session[1]}"
        self._authorization = "Session " + b64encode(token.encode()).decode("ascii")
        preferences = json.loads(self._post("model.res.user.get_preferences", [True, {}]))
        self._context = {**preferences, "active_test": False}

    def _call(self, method: str, parameters: list[object]) -> str:
        return self._post(method, [*parameters, self._context])

    def _post(self, method: str, parameters: list[object], url: str | None = None) -> str:
        headers = {"Authorization": self._authorization} if self._authorization else {}
        asked_us = self._clock.now_us()
        try:
            response = self._http.post(
                url or self._url, json={"id": 1, "method": method, "params": parameters}, headers=headers
            )
        except httpx.InvalidURL as error:
            raise FatalSource(f"{self._url!r} is no address: {error}") from None
        except httpx.HTTPError as error:
            raise RetriableSource(
                f"the ERP at {self._url} did not answer {method}: {error.__class__.__name__}: {error}"
            ) from None
        self.source_clock = clock_by_date(response.headers, asked_us, self._clock.now_us()) or self.source_clock
        return self._read(method, response)

    def _read(self, method: str, response: httpx.Response) -> str:
        if response.status_code in _DENIED:
            raise FatalSource(
                f"the ERP at {self._url} refuses user {self._user!r} for {method}",
                advice="Check the account, its password and its rights.",
            )
        if response.status_code >= 500 or response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise RetriableSource(f"the ERP at {self._url} answered {method} with {response.status_code}")
        try:
            answer = members(response.content.decode("utf-8"))
            problem = json.loads(answer.get("error", "null"))
            if problem is None:
                return answer["result"]
        except (ValueError, KeyError, RecursionError):
            raise FatalSource(
                f"what answers at {self._url} is not Tryton's JSON-RPC (status {response.status_code})",
                advice="The address is http(s)://HOST:PORT/DATABASE/rpc/ (before 8.0: without `rpc/`).",
            ) from None
        refusal = f"the ERP refused {method}: {_words(problem)}"
        if isinstance(problem, list) and problem and problem[0] in _TRANSIENT:
            raise RetriableSource(refusal)
        raise Refused(refusal)


def _with_ids(model: str, answer: str) -> list[tuple[int, str]]:
    try:
        return [(int(json.loads(row)["id"]), row) for row in items(answer)]
    except (ValueError, TypeError, KeyError) as error:
        raise FatalSource(f"the ERP answered for {model} with something else than rows: {error}") from None


def _words(error: object) -> str:
    if not isinstance(error, list):
        return str(error)
    if len(error) > 1 and isinstance(error[1], list):
        return " ".join(str(part) for part in error[1] if part)
    return str(error[0]) if error else "no reason given"
