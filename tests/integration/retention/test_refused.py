"""Nothing goes that is held, within its retention, or not decided by two people: by no call, and in no race."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.core.authority import Authority
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, Conflict, SchemaViolation
from ledger.core.record import Link, LinkBasis, LinkKind
from ledger.core.retention import RetentionClass, RetentionEvent, Subject, Term
from ledger.core.source import SourceConfig
from ledger.findings.incident_kinds import Cause
from ledger.retention.copy_kinds import CopySort
from ledger.retention.disposal_kinds import Copy
from ledger.retention.holds import Scope
from ledger.sources.kinds import SourceRegistered
from ledger.store.append import Batch
from ledger.store.logs import SYSTEM_LOG
from ledger.store.question import Query
from tests.support.keeping import MES, NEW, OLD, Keeping, at
from tests.support.ledgers import batch, submission

Change = Callable[[Keeping], object]
BATCH = Subject(kind=LinkKind.BATCH, id=OLD)


def gone(keeping: Keeping) -> list[int]:
    return [index for index, body in keeping.bodies().items() if body is None]


def approved(keeping: Keeping) -> str:
    asked = keeping.request()
    keeping.approve(asked.disposal)
    keeping.wait()
    return asked.disposal


def longer(keeping: Keeping) -> None:
    """A longer rule."""
    keeping.rule(Term(event=RetentionEvent.CERTIFICATION, years=30))


def reclassified(keeping: Keeping) -> None:
    """Another class of the source, as the effect of a change brings it."""
    config = SourceConfig(id=MES, type="test", title="MES", retention=RetentionClass.PERMANENT)
    entry = SourceRegistered.of(config, keeping.acting("qa1"))
    keeping.service.store.append_one(keeping.log.number, draft(entry))


@pytest.mark.parametrize(
    "change",
    [
        lambda keeping: keeping.hold("all"),
        lambda keeping: keeping.hold("source", source=MES),
        lambda keeping: keeping.hold("batch", subject=BATCH),
        lambda keeping: keeping.hold("order", subject=Subject(kind=LinkKind.ORDER, id=keeping.order)),
        lambda keeping: keeping.hold("one", entries=(keeping.old[2],)),
        lambda keeping: keeping.hold("time", from_at=at("2026-01-01"), until_at=at("2036-01-01")),
        lambda keeping: keeping.fact(OLD, RetentionEvent.BATCH_EXPIRY, "2026-06-30"),
        lambda keeping: keeping.fact(OLD, RetentionEvent.CERTIFICATION, None),
        longer,
        reclassified,
        Keeping.incident,
    ],
    ids=["log", "source", "batch", "order", "entry", "interval", "corrected", "taken-back", "rule", "class", "case"],
)
def test_what_changes_between_approval_and_removal_is_looked_at_once_more(keeping: Keeping, change: Change) -> None:
    disposal = approved(keeping)
    change(keeping)
    with pytest.raises(Conflict, match="is not disposed of"):
        keeping.service.disposals.run(disposal, keeping.world.root)
    assert gone(keeping) == []
    assert keeping.service.disposals.get(disposal).state == "approved"
    assert keeping.service.disposals.plan(keeping.log, Query(source=MES)).total < len(keeping.old)


@pytest.mark.parametrize(
    "scope",
    [
        {"source": "erp"},
        {"subject": Subject(kind=LinkKind.BATCH, id=NEW)},
        {"entries": (0,)},
        {"until_at": at("2016-01-01")},
    ],
)
def test_a_hold_over_something_else_hinders_nothing(keeping: Keeping, scope: dict[str, Any]) -> None:
    disposal = approved(keeping)
    keeping.hold("other", **scope)
    assert keeping.service.disposals.run(disposal, keeping.world.root).removed == len(keeping.old)


def test_what_an_open_incident_concerns_is_neither_asked_for_nor_approved_nor_removed(keeping: Keeping) -> None:
    disposals, asked = keeping.service.disposals, keeping.request()
    case = keeping.incident()
    with pytest.raises(Conflict, match=rf"7 case \({case}\)"):
        keeping.request(by="qa3")
    with pytest.raises(Conflict, match=f"integrity incident {case}") as refused:
        keeping.approve(asked.disposal)
    assert f"incident show {case}" in refused.value.advice
    assert disposals.judge(keeping.log, keeping.old[0]).case == case
    assert gone(keeping) == []


@pytest.mark.parametrize(("batch_id", "goes"), [(OLD, False), (NEW, True)])
def test_what_is_linked_to_what_an_open_incident_doubts_is_evidence_too(
    keeping: Keeping, batch_id: str, goes: bool
) -> None:
    service, disposal = keeping.service, approved(keeping)
    service.sources.register(SourceConfig(id="erp", type="test", title="ERP"), keeping.world.root)
    link = Link(kind=LinkKind.BATCH, id=batch_id, basis=LinkBasis.READ)
    service.ingest.submit(batch([submission("e1", "erp", links=(link,))], "erp", cursor_to="1"), keeping.world.root)
    case = keeping.incident("erp")
    if goes:
        assert service.disposals.run(disposal, keeping.world.root).removed == len(keeping.old)
        return
    with pytest.raises(Conflict, match=f"integrity incident {case}"):
        service.disposals.run(disposal, keeping.world.root)
    assert gone(keeping) == []


def test_a_hold_that_is_released_by_a_second_person_lets_it_go(keeping: Keeping) -> None:
    disposal = approved(keeping)
    keeping.hold("claim", by="qa3")
    holds = keeping.service.holds
    with pytest.raises(AccessDenied, match="second person"):
        holds.release("claim", "mine", keeping.acting("qa3"), person=True)
    with pytest.raises(AccessDenied, match="signed in"):
        holds.release("claim", "local", keeping.world.root, person=False)
    with pytest.raises(AccessDenied, match="signed in"):
        holds.place("more", Scope(log="records"), "local", keeping.world.root, person=False)
    holds.release("claim", "settled", keeping.acting("qa1"), person=True)
    assert keeping.service.disposals.run(disposal, keeping.world.root).removed == len(keeping.old)
    assert keeping.verify(1, 2) == []


def place_hold(keeping: Keeping, by: Authority) -> object:
    return keeping.service.holds.place("claim", Scope(log="records"), "claim", by, person=True)


def open_incident(keeping: Keeping, by: Authority) -> object:
    (reported,) = keeping.service.cases.all()
    return keeping.service.compromises.open(reported.case, "agreed", by)


@pytest.mark.parametrize(("decide", "said"), [(place_hold, "legal hold"), (open_incident, "integrity incident")])
def test_what_is_decided_in_the_very_commit_of_the_removal_wins(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch, decide: Callable[[Keeping, Authority], object], said: str
) -> None:
    since = at("2020-01-01")
    keeping.service.compromises.report(Cause.SOURCE, MES, since, "its password was found", keeping.world.root)
    disposal, store = approved(keeping), keeping.service.store
    authority, append = keeping.acting("qa3"), store.append
    together: list[Batch] = []

    def collect(log: int, batch: Batch) -> Any:
        together.append(batch)
        raise Conflict("kept for the test")

    monkeypatch.setattr(store, "append", collect)
    with pytest.raises(Conflict):
        decide(keeping, authority)

    def both(log: int, batch: Batch) -> Any:
        """One group commit: what is decided first, the removal behind it."""
        assert log == SYSTEM_LOG
        store.append = append  # type: ignore[method-assign]
        sequencer = store._sequencer(SYSTEM_LOG)
        placed, answer = sequencer._appender.commit([together[0], batch])
        assert isinstance(placed, list)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(store, "append", both)
    with pytest.raises(Conflict, match=said):
        keeping.service.disposals.run(disposal, keeping.world.root)
    assert gone(keeping) == []
    assert keeping.verify(1, 2) == []


def test_two_people_decide_and_the_waiting_period_passes(keeping: Keeping) -> None:
    disposals, root = keeping.service.disposals, keeping.world.root
    asked = keeping.request(remains=(Copy(sort=CopySort.BACKUP, where="vault 2", expires="2031-01-31"),))
    with pytest.raises(Conflict, match="not approved"):
        disposals.run(asked.disposal, root)
    with pytest.raises(AccessDenied, match="second person"):
        keeping.approve(asked.disposal, by="qa1")
    with pytest.raises(AccessDenied, match="signed in"):
        disposals.approve(asked.disposal, "local", root, person=False)
    with pytest.raises(AccessDenied, match="signed in"):
        disposals.request(keeping.log, Query(), "local", root, person=False)
    keeping.approve(asked.disposal)
    with pytest.raises(Conflict, match="decided already"):
        keeping.approve(asked.disposal, by="qa3")
    keeping.wait(0.9)
    with pytest.raises(Conflict, match="waits until"):
        disposals.run(asked.disposal, root)
    disposals.withdraw(asked.disposal, "an objection", keeping.acting("qa3"), person=True)
    keeping.wait()
    with pytest.raises(Conflict, match="not approved"):
        disposals.run(asked.disposal, root)
    assert gone(keeping) == []
    assert disposals.get(asked.disposal).remains[0].where == "vault 2"
    assert keeping.verify(1, 2) == []


def test_what_is_asked_for_must_be_askable(keeping: Keeping) -> None:
    authority = keeping.acting("qa1")
    with pytest.raises(Conflict, match="kept for ever"):
        keeping.service.disposals.request(keeping.service.system, Query(), "x", authority, person=True)
    with pytest.raises(Conflict, match="2 missing"):
        keeping.request(Query(source=MES, link_kind=LinkKind.BATCH, link_id=NEW))
    with pytest.raises(SchemaViolation, match="1 days at least"):
        keeping.request(waits_days=0)
    with pytest.raises(SchemaViolation, match="no day"):
        keeping.request(remains=(Copy(sort=CopySort.BACKUP, where="vault 2", expires="2031-02-30"),))
    plan = keeping.service.disposals.plan(keeping.log, Query(source=MES))
    assert (plan.total, dict(plan.stay)) == (4, {"missing": 3})
    assert set(plan.missing) == {f"{event} batch {NEW}" for event in ("batch-expiry", "certification")} | {
        "batch-expiry",
        "certification",
    }


def test_while_nobody_outside_proves_a_time_nothing_is_over(tmp_path: Path) -> None:
    keeping = Keeping(tmp_path / "ledger", stamped=False)
    try:
        keeping.world.clock.pass_seconds(20 * 366 * 86_400)
        assert keeping.service.disposals.proven_time() is None
        with pytest.raises(Conflict, match="4 no-time"):
            keeping.request()
        keeping.world.clock.pass_seconds(-20 * 366 * 86_400)
    finally:
        keeping.close()


def test_our_own_clock_moves_no_retention(keeping: Keeping) -> None:
    """Twenty years ahead by our clock: what a certificate says is over in 2040 stays, as no authority has seen 2040."""
    keeping.fact(OLD, RetentionEvent.BATCH_EXPIRY, "2038-12-31")
    keeping.world.clock.pass_seconds(20 * 366 * 86_400)
    plan = keeping.service.disposals.plan(keeping.log, Query(source=MES, link_kind=LinkKind.BATCH, link_id=OLD))
    assert (plan.total, dict(plan.stay)) == (0, {"not-over": 4, "missing": 1})
