"""A plant in a ledger: its sources, maps and parameters as entries, its records through the ledger's own ingest."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from ledger.core import canonical
from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.hashing import b64
from ledger.core.parameters import ParameterName
from ledger.core.run import RunBatch
from ledger.core.signature import SignatureEntry
from ledger.core.source import SourceConfig
from ledger.service import Service
from ledger.sources.import_kinds import (
    Counts,
    Difference,
    Expected,
    ImportedFile,
    ImportEvent,
    ImportState,
    Outcome,
    SourceImport,
    TrueCopy,
)
from ledger.sources.imported import ended
from ledger.sources.map_kinds import AssetMapped2, IdentityMapped2
from ledger.sources.parameter_kinds import Parameter
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import MAX_INDEX
from tests.plant.model import AccountRow, PlaceRow
from tests.plant.plant import Plant
from tests.plant.violations import Corpus

EXAMPLES: Final = Path(__file__).parents[2] / "examples"


def enter(
    service: Service,
    plant: Plant,
    order_seed: int,
    authority: Authority,
    before: Callable[[RunBatch], None] = lambda run: None,
) -> None:
    """Enters all that is known of a plant, its maps as they were at first; the records in an order of that seed.

    `before` hears of each run before it is entered.
    """
    log = service.record_log()
    settle(service, plant, authority)
    begun = service.store.append_one(log.log.number, draft(_import(plant, ImportState.RUNNING, authority))).index
    for run in plant.runs(order_seed):
        before(run)
        log.ingest.submit(run, authority)
    service.store.append_one(log.log.number, draft(_import(plant, ImportState.OPEN, authority, begun)))
    for count in plant.month.counts:
        log.reconciling.by_count(count.source, count.low, count.high, count.told, "as the site counts", authority)


def settle(service: Service, plant: Plant | Corpus, authority: Authority) -> None:
    """Registers the systems of a plant, and enters its parameters, and its maps as they were at first."""
    log = service.record_log()
    for system in plant.sources():
        log.sources.register(SourceConfig(id=system.source, type="test", title=system.title), authority)
    log.parameters.put(log.log.number, _parameters(plant, authority))
    rows: list[AccountRow | PlaceRow] = [*plant.maps().accounts, *plant.maps().places]
    log.maps.put(mapped(row, authority) for row in rows)


def correct(service: Service, plant: Plant, authority: Authority) -> None:
    """Enters what corrects the maps, and that what was imported is a true copy, with a signature that the log knows."""
    log, store = service.record_log(), service.store
    log.maps.put(mapped(row, authority) for row in plant.maps().corrections)
    with store.reader(log.log.number) as reader:
        (imported,) = ended(reader, store.kinds, reader.head().size, str(plant.month.copied))
    copy = TrueCopy(
        id=imported.id,
        source=str(plant.month.copied),
        finished=imported.entry,
        file=_FILE,
        counts=imported.outcome.counts,
        mapped=None,
        mapping="plant@1",
        meaning="true copy",
        statement="held against the old system",
        sample=(),
        compared=True,
        explained=(),
        reason="switched off",
        authority=authority,
    )
    stated = store.append_one(log.log.number, draft(copy)).index
    store.append_one(SYSTEM_LOG, draft(_signature(log.log.origin, stated)))
    service.publisher.bind_system()


_FILE = ImportedFile(name="trail.csv", sha256=b64(bytes(32)), size=1, stated=True)


def _import(plant: Plant, state: ImportState, authority: Authority, begun: int | None = None) -> SourceImport:
    """That the import of a source began, or ended; nobody says what the old system counts."""
    nothing = Counts(rows=0, appended=0, duplicates=0, quarantined=0, records=0)
    outcome = Outcome(
        counts=nothing,
        first_occurred=None,
        last_occurred=None,
        totals=(),
        differences=(Difference(what="rows", expected=None, found=0),),
        runs=1,
        last_run=MAX_INDEX,
        chain=None,
    )
    return SourceImport(
        id=f"{plant.month.copied}/1",
        source=str(plant.month.copied),
        event=ImportEvent.BEGUN if begun is None else ImportEvent.FINISHED,
        state=state,
        file=_FILE,
        configured=0,
        mapped=None,
        mapping="plant@1",
        expected=Expected(),
        continues_in=None,
        live_from=None,
        reason="switched off",
        authority=authority,
        begun=begun,
        outcome=None if begun is None else outcome,
    )


def _signature(origin: str, entry: int) -> SignatureEntry:
    """One that nobody could verify: an assessment goes by what the log holds, and verification by whether it holds."""
    made = msgspec.json.decode((EXAMPLES / "signature-1.json").read_bytes(), type=SignatureEntry)
    said = made.statement
    meaning = msgspec.structs.replace(said.meaning, code="true-copy")
    target = msgspec.structs.replace(said.target, origin=origin, entries=(entry,))
    return msgspec.structs.replace(made, statement=msgspec.structs.replace(said, meaning=meaning, target=target))


def mapped(row: AccountRow | PlaceRow, authority: Authority) -> IdentityMapped2 | AssetMapped2:
    """The entry of a line of a map."""
    since, until = utc_text(row.since), None if row.until is None else utc_text(row.until)
    if isinstance(row, AccountRow):
        return IdentityMapped2(
            source=row.source,
            account=row.account,
            person=row.person,
            kind=row.kind,
            shared=row.shared,
            valid_from=since,
            valid_to=until,
            reason="as the site keeps it",
            authority=authority,
        )
    return AssetMapped2(
        source=row.source,
        tag=row.tag,
        site="SITE",
        area=row.area,
        line=None,
        unit=None,
        equipment=row.equipment,
        description=None,
        gxp=True,
        asset_class=row.asset_class,
        critical=row.critical,
        valid_from=since,
        valid_to=until,
        reason="as the site keeps it",
        authority=authority,
    )


def _parameters(plant: Plant | Corpus, authority: Authority) -> Iterator[Parameter]:
    for one in plant.parameters():
        yield Parameter(
            name=ParameterName(one.name),
            source=one.source,
            type=one.type,
            value=canonical.dumps(one.value).decode(),
            applies_from=None if one.applies is None else utc_text(one.applies),
            reason="as the site wants it",
            authority=authority,
        )
