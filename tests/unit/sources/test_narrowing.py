"""A search by person or place finds the records of whom, and of where, the dated maps say so for each one's moment."""

import itertools
import os
import random
from typing import Any

import pytest

from ledger.core.errors import SchemaViolation
from ledger.core.record import Actor, ActorKind, Target
from ledger.sources import narrowing
from ledger.sources.map_kinds import AssetMapped, IdentityMapped, IdentityMapped2
from ledger.sources.maps import Maps
from ledger.sources.narrowing import PLACE, Where, narrow
from ledger.store import ordering, search
from ledger.store.counting import counts
from ledger.store.ordering import Sort, SortKey
from ledger.store.question import Query
from tests.support.ledgers import AUTHORITY, RECORDS, SOURCE, START_US, Ledger, source_time, submission

SEED = int(os.environ.get("TRAILSEAL_SEED", "20261130"))
ACCOUNTS, TAGS = ("op1", "op2", "Op1"), ("T1", "T2", "T3")
PERSONS = ("P-1", "P-2")
MINUTE_US = 60_000_000
pytestmark = pytest.mark.requirement("R51", "R61")


def at(minute: int) -> str:
    return source_time(START_US + minute * MINUTE_US).text.replace("+00:00", "Z")


def maps_of(dice: random.Random) -> list[IdentityMapped | AssetMapped]:
    """Intervals that overlap, leave gaps and are corrected; accounts of nobody, and one that is shared."""
    made: list[IdentityMapped | AssetMapped] = []
    for account, tag in itertools.product(ACCOUNTS, TAGS):
        begin = dice.randrange(20)
        more: dict[str, Any] = {"reason": "list", "authority": AUTHORITY, "valid_from": at(begin)}
        more["valid_to"] = at(begin + dice.randrange(1, 15)) if dice.random() < 0.7 else None
        who: dict[str, Any] = {"source": SOURCE, "account": account, "kind": ActorKind.PERSON, **more}
        if dice.random() < 0.2:
            made.append(IdentityMapped2(person=None, shared=True, **who))
        else:
            made.append(IdentityMapped(person=dice.choice((*PERSONS, None)), **who))
        unit = dice.choice(("U1", "U2"))
        made.append(
            AssetMapped(
                source=SOURCE, tag=tag, site="S", area=dice.choice(("A1", None)), line=None, unit=unit, equipment=None,
                description=None, gxp=True, **more,
            )
        )  # fmt: skip
    return made


def test_records_of_a_person_and_of_a_place_are_those_that_the_maps_name_at_their_moment(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(SEED)
    print("seed", SEED)
    ledger.register()
    maps = Maps(ledger.store, RECORDS)
    entered = maps.put(maps_of(dice))
    run = [
        submission(
            f"r-{number}",
            occurred_at=source_time(START_US + dice.randrange(30) * MINUTE_US),
            actor=Actor(account=dice.choice((*ACCOUNTS, None)), kind=ActorKind.PERSON),
            object=Target(type="tag", id=dice.choice(TAGS)),
        )
        for number in range(120)
    ]
    indices = [one.index for one in ledger.submit(run).outcomes]
    corrected = maps.put(maps_of(dice))
    records = {index: one.record for index, one in zip(indices, run, strict=True)}
    assert len(records) == len(run)
    asked = [Where(person=person) for person in (*PERSONS, "p-1", "\0")]
    asked += [Where(unit="U1"), Where(unit="U2", area="A1"), Where(site="S", person="P-2"), Where(line="L")]
    found_any = 0
    for where, size in itertools.product(asked, (entered[-1] + 1 + len(run) + 1, corrected[-1] + 1)):
        wanted = []
        for index, record in records.items():
            instant = record.occurred_at.instant_us or 0
            place = maps.place(SOURCE, record.object.id, instant, size)
            account = record.actor.account
            person = None if account is None else maps.person(SOURCE, account, instant, size)
            holds = [where.person is None or (person is not None and person.person == where.person)]
            holds += [getattr(where, one) in (None, place and getattr(place, one)) for one in PLACE]
            if all(holds):
                wanted.append(index)
        with ledger.store.reading() as connection:
            question = narrow(connection, RECORDS, size, Query(), where)
            assert list(search.search(connection, RECORDS, size, question, limit=500).indices) == wanted[::-1], where
            assert search.count(connection, RECORDS, size, question) == len(wanted)
            assert counts(connection, RECORDS, size, question).total == len(wanted)
            for few in (0, 10_000):
                monkeypatch.setattr(ordering, "FEW", few)
                page = ordering.page(connection, RECORDS, size, question, Sort(by=SortKey.OCCURRED, ascending=True))
                times = [records[index].occurred_at.instant_us or 0 for index in page.indices]
                assert times == sorted(times)
                assert set(page.indices) <= set(wanted)
                assert len(page.indices) == min(50, len(wanted))
        found_any += bool(wanted)
    assert found_any >= len(asked), "most questions find records"


def test_a_question_for_too_many_tags_is_refused(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.register()
    Maps(ledger.store, RECORDS).put(maps_of(random.Random(SEED)))
    monkeypatch.setattr(narrowing, "MAX_SPANS", 1)
    with ledger.store.reading() as connection, pytest.raises(SchemaViolation, match="more than 1 accounts or tags"):
        narrow(connection, RECORDS, 100, Query(), Where(site="S"))


def test_nothing_is_narrowed_where_neither_person_nor_place_is_asked_for(ledger: Ledger) -> None:
    with ledger.store.reading() as connection:
        assert narrow(connection, RECORDS, 1, Query(text="x"), Where()) == Query(text="x")
