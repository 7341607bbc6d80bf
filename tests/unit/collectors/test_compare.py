"""Two looks give what lies between them: interval and not moment, nobody named, nothing lost, doubled or made up."""

import threading
from collections.abc import Callable

import msgspec
import pytest

from collectors.base import MAX_SNAPSHOT
from collectors.compare.look import Found, Look, object_id
from collectors.compare.memory import Memory, digest
from collectors.compare.original import Envelope, read_envelope
from collectors.compare.record import LONG_TEXT
from collectors.runner import Patience, Runner
from ledger.core.clock import parse_utc, utc_text
from ledger.core.errors import AccessDenied, ConfigError, FatalSource, SkippableRecord
from ledger.core.record import Action, ActorKind, Change, Interval, Record
from ledger.core.run import RunBatch, SourceState
from ledger.core.times import Basis
from tests.support.memory_sink import MemorySink
from tests.support.shelf import START_US, HandClock, Shelf, ShelfCollector


class World:
    """A shelf, a clock, a sink, and what a look adds."""

    def __init__(self, **options: str) -> None:
        self.shelf, self.clock, self.sink = Shelf(), HandClock(), MemorySink("shelf")
        self.options = options

    def look(self) -> list[Record]:
        before = len(self.sink.records)
        collector = ShelfCollector(self.shelf, self.clock, **self.options)
        Runner(collector, self.sink, self.clock, patience=Patience(attempts=1, first=0, longest=0)).pull()
        self.clock.pass_seconds(59)
        assert self.sink.changed == []
        return self.sink.records[before:]


@pytest.fixture
def world() -> World:
    return World()


def at(seconds: float) -> str:
    return utc_text(START_US + round(seconds * 1e6))


def test_the_first_look_reads_each_object_and_names_no_change(world: World) -> None:
    world.shelf.objects = {"A": {"weight": 5, "label": None}, "B": {"weight": 6}}
    first, second = world.look()
    assert (first.action, first.object.type, first.object.id) == (Action.READ, "thing", "A")
    assert first.changes == (
        Change(attribute="label", new=None),
        Change(attribute="weight", new=5, unit="kg"),
    )
    assert (first.occurred_at.text, first.occurred_at.instant_us) == (f"../{at(1)}", None)
    assert (first.actor.account, first.actor.kind) == (None, ActorKind.SERVICE), "it is the collector that read it"
    assert second.object.id == "B"
    assert world.look() == []


def test_the_first_look_in_one_record_names_count_and_digest_of_the_snapshot_that_its_run_keeps() -> None:
    world = World(baseline="one")
    world.shelf.objects = {str(number): {"weight": number} for number in range(2000)}
    (only,) = world.look()
    (run,) = world.sink.runs
    assert run.snapshot is not None
    assert (only.object.type, only.object.id, only.action) == ("baseline", "shelf", Action.READ)
    assert [(change.attribute, change.new) for change in only.changes] == [
        ("objects", 2000),
        ("snapshot-sha256", digest(run.snapshot)),
    ]
    world.shelf.objects["7"] = {"weight": 8}
    (changed,) = world.look()
    assert [(change.old, change.new) for change in changed.changes] == [(7, 8)]


def test_a_change_carries_the_interval_and_no_moment(world: World) -> None:
    world.shelf.objects = {"A": {"weight": 5, "label": "x"}}
    world.look()
    world.shelf.objects = {"A": {"weight": 6, "label": "x"}}
    (record,) = world.look()
    interval = Interval(after=at(0), before=at(61))
    assert record.action is Action.UPDATE
    assert record.changes == (Change(attribute="weight", old=5, new=6, unit="kg", inferred=interval),)
    assert (record.occurred_at.text, record.occurred_at.basis) == (f"{at(0)}/{at(61)}", Basis.NONE)
    assert record.occurred_at.instant_us is None
    assert (record.actor.account, record.actor.kind) == (None, ActorKind.UNKNOWN)


def test_what_is_created_and_deleted_is_told_where_all_objects_are_listed(world: World) -> None:
    world.shelf.objects = {"A": {"weight": 5}}
    world.look()
    world.shelf.objects = {"B": {"weight": 6}}
    gone, new = world.look()
    assert (gone.action, gone.object.id, new.action, new.object.id) == (Action.DELETE, "A", Action.CREATE, "B")
    interval = Interval(after=at(0), before=at(61))
    assert gone.changes == (Change(attribute="weight", old=5, inferred=interval),)
    assert new.changes == (Change(attribute="weight", new=6, unit="kg", inferred=interval),)


def test_an_object_that_the_configuration_adds_or_leaves_out_is_neither_created_nor_deleted(world: World) -> None:
    world.shelf.objects = {"A": {"weight": 5}, "B": {"weight": 6}}
    world.shelf.watched = {"A"}
    world.look()
    world.shelf.watched = {"B"}
    (record,) = world.look()
    assert (record.action, record.object.id) == (Action.READ, "B")


def test_a_change_that_is_undone_between_two_looks_is_invisible_as_the_source_type_says(world: World) -> None:
    world.shelf.objects = {"A": {"weight": 5}}
    world.look()
    world.shelf.objects = {"A": {"weight": 6}}
    world.shelf.objects = {"A": {"weight": 5}}
    assert world.look() == []
    assert any("undone" in lack for lack in ShelfCollector.lacks)


def test_an_object_that_cannot_be_read_keeps_its_state_and_its_interval_grows(world: World) -> None:
    world.shelf.objects = {"A": {"weight": 5}, "B": {"weight": 1}}
    world.look()
    world.shelf.objects, world.shelf.unread = {"A": {"weight": 6}, "B": {"weight": 1}}, {"A"}
    assert world.look() == []
    (gap,) = world.sink.gaps
    assert (gap.subject, gap.reason) == ("thing A", "it is behind another")
    assert (gap.between.after, gap.between.before) == (at(0), at(61))
    assert world.look() == []
    world.shelf.unread = set()
    (record,) = world.look()
    assert [change.inferred for change in record.changes] == [Interval(after=at(0), before=at(181))]
    world.shelf.objects["A"] = {"weight": 7}
    (record,) = world.look()
    assert [change.inferred for change in record.changes] == [Interval(after=at(180), before=at(241))]


def test_an_object_that_was_there_and_is_read_for_the_first_time_was_not_created_then(world: World) -> None:
    world.shelf.objects, world.shelf.unread = {"A": {"weight": 5}, "B": {"weight": 6}}, {"B"}
    world.look()
    world.look()
    world.shelf.unread = set()
    (record,) = world.look()
    assert (record.action, record.object.id, record.changes[0].inferred) == (Action.READ, "B", None)
    world.shelf.objects["C"] = {"weight": 7}
    (record,) = world.look()
    assert record.action is Action.CREATE


def test_objects_that_cannot_be_listed_stay_as_they_were(world: World) -> None:
    world.shelf.hidden = "the door is locked"
    assert world.look() == []
    assert not world.sink.gaps, "nothing was ever known of them"
    world.shelf.objects, world.shelf.hidden = {"A": {"weight": 5}, "B": {"weight": 6}}, ""
    assert {record.action for record in world.look()} == {Action.READ}, "they may have been there all the time"
    world.shelf.hidden = "the door is locked"
    assert world.look() == []
    (gap,) = world.sink.gaps
    assert (gap.subject, gap.reason) == ("all of type thing", "the door is locked")
    assert (gap.between.after, gap.between.before) == (at(60), at(121))
    del world.shelf.objects["A"]
    world.shelf.objects["C"], world.shelf.hidden = {"weight": 7}, ""
    gone, new = world.look()
    assert (gone.action, gone.object.id, new.action, new.object.id) == (Action.DELETE, "A", Action.CREATE, "C")
    interval = Interval(after=at(60), before=at(181))
    assert [record.changes[0].inferred for record in (gone, new)] == [interval, interval]


def test_a_rolling_list_forgets_by_itself_and_says_when_more_may_have_rolled_off(world: World) -> None:
    world.shelf.rolling = True
    world.shelf.objects = {"1": {"alarm": "a"}, "2": {"alarm": "b"}}
    assert [record.action for record in world.look()] == [Action.ALARM, Action.ALARM]
    world.shelf.objects = {"2": {"alarm": "b"}, "3": {"alarm": "c"}}
    (record,) = world.look()
    assert (record.action, record.object.id) == (Action.ALARM, "3")
    assert not world.sink.gaps
    world.shelf.objects = {"7": {"alarm": "g"}, "8": {"alarm": "h"}}
    assert [record.object.id for record in world.look()] == ["7", "8"]
    (gap,) = world.sink.gaps
    assert "rolled off" in gap.reason


def test_many_objects_that_cannot_be_read_are_a_bounded_number_of_gaps(world: World) -> None:
    world.shelf.objects = {str(number): {"weight": number} for number in range(300)}
    world.look()
    world.shelf.unread = set(world.shelf.objects)
    world.look()
    assert len(world.sink.gaps) == 101
    assert world.sink.gaps[-1].reason == "200 more could not be read"


@pytest.mark.parametrize(("count", "gap"), [(5, False), (7, True), (1, True)])
def test_an_object_s_own_count_says_whether_there_were_more_changes(world: World, count: int, gap: bool) -> None:
    world.shelf.objects = {"A": {"weight": 5, "count": 4}}
    world.look()
    world.shelf.objects = {"A": {"weight": 6, "count": count}}
    (record,) = world.look()
    assert {change.gap for change in record.changes} == {gap}


def test_the_source_s_own_time_is_the_moment_unless_it_is_that_of_the_old_state(world: World) -> None:
    world.shelf.objects = {"A": {"weight": 5, "at": "2025-11-01T00:00:00Z"}}
    (first,) = world.look()
    assert first.occurred_at.text == "2025-11-01T00:00:00Z"
    world.shelf.objects = {"A": {"weight": 6, "at": "2025-11-24T16:00:30Z"}}
    (second,) = world.look()
    assert second.occurred_at.text == "2025-11-24T16:00:30Z"
    world.shelf.objects = {"A": {"weight": 7, "at": "2025-11-24T16:00:30Z"}}
    (third,) = world.look()
    assert third.occurred_at.instant_us is None


@pytest.mark.parametrize("die", ["before a run counts", "after it"])
def test_many_differences_come_in_several_runs_and_a_crash_between_them_loses_and_doubles_nothing(
    world: World, die: str
) -> None:
    world.shelf.objects = {str(number): {"weight": number} for number in range(1200)}
    calls: list[RunBatch] = []

    def stumble(batch: RunBatch) -> None:
        calls.append(batch)
        if len(calls) % 2 == 0:
            raise AccessDenied("the process is killed")

    setattr(world.sink, "on_submit" if die.startswith("before") else "on_taken", stumble)
    told: list[Record] = []
    for step in range(3):
        before = len(world.sink.records)
        for _ in range(8):
            try:
                world.look()
            except AccessDenied:
                world.clock.pass_seconds(7)
                del world.shelf.objects[next(iter(world.shelf.objects))]  # meanwhile the source goes on
            else:
                break
        told = world.sink.records[before:]
        world.shelf.objects = {name: {"weight": 10_000 * (step + 1)} for name in world.shelf.objects}
    assert len({record.source_record_id for record in world.sink.records}) == len(world.sink.records)
    assert replayed(world.sink.records) == {name: {"weight": 20_000} for name in world.shelf.objects}
    assert told


def replayed(records: list[Record]) -> dict[str, dict[str, object]]:
    """The state that the records tell, one after the other."""
    state: dict[str, dict[str, object]] = {}
    for record in records:
        if record.action is Action.DELETE:
            assert record.object.id in state
            del state[record.object.id]
            continue
        known = state.setdefault(record.object.id, {})
        for change in record.changes:
            assert change.old is msgspec.UNSET or change.old == known.get(change.attribute)
            known[change.attribute] = change.new
    return state


def test_what_is_looked_at_configured_anew_is_a_gap_and_a_new_baseline() -> None:
    world = World(baseline="one")
    world.shelf.objects = {"A": {"weight": 5}}
    world.look()
    world.shelf.objects, world.shelf.scope = {"B": {"weight": 6}}, "shelf 2"
    (record,) = world.look()
    assert record.object.type == "baseline"
    (gap,) = world.sink.gaps
    assert (gap.subject, gap.between) == ("scope", Interval(after=at(0), before=at(61)))
    assert world.look() == []


def test_a_state_that_is_written_otherwise_but_says_the_same_is_no_change(world: World) -> None:
    world.shelf.objects = {"A": {"weight": 5, "_noise": 1}}
    world.look()
    world.shelf.objects = {"A": {"weight": 5, "_noise": 2}}
    assert world.look() == []
    world.shelf.objects = {"A": {"weight": True, "_noise": 2}}
    world.look()
    world.shelf.objects = {"A": {"weight": 1, "_noise": 2}}
    (record,) = world.look()
    assert [(change.old, change.new) for change in record.changes] == [(True, 1)]


def test_input_that_is_no_object_is_rejected_once_for_as_long_as_it_is_there(world: World) -> None:
    world.shelf.refused = [b"junk", b"junk", b"more"]
    world.look()
    world.look()
    assert [one.data for one in world.sink.rejected] == [b"junk", b"more"]
    world.shelf.refused = []
    world.look()
    world.shelf.refused = [b"junk"]
    world.look()
    assert [one.data for one in world.sink.rejected] == [b"junk", b"more", b"junk"]


def test_rejected_input_beyond_one_run_comes_with_the_next_look(world: World) -> None:
    world.shelf.refused = [str(number).encode() for number in range(1100)]
    for _ in range(3):
        world.look()
    assert len(world.sink.rejected) == 1100


def test_a_clock_that_is_set_back_gives_no_interval_that_ends_before_it_begins(world: World) -> None:
    world.shelf.objects = {"A": {"weight": 5}}
    world.look()
    world.shelf.objects = {"A": {"weight": 6}}
    world.clock.pass_seconds(-3600)
    (record,) = world.look()
    (change,) = record.changes
    assert change.inferred is not None
    assert parse_utc(change.inferred.after) <= parse_utc(change.inferred.before)


def test_a_long_text_is_shown_as_a_diff_and_a_huge_one_by_its_digest(world: World) -> None:
    lines = [f"step {number}: heat to {number} degrees" for number in range(300)]
    world.shelf.objects = {"A": {"text": "\n".join(lines)}, "B": {"text": "x" * 100_000}}
    first, second = world.look()
    assert all(str(one.changes[0].new).startswith("sha256:") for one in (first, second))
    world.shelf.objects = {"A": {"text": "\n".join([*lines, "new"])}, "B": {"text": "y" * 100_000}}
    first, second = world.look()
    (change,) = first.changes
    assert (change.attribute, change.old) == ("text (diff)", msgspec.UNSET)
    assert str(change.new).splitlines()[-1] == "+new"
    assert len(str(change.new)) < LONG_TEXT
    (change,) = second.changes
    assert str(change.old).endswith("(100000 characters)")
    assert change.old != change.new


def test_more_than_a_snapshot_holds_is_said_before_it_is_read_whole() -> None:
    look = Look(at(0))
    for number in range(19):
        look.add(Found(type="thing", id=str(number), state="x" * (MAX_SNAPSHOT // 20)))
    with pytest.raises(FatalSource, match="16 MiB") as caught:
        look.add(Found(type="thing", id="20", state="x" * (MAX_SNAPSHOT // 20)))
    assert len(look) == 19
    assert "fewer" in caught.value.advice


def test_a_memory_that_grows_over_the_bound_is_said() -> None:
    memory = Memory()
    memory.put("thing", "A", '"' * (MAX_SNAPSHOT // 2 + 1))  # each is two bytes in JSON
    with pytest.raises(FatalSource, match="snapshot holds"):
        memory.encode()


def test_an_id_that_comes_twice_needs_a_person() -> None:
    look = Look(at(0))
    look.add(Found(type="thing", id="A", state="{}"))
    with pytest.raises(FatalSource, match="'A' comes twice"):
        look.add(Found(type="thing", id="A", state="{}"))


def test_long_ids_stay_apart() -> None:
    one, other = object_id("p/" * 4000 + "a"), object_id("p/" * 4000 + "b")
    assert one != other
    assert len(one) == len(other) == 512
    assert object_id(one) == one
    assert len({object_id(text) for text in ("", "(empty)", "\x00", "\ufffd", "\ud800")}) == 5
    assert object_id("TIC101.SP") == "TIC101.SP"


def test_a_stopped_look_counts_for_nothing(world: World) -> None:
    stop = threading.Event()
    stop.set()
    collector = ShelfCollector(world.shelf, world.clock)
    (batch,) = collector.collect(SourceState(source="shelf", cursor='{"look":3,"at":""}'), stop)
    assert batch.cursor_from == batch.cursor_to
    assert batch.submissions == ()


def test_a_snapshot_of_something_else_needs_a_person(world: World) -> None:
    collector = ShelfCollector(world.shelf, world.clock)
    with pytest.raises(FatalSource, match="snapshot"):
        list(collector.collect(SourceState(source="shelf", snapshot=b"[]"), threading.Event()))


def test_a_wrong_baseline_is_named(world: World) -> None:
    with pytest.raises(ConfigError, match="baseline"):
        ShelfCollector(world.shelf, world.clock, baseline="some")


GOOD = Envelope(sort="changed", look=3, after=at(0), before=at(60), type="thing", id="A", old="{}", new='{"a":1}')


@pytest.mark.parametrize(
    "broken",
    [
        lambda: msgspec.structs.replace(GOOD, old=None),
        lambda: msgspec.structs.replace(GOOD, sort="created"),
        lambda: msgspec.structs.replace(GOOD, sort="first", old=None),
        lambda: msgspec.structs.replace(GOOD, after=""),
        lambda: msgspec.structs.replace(GOOD, after=at(61)),
        lambda: msgspec.structs.replace(GOOD, before="yesterday"),
        lambda: msgspec.structs.replace(GOOD, sort="deleted"),
        lambda: msgspec.structs.replace(GOOD, type=""),
    ],
)
def test_an_original_that_is_not_whole_is_refused(broken: Callable[[], Envelope]) -> None:
    assert read_envelope(GOOD.encode()) == GOOD
    with pytest.raises(SkippableRecord):
        read_envelope(broken().encode())
