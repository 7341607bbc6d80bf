"""The same question about the same log gives the same answer in the same order, in SQLite, in PostgreSQL and by hand.

By hand: every record held against every condition in plain Python; only the tokeniser is the product's own.
"""

import itertools
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.clock import parse_utc
from ledger.core.errors import SchemaViolation
from ledger.core.record import (
    Action,
    Actor,
    ActorKind,
    Change,
    Link,
    LinkBasis,
    LinkKind,
    Outcome,
    Record,
    RecordBody,
    Submission,
    Target,
)
from ledger.core.tokens import query_tokens, tokens
from ledger.store import ordering
from ledger.store.counting import FACETS, Counts, Facet, counts
from ledger.store.ordering import Sort, SortKey, page, read_after
from ledger.store.question import Query
from ledger.store.search import Page, count, search
from tests.support.ledgers import RECORDS, SOURCE, START_US, Ledger, MovableClock, new_ledger, source_time, submission
from tests.support.postgres import PostgresServer

SEED = int(os.environ.get("TRAILSEAL_SEED", "20261125"))
SOURCES = (SOURCE, "dcs")
HOSTILE = (
    "Temperatur Überschreitung im Kessel",
    "straße STRASSE Straße",
    "ﬁltre ﬁn Å Å Å ½ ² ①",
    "東京工場 反応器 温度",
    "مرحبا بالعالم",
    "\u202egnitirw\u202c \u200fabc\u200e",
    "e\u0301 é E\u0301",
    "İstanbul ISTANBUL ıstanbul",
    "क्षि नमस्ते",
    "👩‍🔬 🧪 test🧪tube",
    "O'Brien \"quoted\" 'single' \"",
    "a AND b OR NOT c NEAR(d e, 3) NEAR/2",
    '^first tokens:word {col}: word* + - ( ) "unclosed',
    "100% of_all \\% \\_ __ %% [a-z]* ?",
    "'; DROP TABLE record; --",
    "$1 :name @who {} {0} %s %b %(x)s",
    "nul\x00inside",
    "\ufffd tab\tline\nfeed\rreturn\x0b\x1f\x7f\x85\u2028",
    "TIC101.SP tic-101/sp TIC_101@line:4",
    "-.- ._. //:: @ - . _",
    "B-2026-00042 2026-11-25T07:10:06.123456Z",
    "1.5 1,5 -1.5e-10 +7 0x1F",
    "word " * 700,
    " ".join(f"w{number}" for number in range(900)),
    "x" * 5_000,
    "y" * 63 + "-z and " + "y" * 64 + "-z",
    "ß" * 80,
    " ",
    "",
)
"""What has broken searches: scripts, combining and invisible characters, query languages, wildcards, lengths."""
NAMES = tuple(text[:200] for text in HOSTILE if text.strip())
ACTORS = ("operator1", "Operator1", "O'Brien", "%", "_perator1", "مرحبا", "a\x00b", None)
TYPES = ("tag", "TAG", 'a"b', "50%", "東京", "tag ")
LINKS = ("B-2026-00042", "B-2026-00043", "b-2026-00042", "%", "'", "東京")
ACTIONS = (Action.UPDATE, Action.CREATE, Action.LOGIN_FAILED)


class Known(NamedTuple):
    """A record as the log holds it."""

    at: int
    record: Record
    words: frozenset[str]
    received_us: int


class Both:
    """The same log twice, and by hand. `size` is that of both."""

    def __init__(self, ledgers: tuple[Ledger, Ledger], known: tuple[Known, ...]) -> None:
        self.ledgers = ledgers
        self.known = known
        self.size = known[-1].at + 2  # behind the last record stands its run


def hostile_record(dice: random.Random, number: int) -> Submission:
    one = HOSTILE[number % len(HOSTILE)]  # each at least once
    return submission(
        f"{number}/{dice.choice(NAMES)}",
        dice.choice(SOURCES),
        action=dice.choice(ACTIONS),
        outcome=dice.choice(list(Outcome)),
        # Equal instants: the order is by index alone.
        occurred_at=source_time(START_US + dice.randrange(6) * 1_000_000),
        source_recorded_at=dice.choice((None, source_time(START_US + dice.randrange(6) * 1_000_000))),
        actor=Actor(
            account=dice.choice(ACTORS),
            kind=ActorKind.PERSON,
            role=dice.choice((None, *NAMES)),
            workstation=dice.choice((None, "HMI-1", "hmi-1", *NAMES[:4])),
        ),
        object=Target(type=dice.choice(TYPES), id=dice.choice(NAMES), name=dice.choice((None, *NAMES))),
        changes=tuple(
            Change(attribute=dice.choice(NAMES), old=dice.choice(HOSTILE), new=dice.choice((one, 7, True, None)))
            for _ in range(dice.randrange(3))
        ),
        links=tuple(
            Link(kind=dice.choice((LinkKind.BATCH, LinkKind.LOT)), id=dice.choice(LINKS), basis=LinkBasis.READ)
            for _ in range(dice.randrange(4))
        ),
        reason=one if dice.random() < 0.9 else None,
    )


def feed(ledgers: Sequence[Ledger], submissions: Sequence[Submission]) -> None:
    """The same runs to each ledger, in the same order."""
    for source, group in itertools.groupby(submissions, key=lambda one: one.record.source):
        run = tuple(group)
        for ledger in ledgers:
            ledger.submit(run, source)


def read(ledger: Ledger) -> tuple[Known, ...]:
    """All records of the log, from its entries."""
    with ledger.store.reader(RECORDS) as reader:
        stored = list(reader.entries(0, reader.head().size))
    found = []
    for entry in stored:
        assert entry.body is not None
        if msgspec.json.decode(entry.body)["schema"].startswith("record/"):
            body = msgspec.json.decode(entry.body, type=RecordBody)
            found.append(Known(entry.index, body.record, words_of(body.record), parse_utc(body.received_at)))
    return tuple(found)


def words_of(record: Record) -> frozenset[str]:
    """All plain text of a record as one, what is most its own first (only so many tokens of a text count)."""
    own: list[Any] = [record.source_record_id, record.reason]
    more: list[Any] = [record.source, record.action.value, record.object.type, record.object.id]
    more += [link.id for link in record.links]
    more += [record.actor.account, record.actor.name, record.actor.role, record.actor.workstation, record.object.name]
    for change in record.changes:
        own += [change.old, change.new]
        more += [change.attribute, change.unit]
    return frozenset(tokens(" ".join(text for text in own + more if isinstance(text, str))))


def matches(known: Known, query: Query) -> bool:
    """Whether all that the query names holds."""
    record = known.record
    instant = record.occurred_at.instant_us
    wanted = (
        (query.source, record.source),
        (query.action, record.action),
        (query.outcome, record.outcome),
        (query.actor, record.actor.account),
        (query.object_type, record.object.type),
        (query.object_id, record.object.id),
        (query.workstation, record.actor.workstation),
        (query.role, record.actor.role),
        (query.reasoned, record.reason is not None),
    )
    if any(asked is not None and asked != found for asked, found in wanted):
        return False
    recorded = record.source_recorded_at
    for at, low, high in (
        (instant, query.occurred_from, query.occurred_to),
        (None if recorded is None else recorded.instant_us, query.recorded_from, query.recorded_to),
        (known.received_us, query.received_from, query.received_to),
    ):
        if low is not None and (at is None or at < low):
            return False
        if high is not None and (at is None or at >= high):
            return False
    if query.attribute is not None and query.attribute not in [change.attribute for change in record.changes]:
        return False
    if any((kind, id_) not in [(link.kind, link.id) for link in record.links] for kind, id_ in query.links):
        return False
    if (query.link_kind, query.link_id) != (None, None) and not any(
        query.link_kind in (None, link.kind) and query.link_id in (None, link.id) for link in record.links
    ):
        return False
    words = query_tokens(query.text)
    return known.words.issuperset(words) if words else not query.text.strip()


def expected(both: Both, query: Query, size: int) -> list[Known]:
    return [one for one in reversed(both.known) if one.at < size and matches(one, query)]


def expected_facets(found: Sequence[Known], top: int) -> dict[str, tuple[Facet, ...]]:
    values = {
        "source": [one.record.source for one in found],
        "action": [one.record.action.value for one in found],
        "outcome": [one.record.outcome.value for one in found],
        "object_type": [one.record.object.type for one in found],
    }
    assert set(values) == set(FACETS)
    return {
        name: tuple(
            Facet(value=value, count=number)
            # The most frequent first; of the same frequency by code points, as UTF-8 bytes sort.
            for value, number in sorted(Counter(column).items(), key=lambda item: (-item[1], item[0].encode()))[:top]
        )
        for name, column in values.items()
    }


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> Iterator[Both]:
    """A hostile corpus in both databases."""
    dice = random.Random(SEED)
    database = postgres_server.create_database()
    folder = tmp_path_factory.mktemp("search")
    ledgers = (
        new_ledger(folder / "sqlite", clock=MovableClock()),
        new_ledger(folder / "postgresql", database, MovableClock()),
    )
    try:
        for ledger in ledgers:
            ledger.register("dcs", seal=())
        feed(ledgers, [hostile_record(dice, number) for number in range(6 * len(HOSTILE))])
        known = read(ledgers[0])
        assert [one.record for one in known] == [one.record for one in read(ledgers[1])]
        assert len(known) == 6 * len(HOSTILE)
        yield Both(ledgers, known)
    finally:
        for ledger in ledgers:
            ledger.close()
        postgres_server.drop_database(database)


_fragments = st.sampled_from(
    sorted({piece for text in HOSTILE for piece in (text, *text.split(), *text[:300].split("-"))})
)
_text = st.one_of(
    st.just(""),
    st.text(max_size=12),
    st.lists(_fragments, min_size=1, max_size=2).map(" ".join),
    _fragments.map(str.upper),
    st.tuples(_fragments, st.sampled_from(["*", '"', "'", "%", "\x00", ")", " AND", " -", ":"])).map("".join),
    st.lists(st.sampled_from(["update", "tag", "erp", "dcs", "operator1", "tic101", "b-2026-00042"]), max_size=3).map(
        " ".join
    ),
).map(lambda text: text[:4096])


def _maybe(values: Sequence[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), st.none(), st.sampled_from(values))


_instant = _maybe([START_US + step * 500_000 for step in range(-1, 14)])
queries = st.builds(
    Query,
    text=_text,
    source=_maybe([*SOURCES, "ERP", "", "%"]),
    action=_maybe(ACTIONS),
    outcome=_maybe(list(Outcome)),
    actor=_maybe([actor for actor in ACTORS if actor] + ["a\ufffdb", "\ufffd"]),
    object_type=_maybe(TYPES),
    object_id=_maybe(NAMES),
    link_kind=_maybe([LinkKind.BATCH, LinkKind.LOT, LinkKind.EQUIPMENT]),
    link_id=_maybe([*LINKS, "\x00"]),
    occurred_from=_instant,
    occurred_to=_instant,
    recorded_from=_instant,
    received_to=_maybe([START_US, START_US + 1_000_000, START_US + 1_000_001]),
    workstation=_maybe(["HMI-1", "hmi-1", *NAMES[:4]]),
    role=_maybe(NAMES[:8]),
    attribute=_maybe([*NAMES, "\x00"]),
    reasoned=_maybe([True, False]),
    links=st.one_of(
        st.just(()),
        st.lists(st.tuples(st.sampled_from([LinkKind.BATCH, LinkKind.LOT]), st.sampled_from(LINKS)), max_size=2).map(
            tuple
        ),
    ),
)
each = st.one_of(
    st.builds(Query, workstation=_maybe(["HMI-1", "hmi-1", *NAMES[:4]])),
    st.builds(Query, attribute=_maybe(NAMES), reasoned=_maybe([True, False])),
    st.builds(Query, recorded_from=_instant, recorded_to=_instant),
    st.builds(Query, received_from=_maybe([START_US + 1_000_000, START_US + 1_000_001]), role=_maybe(NAMES[:8])),
    st.builds(
        Query,
        links=st.lists(
            st.tuples(st.sampled_from([LinkKind.BATCH, LinkKind.LOT]), st.sampled_from(LINKS)), max_size=2
        ).map(tuple),
    ),
)
simple = st.one_of(
    queries, each, st.builds(Query, text=_text), st.builds(Query, link_id=_maybe(LINKS), actor=_maybe(ACTORS[:4]))
)
shared = settings(max_examples=1000 if "TRAILSEAL_SOAK" in os.environ else 50)


def page_of(ledger: Ledger, size: int, query: Query, before: int | None = None, limit: int = 500) -> Page:
    with ledger.store.reading() as connection:
        return search(connection, RECORDS, size, query, before, limit)


@shared
@given(query=simple, cut=st.integers(0, 40))
@pytest.mark.requirement("R51")
def test_both_databases_give_the_answer_made_by_hand_in_its_order(both: Both, query: Query, cut: int) -> None:
    size = both.size - cut
    wanted = expected(both, query, size)
    for ledger in both.ledgers:
        with ledger.store.reading() as connection:
            found = search(connection, RECORDS, size, query, limit=500)
            assert list(found.indices) == [one.at for one in wanted], ledger.dialect
            assert count(connection, RECORDS, size, query) == len(wanted), ledger.dialect


@pytest.mark.requirement("R51")
def test_each_object_actor_and_workstation_is_found_by_its_name_alone(both: Both) -> None:
    """SQLite finds these by tokens of whole values: of each there is one, and of none another's."""
    queries = {Query(object_id=one.record.object.id) for one in both.known}
    queries |= {Query(actor=one.record.actor.account) for one in both.known if one.record.actor.account}
    queries |= {Query(workstation=one.record.actor.workstation) for one in both.known if one.record.actor.workstation}
    for ledger in both.ledgers:
        with ledger.store.reading() as connection:
            for query in queries:
                found = search(connection, RECORDS, both.size, query, limit=500).indices
                assert list(found) == [one.at for one in expected(both, query, both.size)], (ledger.dialect, query)


@pytest.mark.requirement("R51")
def test_a_link_alone_beside_another_and_beside_more_finds_what_has_all_of_it(both: Both) -> None:
    """SQLite goes along the records of the rarest link."""
    pairs = list(itertools.product((LinkKind.BATCH, LinkKind.LOT), LINKS))
    queries = [Query(link_kind=kind, link_id=id_) for kind, id_ in pairs]
    for one in pairs:
        queries += [Query(links=(one,)), Query(links=(one,), source="dcs"), Query(links=(one,), text="tic101.sp")]
    queries += [Query(links=(one, other)) for one, other in itertools.combinations(pairs, 2)]
    queries += [Query(links=(one,), link_kind=other[0], link_id=other[1]) for one, other in itertools.pairwise(pairs)]
    several = 0
    for query in queries:
        wanted = [one.at for one in expected(both, query, both.size)]
        several += len(query.links) == 2 and bool(wanted)
        for ledger in both.ledgers:
            with ledger.store.reading() as connection:
                found = search(connection, RECORDS, both.size, query, limit=500)
                assert list(found.indices) == wanted, (ledger.dialect, query)
                assert count(connection, RECORDS, both.size, query) == len(wanted), (ledger.dialect, query)
    assert several > 10


@shared
@given(query=simple, top=st.integers(1, 25))
def test_facets_count_what_was_found_in_the_same_order(both: Both, query: Query, top: int) -> None:
    found = expected(both, query, both.size)
    wanted = Counts(total=len(found), exact=True, facets=expected_facets(found, top))
    for ledger in both.ledgers:
        with ledger.store.reading() as connection:
            assert counts(connection, RECORDS, both.size, query, top) == wanted, ledger.dialect
            assert counts(connection, RECORDS, both.size, query, top, most=len(found)) == wanted, ledger.dialect
            if found:
                part = counts(connection, RECORDS, both.size, query, top, most=len(found) - 1)
                assert (part.total, part.exact) == (len(found) - 1, False), ledger.dialect


@shared
@given(query=simple, limit=st.integers(1, 30))
def test_pages_together_hold_every_record_once(both: Both, query: Query, limit: int) -> None:
    wanted = [one.at for one in expected(both, query, both.size)]
    for ledger in both.ledgers:
        found: list[int] = []
        before: int | None = None
        for page_number in itertools.count():
            page = page_of(ledger, both.size, query, before, limit)
            found += page.indices
            before = page.next_before
            if before is None:
                break
            assert len(page.indices) == limit, page_number
        assert found == wanted, ledger.dialect


VALUES: dict[SortKey, Callable[[Known], Any]] = {
    SortKey.OCCURRED: lambda one: one.record.occurred_at.instant_us,
    SortKey.RECORDED: lambda one: one.record.source_recorded_at and one.record.source_recorded_at.instant_us,
    SortKey.RECEIVED: lambda one: one.received_us,
    SortKey.SOURCE: lambda one: one.record.source,
    SortKey.ACTOR: lambda one: one.record.actor.account,
    SortKey.ACTION: lambda one: one.record.action.value,
    SortKey.OUTCOME: lambda one: one.record.outcome.value,
    SortKey.OBJECT: lambda one: one.record.object.id,
    SortKey.REASON: lambda one: one.record.reason[:200] if isinstance(one.record.reason, str) else None,
}


def in_order(found: Sequence[Known], sort: Sort) -> list[int]:
    """By hand: stable sorts, one after the other; what has no value behind all that have one."""
    by_index = sorted(found, key=lambda one: one.at, reverse=not sort.ascending)
    if sort.by is SortKey.INDEX:
        return [one.at for one in by_index]
    value = VALUES[sort.by]
    valued = [one for one in by_index if value(one) is not None]
    # Text as its bytes in UTF-8 sort; reversing keeps equal ones in their order.
    valued.sort(
        key=lambda one: value(one).encode() if isinstance(value(one), str) else value(one), reverse=not sort.ascending
    )
    return [one.at for one in (*valued, *(one for one in by_index if value(one) is None))]


def sorted_pages(ledger: Ledger, size: int, query: Query, sort: Sort, limit: int) -> list[int]:
    found: list[int] = []
    after = None
    while True:
        with ledger.store.reading() as connection:
            answer = page(connection, RECORDS, size, query, sort, after, limit)
        found += answer.indices
        if answer.next_after is None:
            return found
        assert len(answer.indices) == limit
        after = read_after(answer.next_after)


sorts = st.builds(Sort, by=st.sampled_from(SortKey), ascending=st.booleans())


@shared
@given(query=simple, sort=sorts, limit=st.integers(1, 40), cut=st.integers(0, 40), few=st.sampled_from([0, 3, 10_000]))
@pytest.mark.requirement("R51", "R46")
def test_pages_in_any_order_are_those_made_by_hand(
    both: Both, query: Query, sort: Sort, limit: int, cut: int, few: int
) -> None:
    """`few`: whether the records found are put in order here, or a time's index is followed."""
    wanted = in_order(expected(both, query, both.size - cut), sort)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordering, "FEW", few)
        for ledger in both.ledgers:
            assert sorted_pages(ledger, both.size - cut, query, sort, limit) == wanted, ledger.dialect


@pytest.mark.parametrize("by", SortKey)
@pytest.mark.parametrize("few", [0, 10_000])
def test_every_order_is_the_one_made_by_hand(
    both: Both, by: SortKey, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "FEW", few)
    for ascending in (False, True):
        sort = Sort(by=by, ascending=ascending)
        for query in (Query(), Query(source="dcs"), Query(text="tic101.sp")):
            wanted = in_order(expected(both, query, both.size), sort)
            for ledger in both.ledgers:
                assert sorted_pages(ledger, both.size, query, sort, 37) == wanted, (ledger.dialect, query)


def test_an_order_without_an_index_is_refused_over_too_many(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "MANY", 5)
    for ledger in both.ledgers:
        with ledger.store.reading() as connection, pytest.raises(SchemaViolation, match="order of reason"):
            page(connection, RECORDS, both.size, Query(), Sort(by=SortKey.REASON))


def test_a_page_goes_on_only_as_it_began(both: Both) -> None:
    query, sort = Query(source="dcs"), Sort(by=SortKey.ACTOR)
    with both.ledgers[0].store.reading() as connection:
        text = page(connection, RECORDS, both.size, query, sort, None, 3).next_after
        assert text is not None
        after = read_after(text)
        with pytest.raises(SchemaViolation, match=f"as of size {both.size}, not {both.size - 1}"):
            page(connection, RECORDS, both.size - 1, query, sort, after)
    others: list[tuple[int, Query, Sort]] = [
        (RECORDS, Query(), sort),
        (RECORDS + 1, query, sort),
        (RECORDS, query, Sort()),
        (RECORDS, query, Sort(by=SortKey.ACTOR, ascending=True)),
    ]
    with both.ledgers[0].store.reading() as connection:
        for log, asked, order in others:
            with pytest.raises(SchemaViolation, match="of another search or another order"):
                page(connection, log, both.size, asked, order, after)
    for hostile in ("", "x", text[:-3], "é", "e30", "bnVsbA"):
        with pytest.raises(SchemaViolation):
            read_after(hostile)
    assert not any(word in text for word in ("operator1", "dcs"))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_record_is_found_by_its_own_words_however_hostile(both: Both, text: str) -> None:
    own = {one.at for one in both.known if one.record.reason == text.replace("\x00", "\ufffd")}
    assert own
    start = text[:1000]  # of a very long text only so many words count
    words = query_tokens(start)
    for ledger in both.ledgers:
        for asked in (start, *random.Random(SEED).sample(words, min(6, len(words)))):
            found = set(page_of(ledger, both.size, Query(text=asked)).indices)
            assert own <= found or not query_tokens(asked), (ledger.dialect, asked)


def test_an_answer_as_of_a_size_stays_the_same_while_records_are_appended(both: Both) -> None:
    asked = [Query(), Query(text="tic101.sp"), Query(link_id=LINKS[0]), Query(actor="operator1"), Query(source="dcs")]
    before = [[page_of(ledger, both.size, query) for query in asked] for ledger in both.ledgers]
    firsts = [page_of(ledger, both.size, Query(), limit=7) for ledger in both.ledgers]
    dice = random.Random(SEED + 1)
    orders = [Sort(by=by, ascending=ascending) for by in SortKey for ascending in (False, True)]
    sorted_before = [in_order(expected(both, Query(), both.size), sort) for sort in orders]
    for start in range(1_000, 1_060, 20):
        feed(both.ledgers, [hostile_record(dice, number) for number in range(start, start + 20)])
        for ledger, wanted, first in zip(both.ledgers, before, firsts, strict=True):
            assert [page_of(ledger, both.size, query) for query in asked] == wanted
            assert first.next_before is not None
            rest = page_of(ledger, both.size, Query(), first.next_before)
            assert first.indices + rest.indices == wanted[0].indices
    for ledger in both.ledgers:
        for sort, by_hand in zip(orders, sorted_before, strict=True):
            assert sorted_pages(ledger, both.size, Query(), sort, 100) == by_hand, (ledger.dialect, sort)
    for ledger in both.ledgers:
        assert len(page_of(ledger, 1 << 30, Query()).indices) == len(both.known) + 60
