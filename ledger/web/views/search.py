"""Search over records: a form whose every answer is a URL, made as of a size, so that it can be cited."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from ledger.core.address import LogId
from ledger.core.errors import NotFound, PurposeRequired, SchemaViolation
from ledger.core.record import LinkKind, RecordBody, Sealed
from ledger.integrity.incidents.standing import answered
from ledger.present.inert import one_line
from ledger.present.messages import message
from ledger.present.times import Moment, claimed
from ledger.present.values import Pieces
from ledger.present.windows import window_told
from ledger.privacy.look_up_kinds import Purpose
from ledger.privacy.look_ups import Allowed
from ledger.sources.imports import archives
from ledger.sources.inventory import unknown
from ledger.sources.narrowing import narrow
from ledger.store.as_of import AtCheckpoint, checkpoint_of
from ledger.store.counting import AT_ONCE, counts, linked
from ledger.store.disposed import count_disposed
from ledger.store.logs import SYSTEM_LOG
from ledger.store.ordering import SortedPage
from ledger.store.reading import LogReader
from ledger.store.wanted import Wanted
from ledger.trace.asking import windows_of
from ledger.trace.columns import DEFAULT, Cell
from ledger.trace.exporting import Table, cells
from ledger.web.views.common import Allow, Scope, entry_line
from ledger.web.views.facets import FacetGroup, LinkedGroups, facets_of, linked_of
from ledger.web.views.marks import Marked, shown_marks
from ledger.web.views.search_export import export_urls
from ledger.web.views.search_form import FIRST, Form, field_word, member, question_of


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One record found. `occurred` is None where the source's text (`claim`) names no instant; `incident`: the open
    case that doubts it. `cells`: what stands in further columns, by name. `marks`: entered by hand, corrected,
    excluded.
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
    marks: Marked = ()


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
    linked: LinkedGroups | None = None
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

    @property
    def log(self) -> str:
        """The name of the log that is searched."""
        return self.form.log.name


def search_view(
    scope: Scope, open_reader: Callable[[LogId], LogReader], parameters: Mapping[str, str], allow: Allow
) -> SearchView:
    """Answers a search. What can't be read in the parameters is named in `errors`, field by field.

    A view with `entered` is one of a search for a person: it is shown once that is entered. Raises NotFound for a log
    that is not there.
    """
    errors: dict[str, str] = {}
    form, query, where = question_of(scope, parameters, errors)
    reader = open_reader(form.log)
    head = reader.head().size
    logs = tuple(log for log in scope.logs if log.number != SYSTEM_LOG)
    if form.size is not None and form.size > head:
        errors["size"] = message("search.error.size", size=form.size, head=head)
    purpose = member("purpose", Purpose, form.fields["purpose"], errors) if "purpose" in form.fields else None
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
    marks = shown_marks(reader.connection, scope.logs, form.log, page.indices, size)
    further = _further(reader, page.indices, Table(columns=form.columns, zone=scope.zone, old=old, size=size))
    return SearchView(
        form=form,
        logs=logs,
        head=head,
        errors={},
        filters=tuple(
            Filter(
                key=f"search.{name}", value=one_line(field_word(name, value)), without=form.url(**{name: None, **FIRST})
            )
            for name, value in form.fields.items()
        ),
        # Counts over what one person did would be an evaluation of that person.
        facets=() if entered is not None else facets_of(form, found),
        linked=None
        if entered is not None
        else linked_of(form, linked(reader.connection, form.log.number, size, question, top=8)),
        rows=tuple(_row(scope, reader, index, old, further[index], marks.get(index, ())) for index in page.indices),
        total=found.total,
        more=None if found.exact else form.url(counts="all"),
        checkpoint=checkpoint,
        proven=form.url(size=checkpoint.size, **FIRST) if checkpoint is not None and checkpoint.size < size else None,
        disposed=count_disposed(reader.connection, form.log.number),
        cite=form.url(),
        newest=form.url(**FIRST) if form.before is not None or form.after is not None else None,
        older=None if page.next_after is None else form.url(before=page.next_before, after=_unless(page)),
        current=form.url(size=None, **FIRST) if head > size else None,
        entered=entered,
        incident=answered(scope.standing, form.log.number, query, page.indices),
        windows=tuple(window_told(one) for one in windows_of(query, scope.zone)),
        unknown_source=unknown(reader.connection, query.source),
        exports=export_urls(form.log.name, query, where, size, form.sort, form.names, scope.zone.key, purpose),
    )


def _unless(page: SortedPage) -> str | None:
    """What the next page is asked with, where the index to go on before does not say it already."""
    return page.next_after if page.next_before is None else None


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


def _row(scope: Scope, reader: LogReader, index: int, old: frozenset[str], cells: dict[str, str], marks: Marked) -> Row:
    line, case = entry_line(scope, reader.entry(index), reader), scope.standing.of_entry(reader.log, index)
    record = line.body.record if isinstance(line.body, RecordBody) else None
    links = () if record is None else record.links
    return Row(
        index=index,
        sentence=line.sentence,
        occurred=None if record is None else claimed(record.occurred_at, scope.zone),
        claim="" if record is None else one_line(record.occurred_at.text, 24),
        source="" if record is None else one_line(record.source, 24),
        imported=record is not None and record.source in old,
        batches=tuple(dict.fromkeys(link.id for link in links if link.kind is LinkKind.BATCH)),
        incident=case,
        cells=cells,
        marks=marks,
    )
