"""Records by some of what has few values: what is there of each and of several, without reading all the others."""

import itertools

import msgspec
import pytest

from ledger.core.record import Action, Actor, ActorKind, Change, Link, LinkBasis, LinkKind, Outcome, Target
from ledger.store import combinations as module
from ledger.store import leading, search
from ledger.store.combinations import COMBINED, MEMBERS, combinations, keys, object_types
from ledger.store.ordering import Sort, SortKey, page
from ledger.store.question import Query
from tests.support.ledgers import RECORDS, START_US, Ledger, source_time, submission

COMMON = 600


def fill(ledger: Ledger) -> None:
    """Two sources; in the middle of each one record that stands alone."""
    for source in ("dcs", "erp"):
        given = [
            submission(
                number,
                source,
                action=Action.UPDATE if number % 2 else Action.CREATE,
                object=Target(type=f"{source}-{number % 3}", id=str(number)),
            )
            for number in range(COMMON)
        ]
        given[COMMON // 2] = submission(
            "alone", source, action=Action.DELETE, outcome=Outcome.FAILURE, object=Target(type="Zürich", id="x")
        )
        ledger.register(source)
        ledger.submit(given, source)


def test_combinations_are_those_that_records_have(ledger: Ledger) -> None:
    fill(ledger)
    usual = {
        (source, ("create", "update")[number % 2], "success", f"{source}-{number % 3}")
        for source in ("dcs", "erp")
        for number in range(6)
    }
    there = usual | {(source, "delete", "failure", "Zürich") for source in ("dcs", "erp")}
    values = (sorted({one[at] for one in there}) for at in range(len(MEMBERS)))
    with ledger.store.reading() as connection:
        for wanted in itertools.product(*((None, "none", *some) for some in values)):
            expected = [one for one in there if all(want in (None, has) for want, has in zip(wanted, one, strict=True))]
            assert sorted(combinations(connection, wanted)) == sorted(expected), wanted
        assert object_types(connection) == sorted({one[3] for one in there})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(action=Action.DELETE), 2),
        (Query(outcome=Outcome.FAILURE), 2),
        (Query(object_type="Zürich", source="erp"), 1),
        (Query(action=Action.LOGIN_FAILED), 0),
    ],
    ids=["action", "outcome", "type of a source", "none has it"],
)
@pytest.mark.parametrize("by", [SortKey.INDEX, SortKey.OCCURRED, SortKey.ACTOR])
def test_a_rare_value_is_found_without_reading_the_log(
    sqlite_ledger: Ledger, query: Query, found: int, by: SortKey
) -> None:
    fill(sqlite_ledger)
    indices, steps = counted(sqlite_ledger, query, Sort(by=by))
    assert len(indices) == found
    assert steps < 2 * COMMON


def test_what_many_records_have_each_and_hardly_any_has_both_is_found_without_reading_the_log(
    sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even numbers are changed by a clerk, with a reason; odd ones by nobody of a role, without."""
    monkeypatch.setattr(leading, "COUNTED", 20)
    reactor = Link(kind=LinkKind.EQUIPMENT, id="R-1", basis=LinkBasis.READ)
    given = [
        submission(
            number,
            "dcs",
            action=Action.UPDATE if even else Action.CREATE,
            actor=Actor(account="a", kind=ActorKind.PERSON, role="clerk" if even else None),
            changes=(Change(attribute="x" if even else "y", new="1"),),
            reason="because" if even else None,
            links=(reactor,),
        )
        for number in range(2 * COMMON)
        for even in (number % 2 == 0,)
    ]
    given[COMMON] = submission(
        "alone", "dcs", action=Action.CREATE, reason=None, links=(reactor,), changes=(Change(attribute="z", new="1"),),
        actor=Actor(account="a", kind=ActorKind.PERSON, role="auditor"),
    )  # fmt: skip
    sqlite_ledger.register("dcs")
    sqlite_ledger.submit(given, "dcs")
    for found, query in (
        (1, Query(role="auditor")),
        (1, Query(attribute="z")),
        (1, Query(role="auditor", reasoned=False, action=Action.CREATE)),
        (0, Query(role="clerk", attribute="y")),
        (0, Query(role="clerk", action=Action.CREATE)),
        (0, Query(attribute="x", reasoned=False)),
        (0, Query(reasoned=True, action=Action.CREATE)),
        (0, Query(reasoned=True, action=Action.DELETE)),
        (1, Query(attribute="z", links=((LinkKind.EQUIPMENT, "R-1"),))),
    ):
        indices, steps = counted(sqlite_ledger, query, Sort())
        assert (len(indices), steps < 4 * COMMON) == (found, True), (query, steps)


@pytest.mark.parametrize("part", [0, 20_000], ids=["by the index", "by what is new"])
def test_postgresql_knows_what_records_have_together_and_asks_again_only_for_what_is_new(
    postgres_ledger: Ledger, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr(module, "_PART", part)
    postgres_ledger.register("dcs")

    def give(number: int, role: str | None, reason: str | None, *attributes: str) -> None:
        changes = tuple(Change(attribute=one, new="1") for one in attributes)
        actor = Actor(account="a", kind=ActorKind.PERSON, role=role)
        given = [submission(number + at, "dcs", actor=actor, reason=reason, changes=changes) for at in (0, 1)]
        postgres_ledger.submit(given, "dcs")

    give(0, "clerk", "because", "x", "y")
    give(10, None, None, "y", "x", "x")
    give(20, "auditor", None, "y")
    wanted = {
        Query(role="clerk"): 2, Query(role="auditor"): 2, Query(attribute="y"): 6,
        Query(attribute="x", reasoned=False): 2,
        Query(role="clerk", reasoned=False): 0, Query(attribute="z"): 0, Query(attribute="y", source="erp"): 0,
    }  # fmt: skip

    def ask(expected: dict[Query, int]) -> None:
        with postgres_ledger.store.reader(RECORDS) as reader:
            size, none = reader.head().size, dict.fromkeys(COMBINED)
            for query, number in expected.items():
                asked = {name: getattr(query, name) for name in COMBINED}
                assert bool(keys(reader.connection, RECORDS, size, none | asked)) is (number > 0), query
                assert len(page(reader.connection, RECORDS, size, query).indices) == number, query
                with_text = msgspec.structs.replace(query, actor="a")
                assert len(page(reader.connection, RECORDS, size, with_text).indices) == number, query
                assert search.count(reader.connection, RECORDS, size, query) == number, query

    ask(wanted)
    give(30, "clerk", None, "z")
    ask(wanted | {Query(role="clerk"): 4, Query(role="clerk", reasoned=False): 2, Query(attribute="z"): 2})
    give(40, "clerk", None, "w")
    ask({Query(attribute="w"): 2, Query(attribute="z"): 2, Query(attribute="w", role="auditor"): 0})


@pytest.mark.parametrize("late", [False, True], ids=["in order", "one comes late"])
def test_a_long_window_of_old_records_is_not_walked_down_to(
    sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    monkeypatch.setattr(leading, "OF_A_WINDOW", 20)
    second = list(range(2 * COMMON))
    if late:
        second[-10] = 25
    sqlite_ledger.register("dcs")
    given = [submission(n, "dcs", occurred_at=source_time(START_US + at * 1_000_000)) for n, at in enumerate(second)]
    sqlite_ledger.submit(given, "dcs")
    query = Query(occurred_from=START_US + 20_000_000, occurred_to=START_US + 120_000_000)
    wanted = [n for n, at in enumerate(second) if 20 <= at < 120]
    indices, steps = counted(sqlite_ledger, query, Sort())
    first = min(oldest(sqlite_ledger, Query(), 1))
    assert list(indices) == [first + n for n in wanted[::-1][:50]]
    assert oldest(sqlite_ledger, query, 200) == [first + n for n in wanted]
    assert late or steps < 6 * COMMON, "down to them all others would be twice that"


def oldest(ledger: Ledger, query: Query, limit: int) -> list[int]:
    with ledger.store.reader(RECORDS) as reader:
        size = reader.head().size
        return list(page(reader.connection, RECORDS, size, query, Sort(ascending=True), limit=limit).indices)


@pytest.mark.parametrize("few", [0, 10_000], ids=["full text leads", "the link leads"])
def test_by_a_link_of_few_records_and_of_many_the_same_is_found(
    sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(leading, "COUNTED", few)
    batch = Link(kind=LinkKind.BATCH, id="B-1", basis=LinkBasis.READ)
    given = [
        submission(
            number, "dcs", reason="valve-7 opened" if number % 2 else "valve-71", links=(batch,) if number % 3 else ()
        )
        for number in range(60)
    ]
    sqlite_ledger.register("dcs")
    sqlite_ledger.submit(given, "dcs")
    link = ((LinkKind.BATCH, "B-1"),)
    wanted = {
        Query(links=link, text="valve-7"): {n for n in range(60) if n % 2 and n % 3},
        Query(links=link, text="valve"): {n for n in range(60) if n % 3},
        Query(links=link, text="valve-7 opened", reasoned=True): {n for n in range(60) if n % 2 and n % 3},
        Query(links=link, text="alve-7"): set(),
        Query(links=link, reasoned=False): set(),
    }
    with sqlite_ledger.store.reader(RECORDS) as reader:
        first = reader.head().size - 61
        for query, numbers in wanted.items():
            found = page(reader.connection, RECORDS, reader.head().size, query, limit=100).indices
            assert {index - first for index in found} == numbers, query


def counted(ledger: Ledger, query: Query, sort: Sort) -> tuple[tuple[int, ...], int]:
    """A page, and in how many steps of SQLite's machine: to look at every record takes several for each."""
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    with ledger.store.reader(RECORDS) as reader:
        raw = reader.connection.connection.driver_connection
        assert raw is not None
        raw.set_progress_handler(step, 1)
        try:
            indices = page(reader.connection, RECORDS, reader.head().size, query, sort).indices
        finally:
            raw.set_progress_handler(None, 0)
    return indices, steps
