"""What every collector must hold, against a real server of its kind. A new source type needs a target, no new test."""

import random
from collections.abc import Iterator, Mapping
from itertools import count
from threading import Event
from typing import Any

import msgspec
import pytest

from collectors.base import Collector
from collectors.recount import ids_between
from collectors.registry import COLLECTORS, collector_type
from collectors.runner import Patience, Progress, Runner
from collectors.text import clean
from ledger.core.clock import SystemClock, WallClock, parse_utc
from ledger.core.errors import AccessDenied, FatalSource, RetriableSource, SkippableRecord
from ledger.core.record import Record
from ledger.core.run import RunBatch, SourceFacts
from ledger.core.times import Basis, SourceTime
from tests.conformance.targets import Target, make
from tests.support.memory_sink import MemorySink
from tests.support.tested import note

QUICK = Patience(attempts=2, first=0.05, longest=0.1)
PATIENT = Patience(attempts=10, first=0.05, longest=0.5)
PULLS_OF_A_SLOW_STREAM = 5
"""What a source sends by itself comes one after the other, and a pull listens for a moment only."""
HOUR_US = 3_600_000_000
_numbers = count(1)


# The first test that needs the ERP waits for its set-up. Half of the collectors are tried in each way, and each in half
# of the ways; `make soak` tries all in all.
pytestmark = [pytest.mark.timeout(300), pytest.mark.few(2)]


@pytest.fixture(scope="module", params=sorted(COLLECTORS))
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    made = make(request.param, tmp_path_factory)
    made.start()
    yield made
    made.stop()
    made.close()


@pytest.fixture(autouse=True)
def tried(request: pytest.FixtureRequest, target: Target) -> None:
    """Each test of a target decides whether its rows stand in the README's table."""
    for row in target.tried:
        note(request.node, row)


class FastClock:
    """A clock that is an hour ahead of this machine's, on which the sources run."""

    def now_us(self) -> int:
        return SystemClock().now_us() + HOUR_US


def fresh(target: Target, clock: WallClock | None = None, secrets: Mapping[str, str] | None = None) -> Collector:
    """A collector that knows nothing: as after a restart of its process."""
    kind = collector_type(target.config.type)
    return kind(target.config, {**target.secrets, **(secrets or {})}, clock or SystemClock())


def pull(target: Target, sink: MemorySink) -> Progress:
    return Runner(fresh(target), sink, SystemClock(), patience=QUICK).pull(listen_seconds=target.listen)


def texts(number: int) -> list[str]:
    """Texts that were never used before."""
    return [f"T-{next(_numbers)}" for _ in range(number)]


def told(sink: MemorySink, text: str) -> list[Record]:
    """Records in which a person made this text the new value of something."""
    return [record for record in sink.records if any(change.new == clean(text) for change in record.changes)]


def by_others(target: Target, records: list[Record]) -> list[Record]:
    """Without what the collector's own sessions leave behind in the source."""
    return [record for record in records if record.actor.account != target.own_account]


def test_trying_a_source_says_in_words_what_holds_and_measures_its_clock(target: Target) -> None:
    report = fresh(target).check()
    clock = [check for check in report.checks if check.name == "clock"]
    assert all(check.ok for check in report.checks if check.name != "clock"), report
    assert all(check.says for check in report.checks)
    if target.no_clock:
        assert report.clock is None
        return
    assert report.clock is not None
    assert clock[0].ok
    assert abs(report.clock.offset_us) <= report.clock.uncertainty_us + 100_000, "both run on one machine"


def test_what_happens_in_the_source_becomes_a_record_once(target: Target) -> None:
    sink, entered = MemorySink(target.config.id), texts(3)
    target.work(entered)
    pull(target, sink)
    assert [len(told(sink, text)) for text in entered] == [1, 1, 1]
    before = by_others(target, sink.records)
    pull(target, sink)
    assert by_others(target, sink.records) == before
    later = texts(1)
    target.work(later)
    pull(target, sink)
    assert len(told(sink, later[0])) == 1
    assert sink.changed == []
    assert len({record.source_record_id for record in sink.records}) == len(sink.records)


def test_what_the_source_says_of_itself_is_what_its_type_says_it_does_and_stays_while_it_does(target: Target) -> None:
    target.work(texts(1))
    before, sink = facts_of(target), MemorySink(target.config.id)
    names = {name for name in SourceFacts.__struct_fields__ if getattr(before, name, None) is not None}
    assert names == {*fresh(target).tells}
    assert facts_of(target) == before
    pull(target, sink)
    target.work(texts(1))
    known = len(sink.runs)
    pull(target, sink)
    assert all(run.facts in (None, before) for run in sink.runs[known:])
    assert {run.clock is None for run in sink.runs} == {bool(target.no_clock)}, "measured at every run, or never"


def test_what_the_source_says_of_itself_otherwise_is_noticed(target: Target) -> None:
    if not fresh(target).tells:
        pytest.skip("it says nothing of itself")
    if target.no_other_facts:
        pytest.skip(target.no_other_facts)
    target.work(texts(1))
    before = facts_of(target)
    with target.other_facts() as name:
        after = facts_of(target)
    assert before is not None
    assert after is not None
    changed = [one for one in SourceFacts.__struct_fields__ if getattr(before, one) != getattr(after, one)]
    assert changed == [name]
    assert facts_of(target) == before


def facts_of(target: Target) -> SourceFacts | None:
    """What a first look is told of the source itself."""
    sink = MemorySink(target.config.id)
    pull(target, sink)
    told = [run.facts for run in sink.runs if run.facts is not None]
    assert len(told) <= 1, "once a look"
    return told[0] if told else None


def test_every_record_is_derivable_again_from_its_original_alone(target: Target) -> None:
    sink = MemorySink(target.config.id)
    target.work(texts(2))
    pull(target, sink)
    other = fresh(target)
    assert sink.submissions
    assert not sink.rejected
    for submission in sink.submissions:
        assert submission.original is not None
        assert (submission.original.parser, submission.original.parser_version) == (other.parser, other.parser_version)
        assert other.derive(submission.original) == submission.record


def test_every_time_keeps_the_source_s_words_and_says_where_its_offset_comes_from(target: Target) -> None:
    sink = MemorySink(target.config.id)
    target.work(texts(2))
    pull(target, sink)
    assert sink.submissions
    for submission in sink.submissions:
        record = submission.record
        for time in (record.occurred_at, record.source_recorded_at):
            _check_time(time)
        assert (submission.clock is None) == bool(target.no_clock)
        received = parse_utc(submission.received_at)
        assert record.occurred_at.instant_us is None or record.occurred_at.instant_us <= received + 2_000_000


def _check_time(time: SourceTime | None) -> None:
    if time is not None:
        assert time.text
        assert time.basis is not Basis.NONE or time.instant_us is None
        assert time.basis is not Basis.ASSUMED or time.zone


def test_hostile_texts_come_through_whole_but_for_what_no_ledger_can_hold(target: Target) -> None:
    sink = MemorySink(target.config.id)
    target.work(target.hostile)
    pull(target, sink)
    assert not sink.rejected
    for text in target.hostile:
        assert told(sink, text), repr(text)


def test_a_mangled_original_is_refused_and_never_ends_a_run(target: Target) -> None:
    sink = MemorySink(target.config.id)
    target.work(texts(6))
    pull(target, sink)
    chance, collector, refused = random.Random(7), fresh(target), 0
    for submission in sink.submissions[:: max(1, len(sink.submissions) // 20)]:
        assert submission.original is not None
        for mangled in _mangle(submission.original.data, chance):
            try:
                record = collector.derive(msgspec.structs.replace(submission.original, data=mangled))
            except SkippableRecord:
                refused += 1
            else:
                assert isinstance(record, Record)
    assert refused > 100


def _mangle(data: bytes, chance: random.Random) -> Iterator[bytes]:
    yield b""
    yield b"\x00" * 10
    yield data[: len(data) // 2]
    yield data + b"x"
    yield b"[" * 100_000
    yield b"{}"
    for _ in range(20):
        place = chance.randrange(len(data))
        yield data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]
        yield data[:place] + data[place + chance.randrange(1, 9) :]


@pytest.mark.sampled("moment")
@pytest.mark.parametrize("moment", ["before the run counts", "after it, before the receipt"])
def test_dying_in_the_middle_loses_nothing_and_doubles_nothing(target: Target, moment: str) -> None:
    sink, entered = MemorySink(target.config.id), texts(4)
    pull(target, sink)
    target.work(entered)

    def die(_: RunBatch) -> None:
        raise AccessDenied("the process is killed")

    hook = "on_submit" if moment.startswith("before") else "on_taken"
    setattr(sink, hook, die)
    with pytest.raises(AccessDenied):
        pull(target, sink)
    setattr(sink, hook, lambda _: None)
    pull(target, sink)
    pull(target, sink)
    assert [len(told(sink, text)) for text in entered] == [1, 1, 1, 1]
    assert sink.changed == []


def test_a_source_that_is_away_is_named_its_absence_recorded_and_what_it_did_before_is_collected_after(
    target: Target,
) -> None:
    sink, entered = MemorySink(target.config.id), texts(2)
    pull(target, sink)
    target.work(entered)
    target.stop()
    try:
        assert not fresh(target).check().ok
        with pytest.raises(RetriableSource) as caught:
            pull(target, sink)
    finally:
        target.start()
    assert target.place.rstrip("/") in caught.value.message
    assert caught.value.advice
    (away,) = sink.runs[-1].unreachable
    assert parse_utc(away.before) - parse_utc(away.after) < 60_000_000
    assert sink.runs[-1].cursor_from == sink.runs[-1].cursor_to
    pull(target, sink)
    assert [len(told(sink, text)) for text in entered] == [1, 1]
    assert sink.changed == []


def test_a_refused_credential_needs_a_person_and_is_never_repeated(target: Target) -> None:
    if target.credential is None:
        assert target.no_credential
        pytest.skip(target.no_credential)
    sink, wrong = MemorySink(target.config.id), "wrong-Secret-17"
    refused = {target.credential: wrong}
    with pytest.raises(FatalSource) as caught:
        Runner(fresh(target, secrets=refused), sink, SystemClock(), patience=QUICK).pull()
    if target.own_account is not None:
        assert target.own_account in caught.value.message
    report = fresh(target, secrets=refused).check()
    assert not report.ok
    shown: Any = (caught.value.message, caught.value.advice, report)
    assert wrong not in str(shown)


def test_a_slow_source_is_waited_for(target: Target) -> None:
    sink, entered = MemorySink(target.config.id), texts(3)
    pull(target, sink)
    target.work(entered)
    with target.slow():
        for _ in range(PULLS_OF_A_SLOW_STREAM if target.listen else 1):
            Runner(fresh(target), sink, SystemClock(), patience=PATIENT).pull(listen_seconds=3 * target.listen)
            if all(told(sink, text) for text in entered):
                break
    assert [len(told(sink, text)) for text in entered] == [1, 1, 1]


@pytest.mark.sampled("share")
@pytest.mark.parametrize("share", [0.05, 0.4, 0.95])
def test_a_source_cut_off_in_the_middle_of_a_record_loses_nothing_and_makes_nothing_up(
    target: Target, share: float
) -> None:
    sink, (entered,) = MemorySink(target.config.id), texts(1)
    pull(target, sink)
    before = len(sink.rejected)
    with target.torn(entered, share):
        Runner(fresh(target), sink, SystemClock(), patience=PATIENT).pull(listen_seconds=target.listen)
    pull(target, sink)
    assert len(told(sink, entered)) == 1
    assert len(sink.rejected) == before, "half a record is no bad record"
    assert sink.changed == []


def test_a_clock_that_is_off_by_an_hour_is_measured_and_said(target: Target) -> None:
    if target.no_clock:
        pytest.skip(target.no_clock)
    report = fresh(target, FastClock()).check()
    assert report.clock is not None
    assert abs(report.clock.offset_us + HOUR_US) <= report.clock.uncertainty_us + 1_000_000
    assert [check.name for check in report.checks if not check.ok] == ["clock"]
    sink, entered = MemorySink(target.config.id), texts(1)
    target.work(entered)
    Runner(fresh(target, FastClock()), sink, FastClock(), patience=QUICK).pull(listen_seconds=target.listen)
    (record,) = told(sink, entered[0])
    measured = [run.clock for run in sink.runs if run.clock is not None]
    assert measured
    assert all(abs(clock.offset_us + HOUR_US) <= clock.uncertainty_us + 1_000_000 for clock in measured)
    if target.no_instant:
        assert record.occurred_at.instant_us is None
        return
    assert record.occurred_at.instant_us is not None
    assert record.occurred_at.instant_us < SystemClock().now_us() + 2_000_000, "the source's own time, not bent"


def test_a_record_that_is_changed_in_the_source_afterwards_comes_again(target: Target) -> None:
    if target.no_amending:
        pytest.skip(target.no_amending)
    sink, (entered, other) = MemorySink(target.config.id), texts(2)
    target.work([entered])
    pull(target, sink)
    target.amend(entered, other)
    pull(target, sink)
    (first,), (second,) = told(sink, entered), told(sink, other)
    assert first.source_record_id == second.source_record_id
    assert sink.changed == [first.source_record_id]


@pytest.mark.requirement("C08")
def test_read_anew_from_its_beginning_it_gives_the_same_records_or_its_type_says_that_it_does_not(
    target: Target,
) -> None:
    sink = MemorySink(target.config.id)
    target.work(texts(3))
    pull(target, sink)
    instants = [record.occurred_at.instant_us for record in sink.records if record.occurred_at.instant_us is not None]
    low, high = min(instants, default=0), max(instants, default=0) + 1
    anew = ids_between(fresh(target), low, high, Event())
    if not fresh(target).recounts:
        assert anew is None
        return
    assert anew == {
        record.source_record_id
        for record in sink.records
        if record.occurred_at.instant_us is not None and low <= record.occurred_at.instant_us < high
    }
    assert anew


def test_numbers_that_are_missing_are_a_gap_and_doubled_ones_no_second_record(target: Target) -> None:
    if target.no_numbers:
        pytest.skip(target.no_numbers)
    sink, entered = MemorySink(target.config.id), texts(4)
    pull(target, sink)
    before = len(sink.gaps)
    target.lose(entered)
    pull(target, sink)
    assert [len(told(sink, text)) for text in entered] == [1, 0, 0, 1]
    assert len(sink.gaps) > before
    assert all(gap.reason for gap in sink.gaps)
