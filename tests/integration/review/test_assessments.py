"""Assessments of whole logs: runs, what they enter, totals, the records behind them, and what succeeds what."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

import pytest
from sqlalchemy import update

from ledger.cli.alcoa import judges
from ledger.core.assessment import ASSESSMENT, Assessment, Attribute
from ledger.core.errors import ConfigError
from ledger.core.parameters import ParameterName
from ledger.core.record import Change
from ledger.retention.copy_kinds import CopySort
from ledger.review.alcoa import runs
from ledger.review.alcoa.attributes import Result, attribute_verdict
from ledger.review.alcoa.blocks import Place, assess_block, every
from ledger.review.alcoa.cells import read
from ledger.review.alcoa.judging import Processes
from ledger.review.alcoa.runs import Run
from ledger.review.alcoa.totals import Days, behind, totals
from ledger.review.known.days import Period, day_of, day_text, period_of
from ledger.review.known.outside import Outside
from ledger.sources.parameter_kinds import Parameter
from ledger.store import schema
from ledger.store.position import pos_of
from ledger.store.reading import LogReader, VaultReader
from ledger.store.rebuild import rebuild
from tests.support.ledgers import AUTHORITY, RECORDS, START_US, Ledger, MovableClock, source_time, submission
from tests.support.witness import Trust, two_witnesses

DAY_US = 86_400_000_000
DAYS = 4
FIRST = START_US // DAY_US


def filled(ledger: Ledger, order: Sequence[int] = range(24)) -> None:
    """Records of two sources on four days; a schema by which some fail, for one source alone."""
    ledger.register("mes")
    ledger.register("dcs")
    put(ledger, "degC")
    for number in order:
        enter(ledger, number)


def put(ledger: Ledger, *units: str) -> None:
    put_value(ledger, ParameterName.SCHEMA, '{"codes":{},"units":[' + ",".join(f'"{one}"' for one in units) + "]}")


def put_value(ledger: Ledger, name: ParameterName, value: str) -> None:
    parameter = Parameter(
        name=name,
        source="dcs",
        type=None,
        value=value,
        applies_from=None,
        reason="as specified",
        authority=AUTHORITY,
    )
    ledger.service.record_log().parameters.put(RECORDS, [parameter])


def enter(ledger: Ledger, number: int) -> None:
    source = "mes" if number % 3 == 0 else "dcs"
    change = Change(attribute="Value", old="50.0", new="55.5", unit="K" if number % 5 == 0 else "degC")
    at = source_time(START_US + number % DAYS * DAY_US + number * 1_000_000)
    ledger.submit([submission(number, source, occurred_at=at, changes=(change,))], source)


def run(ledger: Ledger, *, full: bool = False) -> Run:
    log = ledger.service.record_log().log
    return ledger.service.quality.assessments.run(log, full, AUTHORITY)


def size_of(ledger: Ledger) -> int:
    with ledger.store.reader(RECORDS) as reader:
        return reader.head().size


def bodies(ledger: Ledger, indices: Sequence[int]) -> Iterator[Assessment]:
    with ledger.store.reader(RECORDS) as reader:
        for index in indices:
            body = ASSESSMENT.decode(reader.entry(index).body or b"")
            assert isinstance(body, Assessment)
            yield body


def cells(ledger: Ledger, size: int) -> dict[Place, bytes]:
    with ledger.store.reading() as connection:
        assessor = ledger.service.quality.assessor(connection, RECORDS, size)
        return {place: assess_block(assessor, place).line for place in every(connection, RECORDS, size)}


def told(ledger: Ledger, size: int) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    with ledger.store.reading() as connection:
        found = totals(connection, RECORDS, size, Days(), Period.DAY)
    return {(one.source, one.attribute, one.first): (one.passed, one.failed, one.open) for one in found}


@pytest.mark.requirement("C01", "C02", "C03", "C04", "C05", "C06", "C07", "C08", "C09", "C10", "C13")
def test_totals_are_the_sums_of_what_each_record_is_worth_and_each_number_opens_its_records(ledger: Ledger) -> None:
    filled(ledger)
    size = size_of(ledger)
    made = run(ledger)
    assert (made.judged, made.changed) == (2 * DAYS, 2 * DAYS)
    # A run first enters how records could be fetched, and judges as of right after.
    assert made.size == size + 1
    size = made.size
    now = size_of(ledger)
    expected: Counter[tuple[str, str, str, Result]] = Counter()
    records: dict[tuple[str, Attribute, Result], list[int]] = {}
    with ledger.store.reading() as connection:
        assessor = ledger.service.quality.assessor(connection, RECORDS, size)
        for place, line in cells(ledger, size).items():
            (block,) = read(line)
            indices = [index for vector in block.vectors for index in vector.members]
            for one in assessor.assess(indices):
                for attribute in Attribute:
                    result = attribute_verdict(attribute, one.cells).result
                    expected[place.source, attribute, block.day, result] += 1
                    records.setdefault((place.source, attribute, result), []).append(one.index)
        found = told(ledger, now)
        assert sum(map(sum, found.values())) == 24 * len(Attribute)
        for (source, name, day), numbers in found.items():
            assert numbers == tuple(expected[source, name, day, result] for result in Result)
        assert found["dcs", "legible", day_text(FIRST)][1] > 0
        for (source, attribute, result), indices in records.items():
            pages: list[int] = []
            after = None
            while True:
                page = behind(connection, RECORDS, now, source, attribute, result, Days(), after, 3)
                pages += [one.index for one in page.records]
                after = page.next_after
                if after is None:
                    break
            assert sorted(pages) == sorted(indices)
            assert len(page.records) <= 3


def test_periods_put_days_together_and_a_stretch_leaves_others_out(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    filled(ledger)
    run(ledger)
    with ledger.store.reading() as connection:
        weeks = totals(connection, RECORDS, size_of(ledger), Days(), Period.WEEK, "dcs")
        all_days = totals(connection, RECORDS, size_of(ledger), Days(), None, "dcs")
        days = Days.read(day_text(FIRST + 1), day_text(FIRST + 2))
        some = totals(connection, RECORDS, size_of(ledger), days, Period.MONTH, "dcs")
    assert {(one.first, one.last) for one in weeks} == {tuple(map(day_text, period_of(FIRST, Period.WEEK)))}
    assert {(one.first, one.last) for one in all_days} == {(day_text(FIRST), day_text(FIRST + 3))}
    assert {(one.first, one.last) for one in some} == {(day_text(FIRST + 1), day_text(FIRST + 2))}
    numbers = [sum(one.passed + one.failed + one.open for one in found) for found in (weeks, all_days, some)]
    assert numbers == [16 * 10, 16 * 10, 8 * 10]


@pytest.mark.requirement("C08", "C10")
def test_the_same_size_gives_the_same_cells_in_any_order_of_arrival_and_after_a_rebuild(ledger: Ledger) -> None:
    filled(ledger, [*range(23, 11, -1), *range(12)])
    size = size_of(ledger)
    before = cells(ledger, size)
    in_order = [*range(23, 11, -1), *range(12)]
    # What a block says of each record, by the record's own number.
    by_number: dict[int, tuple[str, ...]] = {}
    with ledger.store.reading() as connection:
        numbers = dict(_numbers(connection))
    for line in before.values():
        (block,) = read(line)
        by_number |= {numbers[index]: vector.cells for vector in block.vectors for index in vector.members}
    assert sorted(by_number) == sorted(in_order)
    assert Counter(_of(number) for number in by_number) == Counter({"F:unit": 3, "P": 13, "N:no-schema": 8})
    assert all(by_number[number][2] == _of(number) for number in by_number)
    run(ledger)
    for number in range(24, 30):
        enter(ledger, number)
    assert cells(ledger, size) == before
    rebuild(ledger.store, ledger.owner_url)
    assert cells(ledger, size) == before
    with ledger.store.reading() as connection:
        kept = connection.scalars(schema.original.select().with_only_columns(schema.original.c.data)).all()
    assert b"".join(line + b"\n" for line in (before[place] for place in sorted(before))) in map(bytes, kept)


def _of(number: int) -> str:
    """What C03 says of a record: the schema is that of one source."""
    if number % 3 == 0:
        return "N:no-schema"
    return "F:unit" if number % 5 == 0 else "P"


def _numbers(connection: object) -> Iterator[tuple[int, int]]:
    reader = LogReader(connection, RECORDS)  # type: ignore[arg-type]
    for entry in reader.entries(0, reader.head().size):
        body = entry.body or b""
        if b'"schema":"record/' in body:
            start = body.index(b'"source_record_id":"') + len(b'"source_record_id":"')
            yield entry.index, int(body[start : body.index(b'"', start)])


def test_a_run_takes_what_came_and_what_stands_near_it_and_the_older_entry_stays(ledger: Ledger) -> None:
    filled(ledger, range(12))
    first = run(ledger)
    then = size_of(ledger)
    at_first = told(ledger, then)
    assert run(ledger).entries == ()
    enter(ledger, 100)  # of dcs, on the first day
    second = run(ledger)
    (body,) = bodies(ledger, second.entries)
    assert [(one.source, one.day, one.succeeds) for one in body.blocks] == [("dcs", day_text(FIRST), first.entries[0])]
    # Of both sources the first two days were judged again.
    assert (body.same, body.last, body.low) == (3, True, first.size)
    assert told(ledger, then) == at_first
    changed = {key for key, numbers in told(ledger, size_of(ledger)).items() if numbers != at_first[key]}
    assert {(source, day) for source, _, day in changed} == {("dcs", day_text(FIRST))}
    assert run(ledger).entries == ()


def test_a_changed_parameter_has_what_it_alters_assessed_again(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    filled(ledger)
    first = run(ledger)
    put(ledger, "degC", "K")
    altering = size_of(ledger) - 1
    made = run(ledger)
    (body,) = bodies(ledger, made.entries)
    assert made.judged == DAYS  # those of the parameter's source
    assert body.altered_by == (altering,)
    assert {one.source for one in body.blocks} == {"dcs"}
    assert {one.succeeds for one in body.blocks} == set(first.entries)
    assert all(numbers[1] == 0 for (_, attribute, _), numbers in told(ledger, size_of(ledger)).items()
               if attribute == "legible")  # fmt: skip


def test_a_run_that_was_stopped_is_gone_on_with_as_of_its_size(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(ledger)
    monkeypatch.setattr(runs, "MOST_RECORDS", 5)
    size, log = size_of(ledger), ledger.service.record_log().log

    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done == 5:
            raise Stopped

    with pytest.raises(Stopped):
        ledger.service.quality.assessments.run(log, False, AUTHORITY, stop)
    part = size_of(ledger)
    assert part > size + 1
    size += 1  # of what was fetched before
    enter(ledger, 50)
    seen: list[int] = []
    made = ledger.service.quality.assessments.run(log, False, AUTHORITY, lambda done, total: seen.append(done))
    assert made.size == size
    assert seen[0] > 1
    entered = [*range(size, part), *made.entries]
    told_of = [(one.source, day_of(one.day)) for body in bodies(ledger, entered) for one in body.blocks]
    assert told_of == [(place.source, place.day) for place in cells(ledger, size)]
    assert [body.last for body in bodies(ledger, entered)] == [*[False] * (len(entered) - 1), True]
    assert run(ledger).size > size


@pytest.mark.requirement("C06")
def test_a_changed_byte_of_stored_cells_is_found(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    filled(ledger)
    made = run(ledger)
    service = ledger.service
    log = service.record_log().log
    assert service.verifier.run(log, levels=(1, 2)).holds
    row = schema.original
    with ledger.administrator() as connection:
        place = row.c.pos == pos_of(RECORDS, made.entries[0])
        data = bytes(connection.scalar(row.select().with_only_columns(row.c.data).where(place)) or b"")
        changed = data.replace(b"F:unit", b"F:gone")
        assert changed != data
        connection.execute(update(row).where(place).values(data=changed))
    found = service.verifier.run(log, levels=(1, 2))
    faults = [one.fault for one in found.result.levels if one.fault is not None]
    assert [(one.table, one.index) for one in faults] == [("original", made.entries[0])]


def test_of_an_empty_log_nothing_is_entered(sqlite_ledger: Ledger) -> None:
    size = size_of(sqlite_ledger)
    assert run(sqlite_ledger).judged == run(sqlite_ledger, full=True).judged == 0
    assert size_of(sqlite_ledger) == size


@pytest.mark.requirement("C11", "C12", "C13")
def test_what_others_vouch_for_lets_records_endure_and_a_test_shows_that_they_can_be_had(ledger: Ledger) -> None:
    service = ledger.service
    ledger.register("dcs")
    for name, value in (
        (ParameterName.ENDURING, '{"anchor_hours":24,"copies":1,"copy_days":90}'),
        (ParameterName.AVAILABLE, '{"seconds":60}'),
    ):
        put_value(ledger, name, value)
    trust = Trust(ledger, *two_witnesses(ledger))
    trust.policy()
    enter(ledger, 1)
    log = service.record_log().log
    enduring, available = 10, 11

    def judged() -> list[str]:
        run(ledger, full=True)
        (line,) = cells(ledger, size_of(ledger)).values()
        (block,) = read(line)
        (vector,) = block.vectors
        return [vector.cells[enduring], vector.cells[available]]

    assert judged() == ["N:no-anchor", "P"]
    trust.publisher.publish_all()
    # Only what the log itself vouches for counts.
    assert judged()[0] == "N:no-anchor"
    trust.publisher.bind_system()
    assert judged()[0] == "N:no-verification"
    service.verifier.run(log, levels=(1, 2))
    assert judged()[0] == "N:no-copies"
    then = size_of(ledger)
    service.copies.state("vault", CopySort.BACKUP, "the vault", "restored and verified", AUTHORITY, keeps_days=90)
    trust.publisher.bind_system()
    assert judged() == ["P", "P"]
    with ledger.store.reading() as connection:
        assessor = service.quality.assessor(connection, RECORDS, then)
        (place,) = every(connection, RECORDS, then)
        (vector,) = assess_block(assessor, place).vectors
    assert vector.cells[enduring] == "N:no-copies"


@pytest.mark.requirement("C11")
def test_what_was_not_vouched_for_yet_is_taken_again_for_two_days(sqlite_ledger: Ledger, clock: MovableClock) -> None:
    ledger = sqlite_ledger
    ledger.register("dcs")
    trust = Trust(ledger, *two_witnesses(ledger))
    trust.policy()
    trust.publisher.publish_all()
    trust.publisher.bind_system()
    first = size_of(ledger)
    enter(ledger, 1)
    run(ledger)

    def settled() -> int:
        with ledger.store.reading() as connection:
            return Outside(connection, RECORDS, size_of(ledger)).settled_to

    assert settled() <= first
    clock.at_us += 3 * DAY_US
    trust.publisher.bind_system()
    # All but that binding is older.
    assert settled() == size_of(ledger) - 1


def test_processes_of_their_own_come_to_the_same_entries(ledger: Ledger) -> None:
    filled(ledger)
    seen: list[int] = []
    log, judging = ledger.service.record_log().log, Processes(partial(judges, ledger.folder), 2)
    made = ledger.service.quality.assessments.run(log, False, AUTHORITY, lambda done, total: seen.append(done), judging)
    assert (made.judged, made.changed, seen) == (2 * DAYS, 2 * DAYS, [*range(1, 2 * DAYS + 1)])
    here = cells(ledger, made.size)
    with ledger.store.reading() as connection:
        kept = [VaultReader(connection).original(RECORDS, entry) for entry in made.entries]
    assert b"".join(one.value or b"" for one in kept if one) == b"".join(here[place] + b"\n" for place in sorted(here))


def test_a_process_that_is_ended_from_outside_is_named(sqlite_ledger: Ledger) -> None:
    filled(sqlite_ledger)
    with pytest.raises(ConfigError, match="ended from outside"):
        list(Processes(os.abort, 1).blocks(RECORDS, size_of(sqlite_ledger), [Place("dcs", FIRST)]))
