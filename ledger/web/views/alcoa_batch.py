"""What the records of a batch are worth, by source and attribute; of one number the records behind it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final
from urllib.parse import quote, urlencode

import msgspec
from sqlalchemy import Connection

from ledger.core.assessment import Attribute
from ledger.core.errors import SchemaViolation
from ledger.core.record import LinkKind
from ledger.present.inert import one_line
from ledger.present.messages import message
from ledger.present.states import State
from ledger.present.values import Pieces
from ledger.review.alcoa.assess import Assessor
from ledger.review.alcoa.attributes import Result
from ledger.review.alcoa.batches import OfBatch, of_batch
from ledger.store.reading import LogReader
from ledger.web.views.alcoa import STATES
from ledger.web.views.alcoa_totals import HeatCell, heat_cell
from ledger.web.views.common import Scope, entry_line

SHOWN: Final = 200
"""Records behind a number that are listed; all are counted."""


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    """The records of a source that belong to the batch."""

    source: str
    records: int
    cells: tuple[HeatCell, ...]


class BehindRow(msgspec.Struct, frozen=True, kw_only=True):
    """A record behind the number that was chosen."""

    index: int
    sentence: Pieces
    why: str


class BatchView(msgspec.Struct, frozen=True, kw_only=True):
    """The page. `chosen`: source, attribute and result of the number whose records are listed; `hidden`: how many more
    it has.
    """

    log: str
    size: int
    kind: str
    id: str
    trace: str
    records: int
    cut: bool
    attributes: tuple[str, ...]
    rows: tuple[SourceRow, ...]
    chosen: tuple[str, str, State, str] | None = None
    behind: tuple[BehindRow, ...] = ()
    hidden: int = 0


def batch_view(
    scope: Scope,
    connection: Connection,
    name: str,
    parameters: Mapping[str, str],
    assessor: Callable[[Connection, int, int], Assessor],
) -> BatchView:
    """Assesses what belongs to the batch as of now; raises SchemaViolation for what names none, NotFound."""
    log = scope.record_log(name)
    reader = LogReader(connection, log.number)
    size = reader.head().size
    try:
        kind, id_ = LinkKind(parameters.get("kind", "batch")), parameters.get("id", "").strip()
        attribute = Attribute(parameters["attribute"]) if parameters.get("attribute") else None
        result = Result(parameters["verdict"]) if parameters.get("verdict") else None
    except ValueError:
        raise SchemaViolation(message("alcoa.no-number"), advice="Follow a link of the page.") from None
    found = of_batch(assessor(connection, log.number, size), kind, id_)
    at = {"kind": kind.value, "id": id_}
    view = BatchView(
        log=log.name,
        size=size,
        kind=kind.value,
        id=one_line(id_),
        trace="/trace?" + urlencode({"log": log.name, **at}),
        records=found.records,
        cut=found.cut,
        attributes=tuple(message(f"alcoa.attribute.{one.value}") for one in Attribute),
        rows=tuple(
            SourceRow(
                source=one.source,
                records=one.records,
                cells=tuple(
                    heat_cell(tally, partial(_url, log.name, source=one.source, **at)) for tally in one.tallies
                ),
            )
            for one in found.sources
        ),
    )
    if attribute is None or result is None:
        return view
    return _with_behind(view, scope, reader, found, parameters.get("source", ""), attribute, result)


def _with_behind(
    view: BatchView, scope: Scope, reader: LogReader, found: OfBatch, source: str, attribute: Attribute, result: Result
) -> BatchView:
    told = list(found.behind(attribute, result, source))
    codes = {one.index: one.code for one in told[:SHOWN]}
    return msgspec.structs.replace(
        view,
        chosen=(
            one_line(source),
            message(f"alcoa.attribute.{attribute.value}"),
            STATES[result],
            message(f"alcoa.result.{result.value}"),
        ),
        behind=tuple(
            BehindRow(
                index=stored.index,
                sentence=entry_line(scope, stored, reader).sentence,
                why=message(f"alcoa.code.{code}") if (code := codes[stored.index]) else "",
            )
            for stored in reader.chosen(codes)
        ),
        hidden=len(told) - len(codes),
    )


def _url(log: str, **given: str) -> str:
    return f"/alcoa/{quote(log)}/batch?" + urlencode(given) + "#behind"
