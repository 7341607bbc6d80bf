"""Configuration that no second person signed is found, whoever wrote it into the log; what was signed verifies."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from collectors.mapping.templates import template
from ledger.changes.proposing import event_of
from ledger.core.change import ChangeEvent
from ledger.core.entry import draft
from ledger.core.errors import ChangeRequestRequired, Conflict, SchemaViolation
from ledger.core.retention import RetentionClass
from ledger.core.source import SourceConfig
from ledger.integrity.authority import authority_fault
from ledger.people.roles import Role
from ledger.sources.kinds import MappingAdopted, SourceRegistered
from ledger.sources.life_kinds import LifeEvent, LifeState, SourceLife
from ledger.sources.map_kinds import IdentityMapped2
from ledger.store.append import Batch
from tests.support.changing import ENGINEER, Desk, account
from tests.support.founded import REVIEWER, founded

pytestmark = pytest.mark.sampled


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    plant = founded(tmp_path_factory.mktemp("changing") / "ledger", ENGINEER, REVIEWER, request=request)
    plant.clock.pass_seconds(120)
    yield Desk(plant)
    plant.close()


def named(desk: Desk, index: int) -> str:
    """What is wrong with an entry of the record log; empty: nothing."""
    service = desk.plant.service
    with service.store.reading() as connection:
        fault = authority_fault(connection, desk.log.number, index, index + 1, service.store.kinds, lambda _: None)
    return "" if fault is None else fault.what


def row(desk: Desk, name: str, person: str = "P-1", **more: Any) -> IdentityMapped2:
    """A row under the engineer's own rights."""
    return account(name, person, authority=desk.engineer.sign_in().authority, **more)


def forged(desk: Desk, proposed: str, signature: str, rows: Sequence[msgspec.Struct]) -> int:
    """The entry of a change that somebody wrote past the service, and those after it."""
    was = desk.quality_service.proposals.get(desk.log, proposed).proposal
    entry = event_of(was, ChangeEvent.EFFECTIVE, "approved", desk.engineer.sign_in().authority, signature)
    return desk.plant.service.store.append(desk.log.number, Batch([draft(entry), *map(draft, rows)]))[0].index


def test_what_a_second_person_signed_verifies_and_by_whomever_it_was_brought_about(desk: Desk) -> None:
    """An approver, who may not configure, brings it about; and so does the service itself."""
    proposed = desk.propose(account("op1", "P-1"), account("op2", "P-2"))
    desk.bring(proposed, desk.sign(proposed), by=desk.quality)
    desk.sign(desk.propose(account("op3", "P-3")))
    assert desk.quality_service.effects.work()
    refused = desk.propose(account("op4", "P-4"))
    desk.quality_service.proposals.withdraw(desk.log, refused.change, "wrong list", desk.engineer.sign_in().authority)
    for log in ("records", "system"):
        report = desk.plant.service.verifier.run(desk.plant.service.log(log), full=True, levels=(1, 2))
        assert report.holds, report.summary


@pytest.mark.requirement("R14", "R37")
def test_a_row_that_no_change_brought_is_named(desk: Desk) -> None:
    (index,) = desk.plant.service.record_log().maps.put([row(desk, "op5")])
    assert "by no change that a second person signed" in named(desk, index)


@pytest.mark.requirement("R14", "R37")
def test_a_change_in_effect_without_a_second_persons_signature_is_named(desk: Desk) -> None:
    proposed = desk.propose(account("op6", "P-6"))
    other = desk.sign(desk.propose(account("op6b", "P-6")))
    system = desk.plant.service.system.origin
    index = forged(desk, proposed.change, other, [row(desk, "op6")])
    assert f"not over entry {proposed.index}" in named(desk, index)
    again = desk.propose(account("op7", "P-7"))
    reviewed = desk.sign(again, by=desk.plant.people[REVIEWER.account], action="record", meaning="reviewed")
    assert "means 'reviewed'" in named(desk, forged(desk, again.change, reviewed, [row(desk, "op7")]))
    for number, origin in enumerate((system, "elsewhere.example/log")):
        again = desk.propose(account(f"op8{number}", "P-8"))
        assert "is no signature" in named(desk, forged(desk, again.change, f"{origin}#1", [row(desk, "op8")]))


@pytest.mark.requirement("R14", "R37")
def test_another_mapping_that_no_change_brought_is_named(desk: Desk) -> None:
    """A source's first one comes with its registration; a validated source with another is to be validated anew."""
    log, by = desk.plant.service.record_log(), desk.engineer.sign_in().authority

    def configured(source: str, mapping: str | None) -> SourceConfig:
        return SourceConfig(id=source, type="test", title=source, mapping=mapping)

    def adopted(source: str, text: str) -> MappingAdopted:
        return MappingAdopted(source=source, text=text, authority=by)

    first = log.sources.register(configured("qms", "version = 1"), by) + 1
    validated = SourceLife(
        source="qms", event=LifeEvent.VALIDATED, state=LifeState.VALIDATED, reason="looked at", authority=by
    )
    desk.plant.service.store.append_one(desk.log.number, draft(validated))
    with pytest.raises(ChangeRequestRequired, match="'qms' has another mapping"):
        log.sources.register(configured("qms", "version = 2"), by)
    log.sources.register(configured("plain", None), by)
    with pytest.raises(ChangeRequestRequired):
        log.sources.register(configured("plain", "version = 1"), by)
    other = template("redmine-issue-journals").text
    with pytest.raises(Conflict, match="no source 'other' is registered"):
        desk.propose(adopted("other", other))
    with pytest.raises(SchemaViolation, match="is not TOML"):
        desk.propose(adopted("qms", "no mapping"))
    proposed = desk.propose(adopted("qms", other))
    brought = desk.bring(proposed, desk.sign(proposed), by=desk.quality) + 1
    assert (log.sources.get("qms").mapping, log.lives.standing("qms").state) == (other, LifeState.REVALIDATE)
    log.sources.register(configured("qms", other), by)
    assert [named(desk, index) for index in (first, brought, brought + 1)] == ["", "", ""]
    for source in ("qms", "plain"):
        index = desk.plant.service.store.append_one(desk.log.number, draft(adopted(source, "version = 3"))).index
        assert "mapping was set by no change" in named(desk, index)
    again = SourceRegistered.of(configured("plain", None), by)
    entries = Batch([draft(again), draft(adopted("plain", "version = 4"))])
    index = desk.plant.service.store.append(desk.log.number, entries)[1].index
    assert "mapping was set by no change" in named(desk, index)


@pytest.mark.requirement("R14", "R37")
def test_another_configuration_of_a_source_that_no_change_brought_is_named(desk: Desk) -> None:
    """What people call it, who owns it and where its secrets are found is free."""
    log, by = desk.plant.service.record_log(), desk.engineer.sign_in().authority
    now = SourceConfig(id="mes", type="test", title="MES", options={"area": "1"}, secrets={"token": "env:MES"})
    first = log.sources.register(now, by)
    validated = SourceLife(
        source="mes", event=LifeEvent.VALIDATED, state=LifeState.VALIDATED, reason="looked at", authority=by
    )
    desk.plant.service.store.append_one(desk.log.number, draft(validated))
    named_otherwise = msgspec.structs.replace(now, title="Plant MES", owner="qa", secrets={"token": "file:/run/mes"})
    free = log.sources.register(named_otherwise, by)
    others: tuple[dict[str, Any], ...] = (
        {"type": "other"},
        {"options": {"area": "2"}},
        {"seal": ("reason",)},
        {"zone": "Europe/Vienna"},
        {"retention": RetentionClass.TRIAL},
    )
    for other in others:
        with pytest.raises(ChangeRequestRequired, match=f"another {next(iter(other))}"):
            log.sources.register(msgspec.structs.replace(now, **other), by)
    wanted = SourceRegistered.of(msgspec.structs.replace(now, **others[1], **others[4]), by)
    with pytest.raises(Conflict, match="no source 'none' is registered"):
        desk.propose(msgspec.structs.replace(wanted, id="none"))
    with pytest.raises(Conflict, match="can't become"):
        desk.propose(msgspec.structs.replace(wanted, type="archive"))
    with pytest.raises(SchemaViolation, match="Nowhere/City"):
        desk.propose(msgspec.structs.replace(wanted, zone="Nowhere/City"))
    proposed = desk.propose(wanted)
    brought = desk.bring(proposed, desk.sign(proposed), by=desk.quality) + 1
    assert (log.sources.get("mes").options, log.sources.get("mes").retention) == ({"area": "2"}, RetentionClass.TRIAL)
    assert log.lives.standing("mes").state is LifeState.REVALIDATE
    assert [named(desk, index) for index in (first, free, brought)] == ["", "", ""]
    forged = SourceRegistered.of(msgspec.structs.replace(now, seal=()), by)
    index = desk.plant.service.store.append_one(desk.log.number, draft(forged)).index
    assert "source was set by no change" in named(desk, index)


def test_an_entry_that_differs_from_the_signed_line_is_named(desk: Desk) -> None:
    proposed = desk.propose(account("op14", "P-7"), account("op15", "P-8"))
    index = forged(desk, proposed.change, desk.sign(proposed), [row(desk, "op14", "P-7"), row(desk, "op15", "P-9")])
    assert [bool(named(desk, one)) for one in range(index, index + 3)] == [False, False, True]
    assert "not what change" in named(desk, index + 2)


def test_a_change_of_which_a_part_was_left_out_is_named(desk: Desk) -> None:
    proposed = desk.propose(account("op9", "P-7"), account("op10", "P-8"))
    index = forged(desk, proposed.change, desk.sign(proposed), [row(desk, "op9", "P-7")])
    assert named(desk, index)


def test_a_change_takes_effect_once(desk: Desk) -> None:
    proposed = desk.propose(account("op11", "P-7"))
    signature = desk.sign(proposed)
    desk.bring(proposed, signature)
    index = forged(desk, proposed.change, signature, [row(desk, "op11", "P-7")])
    assert "it was effective already" in named(desk, index)


@pytest.mark.requirement("R14", "R37")
def test_a_change_in_effect_after_its_signer_approved_nothing_any_more_is_named(desk: Desk) -> None:
    """For a minute it is taken as made before that was known; a grant for another site never counted."""
    plant, grants = desk.plant, desk.plant.service.people.role_grants
    last = plant.join("approver8", "Amy Approver", Role.APPROVER)
    soon, late = desk.propose(account("op16", "P-1")), desk.propose(account("op17", "P-1"))
    signed = [desk.sign(one, by=last) for one in (soon, late)]
    (grant,) = (one for one in plant.service.people.register() if one.account == last.account)
    rows = [row(desk, "op16", "P-1")]
    grants.revoke(grant.grant, "left", plant.officer.sign_in().authority)
    assert named(desk, forged(desk, soon.change, signed[0], rows)) == ""
    plant.service.create_record_log("laboratory", plant.officer.sign_in().authority)
    grants.grant(last.account, Role.APPROVER, "moved", plant.officer.caller.authority, sites=["laboratory"])
    plant.clock.pass_seconds(120)
    index = forged(desk, late.change, signed[1], [row(desk, "op17", "P-1")])
    assert "approver8 was no approver there any more" in named(desk, index)


def test_what_nobody_who_is_known_proposed_is_named(desk: Desk) -> None:
    proposed = desk.propose(account("op12", "P-7"))
    was = desk.quality_service.proposals.get(desk.log, proposed.change).proposal
    entry = msgspec.structs.replace(was, change="0" * 16, authority=desk.plant.root)
    assert "nobody who is known" in named(desk, desk.plant.service.store.append_one(1, draft(entry)).index)
