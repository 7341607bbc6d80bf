"""The change before a change, on either database, is the one that a replay of all records finds."""

from collections import defaultdict
from random import Random

import pytest

from ledger.core.record import Change, Submission, Target
from ledger.store import changes
from ledger.store.changes import Changes, Field, Moment
from ledger.store.position import pos_of
from ledger.store.records import HOUR_US
from tests.support.ledgers import RECORDS, SOURCE, START_US, Ledger, source_time, submission
from tests.support.seeds import SEED

SOURCES = (SOURCE, "dcs")
THINGS = (Target(type="tag", id="TIC1"), Target(type="TAG", id="TIC1"), Target(type="tag", id="東京 \u202e/1"))
COUNT = 300
HOURS = 40


def drawn(chance: Random) -> dict[str, list[Submission]]:
    """Of each source records that arrive in no order of time, some at the same instant; hours are left out."""
    found: dict[str, list[Submission]] = {}
    for source in SOURCES:
        found[source] = [
            submission(
                number,
                source,
                occurred_at=source_time(
                    START_US + chance.choice((0, 1, 2, 30, HOURS)) * HOUR_US + chance.randrange(20) * 200_000_000
                ),
                object=chance.choices(THINGS, (8, 2, 1))[0],
                changes=tuple(Change(attribute=chance.choice("ABC"), new="1") for _ in range(chance.randrange(4))),
            )
            for number in range(COUNT)
        ]
    return found


def submitted(ledger: Ledger) -> dict[Field, list[Moment]]:
    """Every change there is, of each field in order of time."""
    ledger.register("dcs")
    every: dict[Field, list[Moment]] = defaultdict(list)
    for source, given in drawn(Random(SEED)).items():
        for at in range(0, COUNT, 60):
            with ledger.store.reader(RECORDS) as reader:
                first = reader.head().size
            ledger.submit(given[at : at + 60], source)
            for index, one in enumerate(given[at : at + 60], first):
                target, instant = one.record.object, one.record.occurred_at.instant_us
                assert instant is not None
                for ordinal, change in enumerate(one.record.changes):
                    field = Field(source, target.type, target.id, change.attribute)
                    every[field].append(Moment(instant, pos_of(RECORDS, index), ordinal))
    return {field: sorted(moments) for field, moments in every.items()}


@pytest.mark.requirement("C10")
def test_the_change_before_is_that_of_a_replay_as_of_any_size(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    replayed = submitted(ledger)
    asked = [(field, moment) for field, moments in replayed.items() for moment in moments]
    Random(SEED).shuffle(asked)
    first = START_US // HOUR_US
    with ledger.store.reader(RECORDS) as reader:
        now = reader.head().size
        for size in (now, now // 3, 0):
            there = {field: [one for one in of if one.entry < size] for field, of in replayed.items()}
            wanted = [max((one for one in there[field] if one < moment), default=None) for field, moment in asked]
            # By its records, and, were they many, from hour to hour.
            for few in (COUNT * 2, 12):
                monkeypatch.setattr(changes, "FEW", few)
                assert Changes(reader.connection, RECORDS, size).before(asked) == wanted, (SEED, size, few)
        found = Changes(reader.connection, RECORDS, now)
        for field, moments in replayed.items():
            for low, high in ((first, first + 2), (first + 3, first + 29), (first - 9, first + HOURS)):
                within = [one for one in moments if low <= one.at_us // HOUR_US <= high]
                assert found.between(field, low, high) == within, (SEED, field)


def test_the_change_after_an_hour_and_those_of_some_hours_are_those_of_a_replay(ledger: Ledger) -> None:
    replayed = submitted(ledger)
    first = START_US // HOUR_US
    every = sorted({one.at_us // HOUR_US for of in replayed.values() for one in of})
    with ledger.store.reader(RECORDS) as reader:
        size = reader.head().size
        for at in (size, size // 3):
            there = {field: [one for one in of if one.entry < at] for field, of in replayed.items()}
            of_log = Changes(reader.connection, RECORDS, at)
            for hour in (first - 1, first, first + 2, first + 30, first + HOURS, first + 2 * HOURS):
                for field, moments in there.items():
                    wanted = min((one for one in moments if one.at_us // HOUR_US > hour), default=None)
                    assert of_log.after(field, hour) == wanted, (SEED, field, hour)
                assert list(of_log.hours_before(hour)) == [one for one in reversed(every) if one < hour]
            hours = (first, first + 2, first + 2 * HOURS)
            dcs = [
                (field, one)
                for field, moments in there.items()
                for one in moments
                if field.source == "dcs" and one.at_us // HOUR_US in hours
            ]
            assert sorted(of_log.whole("dcs", hours)) == sorted(dcs)
            wanted_of = [(first, THINGS[0].id), (first + 2, THINGS[2].id), (first, THINGS[0].id)]
            found = sorted(of_log.near("dcs", wanted_of))
            assert found == sorted((field, one) for field, one in dcs if (one.at_us // HOUR_US, field.id) in wanted_of)
            assert list(of_log.near("dcs", [])) == []
