"""Lines of a map that say different things of one moment are refused, both named, and nothing is entered."""

import pytest

from ledger.cli.doctor import map_findings
from ledger.core.clock import utc_text
from ledger.core.errors import SchemaViolation
from ledger.sources.map_kinds import AssetMapped2, IdentityMapped2
from ledger.sources.overlapping import require_apart, standing_overlaps
from tests.support.ledgers import AUTHORITY, RECORDS, START_US, Ledger
from tests.support.ruling import place
from tests.unit.sources.test_corroborating import MINUTE_US, identity

pytestmark = pytest.mark.sampled
FIRST, MIDDLE, LAST = (utc_text(START_US + one * MINUTE_US) for one in (0, 5, 10))


@pytest.mark.requirement("R61")
def test_an_account_is_not_given_to_a_second_person_before_the_firsts_time_is_over(ledger: Ledger) -> None:
    def refused(*entries: IdentityMapped2) -> bool:
        with ledger.store.reading() as connection:
            try:
                require_apart(connection, RECORDS, entries)
            except SchemaViolation as error:
                return "P-1" in error.message and "by line " in error.message
        return False

    held = identity("op1", "P-1", valid_from=FIRST, valid_to=LAST)
    ledger.service.record_log().maps.put([held])
    assert refused(identity("op1", "P-2", valid_from=MIDDLE))
    assert refused(identity("op1", "P-2", valid_from=utc_text(START_US - MINUTE_US), valid_to=MIDDLE))
    assert not refused(identity("op1", "P-2", valid_from=LAST)), "as the first one's time ends"
    assert not refused(identity("op1", "P-1", valid_from=MIDDLE)), "the same person"
    assert not refused(identity("op1", None, valid_from=MIDDLE, shared=True)), "it is nobody's from then on"
    assert not refused(identity("op2", "P-2", valid_from=MIDDLE)), "another account"
    ended = identity("op1", "P-1", valid_from=FIRST, valid_to=MIDDLE)
    assert not refused(ended, identity("op1", "P-2", valid_from=MIDDLE)), "the first one's end is corrected with it"
    assert refused(identity("op3", "P-1", valid_from=FIRST, valid_to=LAST), identity("op3", "P-2", valid_from=MIDDLE))
    opened = identity("op4", "P-1", valid_from=FIRST), identity("op4", "P-2", valid_from=MIDDLE)
    assert not refused(*opened), "without an end it holds until the next one begins"


def test_lines_that_a_ledger_already_holds_are_told_with_both_entries_until_one_is_corrected(ledger: Ledger) -> None:
    def told() -> list[str]:
        with ledger.store.reading() as connection:
            return list(standing_overlaps(connection, RECORDS))

    maps = ledger.service.record_log().maps
    maps.put([identity("op2", "P-1", valid_from=FIRST), identity("op2", "P-2", valid_from=MIDDLE)])
    maps.put([identity("op3", "P-1", valid_from=FIRST, valid_to=MIDDLE), identity("op3", "P-2", valid_from=MIDDLE)])
    maps.put([place("TIC102", "R-1", valid_from=FIRST, valid_to=LAST), place("TIC102", "R-1", valid_from=MIDDLE)])
    assert told() == []
    maps.put([identity("op1", "P-1", valid_from=FIRST, valid_to=LAST), identity("op1", "P-2", valid_from=MIDDLE)])
    maps.put([place("TIC101", "R-1", valid_from=FIRST, valid_to=LAST), place("TIC101", "R-2", valid_from=MIDDLE)])
    with ledger.store.reader(RECORDS) as reader:
        last = reader.head().size - 1
    assert [one.partition(" by ")[0] for one in told()] == [
        "account 'op1' of 'erp' is P-1",
        "tag 'TIC101' of 'erp' is R-1",
    ]
    assert f"by entry {last - 1}, from {FIRST} to {LAST}, and R-2 by entry {last}, from {MIDDLE}" in told()[1]
    maps.put([identity("op1", "P-1", valid_from=FIRST, valid_to=MIDDLE)])
    maps.put([place("TIC101", "R-1", valid_from=FIRST, valid_to=MIDDLE)])
    assert told() == []
    assert [one.ok for one in map_findings(ledger.service)] == [True]


@pytest.mark.requirement("R61")
def test_a_map_that_overlaps_is_refused_with_both_entries_and_nothing_is_lost(ledger: Ledger) -> None:
    service = ledger.service
    log, quality = service.record_log().log, service.quality

    def enter(*entries: AssetMapped2 | IdentityMapped2) -> None:
        quality.configuration.enter(log, entries, "list of tags", AUTHORITY)

    enter(place("TIC101", "R-1", valid_from=FIRST, valid_to=LAST), place("TIC102", "R-1", valid_from=FIRST))
    with ledger.store.reader(RECORDS) as reader:
        size = reader.head().size
    stands = service.record_log().maps.assets(tag="TIC101")
    for entries, said in (
        ((place("TIC101", "R-2", valid_from=MIDDLE),), f"R-1 by entry {stands[0].entry}, from {FIRST} to {LAST}, and"),
        ((place("TIC102", "R-2"), place("TIC101", "R-2", valid_from=MIDDLE)), f"R-2 by line 2, from {MIDDLE}"),
        (
            (place("X", "R-1", valid_from=FIRST, valid_to=LAST), place("X", "R-2", valid_from=MIDDLE, valid_to=LAST)),
            f"tag 'X' of 'erp' is R-1 by line 1, from {FIRST} to {LAST}, and would be R-2 by line 2",
        ),
    ):
        with pytest.raises(SchemaViolation, match=said):
            enter(*entries)
    with ledger.store.reader(RECORDS) as reader:
        assert reader.head().size == size
    assert service.record_log().maps.assets(tag="TIC101") == stands
    enter(place("TIC102", "R-2", valid_from=MIDDLE))
    enter(place("TIC101", "R-1", valid_from=MIDDLE))
    enter(place("TIC101", "R-1", valid_from=FIRST, valid_to=MIDDLE), place("TIC101", "R-2", valid_from=MIDDLE))
    assert [one.equipment for one in service.record_log().maps.assets(tag="TIC101")] == ["R-1", "R-2"]


def test_what_overlapped_before_keeps_nobody_from_saying_more(ledger: Ledger) -> None:
    maps, quality = ledger.service.record_log().maps, ledger.service.quality
    maps.put([place("T", "R-1", valid_from=FIRST, valid_to=LAST), place("T", "R-2", valid_from=MIDDLE, valid_to=LAST)])
    log = ledger.service.record_log().log
    quality.configuration.enter(log, [place("T", "R-3", valid_from=LAST)], "list of tags", AUTHORITY)
    with pytest.raises(SchemaViolation, match="R-1 by entry"):
        quality.configuration.enter(log, [place("T", "R-4", valid_from=MIDDLE)], "list of tags", AUTHORITY)
