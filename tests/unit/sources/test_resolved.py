"""A record's person and place are those of its moment, as the maps say now and as they said when it was logged."""

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.record import Actor, ActorKind, Change, Interval, Target
from ledger.core.times import Basis, Precision, SourceTime
from ledger.sources.map_kinds import AssetMapped, AssetMapped2, IdentityMapped, IdentityMapped2
from ledger.sources.resolved import NOT_RESOLVED, Resolved, resolve, resolved_person, resolved_place
from ledger.trace.columns import chosen
from ledger.trace.exporting import Table, cells
from tests.support.ledgers import AUTHORITY, RECORDS, SOURCE, START_US, Ledger, source_time, submission

LATER = START_US + 1_000_000_000
UNTIMED = SourceTime(text="some time", precision=Precision.MICROSECOND, basis=Basis.NONE)


def identity(person: str | None, since_us: int, **more: Any) -> IdentityMapped:
    usual: dict[str, Any] = {
        "source": SOURCE,
        "account": "operator1",
        "person": person,
        "kind": ActorKind.PERSON,
        "valid_from": utc_text(since_us),
        "valid_to": None,
        "reason": "list",
        "authority": AUTHORITY,
    }
    return IdentityMapped(**(usual | more))


def stands(tag: str, since_us: int) -> AssetMapped:
    return AssetMapped(
        source=SOURCE, tag=tag, site="S1", area=None, line="L2", unit=None, equipment=None, description=None, gxp=True,
        valid_from=utc_text(since_us), valid_to=None, reason="list", authority=AUTHORITY,
    )  # fmt: skip


def resolved(ledger: Ledger, index: int) -> Resolved:
    with ledger.store.reader(RECORDS) as reader:
        body = ledger.store.kinds["record"].decode(reader.entry(index).body or b"")
        return resolve(reader.connection, RECORDS, index, body)


def people(found: Resolved) -> tuple[str | None, ...]:
    return tuple(None if one is None else one.person for one in (found.person, found.person_then))


def test_a_later_correction_answers_now_and_what_was_known_then_stands_beside_it(ledger: Ledger) -> None:
    maps = ledger.service.record_log().maps
    early = ledger.submit([submission(1)]).outcomes[0].index
    maps.put([identity("P-1", START_US), identity("P-2", LATER)])
    index = ledger.submit([submission(2)]).outcomes[0].index
    assert people(resolved(ledger, early)) == ("P-1", None)
    assert people(resolved(ledger, index)) == ("P-1", "P-1")
    (corrected,) = maps.put([identity("P-3", START_US)])
    assert people(resolved(ledger, index)) == ("P-3", "P-1")
    assert next(iter(resolved_person(resolved(ledger, index)))) == ("who.person", f"P-3 (entry {corrected})")
    assert len(list(resolved_person(resolved(ledger, index)))) == 2


@pytest.mark.requirement("R61")
def test_a_shared_account_is_told_to_be_nobody_s(sqlite_ledger: Ledger) -> None:
    index = sqlite_ledger.submit([submission(1)]).outcomes[0].index
    shared = IdentityMapped2(shared=True, **msgspec.structs.asdict(identity(None, START_US)))
    (entry,) = sqlite_ledger.service.record_log().maps.put([shared])
    found = resolved(sqlite_ledger, index)
    assert people(found) == (None, None)
    assert dict(resolved_person(found))["who.person"] == f"nobody’s: several people share it (entry {entry})"


def test_without_an_instant_the_later_look_counts_and_else_the_receipt(ledger: Ledger) -> None:
    ledger.service.record_log().maps.put([identity("P-1", START_US - 1), identity("P-2", LATER)])
    looks = tuple(
        Change(attribute="v", new="1", inferred=Interval(after=utc_text(START_US), before=utc_text(before)))
        for before in (START_US + 5, LATER + 5)
    )
    sent = [submission(1, occurred_at=UNTIMED, changes=looks), submission(2, occurred_at=UNTIMED, changes=())]
    polled, untimed = (one.index for one in ledger.submit(sent).outcomes)
    assert people(resolved(ledger, polled)) == ("P-2", "P-2")
    assert people(resolved(ledger, untimed)) == ("P-1", "P-1")


def test_a_place_is_told_from_the_site_down_and_nothing_is_told_where_no_map_says(ledger: Ledger) -> None:
    index = ledger.submit([submission(1)]).outcomes[0].index
    assert resolved(ledger, index) == NOT_RESOLVED
    with ledger.store.reader(RECORDS) as reader:
        assert resolve(reader.connection, RECORDS, 0, None) == NOT_RESOLVED
    place = AssetMapped(
        source=SOURCE,
        tag="TIC101.SP",
        site="S1",
        area=None,
        line="L2",
        unit="R-1",
        equipment="R-1",
        description=None,
        gxp=False,
        valid_from=utc_text(START_US),
        valid_to=None,
        reason="drawing",
        authority=AUTHORITY,
    )
    (entry,) = ledger.service.record_log().maps.put([place])
    told = dict(resolved_place(resolved(ledger, index)))
    assert told == {"what.place": f"S1 / L2 / R-1, not GxP (entry {entry})", "what.place.then": "no map said"}
    more = AssetMapped2(asset_class="reactor", critical=True, **msgspec.structs.asdict(place))
    (entry,) = ledger.service.record_log().maps.put([more])
    told = dict(resolved_place(resolved(ledger, index)))
    assert told["what.place"] == f"S1 / L2 / R-1, class reactor, critical, not GxP (entry {entry})"
    elsewhere = msgspec.structs.replace(place, tag="TIC102.SP", valid_from=utc_text(START_US + 1))
    ledger.service.record_log().maps.put([elsewhere])
    assert dict(resolved_place(resolved(ledger, index))) == told


def test_columns_tell_the_person_and_the_place_of_each_record_as_of_the_size_that_is_read(ledger: Ledger) -> None:
    maps = ledger.service.record_log().maps
    sent = [
        submission(1),
        submission(2, actor=Actor(account=None, kind=ActorKind.UNKNOWN)),
        submission(3, actor=Actor(account="operator2", kind=ActorKind.PERSON), object=Target(type="tag", id="R-2")),
        submission(4, actor=Actor(account="unknown", kind=ActorKind.PERSON), object=Target(type="tag", id="X")),
        submission(5, occurred_at=source_time(LATER + 1)),
        submission(6, occurred_at=UNTIMED, changes=()),
    ]
    indices = [one.index for one in ledger.submit(sent).outcomes]
    shared = IdentityMapped2(shared=True, **msgspec.structs.asdict(identity(None, START_US, account="operator2")))
    until = utc_text(LATER)
    entries = maps.put(
        [identity("P-1", START_US - 9, valid_to=until), identity("P-2", LATER), shared, stands("TIC101.SP", START_US)]
    )
    maps.put([identity("P-9", START_US - 9, account="unknown", valid_to=utc_text(START_US))])
    size = entries[-1] + 1
    corrected = maps.put([identity("P-3", START_US - 9, valid_to=until), stands("R-2", START_US - 9)])
    table = Table(columns=chosen("place,index,person"), zone=ZoneInfo("UTC"), old=frozenset())
    with ledger.store.reader(RECORDS) as reader:
        then, now = (
            list(zip(*cells(reader, indices, msgspec.structs.replace(table, size=at)), strict=True))
            for at in (size, None)
        )
    nobody, line = f"nobody’s: several people share it (entry {entries[2]})", f"S1 / L2 (entry {entries[3]})"
    assert [row[2] for row in then] == [
        f"P-1 (entry {entries[0]})", None, nobody, None, f"P-2 (entry {entries[1]})", f"P-1 (entry {entries[0]})"
    ]  # fmt: skip
    assert [row[0] for row in then] == [line, line, None, None, line, line]
    assert [row[2] for row in now] == [
        f"P-3 (entry {corrected[0]})", None, nobody, None, f"P-2 (entry {entries[1]})", f"P-3 (entry {corrected[0]})"
    ]  # fmt: skip
    assert [row[0] for row in now] == [line, line, f"S1 / L2 (entry {corrected[1]})", None, line, line]
    for index, row in zip(indices, now, strict=True):
        told = dict([*resolved_person(resolved(ledger, index)), *resolved_place(resolved(ledger, index))])
        assert row == (told.get("what.place"), index, told.get("who.person")), "the record's page says the same"
