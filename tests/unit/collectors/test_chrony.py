"""What a real chronyd says of its clock and sources, by chronyc and in its own logs; its clock is never set."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.infra.chrony import Chrony
from collectors.infra.tail import Tail
from collectors.mapping.templates import template
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, FatalSource, SkippableRecord
from ledger.core.record import Action, Outcome, Record
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.support.chrony import Chronyd
from tests.support.memory_sink import MemorySink

ONCE = Patience(attempts=1, first=0.01, longest=0.01)


def source(**options: str) -> Chrony:
    return Chrony(SourceConfig(id="time", type="chrony", title="Time", options=options), {}, SystemClock())


def pull(chrony: Chrony, sink: MemorySink) -> list[Record]:
    before = len(sink.records)
    Runner(chrony, sink, SystemClock(), patience=ONCE).pull()
    return sink.records[before:]


def changes(record: Record) -> dict[str, tuple[object, object]]:
    return {change.attribute: (change.old, change.new) for change in record.changes}


@pytest.fixture
def chronyd(tmp_path: Path) -> Iterator[Chronyd]:
    made = Chronyd(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def far_chronyd(tmp_path: Path) -> Iterator[Chronyd]:
    """One whose server is 2.5 s ahead."""
    made = Chronyd(tmp_path, options="offset -2.5")
    made.start()
    yield made
    made.stop()


def test_sources_that_are_named_and_removed_are_told_with_the_interval(chronyd: Chronyd) -> None:
    sink, options = MemorySink("time"), {"port": str(chronyd.port)}
    chronyd.follow("ntp-1")
    first = pull(source(**options), sink)
    assert {(one.action, one.object.type) for one in first} == {(Action.READ, "tracking"), (Action.READ, "source")}
    tracking = changes(next(one for one in first if one.object.type == "tracking"))
    assert tracking["reference"][1] == "127.0.0.1"
    assert (tracking["stratum"][1], tracking["synchronised"][1], tracking["leap status"][1]) == (4, True, "Normal")
    assert pull(source(**options), sink) == []
    chronyd.follow_only("ntp-2,with,commas")
    gone, came = pull(source(**options), sink)
    assert (gone.action, gone.object.id, gone.actor.account) == (Action.DELETE, "ntp-1", None)
    assert (came.action, changes(came)["name"][1]) == (Action.CREATE, "ntp-2,with,commas")
    assert came.changes[0].inferred is not None


def test_a_clock_beyond_its_limit_is_an_alarm_with_the_offset_and_said_when_trying(far_chronyd: Chronyd) -> None:
    sink = MemorySink("time")
    pull(source(port=str(far_chronyd.port), limit="86400"), sink)
    offset = changes(next(one for one in sink.records if one.object.type == "tracking"))["offset"][1]
    assert offset == "within 86400 s"
    report = source(port=str(far_chronyd.port), limit="0").check()
    assert not next(check for check in report.checks if check.name == "synchronised").ok
    shown = source(limit="0.1").show("tracking", "clock", {"csv": far_chronyd.tracking_line().rstrip()}, {})
    assert shown.into is (Action.ALARM if str(shown.attributes["offset"]) != "within 0.1 s" else Action.UPDATE)
    with_offset = far_chronyd.tracking_line().rstrip().split(",")
    with_offset[4] = "-2.500000000"
    beyond = source(limit="0.1").show("tracking", "clock", {"csv": ",".join(with_offset)}, {})
    assert (beyond.attributes["offset"], beyond.into) == ("-2.500000000 s", Action.ALARM)


@pytest.mark.tested(
    system=SystemClass.TIME,
    source="chrony's log",
    type="tail",
    against="the log of chronyd 4.3, started so that it sets no clock; the line of a step is of its documented shape",
    holds="steps and their size, how far the clock was wrong, which source it follows",
)
def test_chronyd_s_own_log_gives_alarms_changes_of_source_and_steps(far_chronyd: Chronyd) -> None:
    far_chronyd.wait("wrong by")
    far_chronyd.command("makestep")
    far_chronyd.wait("Could not step")
    with far_chronyd.log.open("a") as log:  # what it writes where it may set the clock
        log.write("2026-11-28T17:35:10Z System clock was stepped by -0.250000 seconds\n")
    options = {"path": str(far_chronyd.log)}
    mapping = template("chrony-log").text
    config = SourceConfig(id="log", type="tail", title="Log", options=options, mapping=mapping)
    sink = MemorySink("log")
    Runner(Tail(config, {}, SystemClock()), sink, SystemClock(), patience=ONCE).pull()
    assert not sink.rejected
    wrong = next(one for one in sink.records if one.action is Action.ALARM)
    assert 2.4 < abs(float(str(changes(wrong)["offset"][1]))) < 2.6
    assert wrong.occurred_at.instant_us is not None
    selected = next(one for one in sink.records if "reference" in changes(one))
    assert changes(selected)["reference"][1] == "127.0.0.1"
    steps = [one for one in sink.records if one.action is Action.TIME_CHANGE]
    assert [(one.outcome, changes(one).get("offset", (None, None))[1]) for one in steps] == [
        (Outcome.FAILURE, None),
        (Outcome.SUCCESS, "-0.250000"),
    ]
    assert sink.records[0].action is Action.START


@pytest.mark.tested(
    system=SystemClass.TIME,
    source="chrony's tracking log",
    type="tail",
    against="the tracking.log of chronyd 4.3",
    holds="each update: offset, frequency, stratum, reference, leap status",
)
def test_chrony_s_tracking_log_gives_each_update_of_the_clock(chronyd: Chronyd) -> None:
    config = SourceConfig(
        id="log",
        type="tail",
        title="Log",
        options={"path": str(chronyd.tracking)},
        mapping=template("chrony-tracking-log").text,
    )
    sink = MemorySink("log")
    chronyd.stop()
    Runner(Tail(config, {}, SystemClock()), sink, SystemClock(), patience=ONCE).pull()
    assert not sink.rejected
    first, *_, last = sink.records
    assert changes(first)["leap status"][1] == "not synchronised"
    assert (changes(last)["leap status"][1], changes(last)["stratum"][1]) == ("normal", "4")
    assert abs(float(str(changes(last)["offset"][1]))) < 1
    assert last.occurred_at.instant_us is not None


def test_losing_all_sources_is_told(chronyd: Chronyd) -> None:
    sink, chrony = MemorySink("time"), source(port=str(chronyd.port))
    pull(chrony, sink)
    chronyd.command("offline")
    chronyd.wait("no selectable sources")
    found = pull(chrony, sink)
    assert [(one.object.type, changes(one)["state"]) for one in found] == [("source", ("usable", "not usable"))]


@pytest.mark.parametrize(
    "csv",
    [
        "",
        "a,b",
        "7F000001,n,4,1,NaN,4,0,0,0,0,0,0,0,Normal",
        "7F000001,127.0.0.1,x,1,0,0,0,0,0,0,0,0,0,Normal",
        "7F000001,n,4,1,NaN?,0,0,0,0,0,0,0,0,Normal",
        None,
        7,
    ],
)
def test_lines_that_are_none_of_chronyc_s_are_refused(csv: object) -> None:
    with pytest.raises(SkippableRecord):
        source().show("tracking", "clock", {"csv": csv}, {})


def test_a_host_that_is_an_option_or_a_list_is_refused_and_chronyc_s_absence_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for host in ("-f", "/run/chrony.sock", "a,b"):
        with pytest.raises(ConfigError):
            source(host=host)
    monkeypatch.setenv("PATH", "/nowhere")
    assert "chronyc cannot be run" in source().check().checks[0].says
    with pytest.raises(FatalSource):
        pull(source(), MemorySink("time"))
