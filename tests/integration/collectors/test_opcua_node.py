"""The OPC UA collector against node-opcua, a server of another make: sessions, alarms, values, raw history."""

from collections.abc import Iterator

import pytest

from collectors.base import Collector
from collectors.runner import Runner
from ledger.core.errors import ConfigError, FatalSource
from ledger.core.record import Action, ActorKind, Record
from ledger.core.times import Precision
from tests.integration.collectors.following import Following, wait_for
from tests.integration.collectors.opcua_work import CLOCK, collector, drain, pull
from tests.support.memory_sink import MemorySink
from tests.support.node_server import NodeServer

SP, BATCH = "LINE-1.SP", "LINE-1.BatchId"
SAMPLE = 0.15


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeServer]:
    with NodeServer(tmp_path_factory.mktemp("line")) as server:
        yield server


def on(line: NodeServer, password: str | None = None, **options: str) -> Collector:
    wanted = {"url": line.url, "user": "collector", "security": line.security("collector"), "equipment": "LINE-1 = L1"}
    known = {"values": "LINE-1/SP", "batch": "LINE-1/BatchId = L1"}
    return collector(password or line.passwords["collector"], **(wanted | known | options))


def values(sink: MemorySink, path: str) -> list[Record]:
    found = [record for record in sink.records if record.source_record_id.startswith("value:")]
    return [record for record in found if record.object.name == path]


def alarms(sink: MemorySink) -> list[Record]:
    return [record for record in sink.records if record.object.type == "alarm"]


def test_check_says_what_this_server_tells_and_what_not(line: NodeServer) -> None:
    report = on(line, history="LINE-1/SP").check()
    found = {check.name: check for check in report.checks}
    assert report.clock is not None
    assert abs(report.clock.offset_us) <= report.clock.uncertainty_us + 100_000
    assert found["auditing"].ok
    assert "try it" in found["auditing"].says, "this server says that it audits, and audits no writes"
    assert "keeps no events" in found["event history"].says
    assert "when it is asked" in found["alarms"].says
    assert "its history too" in found["node LINE-1/SP"].says
    assert not found["edits of LINE-1/SP"].ok
    assert "BadUnexpectedError" in found["edits of LINE-1/SP"].says


def test_sessions_values_and_an_alarm_come_live(line: NodeServer) -> None:
    sink = MemorySink("dcs")
    with Following(on(line), sink):
        wait_for(lambda: bool(sink.runs))
        line.write(SP, [20.0, 60.0], SAMPLE)
        wait_for(lambda: len(alarms(sink)) == 1)
        line.write(BATCH, ["B-1"])
        line.write(SP, [20.0])
        line.write(BATCH, [""])
        wait_for(lambda: len(values(sink, "LINE-1/BatchId")) == 2 and len(alarms(sink)) == 3)
    raised, branch, cleared = alarms(sink)
    assert (raised.action, raised.object.name, raised.actor.kind) == (Action.ALARM, "LINE-1.SP.HI", ActorKind.DEVICE)
    assert cleared.action is Action.ALARM_CLEAR
    assert [change.attribute for change in branch.changes][-1] == "BranchId", (
        "nobody acknowledged it while it was active"
    )
    assert ("ActiveState", "Active") in [(change.attribute, change.new) for change in raised.changes]
    assert [link.id for link in raised.links] == ["LINE-1.SP.HI", "L1"]
    changes = [record.changes[0] for record in values(sink, "LINE-1/SP")]
    assert [(change.old, change.new, change.unit) for change in changes] == [
        ("10.0", "20.0", "°C"),
        ("20.0", "60.0", "°C"),
        ("60.0", "20.0", "°C"),
    ]
    turns = [(record.action, record.links[0].id) for record in values(sink, "LINE-1/BatchId")]
    assert turns == [(Action.START, "B-1"), (Action.STOP, "B-1")]
    assert {record.actor.kind for record in values(sink, "LINE-1/SP")} == {ActorKind.UNKNOWN}, "no write is audited"
    for action in (Action.LOGIN, Action.LOGOUT):
        assert len([record for record in sink.records if record.action is action]) == 4, action
    assert sink.rejected == []


def test_a_time_keeps_its_tenth_of_a_microsecond(line: NodeServer) -> None:
    sink = MemorySink("dcs")
    with Following(on(line), sink):
        wait_for(lambda: bool(sink.runs))
        line.write(SP, [11.0 + step for step in range(12)], SAMPLE)
        wait_for(lambda: len(values(sink, "LINE-1/SP")) >= 12)
    times = [record.occurred_at for record in values(sink, "LINE-1/SP")]
    fine = [time for time in times if time.precision is Precision.NANOSECOND]
    assert fine, "of twelve times, one in ten ends in a zero"
    for time in fine:
        assert len(time.text.partition(".")[2].partition("+")[0]) == 7
        assert time.instant_us is not None
        assert time.text[:26].endswith(f"{time.instant_us % 1_000_000:06d}")


def test_what_happened_while_nobody_listened_comes_from_the_raw_history_in_pages(line: NodeServer) -> None:
    sink = MemorySink("dcs")
    line.write(SP, [10.0])
    pull(on(line), sink, 0.0)
    before = len(values(sink, "LINE-1/SP"))
    line.write(SP, [20.0 + step / 100 for step in range(1_200)])
    line.write(BATCH, ["B-2", "B-3", ""])
    drain(on(line), sink)
    news = [record.changes[0].new for record in values(sink, "LINE-1/SP")[before:]]
    assert news == [repr(20.0 + step / 100) for step in range(1_200)]
    assert not any(record.changes[0].gap for record in values(sink, "LINE-1/SP")), "the server keeps them all"
    turns = [(record.action, record.links[0].id) for record in values(sink, "LINE-1/BatchId")]
    assert turns == [(Action.START, "B-2"), (Action.STOP, "B-2"), (Action.START, "B-3"), (Action.STOP, "B-3")]
    assert {gap.subject for gap in sink.gaps} == {"events"}, "events it does not keep"


def test_an_initial_load_begins_where_it_is_told_to(line: NodeServer) -> None:
    line.write(SP, [31.0, 32.0])
    since = f"{CLOCK.now_us() // 1_000_000 - 3600}"
    with pytest.raises(ConfigError, match="since"):
        on(line, since=since)
    sink, none = MemorySink("dcs"), MemorySink("dcs")
    drain(on(line, since="2026-01-01"), sink)
    pull(on(line), none, 0.0)
    assert [record.changes[0].new for record in values(sink, "LINE-1/SP")][-2:] == ["31.0", "32.0"]
    assert values(none, "LINE-1/SP") == [], "a first look alone says where things stand"


def hear(line: NodeServer, sink: MemorySink, number: int) -> None:
    """Listens until so many alarms are told, for some seconds: on a busy machine the server takes its time."""
    for _ in range(20):
        if len(alarms(sink)) >= number:
            break
        pull(on(line), sink, 0.7)


def test_an_alarm_that_came_up_unheard_is_known_after_connecting_and_told_once(line: NodeServer) -> None:
    sink = MemorySink("dcs")
    line.write(SP, [10.0, 60.0])
    hear(line, sink, 1)
    for _ in range(2):
        pull(on(line), sink, 0.7)
    (active,) = alarms(sink)
    assert active.action is Action.ALARM
    given = [one.record for run in sink.runs for one in run.submissions if one.record.object.type == "alarm"]
    assert given == [active], "not even handed over again"
    line.write(SP, [10.0])
    hear(line, sink, 2)
    assert [record.action for record in alarms(sink)] == [Action.ALARM, Action.ALARM_CLEAR], "not yet acknowledged"


def test_edits_that_this_server_does_not_serve_are_a_stated_gap(line: NodeServer) -> None:
    sink = MemorySink("dcs")
    pull(on(line, history="LINE-1/SP"), sink, 0.0)
    (gap,) = sink.gaps
    assert (gap.subject, gap.reason) == ("edits of LINE-1/SP", "the server answers BadUnexpectedError")


def test_a_wrong_password_needs_a_person_and_is_never_shown(line: NodeServer) -> None:
    sink = MemorySink("dcs")
    with pytest.raises(FatalSource, match="collector") as caught:
        Runner(on(line, password="wrong-Secret-17"), sink, CLOCK).pull()
    assert "wrong-Secret-17" not in str(caught.value)
