"""The form of a search: its fields as they were typed, and the question that they ask."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import msgspec

from ledger.core.address import LogId
from ledger.core.errors import InvalidEntry, SchemaViolation
from ledger.core.record import Action, LinkKind, Outcome
from ledger.present.inert import one_line
from ledger.present.messages import message
from ledger.present.times import parse_local
from ledger.sources.narrowing import PLACE, Where
from ledger.store.logs import SYSTEM_LOG
from ledger.store.ordering import Sort, SortKey
from ledger.store.question import TIMES, Query
from ledger.store.search import MAX_PAGE
from ledger.trace.asking import links_of
from ledger.trace.columns import Column, chosen
from ledger.web.views.common import Scope

SIZES: Final = (50, 100, 200)
FIELDS: Final = (
    "text", "source", "action", "outcome", "actor", "person", "role", "workstation", "object_type", "object_id",
    "attribute", *PLACE, "reasoned", "link_kind", "link_id", "links", "time", "from", "to", "purpose",
)  # fmt: skip
_MAPPED: Final = ("person", *PLACE)
_PLAIN: Final = (
    "text", "source", "actor", "role", "workstation", "object_type", "object_id", "attribute", "link_id",
)  # fmt: skip
"""Fields that a query has as they were typed."""
_REASONED: Final = {"yes": True, "no": False}
_MAX_TEXT: Final = 4096
_MAX_AFTER: Final = 400
FIRST: Final[dict[str, None]] = {"before": None, "after": None}
"""What an address leaves out that begins with the first page."""
E = TypeVar("E", bound=StrEnum)


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked: every field as it was typed, which log, as of which size, and how the answer is shown."""

    fields: dict[str, str]
    log: LogId
    size: int | None
    before: int | None
    after: str | None
    sort: Sort
    limit: int
    dense: bool
    all_counted: bool
    columns: tuple[Column, ...] = chosen(None)

    @property
    def names(self) -> str:
        """The columns that are shown, as an address names them."""
        return ",".join(column.name for column in self.columns)

    @property
    def narrowed(self) -> bool:
        """Whether anything but words is asked for."""
        return any(field != "text" for field in self.fields)

    def url(self, **changed: str | int | None) -> str:
        """The URL of this search with some of its parameters changed; None leaves one out."""
        parameters: dict[str, str | int | None] = {"log": self.log.name, **self.fields}
        parameters |= {"size": self.size, "before": self.before, "after": self.after}
        parameters |= {"sort": None if self.sort.by is SortKey.INDEX else self.sort.by.value}
        parameters |= {"order": "asc" if self.sort.ascending else None}
        parameters |= {"counts": "all" if self.all_counted else None}
        parameters |= {"limit": None if self.limit == SIZES[0] else self.limit, "rows": "dense" if self.dense else None}
        parameters |= {"columns": None if self.columns == chosen(None) else self.names}
        parameters |= changed
        return "/search?" + urlencode({name: value for name, value in parameters.items() if value not in (None, "")})


def question_of(
    scope: Scope, parameters: Mapping[str, str], errors: dict[str, str]
) -> tuple[Form, Query | None, Where]:
    """What the parameters ask for; the query is None where `errors` says, field by field, what cannot be read."""
    form = _form(scope, parameters, errors)
    query = _query(form, scope, errors)
    return form, query, Where(**{name: form.fields[name] for name in _MAPPED if name in form.fields})


def _form(scope: Scope, parameters: Mapping[str, str], errors: dict[str, str]) -> Form:
    name = parameters.get("log", "")
    records = [log for log in scope.logs if log.number != SYSTEM_LOG]
    fields = {field: value for field in FIELDS if (value := parameters.get(field, "").strip()[:_MAX_TEXT])}
    if fields.get("time") == TIMES[0]:
        del fields["time"]  # a form sends it always: nothing is narrowed by it
    limit = _natural("limit", parameters, errors) or SIZES[0]
    return Form(
        fields=fields,
        log=scope.log(name) if name else records[0],
        size=_natural("size", parameters, errors),
        before=_natural("before", parameters, errors),
        after=parameters.get("after", "").strip()[:_MAX_AFTER] or None,
        sort=Sort(
            by=member("sort", SortKey, parameters.get("sort", "").strip() or SortKey.INDEX.value, errors)
            or SortKey.INDEX,
            ascending=parameters.get("order") == "asc",
        ),
        limit=min(limit, MAX_PAGE),
        dense=parameters.get("rows") == "dense",
        all_counted=parameters.get("counts") == "all",
        columns=_columns(parameters.get("columns", ""), errors),
    )


def _columns(text: str, errors: dict[str, str]) -> tuple[Column, ...]:
    try:
        return chosen(text.strip())
    except SchemaViolation as error:
        errors["columns"] = f"{error.message}. {error.advice}"
        return chosen(None)


def _natural(name: str, parameters: Mapping[str, str], errors: dict[str, str]) -> int | None:
    text = parameters.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 13):
        errors[name] = message("search.error.number", text=one_line(text, 40))
        return None
    return int(text)


def _query(form: Form, scope: Scope, errors: dict[str, str]) -> Query | None:
    fields = form.fields
    values: dict[str, Any] = {name: fields[name] for name in _PLAIN if name in fields}
    for name, enum in (("action", Action), ("outcome", Outcome), ("link_kind", LinkKind)):
        if name in fields:
            values[name] = member(name, enum, fields[name], errors)
    if "reasoned" in fields:
        values["reasoned"] = _REASONED.get(fields["reasoned"])
        if values["reasoned"] is None:
            errors["reasoned"] = _no_choice(fields["reasoned"], _REASONED)
    if "links" in fields:
        try:
            values["links"] = links_of(message("search.links"), filter(None, re.split(r"\s*;\s*", fields["links"])))
        except SchemaViolation as error:
            errors["links"] = f"{error.message}. {error.advice}"
    time = fields.get("time", TIMES[0])
    if time not in TIMES:
        errors["time"] = _no_choice(time, TIMES)
    for name in ("from", "to"):
        if name in fields:
            try:
                values[f"{time}_{name}"] = parse_local(fields[name], scope.zone)
            except InvalidEntry as error:
                errors[name] = f"{error.message}. {error.advice}"
    begins, ends = values.get(f"{time}_from"), values.get(f"{time}_to")
    if begins is not None and ends is not None and begins >= ends:
        errors["to"] = message("search.error.order")
    return None if errors else Query(**values)


def member(name: str, enum: type[E], text: str, errors: dict[str, str]) -> E | None:
    """The member of an enumeration that a field names; None, and said in `errors`, where it names none."""
    try:
        return enum(text)
    except ValueError:
        errors[name] = _no_choice(text, enum)
        return None


def _no_choice(text: str, choices: Iterable[str]) -> str:
    return message("search.error.choice", text=one_line(text, 40), choices=", ".join(choices))


def field_word(name: str, value: str) -> str:
    """The value of a field in words."""
    if name in ("action", "outcome", "purpose"):
        return message(f"{name}.{value}")
    if name in ("reasoned", "time"):
        return message(f"search.{name}.{value}")
    return message(f"link.{value}") if name == "link_kind" else value
