"""A plant in a ledger: its sources, maps and parameters as entries, its records through the ledger's own ingest."""

from collections.abc import Iterator

from ledger.core import canonical
from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.parameters import ParameterName
from ledger.core.source import SourceConfig
from ledger.service import Service
from ledger.sources.map_kinds import AssetMapped2, IdentityMapped2
from ledger.sources.parameter_kinds import Parameter
from tests.plant.model import AccountRow, PlaceRow
from tests.plant.plant import Plant


def enter(service: Service, plant: Plant, order_seed: int, authority: Authority) -> None:
    """Enters all that is known of a plant, its maps as they were at first; the records in an order of that seed."""
    log = service.record_log()
    for system in plant.sources():
        log.sources.register(SourceConfig(id=system.source, type="test", title=system.title), authority)
    log.parameters.put(log.log.number, _parameters(plant, authority))
    rows: list[AccountRow | PlaceRow] = [*plant.maps().accounts, *plant.maps().places]
    log.maps.put(mapped(row, authority) for row in rows)
    for run in plant.runs(order_seed):
        log.ingest.submit(run, authority)


def correct(service: Service, plant: Plant, authority: Authority) -> None:
    """Enters what corrects the maps."""
    service.record_log().maps.put(mapped(row, authority) for row in plant.maps().corrections)


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


def _parameters(plant: Plant, authority: Authority) -> Iterator[Parameter]:
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
