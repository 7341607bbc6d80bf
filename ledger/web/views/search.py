"""Search over records: a form whose every answer is a URL, made as of a size, so that it can be cited."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import msgspec

from ledger.core.address import LogId
from ledger.core.errors import InvalidEntry, NotFound, PurposeRequired, SchemaViolation
from ledger.core.record import Action, LinkKind, Outcome, RecordBody, Sealed
from ledger.integrity.incidents.standing import answered
from ledger.present.inert import one_line
from ledger.present.messages import message
from ledger.present.times import Moment, claimed, parse_local
from ledger.present.values import Pieces
from ledger.present.windows import window_told
from ledger.privacy.look_up_kinds import Purpose
from ledger.privacy.look_ups import Allowed
from ledger.sources.imports import archives
from ledger.sources.inventory import unknown
from ledger.sources.narrowing import PLACE, Where, narrow
from ledger.store.as_of import AtCheckpoint, checkpoint_of
from ledger.store.counting import AT_ONCE, FACETS, Counts, counts
from ledger.store.disposed import count_disposed
from ledger.store.logs import SYSTEM_LOG
from ledger.store.ordering import Sort, SortedPage, SortKey
from ledger.store.reading import LogReader
from ledger.store.search import MAX_PAGE, TIMES, Query
from ledger.store.wanted import Wanted
from ledger.trace.asking import links_of, windows_of
from ledger.trace.columns import DEFAULT, Cell, Column, chosen
from ledger.trace.exporting import Table, cells
from ledger.web.views.common import Scope, entry_line
from ledger.web.views.search_export import export_urls

SIZES: Final = (50, 100, 200)
_FIELDS: Final = (
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


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One record found. `occurred` is None where the source's text (`claim`) names no instant; `incident`: the open
    case that doubts it. `cells`: what stands in further columns, by name.
    """

    index: int
    sentence: Pieces
    occurred: Moment | None
    claim: str
    source: str
    imported: bool
    batches: tuple[str, ...]
    incident: str | None = None
    cells: dict[str, str] = {}


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A value of a facet: its words, how many records have it, and where choosing or dropping it leads."""

    label: str
    count: int
    url: str
    chosen: bool


class FacetGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A facet: its words' key, and its most frequent values."""

    key: str
    choices: tuple[Choice, ...]


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """A filter in force, and the URL without it."""

    key: str
    value: str
    without: str


class SearchView(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. With `errors` (field → what is wrong) nothing was searched. `head` is the log's size now; `incident`:
    the open case for which the answer as a whole is unknown. `windows`: how each window of time was read;
    `unknown_source`: the source asked for, where none of that id is registered. `more`: where all that match are
    counted, if there are more than `total`. `proven`: the same question as of the checkpoint, if entries are newer.
    `exports`: by format, where all of it comes as a file.
    """

    form: Form
    logs: tuple[LogId, ...]
    head: int
    errors: dict[str, str]
    filters: tuple[Filter, ...] = ()
    facets: tuple[FacetGroup, ...] = ()
    rows: tuple[Row, ...] = ()
    total: int = 0
    more: str | None = None
    checkpoint: AtCheckpoint | None = None
    proven: str | None = None
    disposed: int = 0
    cite: str = ""
    newest: str | None = None
    older: str | None = None
    current: str | None = None
    entered: Allowed | None = None
    incident: str | None = None
    windows: tuple[str, ...] = ()
    unknown_source: str | None = None
    exports: dict[str, str] = {}


Allow = Callable[[LogReader, Query, Purpose | None, str | None], Allowed | None]
"""Decides whether a search, also one for a person of the identity map, may be answered: None, it is for no person;
raises PurposeRequired.
"""


def search_view(
    scope: Scope, open_reader: Callable[[LogId], LogReader], parameters: Mapping[str, str], allow: Allow
) -> SearchView:
    """Answers a search. What can't be read in the parameters is named in `errors`, field by field.

    A view with `entered` is one of a search for a person: it is shown once that is entered. Raises NotFound for a log
    that is not there.
    """
    errors: dict[str, str] = {}
    form = _form(scope, parameters, errors)
    query = _query(form, scope, errors)
    reader = open_reader(form.log)
    head = reader.head().size
    where = Where(**{name: form.fields[name] for name in _MAPPED if name in form.fields})
    logs = tuple(log for log in scope.logs if log.number != SYSTEM_LOG)
    if form.size is not None and form.size > head:
        errors["size"] = message("search.error.size", size=form.size, head=head)
    purpose = _member("purpose", Purpose, form.fields["purpose"], errors) if "purpose" in form.fields else None
    entered = None
    if not errors and query is not None:
        try:
            entered = allow(reader, query, purpose, where.person)
        except PurposeRequired:
            errors["purpose"] = message("search.error.purpose")
    if errors or query is None:
        return SearchView(form=form, logs=logs, head=head, errors=errors)
    size = head if form.size is None else form.size
    form = msgspec.structs.replace(form, size=size)
    try:
        question = narrow(reader.connection, form.log.number, size, query, where)
        wanted = Wanted(size, False, form.sort, form.before, form.after, form.limit)
        page = wanted.page(reader, form.log, size, question)
    except (SchemaViolation, NotFound) as error:
        errors["sort"] = f"{error.message}. {error.advice}"
        return SearchView(form=form, logs=logs, head=head, errors=errors)
    found = counts(
        reader.connection, form.log.number, size, question, top=8, most=None if form.all_counted else AT_ONCE
    )
    checkpoint = checkpoint_of(reader.connection, form.log, size)
    old = archives(reader.connection, form.log.number)
    further = _further(reader, page.indices, Table(columns=form.columns, zone=scope.zone, old=old))
    return SearchView(
        form=form,
        logs=logs,
        head=head,
        errors={},
        filters=tuple(
            Filter(key=f"search.{name}", value=one_line(_word(name, value)), without=form.url(**{name: None, **_FIRST}))
            for name, value in form.fields.items()
        ),
        # Counts over what one person did would be an evaluation of that person.
        facets=() if entered is not None else _facets(form, found),
        rows=tuple(_row(scope, reader, index, old, further[index]) for index in page.indices),
        total=found.total,
        more=None if found.exact else form.url(counts="all"),
        checkpoint=checkpoint,
        proven=form.url(size=checkpoint.size, **_FIRST) if checkpoint is not None and checkpoint.size < size else None,
        disposed=count_disposed(reader.connection, form.log.number),
        cite=form.url(),
        newest=form.url(**_FIRST) if form.before is not None or form.after is not None else None,
        older=None if page.next_after is None else form.url(before=page.next_before, after=_unless(page)),
        current=form.url(size=None, **_FIRST) if head > size else None,
        entered=entered,
        incident=answered(scope.standing, form.log.number, query, page.indices),
        windows=tuple(window_told(one) for one in windows_of(query, scope.zone)),
        unknown_source=unknown(reader.connection, query.source),
        exports=export_urls(form.log.name, query, where, size, form.sort, form.names, scope.zone.key, purpose),
    )


_FIRST: Final[dict[str, None]] = {"before": None, "after": None}


def _unless(page: SortedPage) -> str | None:
    """What the next page is asked with, where the index to go on before does not say it already."""
    return page.next_after if page.next_before is None else None


def _form(scope: Scope, parameters: Mapping[str, str], errors: dict[str, str]) -> Form:
    name = parameters.get("log", "")
    records = [log for log in scope.logs if log.number != SYSTEM_LOG]
    fields = {field: value for field in _FIELDS if (value := parameters.get(field, "").strip()[:_MAX_TEXT])}
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
            by=_member("sort", SortKey, parameters.get("sort", "").strip() or SortKey.INDEX.value, errors)
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
            values[name] = _member(name, enum, fields[name], errors)
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


def _member(name: str, enum: type[E], text: str, errors: dict[str, str]) -> E | None:
    try:
        return enum(text)
    except ValueError:
        errors[name] = _no_choice(text, enum)
        return None


def _no_choice(text: str, choices: Iterable[str]) -> str:
    return message("search.error.choice", text=one_line(text, 40), choices=", ".join(choices))


def _further(reader: LogReader, indices: Sequence[int], table: Table) -> dict[int, dict[str, str]]:
    """By record, the cells of the columns that the page does not draw in a way of its own, each in one line."""
    further = msgspec.structs.replace(table, columns=tuple(one for one in table.columns if one.name not in DEFAULT))
    names = [column.name for column in further.columns]
    if not names:
        return {index: {} for index in indices}
    made = cells(reader, indices, further)
    return {index: dict(zip(names, map(_cell, row), strict=True)) for index, *row in zip(indices, *made, strict=True)}


def _cell(value: Cell) -> str:
    if isinstance(value, Sealed):
        return message("value.sealed")
    return "" if value is None else one_line(str(value))


def _row(scope: Scope, reader: LogReader, index: int, old: frozenset[str], further: dict[str, str]) -> Row:
    line, case = entry_line(scope, reader.entry(index), reader), scope.standing.of_entry(reader.log, index)
    if not isinstance(line.body, RecordBody):
        said = line.sentence
        return Row(
            index=index,
            sentence=said,
            occurred=None,
            claim="",
            source="",
            imported=False,
            batches=(),
            incident=case,
            cells=further,
        )
    record = line.body.record
    return Row(
        index=index,
        sentence=line.sentence,
        occurred=claimed(record.occurred_at, scope.zone),
        claim=one_line(record.occurred_at.text, 24),
        source=one_line(record.source, 24),
        imported=record.source in old,
        batches=tuple(dict.fromkeys(one_line(link.id, 24) for link in record.links if link.kind is LinkKind.BATCH)),
        incident=case,
        cells=further,
    )


def _facets(form: Form, found: Counts) -> tuple[FacetGroup, ...]:
    groups = []
    for name in FACETS:
        choices = tuple(
            Choice(
                label=one_line(_word(name, facet.value), 40),
                count=facet.count,
                url=form.url(**{name: None if form.fields.get(name) == facet.value else facet.value, **_FIRST}),
                chosen=form.fields.get(name) == facet.value,
            )
            for facet in found.facets[name]
        )
        if choices:
            groups.append(FacetGroup(key=f"search.{name}", choices=choices))
    return tuple(groups)


def _word(name: str, value: str) -> str:
    if name in ("action", "outcome", "purpose"):
        return message(f"{name}.{value}")
    if name in ("reasoned", "time"):
        return message(f"search.{name}.{value}")
    return message(f"link.{value}") if name == "link_kind" else value
