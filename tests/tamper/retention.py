"""Rules, facts, copies, holds and disposals in the ledger that is attacked: some corrected, released, removed."""

import msgspec

from ledger.core.entry import draft
from ledger.core.record import LinkKind
from ledger.core.retention import RetentionClass, RetentionEvent, Subject, Term
from ledger.retention.copy_kinds import CopySort
from ledger.retention.holds import Scope
from ledger.retention.kinds import RuleEvent
from ledger.retention.rules import changed
from ledger.store.logs import SYSTEM_LOG
from ledger.store.question import Query
from tests.support.ledgers import AUTHORITY, Ledger
from tests.tamper.privacy import approver


def retention(ledger: Ledger, number: int) -> None:
    """What is decided in this round; every other disposal stays one that was only asked for."""
    service, batch = ledger.service, Subject(kind=LinkKind.BATCH, id=f"B-{number}")
    first, second = approver(ledger, f"keeper-a{number}"), approver(ledger, f"keeper-b{number}")
    expiry, certified = RetentionEvent.BATCH_EXPIRY, RetentionEvent.CERTIFICATION
    terms = (Term(event=expiry, years=1 + number), Term(event=certified, years=5))
    retention_class = (RetentionClass.BATCH, RetentionClass.TRIAL)[number % 2]
    rule = changed(retention_class, terms, f"law {number}", first)
    stages = ((RuleEvent.PROPOSED, first), (RuleEvent.CONFIRMED, second))
    for stage, by in stages if number < 3 else stages[:1]:
        said = msgspec.structs.replace(rule, rule=f"rule-{number}", event=stage, authority=by)
        service.store.append_one(SYSTEM_LOG, draft(said))
    for day in ("2015-01-31", f"2014-01-3{number % 2}"):
        for event in (expiry, certified):
            service.retention.enter_fact(batch, event, day, f"certificate {number}", first)
    service.retention.enter_fact(
        Subject(kind=LinkKind.LOT, id=f"L-{number % 2}"),
        RetentionEvent.BATCH_EXPIRY,
        None if number % 2 else "2016-01-31",
        "supplier",
        first,
    )
    for sort in (CopySort.BACKUP, CopySort.REPLICA):
        service.copies.state(f"{sort}-{number}", sort, "vault 2", "backup plan", first, keeps_days=90 * number)
    service.copies.gone(f"{CopySort.REPLICA}-{number}", "taken down", first)
    held = Scope(log="records", source="nowhere", subject=batch, entries=(number, number + 1))
    service.holds.place(f"held-{number}", held, "claim", first, person=True)
    if number % 2:
        service.holds.release(f"held-{number}", "settled", second, person=True)
    log = service.log("records")
    query = Query(source="dcs", link_kind=LinkKind.BATCH, link_id=f"B-{number}", object_type="recipe")
    if not service.disposals.plan(log, query).total:
        query = Query(source="dcs", link_kind=LinkKind.BATCH, link_id=f"B-{number}")
    asked = service.disposals.request(log, query, f"over {number}", first, person=True, waits_days=1)
    if number % 2 == 0:
        service.disposals.approve(asked.disposal, "looked at", second, person=True)


def dispose(ledger: Ledger) -> None:
    """Removes what was approved: the waiting periods are over."""
    disposals = ledger.service.disposals
    for one in disposals.all():
        if one.state == "approved":
            done = disposals.run(one.disposal, AUTHORITY)
            assert done.removed == done.total > 0
    assert ledger.query(f"SELECT count(*) FROM disposed_entry WHERE pos < {1 << 40}")[0][0] > SYSTEM_LOG
