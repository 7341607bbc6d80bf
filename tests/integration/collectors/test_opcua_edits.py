"""Edits of a historian's past become records: who, when, old and new; what is taken out of the trail is a gap."""

import asyncio
import sqlite3
from collections.abc import Iterator

import msgspec
import pytest
from asyncua import ua

from collectors.demo.opcua import OpcUaServer
from collectors.demo.opcua_server import HISTORY_FILE
from ledger.core.record import Action, ActorKind, Record
from tests.integration.collectors.following import Following, wait_for
from tests.integration.collectors.opcua_work import CLOCK, at, collector, delete, edit, pull, write
from tests.support.memory_sink import MemorySink

PRESSURE = "REACTOR-1.PIC201.SP"
TEMPERATURE = "REACTOR-1.TIC101.SP"
LEVEL = "BUFFER-2.LIC301.SP"
RECIPE = "REACTOR-1.Recipe.HoldTime"
HEAT = "REACTOR-1.Recipe.SetpointTemp"
INSERT, REPLACE, UPDATE = ua.PerformUpdateType.Insert, ua.PerformUpdateType.Replace, ua.PerformUpdateType.Update


@pytest.fixture(scope="module")
def dcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpcUaServer]:
    with OpcUaServer(tmp_path_factory.mktemp("dcs")) as server:
        yield server


def path_of(tag: str) -> str:
    return tag.replace(".", "/")


def options(server: OpcUaServer, tag: str, **others: str) -> dict[str, str]:
    known = {"url": server.endpoint, "user": "collector", "history": path_of(tag), "edit_days": "20000"}
    return known | others


def look(server: OpcUaServer, sink: MemorySink, tag: str, **others: str) -> None:
    pull(collector(server.passwords["collector"], **options(server, tag, **others)), sink, 0.0)


def edits(sink: MemorySink) -> list[Record]:
    return [record for record in sink.records if record.source_record_id.startswith("edit:")]


def told(record: Record) -> tuple[object, ...]:
    (change,) = record.changes
    return record.action, record.actor.account, change.attribute, change.old, change.new, change.unit


def value_at(second: int) -> str:
    return f"Value@{at(second).isoformat()}"


def change_trail(server: OpcUaServer, statement: str, *values: str) -> None:
    """Somebody who has the historian's database changes the trail of edits there."""
    server.stop()
    db = sqlite3.connect(server.users_file.parent / HISTORY_FILE)
    with db:
        assert db.execute(statement, values).rowcount == 1
    db.close()
    server.start()


def test_every_edit_says_who_did_what_to_which_value_and_what_became_of_it(dcs: OpcUaServer) -> None:
    began = CLOCK.now_us()
    inserted = asyncio.run(edit(dcs, "engineer1", PRESSURE, INSERT, [(at(1), 1.5), (at(2), 2.5)]))
    assert inserted == ["GoodEntryInserted", "GoodEntryInserted"]
    assert asyncio.run(edit(dcs, "engineer1", PRESSURE, REPLACE, [(at(1), 1.6)])) == ["GoodEntryReplaced"]
    assert asyncio.run(edit(dcs, "engineer1", PRESSURE, UPDATE, [(at(1), 1.7)])) == ["GoodEntryReplaced"]
    assert asyncio.run(delete(dcs, "engineer1", PRESSURE, at(2), at(3))) == ["Good"]
    sink = MemorySink("dcs")
    look(dcs, sink, PRESSURE)
    assert [told(record) for record in edits(sink)] == [
        (Action.CREATE, "engineer1", value_at(1), None, "1.5", "bar"),
        (Action.UPDATE, "engineer1", value_at(1), "1.5", "1.6", "bar"),
        (Action.UPDATE, "engineer1", value_at(1), "1.6", "1.7", "bar"),
        (Action.CREATE, "engineer1", value_at(2), None, "2.5", "bar"),
        (Action.DELETE, "engineer1", value_at(2), "2.5", None, "bar"),
    ]
    for record in edits(sink):
        assert record.actor.kind is ActorKind.PERSON
        assert (record.object.type, record.object.name) == ("node", path_of(PRESSURE))
        assert record.occurred_at.instant_us is not None
        assert began - 1_000_000 < record.occurred_at.instant_us < CLOCK.now_us() + 1_000_000
    assert sink.gaps == []


def test_an_edit_needs_the_right_and_is_audited_done_or_refused(dcs: OpcUaServer) -> None:
    assert asyncio.run(edit(dcs, "engineer1", RECIPE, INSERT, [(at(1), 1.5)])) == ["GoodEntryInserted"]
    assert asyncio.run(edit(dcs, "engineer1", RECIPE, REPLACE, [(at(1), 1.6)])) == ["GoodEntryReplaced"]
    assert asyncio.run(edit(dcs, "operator1", RECIPE, REPLACE, [(at(1), 9.9)])) == ["BadUserAccessDenied"]
    assert asyncio.run(edit(dcs, "engineer1", RECIPE, INSERT, [(at(1), 9.9)])) == ["BadEntryExists"]
    assert asyncio.run(edit(dcs, "engineer1", RECIPE, REPLACE, [(at(2), 9.9)])) == ["BadNoEntryExists"]
    assert asyncio.run(delete(dcs, "engineer1", RECIPE, at(1), at(2))) == ["Good"]
    assert asyncio.run(delete(dcs, "engineer1", RECIPE, at(1), at(2))) == ["BadNoData"]
    sink = MemorySink("dcs")
    look(dcs, sink, RECIPE)
    assert [record.action.value for record in edits(sink)] == ["create", "update", "delete"]
    audited = [record for record in sink.records if record.object.name == path_of(RECIPE) and record not in edits(sink)]
    assert [(record.action.value, record.outcome.value, record.actor.account) for record in audited] == [
        ("update", "success", "engineer1"),
        ("update", "success", "engineer1"),
        ("update", "denied", "operator1"),
        ("update", "failure", "engineer1"),
        ("update", "failure", "engineer1"),
        ("delete", "success", "engineer1"),
        ("delete", "failure", "engineer1"),
    ]
    values = [(change.attribute, change.old, change.new) for record in audited[:6] for change in record.changes]
    assert values == [
        (value_at(1), None, "1.5"),
        (value_at(1), "1.5", "1.6"),
        (value_at(1), msgspec.UNSET, "9.9"),
        (value_at(1), None, "9.9"),
        (value_at(2), msgspec.UNSET, "9.9"),
        (value_at(1), "1.6", None),
    ]


def test_many_edits_come_over_in_pages_and_a_look_goes_on_where_the_one_before_ended(dcs: OpcUaServer) -> None:
    sink = MemorySink("dcs")
    moments = [(at(second).replace(microsecond=step), float(step)) for second in range(25) for step in range(50)]
    assert set(asyncio.run(edit(dcs, "engineer1", LEVEL, INSERT, moments))) == {"GoodEntryInserted"}
    counts = []
    for _ in range(5):
        look(dcs, sink, LEVEL)
        counts.append(len(edits(sink)))
    assert counts[0] < counts[1], "a look takes a bounded number"
    assert counts[3:] == [1250, 1250]
    given = [one.record.source_record_id for run in sink.runs for one in run.submissions]
    assert sum(identity.startswith("edit:") for identity in given) == 1250, "each was handed over once"
    assert sink.changed == []
    assert sink.gaps == []


def test_edits_are_looked_for_while_listening_and_those_of_older_values_are_not(dcs: OpcUaServer) -> None:
    sink = MemorySink("dcs")
    asyncio.run(edit(dcs, "engineer1", HEAT, INSERT, [(at(1), 1.0)]))
    look(dcs, sink, HEAT, edit_days="1")
    assert edits(sink) == []
    with Following(collector(dcs.passwords["collector"], **options(dcs, HEAT, edit_seconds="1")), sink):
        wait_for(lambda: len(edits(sink)) == 1)
        asyncio.run(edit(dcs, "engineer1", HEAT, INSERT, [(at(2), 2.0)]))
        wait_for(lambda: len(edits(sink)) == 2)
    assert sink.gaps == []


def test_the_trail_of_edits_can_not_be_changed_unseen(dcs: OpcUaServer) -> None:
    sink = MemorySink("dcs")
    asyncio.run(write(dcs, "operator1", TEMPERATURE, 33.25))
    asyncio.run(edit(dcs, "engineer1", TEMPERATURE, INSERT, [(at(second), float(second)) for second in (1, 2, 3)]))
    look(dcs, sink, TEMPERATURE)
    look(dcs, sink, TEMPERATURE)
    assert len(edits(sink)) == 3
    assert sink.gaps == []
    assert sink.changed == []
    change_trail(dcs, "DELETE FROM edit WHERE node LIKE '%' || ? AND variant = X'0B0000000000000040'", TEMPERATURE)
    look(dcs, sink, TEMPERATURE, values=path_of(TEMPERATURE))
    (gap,) = sink.gaps
    assert gap.subject == f"edits of {path_of(TEMPERATURE)}"
    assert gap.reason == "the server no longer gives 1 edits that it gave before"
    remembered = next(run.snapshot for run in reversed(sink.runs) if run.snapshot is not None)
    assert b'"33.25"' in remembered, "what was put into the past is not what the tag holds"
    change_trail(
        dcs,
        "UPDATE edit SET user = 'operator1', modified_us = 1000000"
        " WHERE node LIKE '%' || ? AND variant = X'0B0000000000000840'",
        TEMPERATURE,
    )
    look(dcs, sink, TEMPERATURE)
    late = edits(sink)[-1]
    assert (late.actor.account, late.occurred_at.text) == ("operator1", "1970-01-01T00:00:01+00:00")
    assert len(sink.gaps) == 2, "as it stood before, it is gone"


def test_check_says_where_edits_are_kept_and_where_not(dcs: OpcUaServer) -> None:
    histories = f"{path_of(PRESSURE)}, REACTOR-1/Nothing"
    one = collector(dcs.passwords["collector"], url=dcs.endpoint, user="collector", history=histories)
    found = {check.name: check for check in one.check().checks}
    assert found[f"edits of {path_of(PRESSURE)}"].ok
    assert found["alarms"].ok
    assert not found["edits of REACTOR-1/Nothing"].ok
    assert found["edits of REACTOR-1/Nothing"].advice
