"""What a record is found by stands in its row, its links and its changes; what is sealed in none of them."""

from typing import Any

import pytest
from sqlalchemy import select

from ledger.core.record import Actor, ActorKind, Change
from ledger.core.times import Basis, Precision, SourceTime
from ledger.store import schema
from ledger.store.records import HOUR_US, REASON_SHOWN
from tests.support.ledgers import START_US, Ledger, submission

RECEIVED_US = START_US + 1_000_000


def row(ledger: Ledger, table: str) -> dict[str, Any]:
    """The newest row of a table."""
    chosen = schema.metadata.tables[table]
    with ledger.store.reading() as connection:
        return dict(connection.execute(select(chosen).order_by(chosen.c.pos.desc()).limit(1)).mappings().one())


def test_a_record_s_row_has_workstation_role_reason_moment_and_sequence(ledger: Ledger) -> None:
    actor = Actor(account="operator1", kind=ActorKind.PERSON, workstation="HMI-07", role="operator")
    ledger.submit([submission(7, actor=actor, reason="r" * 500, source_sequence="2026/A-00042")])
    found = row(ledger, "record")
    at_us = START_US + 7_000_000
    assert {name: found[name] for name in ("workstation", "role", "reason", "reasoned")} == {
        "workstation": "HMI-07",
        "role": "operator",
        "reason": "r" * REASON_SHOWN,
        "reasoned": 1,
    }
    assert (found["at_us"], found["hour"]) == (at_us, at_us // HOUR_US)
    assert (found["series"], found["sequence"]) == ("2026/A-", 42)
    assert row(ledger, "record_link")["at_us"] == at_us


def test_a_record_without_them_has_none_and_stands_at_the_time_of_its_receipt(ledger: Ledger) -> None:
    unknown = SourceTime(text="yesterday", precision=Precision.DAY, basis=Basis.NONE)
    ledger.submit([submission(1, reason=None, occurred_at=unknown)])
    found = row(ledger, "record")
    assert [found[name] for name in ("workstation", "role", "reason", "series", "sequence")] == [None] * 5
    assert (found["reasoned"], found["at_us"]) == (0, RECEIVED_US)


def test_each_change_has_a_row_without_its_values(ledger: Ledger) -> None:
    changes = (Change(attribute="Value", old="50.0", new="55.5"), Change(attribute="state", new="released"))
    ledger.submit([submission(3, changes=changes)])
    table = schema.record_change
    with ledger.store.reading() as connection:
        rows = connection.execute(select(table).order_by(table.c.ordinal)).mappings().all()
    at_us = START_US + 3_000_000
    assert [(one["ordinal"], one["attribute"], one["at_us"], one["hour"]) for one in rows] == [
        (0, "Value", at_us, at_us // HOUR_US),
        (1, "state", at_us, at_us // HOUR_US),
    ]
    assert {(one["source"], one["object_type"], one["object_id"]) for one in rows} == {("erp", "tag", "TIC101.SP")}


@pytest.mark.parametrize("table", ["record", "record_link", "record_change"])
def test_a_row_of_another_moment_is_found_by_verification(ledger: Ledger, table: str) -> None:
    ledger.submit([submission(number) for number in range(3)])
    with ledger.administrator() as connection:
        connection.exec_driver_sql(f"UPDATE {table} SET at_us = at_us + 1 WHERE pos = (SELECT max(pos) FROM {table})")
    fault = ledger.service.verifier.run(ledger.service.log(), levels=(2,)).fault
    assert fault is not None
    assert (fault.table, fault.column) == (table, "at_us")


def test_a_sealed_reason_counts_as_given_and_stands_nowhere(ledger: Ledger) -> None:
    ledger.register("hr", seal=("reason",))
    ledger.submit([submission(1, source="hr", reason="said in confidence")], source="hr")
    found = row(ledger, "record")
    assert (found["reason"], found["reasoned"]) == (None, 1)
    assert "confidence" not in found["tokens"]
