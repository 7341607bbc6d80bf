"""Sources and their mappings are entries: what holds now is the latest of each."""

from typing import Any

import pytest

from ledger.core.errors import NotFound
from ledger.core.source import SourceConfig
from ledger.sources.inventory import Inventory
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger


def config(mapping: str | None = None, **options: str) -> SourceConfig:
    return SourceConfig(id="qms", type="rest", title="QMS", options=options, mapping=mapping)


def mappings(ledger: Ledger) -> list[tuple[Any, ...]]:
    return ledger.query("SELECT key, from_index, to_index, characters FROM mapping ORDER BY from_index")


def test_a_mapping_is_an_entry_of_its_own_adopted_with_its_source(ledger: Ledger) -> None:
    inventory = Inventory(ledger.store, RECORDS)
    at = inventory.register(config("version = 1"), AUTHORITY)
    assert inventory.get("qms") == config("version = 1")
    assert mappings(ledger) == [("qms", at + 1, None, 11)]
    again = inventory.register(config("version = 1", url="https://qms.example/"), AUTHORITY)
    assert inventory.get("qms") == config("version = 1", url="https://qms.example/")
    assert mappings(ledger) == [("qms", at + 1, None, 11)], "the same mapping is no new entry"
    changed = inventory.register(config("version = 22"), AUTHORITY)
    assert changed == again + 1
    assert config("version = 22") in inventory.list()
    gone = inventory.register(config(), AUTHORITY)
    assert inventory.get("qms").mapping is None
    assert mappings(ledger) == [
        ("qms", at + 1, changed + 1, 11),
        ("qms", changed + 1, gone + 1, 12),
        ("qms", gone + 1, None, None),
    ]


def test_between_two_of_its_turns_a_source_is_configured_alike(sqlite_ledger: Ledger) -> None:
    inventory, store = Inventory(sqlite_ledger.store, RECORDS), sqlite_ledger.store
    inventory.register(config("version = 1"), AUTHORITY)
    inventory.register(config("version = 1", url="https://qms.example/"), AUTHORITY)
    inventory.register(config("version = 22"), AUTHORITY)
    last = inventory.register(config(), AUTHORITY) + 1
    with store.reading() as connection:
        turns = inventory.turns(connection, "qms")
        assert turns[-1] == last
        held = {size: inventory.as_of(connection, "qms", size) for size in range(turns[0] + 1, last + 3)}
        assert inventory.turns(connection, "other") == []
    changed = {size - 1 for size, one in held.items() if size - 1 in held and held[size - 1] != one}
    assert len(changed) >= 3
    assert changed <= set(turns)


def test_sources_do_not_share_a_mapping(ledger: Ledger) -> None:
    inventory = Inventory(ledger.store, RECORDS)
    inventory.register(config("version = 1"), AUTHORITY)
    inventory.register(SourceConfig(id="lims", type="tryton", title="LIMS"), AUTHORITY)
    held = {one.id: one.mapping for one in inventory.list()}
    assert (held["lims"], held["qms"]) == (None, "version = 1")
    with pytest.raises(NotFound):
        inventory.get("mes")
