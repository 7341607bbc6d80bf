"""The life of a source is entries: who validated it on what, what changed, who ended it; and the inventory besides."""

from typing import Any

import msgspec
import pytest

from ledger.core.authority import Authority
from ledger.core.errors import Conflict, LedgerError, NotFound, SchemaViolation, SelfApproval
from ledger.core.kinds import RECORD
from ledger.core.run import SourceFacts
from ledger.core.source import SourceConfig
from ledger.record_log import RecordLog
from ledger.sources.life_kinds import Criticality, LifeEvent, LifeState, SystemListed, Trail
from ledger.sources.marks import state_when_collected
from ledger.sources.systems import Standing
from tests.support.ledgers import AUTHORITY, SOURCE, Ledger, submission

pytestmark = pytest.mark.sampled

QA = Authority(actor="local:quality", authenticated=False)
V1, V2 = SourceFacts(version="8.2", audit_trail="on"), SourceFacts(version="8.4", audit_trail="on")


def log_of(ledger: Ledger) -> RecordLog:
    return ledger.service.record_log()


def events(ledger: Ledger) -> list[tuple[LifeEvent, LifeState]]:
    return [(life.event, life.state) for _, life in log_of(ledger).lives.history(SOURCE)]


def test_a_source_is_validated_by_a_person_on_records_of_its_own(ledger: Ledger) -> None:
    lives = log_of(ledger).lives
    assert lives.standing(SOURCE).state is LifeState.CONNECTED
    receipt = ledger.submit([submission(1), submission(2)])
    sample = [one.index for one in receipt.outcomes]
    ledger.register("dcs")
    other = ledger.submit([submission(1, "dcs")], "dcs").outcomes[0].index
    for wrong in ([], [receipt.run], [other], [10_000]):
        with pytest.raises(LedgerError):
            lives.validate(SOURCE, wrong, "looked at", QA)
    lives.validate(SOURCE, sample, "looked at every member", QA)
    assert lives.standing(SOURCE).state is LifeState.VALIDATED
    ((_, life),) = lives.history(SOURCE)
    assert (life.sample, life.authority.actor) == (tuple(sample), "local:quality")


@pytest.mark.requirement("R66")
def test_what_a_source_tells_of_itself_makes_it_one_to_validate_anew_when_it_changes(ledger: Ledger) -> None:
    lives = log_of(ledger).lives
    index = ledger.submit([submission(1)], facts=V1).outcomes[0].index
    ledger.submit([submission(2)], facts=V1)
    ledger.submit([submission(3)])
    assert events(ledger) == [(LifeEvent.IDENTIFIED, LifeState.CONNECTED)]
    lives.validate(SOURCE, [index], "looked at", QA)
    ledger.submit([submission(4)], facts=V2)
    assert events(ledger)[1:] == [
        (LifeEvent.VALIDATED, LifeState.VALIDATED),
        (LifeEvent.CHANGED, LifeState.REVALIDATE),
    ]
    assert lives.history(SOURCE)[-1][1].reason == "version 8.2 → 8.4"
    receipt = ledger.submit([submission(5)], facts=V2)
    assert receipt.outcomes[0].status.value == "appended", "collection goes on"
    lives.validate(SOURCE, [index], "the new version too", QA)
    assert lives.standing(SOURCE).state is LifeState.VALIDATED
    assert ledger.service.verifier.run(log_of(ledger).log, full=True).holds


def test_what_a_run_could_not_read_is_no_change_and_what_is_told_for_the_first_time_neither(ledger: Ledger) -> None:
    lives = log_of(ledger).lives
    index = ledger.submit([submission(1)], facts=SourceFacts(version="8.2")).outcomes[0].index
    lives.validate(SOURCE, [index], "looked at", QA)
    ledger.submit([submission(2)], facts=SourceFacts(audit_trail="on"))
    assert lives.standing(SOURCE).state is LifeState.VALIDATED
    assert lives.standing(SOURCE).facts == V1, "what was told before stands"
    ledger.submit([submission(3)], facts=SourceFacts(version="8.2"))
    assert events(ledger)[-1] == (LifeEvent.IDENTIFIED, LifeState.VALIDATED)
    ledger.submit([submission(4)], facts=SourceFacts(audit_trail="off"))
    assert events(ledger)[-1] == (LifeEvent.CHANGED, LifeState.REVALIDATE)
    assert lives.history(SOURCE)[-1][1].reason == "audit_trail on → off"
    assert ledger.service.verifier.run(log_of(ledger).log, full=True).holds


def test_records_that_are_collected_while_a_source_waits_for_validation_are_known(ledger: Ledger) -> None:
    log = log_of(ledger)
    ledger.register("dcs")

    def collected(number: int, facts: SourceFacts | None, source: str = SOURCE) -> int:
        return ledger.submit([submission(number, source)], source, facts=facts).outcomes[0].index

    def states(*indices: int) -> list[LifeState | None]:
        with ledger.service.store.reader(log.log.number) as reader:
            bodies = {one: RECORD.decode(reader.entry(one).body or b"") for one in indices}
            return [state_when_collected(reader.connection, log.log.number, one, body) for one, body in bodies.items()]

    first = collected(1, V1)
    log.lives.validate(SOURCE, [first], "looked at", QA)
    before = collected(2, V1)
    noticed, between = collected(3, V2), collected(4, V2)
    other = collected(1, V1, "dcs")
    log.lives.validate(SOURCE, [noticed], "looked at again", QA)
    after = collected(5, V2)
    assert states(first, before) == [LifeState.CONNECTED, LifeState.VALIDATED]
    assert states(noticed, between) == [LifeState.REVALIDATE, LifeState.REVALIDATE]
    assert states(other, after) == [LifeState.CONNECTED, LifeState.VALIDATED]


@pytest.mark.requirement("R37")
def test_another_configuration_or_mapping_is_to_be_validated_anew(ledger: Ledger) -> None:
    log = log_of(ledger)
    index = ledger.submit([submission(1)]).outcomes[0].index
    log.sources.register(SourceConfig(id=SOURCE, type="test", title="ERP"), AUTHORITY)
    assert log.lives.standing(SOURCE).state is LifeState.CONNECTED, "nobody had validated it"
    log.lives.validate(SOURCE, [index], "looked at", QA)
    log.sources.register(SourceConfig(id=SOURCE, type="test", title="ERP", mapping="version = 1"), AUTHORITY)
    assert log.lives.standing(SOURCE).state is LifeState.REVALIDATE


def test_nothing_is_taken_of_a_suspended_source(ledger: Ledger) -> None:
    lives = log_of(ledger).lives
    with pytest.raises(Conflict):
        lives.resume(SOURCE, "too early", AUTHORITY)
    lives.suspend(SOURCE, "server is moved", AUTHORITY)
    with pytest.raises(Conflict, match="suspended"):
        ledger.submit([submission(1)])
    with pytest.raises(Conflict):
        lives.suspend(SOURCE, "again", AUTHORITY)
    lives.resume(SOURCE, "moved", AUTHORITY)
    ledger.submit([submission(1)])
    assert lives.standing(SOURCE).state is LifeState.REVALIDATE


def test_a_source_ends_with_an_account_that_two_people_stand_for(ledger: Ledger) -> None:
    lives = log_of(ledger).lives
    ledger.submit([submission(1, data=b"row 1"), submission(2)])
    with pytest.raises(Conflict):
        lives.decommission(SOURCE, "no account yet", QA)
    lives.close(SOURCE, "replaced by another", AUTHORITY, at_source=2)
    with pytest.raises(SelfApproval):
        lives.decommission(SOURCE, "alone", AUTHORITY)
    ledger.submit([submission(3)])
    with pytest.raises(Conflict, match="since"):
        lives.decommission(SOURCE, "compared", QA)
    lives.close(SOURCE, "replaced by another", AUTHORITY, at_source=3)
    lives.decommission(SOURCE, "compared with the source's own count", QA)
    account = lives.history(SOURCE)[-1][1].account
    assert account is not None
    assert (account.records, account.runs, account.at_source) == (3, 2, 3)
    assert [(one.media_type, one.parser, one.originals) for one in account.formats] == [("application/json", "test", 1)]
    with pytest.raises(Conflict, match="decommissioned"):
        ledger.submit([submission(4)])
    for decide in (lives.suspend, lives.resume, lives.close):
        with pytest.raises(Conflict):
            decide(SOURCE, "after the end", AUTHORITY)
    assert ledger.service.verifier.run(log_of(ledger).log, full=True).holds


def test_an_unknown_source_has_no_life(ledger: Ledger) -> None:
    lives = log_of(ledger).lives
    for ask in (lives.standing, lives.history):
        with pytest.raises(NotFound):
            ask("mes")


def system(**members: Any) -> SystemListed:
    usual: dict[str, Any] = {
        "system": "mes",
        "title": "Manufacturing execution",
        "system_class": "mes",
        "owner": "production",
        "criticality": Criticality.HIGH,
        "trail": Trail.ON,
        "source": None,
        "reviewed": None,
        "why": None,
        "retired": False,
        "reason": "inventory",
        "authority": AUTHORITY,
    }
    return SystemListed(**(usual | members))


def test_the_inventory_tells_connected_from_reviewed_elsewhere_from_open(ledger: Ledger) -> None:
    systems = log_of(ledger).systems
    systems.put(system())
    systems.put(system(system="erp", source=SOURCE))
    systems.put(system(system="scale", trail=Trail.NONE, reviewed="on paper, each month", why="has no interface"))
    assert [(one.listed.system, one.standing) for one in systems.list()] == [
        ("erp", Standing.CONNECTED),
        ("mes", Standing.OPEN),
        ("scale", Standing.ELSEWHERE),
    ]
    systems.put(system(retired=True))
    assert [one.listed.system for one in systems.list()] == ["erp", "scale"]
    with pytest.raises(NotFound):
        systems.put(system(source="dcs"))
    with pytest.raises(SchemaViolation):
        systems.put(msgspec.structs.replace(system(), owner=""))
