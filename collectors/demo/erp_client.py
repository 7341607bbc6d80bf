"""Speaks Tryton's JSON-RPC as one signed-in person of the demo: what a person does at the ERP's client, done by call.

Protocol of trytond 8.2: POST to `<server>/<database>/rpc/` with `{"id", "method", "params"}`; the last parameter of a
model method is the context. `common.db.login` takes user name, `{"password": …}` and language and returns user id and
session key; later calls carry `Authorization: Session base64("<name>:<id>:<key>")`. An answer holds `result`, or
`error` as [type, details]. Decimals, dates and the like are objects with `__class__`.
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

import httpx

from collectors.demo.process import NO_TLS
from ledger.core.errors import FatalSource

_SECONDS = 30.0


class ErpSession:
    """A session of one user; raises FatalSource, with the ERP's own words, for whatever the ERP refuses."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.user = user
        self._url = url
        self._http = httpx.Client(timeout=_SECONDS, verify=NO_TLS)
        self._context: dict[str, Any] = {}
        answer = self._post("common.db.login", [user, {"password": password}, "en"])
        if answer is None:
            self._http.close()
            raise FatalSource(f"the ERP refused the logon of {user}")
        user_id, key = answer[0], answer[1]
        token = base64.b64encode(f"{user}:{user_id}:{key}".encode()).decode("ascii")
        self._http.headers["Authorization"] = f"Session {token}"
        self.load_preferences()

    def load_preferences(self) -> None:
        """Takes the user's company and language into the context of later calls, as Tryton's own clients do."""
        self._context = self.call("model.res.user.get_preferences", True)

    def call(self, method: str, *arguments: Any) -> Any:
        return self._post(method, [*arguments, self._context])

    def create(self, model: str, **values: Any) -> int:
        """Creates one record and returns its id."""
        (record,) = self.call(f"model.{model}.create", [values])
        return int(record)

    def write(self, model: str, record: int, **values: Any) -> None:
        self.call(f"model.{model}.write", [record], values)

    def delete(self, model: str, record: int) -> None:
        self.call(f"model.{model}.delete", [record])

    def press(self, model: str, button: str, record: int) -> None:
        """Presses a button of the record's form: a step of a workflow."""
        self.call(f"model.{model}.{button}", [record])

    def find(self, model: str, *domain: Any) -> list[int]:
        """Ids of the records that match every clause, in order of id."""
        return list(self.call(f"model.{model}.search", list(domain), 0, None, [["id", "ASC"]]))

    def find_one(self, model: str, *domain: Any) -> int:
        found = self.find(model, *domain)
        if len(found) != 1:
            raise FatalSource(f"the ERP holds {len(found)} records of {model} where one was expected: {domain}")
        return found[0]

    def read(self, model: str, record: int, *fields: str) -> dict[str, Any]:
        (row,) = self.call(f"model.{model}.read", [record], list(fields))
        return dict(row)

    def close(self) -> None:
        """Signs out; a session that is not closed would stay valid until it times out."""
        self._post("common.db.logout", [])
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _post(self, method: str, parameters: list[Any]) -> Any:
        try:
            response = self._http.post(self._url, json={"id": 1, "method": method, "params": _encoded(parameters)})
            response.raise_for_status()
        except httpx.HTTPError as failure:
            raise FatalSource(f"the ERP did not serve {method} for {self.user}: {failure}") from failure
        answer = response.json()
        if answer.get("error"):
            raise FatalSource(f"the ERP refused {method} for {self.user}: {_words(answer['error'])}")
        return answer.get("result")


def _words(error: list[Any]) -> str:
    """The error's type and its first sentence; the rest describes whole models, for a client to draw forms by."""
    kind, details = error[0], error[1] if len(error) > 1 else ""
    first = details[0] if isinstance(details, list) and details else details
    return f"{kind}: {first}"


def _encoded(value: Any) -> Any:
    """Writes what JSON lacks the way Tryton reads it."""
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    if isinstance(value, Mapping):
        return {key: _encoded(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_encoded(item) for item in value]
    return value
