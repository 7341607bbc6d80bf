"""Rows of parameters and maps that no entry gives are found, also in a ledger from before there were parameters."""

from typing import Any

import pytest
from sqlalchemy import create_engine, insert, text, update

from ledger.core.clock import parse_utc
from ledger.core.parameters import ParameterName
from ledger.core.record import ActorKind
from ledger.integrity.kinds import FaultFound
from ledger.service import Service
from ledger.sources import tables
from ledger.sources.map_kinds import AssetMapped, AssetMapped2, IdentityMapped, IdentityMapped2
from ledger.sources.maps import MapEntry
from ledger.sources.parameter_kinds import Parameter
from ledger.store.database import upgrade
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger
from tests.support.older import NEWER, put_back

pytestmark = pytest.mark.sampled

SINCE = "2026-01-01T00:00:00.000000Z"
SPAN: dict[str, Any] = {"valid_from": SINCE, "valid_to": None, "reason": "list", "authority": AUTHORITY}
PLACE: dict[str, Any] = {
    "source": "dcs", "site": "S1", "area": None, "line": None, "unit": "R-1", "equipment": "R-1", "description": None,
    "gxp": True,
}  # fmt: skip
ACCOUNT: dict[str, Any] = {"source": "dcs", "person": None, "kind": ActorKind.PERSON}
LIMITS = Parameter(
    name=ParameterName.LIMITS, source="dcs", value='{"late_s":10}', reason="CR-0042", authority=AUTHORITY
)


def fault(service: Service) -> FaultFound | None:
    report = service.verifier.run(service.log("records"), full=True, levels=(1, 2))
    return next((level.fault for level in report.result.levels if level.fault is not None), None)


def named(found: FaultFound | None) -> tuple[str, int, str]:
    assert found is not None
    return found.table, found.index, found.column


def filled(service: Service) -> None:
    service.record_log().maps.put([
        AssetMapped(tag="TIC101", **PLACE, **SPAN), IdentityMapped(account="op1", **ACCOUNT, **SPAN),
        AssetMapped2(tag="TIC102", asset_class="reactor", critical=True, **PLACE, **SPAN),
        IdentityMapped2(account="line2", shared=True, **ACCOUNT, **SPAN),
    ])  # fmt: skip


@pytest.mark.requirement("R14", "R37")
def test_a_parameter_that_nobody_entered_is_found(ledger: Ledger) -> None:
    (entry,) = ledger.service.quality.parameters.put(RECORDS, [LIMITS])
    assert fault(ledger.service) is None
    row = tables.parameter
    with ledger.administrator() as connection:
        forged = {"log": RECORDS, "key": "[]", "from_index": entry, "name": "limits", "source": "dcs", "removed": 0}
        connection.execute(insert(row).values(**forged, type="setpoint"))
    assert named(fault(ledger.service))[:2] == ("parameter", entry)


@pytest.mark.parametrize(
    ("column", "value"), [("source", None), ("type", "result"), ("removed", 1), ("applies_us", 0), ("name", "range")]
)
def test_a_parameter_that_was_altered_is_found(sqlite_ledger: Ledger, column: str, value: object) -> None:
    (entry,) = sqlite_ledger.service.quality.parameters.put(RECORDS, [LIMITS])
    with sqlite_ledger.administrator() as connection:
        connection.execute(update(tables.parameter).values(**{column: value}))
    assert named(fault(sqlite_ledger.service)) == ("parameter", entry, column)


@pytest.mark.parametrize(
    ("table", "key", "column", "value"),
    [
        (tables.asset, "tag", "asset_class", "freezer"),
        (tables.asset, "tag", "critical", 1),
        (tables.identity, "account", "shared", 1),
    ],
)
@pytest.mark.parametrize("name", ["TIC101", "TIC102", "op1", "line2"])
def test_a_map_row_that_says_more_than_its_entry_is_found(
    sqlite_ledger: Ledger, table: Any, key: str, column: str, value: object, name: str
) -> None:
    filled(sqlite_ledger.service)
    assert fault(sqlite_ledger.service) is None
    with sqlite_ledger.administrator() as connection:
        changed = connection.execute(
            update(table).where(table.c[key] == name, table.c[column].is_distinct_from(value)).values(**{column: value})
        ).rowcount
    found = fault(sqlite_ledger.service)
    assert (found is not None) == bool(changed)
    if found is not None:
        assert (found.table, found.column) == (table.name, column)


def test_a_ledger_from_before_takes_parameters_classes_and_shared_accounts(ledger: Ledger) -> None:
    """Its rows stay as they are: what older entries do not say is null."""
    old: list[MapEntry] = [AssetMapped(tag="TIC101", **PLACE, **SPAN), IdentityMapped(account="op1", **ACCOUNT, **SPAN)]
    first, second = ledger.service.record_log().maps.put(old)
    with ledger.administrator() as connection:
        connection.execute(text(f"DELETE FROM projection_version WHERE name IN {NEWER}"))
    owner = create_engine(ledger.owner_url)
    with owner.begin() as connection:
        put_back(connection, "0028")
    owner.dispose()
    assert upgrade(ledger.owner_url)[0] == "0028"
    service = ledger.open()
    assert fault(service) is None
    filled(service)
    service.quality.parameters.put(RECORDS, [LIMITS])
    assert fault(service) is None
    place = service.record_log().maps.place("dcs", "TIC102", parse_utc(SINCE))
    assert place is not None
    assert (place.asset_class, place.critical) == ("reactor", True)
    with ledger.administrator() as connection:
        connection.execute(update(tables.asset).where(tables.asset.c.from_index == first).values(critical=1))
    assert named(fault(service)) == ("asset", first, "critical")
    with ledger.administrator() as connection:
        connection.execute(update(tables.asset).where(tables.asset.c.from_index == first).values(critical=None))
        connection.execute(update(tables.identity).where(tables.identity.c.from_index == second).values(shared=0))
    assert named(fault(service)) == ("identity", second, "shared")
