"""The runner loses nothing and doubles nothing, whatever happens to the source or to the sink."""

import threading
from collections.abc import Callable, Iterator

import pytest

from collectors.base import CheckReport, Collector, Option, Stop
from collectors.batch import BatchBuilder
from collectors.runner import Deadline, Patience, Progress, Runner
from ledger.core.clock import SystemClock, parse_utc
from ledger.core.errors import AccessDenied, FatalSource, RetriableSource, SkippableRecord
from ledger.core.record import Action, Actor, ActorKind, Original, Record, Target
from ledger.core.run import RunBatch, SourceState
from ledger.core.source import SourceConfig
from ledger.core.times import parse_source_time
from tests.support.memory_sink import MemorySink

QUICK = Patience(attempts=3, first=0.001, longest=0.002)
CLOCK = SystemClock()


class Numbers(Collector):
    """Reads the numbers of a list, two a run; the cursor is how many were read. `before` may raise at each run."""

    type = "numbers"
    title = "Numbers"
    parser = "numbers"
    parser_version = "1"
    options = (Option(name="none", meaning="there is nothing to choose"),)

    def __init__(self, *texts: str) -> None:
        super().__init__(SourceConfig(id="n", type="numbers", title="N"), {}, CLOCK)
        self.numbers = texts
        self.before: Callable[[int], None] = lambda _: None
        self.faulty = False

    def check(self) -> CheckReport:
        return CheckReport(checks=())

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        position = int(state.cursor or 0)
        while True:
            self.before(position)
            builder = BatchBuilder(self.config.id, self.clock, self.derive, None)
            for text in self.numbers[position : position + 2]:
                original = Original(data=text.encode(), media_type="text/plain", parser="numbers", parser_version="1")
                builder.add(original, "2026-11-25T07:10:06.123456Z")
            following = min(position + 2, len(self.numbers))
            yield builder.build(str(position) if state.cursor or position else None, str(following))
            position, state = following, SourceState(source=state.source, cursor=str(following))
            if position == len(self.numbers) or stop.is_set():
                return

    def derive(self, original: Original) -> Record:
        if self.faulty:
            raise IndexError("a defect of the parser")
        if not original.data.isdigit():
            raise SkippableRecord(f"{original.data!r} is no number")
        return Record(
            source=self.config.id,
            source_record_id=original.data.decode(),
            action=Action.CREATE,
            occurred_at=parse_source_time("2026-11-25T07:10:06Z"),
            actor=Actor(account=None, kind=ActorKind.UNKNOWN),
            object=Target(type="number", id=original.data.decode()),
        )


def failing(times: int, error: Exception, at: int = 0) -> Callable[[int], None]:
    left = [times]

    def fail(position: int) -> None:
        if position == at and left[0]:
            left[0] -= 1
            raise error

    return fail


def runner(collector: Collector, sink: MemorySink, **more: object) -> Runner:
    return Runner(collector, sink, CLOCK, patience=QUICK, **more)  # type: ignore[arg-type]


def ids(sink: MemorySink) -> list[str]:
    return [record.source_record_id for record in sink.records]


def test_all_is_handed_over_once_and_a_second_pull_finds_nothing_new() -> None:
    sink = MemorySink("n")
    assert runner(Numbers("1", "2", "3"), sink).pull().appended == 3
    assert runner(Numbers("1", "2", "3"), sink).pull().appended == 0
    assert (ids(sink), sink.duplicates) == (["1", "2", "3"], 0)


def test_input_that_is_no_record_is_quarantined_with_its_bytes_and_the_rest_goes_on() -> None:
    sink = MemorySink("n")
    progress = runner(Numbers("1", "x\x00", "3"), sink).pull()
    assert (progress.appended, progress.quarantined) == (2, 1)
    assert [one.data for one in sink.rejected] == [b"x\x00"]
    assert "is no number" in sink.rejected[0].reason


def test_a_parser_that_fails_on_its_input_is_quarantine_too() -> None:
    sink, collector = MemorySink("n"), Numbers("1", "2")
    collector.faulty = True
    assert runner(collector, sink).pull().quarantined == 2
    assert "IndexError" in sink.rejected[0].reason


def test_a_source_that_comes_back_is_read_on_and_its_absence_is_in_the_run() -> None:
    sink, collector = MemorySink("n"), Numbers("1", "2", "3", "4")
    collector.before = failing(2, RetriableSource("away"), at=2)
    runner(collector, sink).pull()
    assert ids(sink) == ["1", "2", "3", "4"]
    assert [len(run.unreachable) for run in sink.runs] == [0, 1]
    (away,) = sink.runs[1].unreachable
    assert away.after == sink.runs[0].ended_at
    assert parse_utc(away.before) >= parse_utc(away.after)


class Hollow(Numbers):
    """Gives a run of nothing, and then is away."""

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        yield BatchBuilder(self.config.id, self.clock, self.derive, None).build(state.cursor, state.cursor)
        raise RetriableSource("away")


def test_a_run_of_nothing_is_no_progress_so_patience_ends_all_the_same() -> None:
    with pytest.raises(RetriableSource, match="away"):
        runner(Hollow(), MemorySink("n")).pull()


def test_a_source_that_stays_away_leaves_a_run_that_says_so_and_the_cursor_where_it_was() -> None:
    sink, collector = MemorySink("n"), Numbers("1", "2", "3")
    collector.before = failing(99, RetriableSource("away"), at=2)
    with pytest.raises(RetriableSource, match="away"):
        runner(collector, sink).pull()
    assert ids(sink) == ["1", "2"]
    assert [(run.cursor_from, run.cursor_to, len(run.unreachable)) for run in sink.runs] == [
        (None, "2", 0),
        ("2", "2", 1),
    ]


def test_a_source_that_needs_a_person_is_not_tried_again() -> None:
    sink, collector = MemorySink("n"), Numbers("1")
    tries: list[int] = []

    def refuse(position: int) -> None:
        tries.append(position)
        raise FatalSource("wrong password")

    collector.before = refuse
    with pytest.raises(FatalSource, match="wrong password"):
        runner(collector, sink).pull()
    assert (tries, sink.runs) == ([0], [])


def test_a_run_is_sent_again_while_the_sink_is_away_and_nothing_is_read_meanwhile() -> None:
    sink, collector = MemorySink("n"), Numbers("1", "2", "3")
    sent: list[RunBatch] = []

    def away(batch: RunBatch) -> None:
        sent.append(batch)
        if len(sent) < 3:
            raise RetriableSource("the ledger is away")

    sink.on_submit = away
    runner(collector, sink).pull()
    assert sent[0] == sent[1] == sent[2]
    assert ids(sink) == ["1", "2", "3"]
    assert not any(run.unreachable for run in sink.runs), "the source was there all the time"


def test_a_receipt_that_was_lost_with_the_process_doubles_nothing() -> None:
    sink = MemorySink("n")

    def die(batch: RunBatch) -> None:
        raise AccessDenied("the process ends between commit and receipt")

    sink.on_taken = die
    with pytest.raises(AccessDenied):
        runner(Numbers("1", "2", "3"), sink).pull()
    sink.on_taken = lambda _: None
    runner(Numbers("1", "2", "3"), sink).pull()
    assert (ids(sink), sink.duplicates) == (["1", "2", "3"], 0)


def test_following_goes_on_until_it_is_stopped() -> None:
    sink, collector, stop = MemorySink("n"), Numbers("1"), threading.Event()
    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        told.append(progress)
        if progress.runs == 3:
            stop.set()

    runner(collector, sink, stop=stop, progress=tell).follow(every_seconds=0.001)
    assert len(sink.runs) == 3
    assert ids(sink) == ["1"]


def test_stopping_while_the_source_is_away_ends_at_once_and_records_the_absence() -> None:
    sink, collector, stop = MemorySink("n"), Numbers("1"), threading.Event()
    collector.before = failing(10**9, RetriableSource("away"))

    def tell(progress: Progress) -> None:
        if progress.trouble:
            assert progress.trouble == "away"
            stop.set()

    waiting = Runner(collector, sink, CLOCK, stop=stop, patience=Patience(attempts=None, first=30.0), progress=tell)
    waiting.follow()
    assert [len(run.unreachable) for run in sink.runs] == [1]


def test_a_deadline_comes_by_itself_or_with_the_stop_before_it() -> None:
    stop = threading.Event()
    assert Deadline(0.0, stop).is_set()
    later = Deadline(60.0, stop)
    assert not later.wait(0.001)
    stop.set()
    assert later.wait(60.0)
