"""The demo's story at its two real servers: what they keep of it, and what they let a collector see."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from collectors.demo.erp import PYTHON_VARIABLE, ErpServer
from collectors.demo.erp_seed import BOM
from collectors.demo.opcua import OpcUaServer
from collectors.demo.story import Story
from ledger.core.errors import ConfigError, Conflict, FatalSource
from tests.integration.demo.listening import event_history
from tests.integration.demo.telling import Told

pytestmark = pytest.mark.timeout(300)  # the first test waits for the whole story


def test_the_erp_log_holds_what_people_did_and_no_creation(told: Told) -> None:
    facts = told.facts
    logged = told.logged()
    for state in ("waiting", "assigned", "running", "done"):
        assert ("planner1", facts.order_resource, "transition", f"state:{state}") in logged
    for change in facts.field_changes:
        assert (change.user, change.resource, "write", change.field) in logged
    assert ("stock1", "stock.shipment.in,1", "button", "receive") in logged
    assert ("stock1", "stock.inventory,1", "button", "confirm") in logged
    assert {row["event"] for row in told.log} == {"write", "delete", "button", "transition"}
    assert [row["id"] for row in told.log] == list(range(1, len(told.log) + 1))


def test_the_log_of_a_deleted_record_no_longer_names_it(told: Told, erp: ErpServer) -> None:
    (deletion,) = [row for row in told.log if row["event"] == "delete"]
    assert deletion["resource"] is None
    with erp.session("admin") as admin:
        assert admin.find("ir.model.log", ["resource", "=", told.facts.deleted]) == [deletion["id"]]


def test_a_collector_finds_the_log_of_a_deleted_record_only_where_no_record_rule_stands(
    told: Told, erp: ErpServer
) -> None:
    with erp.session("engineer1") as engineer:
        bom = engineer.create("production.bom", name="by mistake")
        engineer.delete("production.bom", bom)
    with erp.session("collector") as collector:
        assert len(collector.find("ir.model.log", ["resource", "=", f"production.bom,{bom}"])) == 1
        with pytest.raises(FatalSource, match="rules"):
            collector.find("ir.model.log", ["resource", "=", told.facts.deleted])


def test_values_in_the_erp_are_those_of_the_facts(told: Told, erp: ErpServer) -> None:
    facts = told.facts
    with erp.session("collector") as collector:
        order = int(facts.order_resource.partition(",")[2])
        row = collector.read("production", order, "number", "reference", "state")
        assert (row["number"], row["reference"], row["state"]) == (facts.order, facts.batch, "done")
        lot = int(facts.lot_resource.partition(",")[2])
        assert collector.read("stock.lot", lot, "number")["number"] == facts.batch
        for change in facts.field_changes:
            if change.field in ("quantity", "name") and change not in facts.unseen:
                model, _, record = change.resource.partition(",")
                assert collector.read(model, int(record), change.field)[change.field] == change.new


def test_a_field_changed_twice_in_one_step_leaves_two_log_rows_and_one_visible_change(told: Told) -> None:
    (hidden,) = told.facts.unseen
    renamings = [change for change in told.facts.field_changes if change.resource == hidden.resource]
    assert [change.old for change in renamings] == [BOM, hidden.new]
    assert sum(row["resource"] == hidden.resource and row["target"] == "name" for row in told.log) == 2


def test_the_audit_events_are_the_writes_of_the_facts_in_their_order(told: Told) -> None:
    audited = [
        (
            event["SourceNode"].Identifier,
            event["OldValue"],
            event["NewValue"],
            event["ClientUserId"],
            event["Status"],
        )
        for event in _writes_of(told)
    ]
    assert audited == [(w.tag, w.old, w.new, w.user, w.written) for w in told.facts.tag_writes]
    refused = [write for write in told.facts.tag_writes if not write.written]
    assert {write.tag for write in refused} >= {"REACTOR-1.Recipe.SetpointTemp", "REACTOR-1.PIC201.SP"}


def test_the_facts_take_their_times_from_the_server(told: Told) -> None:
    for event, write in zip(_writes_of(told), told.facts.tag_writes, strict=True):
        if write.written:
            assert write.at_us == round(event["ActionTimeStamp"].timestamp() * 1_000_000)
    assert told.facts.occupied_from_us < told.facts.occupied_until_us


def test_most_of_what_happened_at_the_reactor_during_the_batch_does_not_name_it(told: Told) -> None:
    facts = told.facts
    naming = [event for event in told.events if facts.batch in str(event)]
    during = [
        write
        for write in facts.tag_writes
        if write.written
        and write.at_us is not None
        and write.tag.startswith(facts.equipment)
        and facts.occupied_from_us < write.at_us < facts.occupied_until_us
    ]
    assert len(during) >= 60
    assert 0 < len(naming) <= len(told.events) // 10
    assert any(write.tag.startswith("BUFFER-2") for write in facts.tag_writes)
    assert any((write.at_us or 0) > facts.occupied_until_us for write in facts.tag_writes if write.tag.endswith(".SP"))


def test_one_telling_gives_a_collector_more_than_150_records_and_is_quick(told: Told) -> None:
    assert len(told.log) + told.created + len(told.events) > 150
    assert len(told.names) == len(set(told.names)) == 18
    assert told.seconds < 60, "on a machine that does much else"


def test_the_collector_reads_the_log_by_id_and_may_change_nothing(told: Told, erp: ErpServer) -> None:
    with erp.session("collector") as collector:
        ids = [row["id"] for row in told.log]
        rows = collector.call("model.ir.model.log.read", ids, ["event", "target"])
        assert {row["id"]: row["target"] for row in rows} == {row["id"]: row["target"] for row in told.log}
        with pytest.raises(FatalSource, match="don't exist"):
            collector.read("ir.model.log", 10_000_000, "event")
        with pytest.raises(FatalSource, match="not allowed to search"):
            collector.find("ir.model.log")
        for model in ("party.party", "production.bom", "stock.lot", "product.template"):
            record = collector.find(model)[0]
            assert collector.read(model, record, "create_date")["create_date"] is not None
            with pytest.raises(FatalSource, match="not allowed"):
                collector.write(model, record, name="changed")
        models = [row["name"] for row in collector.call("model.ir.model.search_read", [], 0, None, None, ["name"])]
        access = collector.call("model.ir.model.access.get_access", models)
        changeable = {name for name, may in access.items() if may["write"] or may["create"] or may["delete"]}
        assert changeable == {"ir.email", "res.notification"}


def test_an_erp_started_again_keeps_what_it_held(told: Told, erp: ErpServer) -> None:
    erp.stop()
    erp.start()
    with erp.session("collector") as collector:
        assert collector.find("stock.lot", ["number", "=", told.facts.batch])


def test_idle_life_goes_on_until_it_is_stopped_and_adds_nothing_to_the_facts(
    told: Told, dcs: OpcUaServer, erp: ErpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.demo.story._IDLE_SECONDS", 0.05)
    before = told.story.facts
    stop = threading.Event()
    life = threading.Thread(target=told.story.live, args=(stop,))
    life.start()
    try:
        with erp.session("admin") as admin:
            while admin.find("ir.model.log", ["target", "=", "list_price"]) == []:
                life.join(0.1)
    finally:
        stop.set()
        life.join(10)
    assert not life.is_alive()
    assert len(asyncio.run(event_history(dcs))) > len(told.events) + 3
    assert told.story.facts == before


def test_facts_are_refused_while_the_batch_is_not_finished(erp: ErpServer, dcs: OpcUaServer) -> None:
    with pytest.raises(Conflict, match="not finished"):
        _ = Story(erp, dcs).facts


def test_without_an_erp_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PYTHON_VARIABLE, str(tmp_path / "bin" / "python"))
    with pytest.raises(ConfigError) as refusal:
        ErpServer(tmp_path)
    assert "make setup" in refusal.value.advice


def _writes_of(told: Told) -> list[dict[str, Any]]:
    """The audited writes of this telling: other tests may have used the same server before."""
    writes = [event for event in told.events if event["SourceName"] == "Attribute/Write"]
    return writes[-len(told.facts.tag_writes) :]
