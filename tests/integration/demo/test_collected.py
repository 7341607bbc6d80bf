"""The demo's story, collected from both real servers while it happens, compared with what its people did."""

from pathlib import Path

import pytest

from collectors.demo.erp import ErpServer
from collectors.demo.erp_seed import SOLVENT
from collectors.demo.opcua_plant import USER_RIGHTS
from collectors.demo.story_facts import FieldChange
from collectors.text import render
from ledger.core.errors import ConfigError
from ledger.core.record import Action, ActorKind, LinkKind, Outcome, Record
from ledger.core.source import SourceConfig
from tests.integration.demo.telling import Told, path
from tests.support.challenged import Site, held
from tests.support.ledgers import Ledger

pytestmark = pytest.mark.timeout(300)  # the first test waits for the whole story


@pytest.fixture(scope="module")
def collected(told: Told) -> Told:
    return told


@pytest.mark.requirement("R62")
def test_every_write_at_the_control_system_is_one_record_with_its_true_old_value_and_user(collected: Told) -> None:
    writes = [
        record
        for record in collected.dcs.records
        if record.object.type == "node" and record.actor.kind is ActorKind.PERSON
    ]
    told = [
        (write.user, path(write.tag), render(write.old), render(write.new), write.written)
        for write in collected.facts.tag_writes
    ]
    found = [
        (
            record.actor.account,
            record.object.name,
            record.changes[0].old,
            record.changes[0].new,
            record.outcome is Outcome.SUCCESS,
        )
        for record in sorted(writes, key=lambda record: record.occurred_at.instant_us or 0)
    ]
    assert found == told


def test_nothing_at_the_control_system_is_told_twice_or_changed_by_the_restart(collected: Told) -> None:
    assert collected.dcs.changed == []
    assert not collected.dcs.rejected
    assert not [record for record in collected.dcs.records if record.source_record_id.startswith("value:")]
    assert collected.dcs.gaps == [], "the server keeps its history over a restart"
    (away,) = [interval for run in collected.dcs.runs for interval in run.unreachable]
    assert away.after < away.before


def test_the_batch_occupied_its_equipment_from_its_start_to_its_stop(collected: Told) -> None:
    facts = collected.facts
    turns = {record.action: record for record in collected.dcs.records if record.action in {Action.START, Action.STOP}}
    assert set(turns) == {Action.START, Action.STOP}
    for record in turns.values():
        links = {(link.kind, link.id) for link in record.links}
        assert links == {(LinkKind.BATCH, facts.batch), (LinkKind.EQUIPMENT, facts.equipment)}
    starts, stops = (turns[action].occurred_at.instant_us for action in (Action.START, Action.STOP))
    assert starts is not None
    assert stops is not None
    assert abs(starts - facts.occupied_from_us) < 1_000_000
    assert abs(stops - facts.occupied_until_us) < 1_000_000


def test_at_least_half_of_the_control_system_s_records_name_no_batch_but_equipment(collected: Told) -> None:
    facts, during = collected.facts, []
    for record in collected.dcs.records:
        moment = record.occurred_at.instant_us or 0
        on_unit = any(link.kind is LinkKind.EQUIPMENT and link.id == facts.equipment for link in record.links)
        if on_unit and facts.occupied_from_us <= moment <= facts.occupied_until_us:
            during.append(record)
    nameless = [record for record in during if not any(link.kind is LinkKind.BATCH for link in record.links)]
    assert len(nameless) > len(collected.dcs.records) / 2


@pytest.mark.requirement("R41")
def test_alarm_acknowledgement_and_refused_logon_name_their_people(collected: Told) -> None:
    by_action = {record.action: record for record in collected.dcs.records}
    assert by_action[Action.ACKNOWLEDGE].actor.account == collected.facts.alarm_acknowledged_by
    assert by_action[Action.ACKNOWLEDGE].reason == "seen, set point goes back"
    assert by_action[Action.LOGIN_FAILED].actor.account == collected.facts.refused_logon
    assert {Action.ALARM, Action.ALARM_CLEAR} <= set(by_action)


def test_no_secret_of_a_user_is_in_any_original(collected: Told) -> None:
    everything = b"".join(one.original.data for one in collected.dcs.submissions if one.original)
    assert USER_RIGHTS
    assert b"IdentityToken" not in everything


def _erp_change(collected: Told, told: FieldChange) -> list[Record]:
    return [
        record
        for record in collected.erp.records
        if f"{record.object.type},{record.object.id}" == told.resource
        and record.actor.account == told.user
        and any(change.attribute == told.field for change in record.changes)
        and record.action is Action.UPDATE
    ]


def test_every_field_that_a_person_changed_in_the_erp_shows_old_and_new_or_is_a_gap(collected: Told) -> None:
    facts = collected.facts
    hidden = {(change.resource, change.field) for change in facts.unseen}
    for told in facts.field_changes:
        changes = [
            change
            for record in _erp_change(collected, told)
            for change in record.changes
            if change.attribute == told.field
        ]
        if (told.resource, told.field) in hidden:
            assert all(change.gap for change in changes)
            assert changes[0].old == render(told.old) or changes[-1].new == render(told.new)
            assert any(gap.subject == f"{told.resource} {told.field}" for gap in collected.erp.gaps)
        else:
            assert [(change.old, change.new) for change in changes] == [(render(told.old), render(told.new))]
            assert changes[0].inferred is not None


def test_the_order_starts_and_stops_and_links_batch_lot_material_recipe_and_equipment(collected: Told) -> None:
    facts = collected.facts
    turns = [record for record in collected.erp.records if record.action in {Action.START, Action.STOP}]
    assert [record.action for record in turns] == [Action.START, Action.STOP]
    for record in turns:
        assert f"{record.object.type},{record.object.id}" == facts.order_resource
        links = {(link.kind, link.id) for link in record.links}
        assert (LinkKind.ORDER, facts.order) in links
        assert {(LinkKind.BATCH, facts.batch), (LinkKind.LOT, facts.batch), (LinkKind.EQUIPMENT, "REACTOR-1")} <= links
        assert {LinkKind.MATERIAL, LinkKind.RECIPE} <= {link.kind for link in record.links}


def test_the_deleted_order_keeps_its_last_values(collected: Told) -> None:
    model, _, identity = collected.facts.deleted.partition(",")
    deletions = [
        record
        for record in collected.erp.records
        if record.action is Action.DELETE and (record.object.type, record.object.id) == (model, identity)
    ]
    (deletion,) = deletions
    values = {change.attribute: change.old for change in deletion.changes}
    assert values["reference"] == f"{collected.facts.batch} (twice)"
    logged = [record for record in collected.erp.records if record.action is Action.DELETE and record.actor.account]
    assert [record.actor.account for record in logged] == ["planner1"]


def test_the_two_sources_give_more_than_a_hundred_records_and_nothing_unreadable(collected: Told) -> None:
    assert len(collected.erp.records) >= 60
    assert len(collected.erp.records) + len(collected.dcs.records) >= 150
    assert not collected.erp.rejected
    assert collected.erp.changed == []
    assert collected.erp.duplicates == 0


def test_a_challenge_is_planted_in_a_test_lot_of_the_erp_and_comes_back(
    collected: Told, erp: ErpServer, sqlite_ledger: Ledger, tmp_path: Path
) -> None:
    with erp.session("planner1") as planner:
        product = planner.find_one("product.product", ["template.name", "=", SOLVENT])
        lot = planner.create("stock.lot", number="to be challenged", product=product)
    password = tmp_path / "password"
    password.write_text(erp.passwords["planner1"], encoding="utf-8")
    options = {"url": erp.url, "user": "collector", "models": "stock.lot"}
    config = SourceConfig(id="erp", type="tryton", title="ERP", options=options)
    site = Site(sqlite_ledger, config, {"password": erp.passwords["collector"]})
    site.collect()  # the first of two looks
    planted = {"url": erp.url, "user": "planner1", "model": "stock.lot", "row": str(lot), "field": "number"}
    site.challenge(
        planted, {"password": password}, "test {nonce}",
        object_type="stock.lot", object_id=str(lot), attribute="number", account="planner1", action=Action.UPDATE,
    )  # fmt: skip
    assert site.plant().run.old == "to be challenged"
    site.collect()
    assert {"account", "old", "new", "time"} <= held(site.result())
    with pytest.raises(ConfigError, match="collector's own"):
        site.challenge({**planted, "user": "collector"}, {"password": password}, "{nonce}", object_id=str(lot))
