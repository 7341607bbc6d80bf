"""Level 2 takes a body only in the one canonical form of its schema, and names the first that is not."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection

from ledger.domains import assembly
from ledger.integrity.fault import Fault
from ledger.integrity.replay import replay_span
from ledger.store.bulk import Bulk
from ledger.store.projections import Projections
from tests.support.ledgers import RECORDS, Ledger, submission

INDEX = 20
POS = (RECORDS << 40) + INDEX

BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "unknown member": lambda good: good.replace(b'{"digest"', b'{"aaa":1,"digest"'),
    "unknown member deep inside": lambda good: good.replace(b'{"account"', b'{"aaa":null,"account"'),
    "default written out": lambda good: good.replace(b'"source":"erp"', b'"outcome":"success","source":"erp"'),
    "doubled member": lambda good: good.replace(b'"received_at"', b'"received_at":"x","received_at"'),
    "white space": lambda good: good.replace(b'","', b'", "', 1),
    "line feed at the end": lambda good: good + b"\n",
    "other order": lambda good: b'{"schema":"record/1",' + good[1:].replace(b',"schema":"record/1"', b""),
    "other escape": lambda good: good.replace(b'"erp"', b'"\\u0065rp"'),
    "number as double": lambda good: good.replace(b'"instant_us":1790', b'"instant_us":1790.0e0,"x":1790'),
    "integer beyond 2^53": lambda good: good.replace(b'"instant_us":1', b'"instant_us":1' + b"0" * 20),
    "two values": lambda good: good + good,
    "none": lambda _: b"",
    "not UTF-8": lambda good: good.replace(b"erp", b"\xff\xfe"),
    "another kind": lambda good: good.replace(b"record/1", b"record/2"),
    "value outside its schema": lambda good: good.replace(b'"action":"update"', b'"action":"paint"'),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_body_in_another_form_is_named(sqlite_ledger: Ledger, how: str) -> None:
    sqlite_ledger.submit([submission(number) for number in range(50)])

    def first_fault(connection: Connection) -> Fault | None:
        kinds, projectors = assembly("sqlite")
        live = Projections(projectors).read_live(connection)
        return replay_span(connection, RECORDS, 0, 50, kinds, live, lambda done: None)

    with sqlite_ledger.store.reader(RECORDS) as reader:
        good = reader.entry(INDEX).body
        assert good is not None
        assert first_fault(reader.connection) is None
    broken = BROKEN[how](good)
    assert broken != good
    with sqlite_ledger.administrator() as connection:
        Bulk(connection).run("UPDATE body SET body = ? WHERE pos = ?", (broken, POS))
    with sqlite_ledger.store.reading() as connection:
        fault = first_fault(connection)
    assert fault is not None
    assert (fault.index, fault.table) == (INDEX, "body")
