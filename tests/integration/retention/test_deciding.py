"""Level 2 decides holds, rules and disposals again; level 1 believes no table that a body was disposed of."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.hashing import leaf_hash
from ledger.core.retention import RetentionClass, RetentionEvent, Term
from ledger.integrity.authority import authority_fault
from ledger.integrity.disposing import Disposing
from ledger.integrity.entries import read_entries
from ledger.retention.disposal_kinds import DisposalEntry, DisposalEvent
from ledger.retention.hold_kinds import HoldEntry
from ledger.retention.kinds import RuleEntry, RuleEvent
from ledger.retention.rules import changed
from ledger.store.engine import is_sqlite
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import pos_of
from ledger.store.reading import LogReader
from tests.support.keeping import OLD, Keeping
from tests.support.ledgers import AUTHORITY, Ledger, _disarm

Body = DisposalEntry


def append(keeping: Keeping, *bodies: msgspec.Struct) -> None:
    """What who holds the folder can write with a program of their own."""
    for body in bodies:
        keeping.service.store.append_one(SYSTEM_LOG, draft(body))


def forged(keeping: Keeping, event: DisposalEvent, by: str = "qa2") -> DisposalEntry:
    """An entry of the disposal that was asked for, in the name of somebody who may approve."""
    disposals = keeping.service.disposals
    (asked,) = disposals._asked(disposals.all()[0].disposal)
    proven_us = disposals.proven_time()
    assert proven_us is not None
    return msgspec.structs.replace(
        asked, event=event, reason="forged", authority=keeping.acting(by), remains=(), proven_at=utc_text(proven_us)
    )


def fault(keeping: Keeping) -> str:
    found = [what for log, level, what in keeping.verify(1, 2) if log == "system" and level == 2]
    return found[0] if found else ""


def items(body: Body, **change: Any) -> Body:
    """The entry with its first item changed."""
    group = body.groups[0]
    first = msgspec.structs.replace(group.items[0], **change)
    return msgspec.structs.replace(body, groups=(msgspec.structs.replace(group, items=(first, *group.items[1:])),))


def group(body: Body, **change: Any) -> Body:
    return msgspec.structs.replace(body, groups=(msgspec.structs.replace(body.groups[0], **change),))


def test_control_what_two_people_did_holds(keeping: Keeping) -> None:
    keeping.dispose()
    keeping.hold("claim", entries=(1,))
    keeping.service.holds.release("claim", "settled", keeping.acting("qa1"), person=True)
    assert keeping.verify(1, 2) == []


@pytest.mark.parametrize(
    ("approvals", "days", "change", "said"),
    [
        (0, 2, lambda keeping, body: body, "does not follow from an approval"),
        (1, 0, lambda keeping, body: body, "waiting period was not over"),
        (2, 2, lambda keeping, body: body, "approved before"),
        (1, 2, lambda keeping, body: items(body, index=keeping.new), "not among what was asked for"),
        (1, 2, lambda keeping, body: items(body, leaf_hash="A" * 43 + "="), "not among what was asked for"),
        (
            1,
            2,
            lambda keeping, body: group(body, classes=(RetentionClass.OPERATIONAL,)),
            "not among what was asked for",
        ),
        (1, 2, lambda keeping, body: msgspec.structs.replace(body, proven_at=None), "no time that was proven"),
        (
            1,
            2,
            lambda keeping, body: msgspec.structs.replace(body, proven_at=utc_text(keeping.service.clock.now_us())),
            "no witness or time-stamp before it proves",
        ),
        (1, 2, lambda keeping, body: msgspec.structs.replace(body, number=0), "not what was asked for"),
        (1, 2, lambda keeping, body: msgspec.structs.replace(body, disposal="other"), "nobody had asked for it"),
    ],
)
def test_a_removal_that_does_not_follow_is_named(
    keeping: Keeping, approvals: int, days: int, change: Callable[[Keeping, Body], Body], said: str
) -> None:
    asked = keeping.request()
    for _ in range(approvals):
        append(keeping, msgspec.structs.replace(forged(keeping, DisposalEvent.APPROVED), groups=()))
    if days:
        keeping.wait(days)
    assert asked.total == len(keeping.old)
    append(keeping, change(keeping, forged(keeping, DisposalEvent.DISPOSED)))
    assert said in fault(keeping)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda keeping: keeping.hold("claim", entries=(keeping.old[1],)), "legal hold 'claim' covered"),
        (Keeping.incident, "was evidence in the open incident"),
        (lambda keeping: keeping.fact(OLD, RetentionEvent.BATCH_EXPIRY, "2026-06-30"), "retention of entry"),
        (lambda keeping: keeping.fact(OLD, RetentionEvent.CERTIFICATION, None), "retention of entry"),
    ],
)
def test_a_removal_under_a_hold_or_within_retention_is_named(
    keeping: Keeping, change: Callable[[Keeping], object], said: str
) -> None:
    asked = keeping.request()
    keeping.approve(asked.disposal)
    change(keeping)
    keeping.wait()
    append(keeping, forged(keeping, DisposalEvent.DISPOSED))
    assert said in fault(keeping)


def test_an_approval_by_who_asked_or_by_nobody_is_named(keeping: Keeping) -> None:
    keeping.request()
    append(keeping, msgspec.structs.replace(forged(keeping, DisposalEvent.APPROVED, by="qa1"), groups=()))
    assert "who had begun it" in fault(keeping)


def test_a_request_of_nobody_or_of_the_system_log_is_named(keeping: Keeping) -> None:
    keeping.request()
    body = msgspec.structs.replace(forged(keeping, DisposalEvent.REQUESTED), disposal="other")
    append(keeping, msgspec.structs.replace(body, number=SYSTEM_LOG, log="system"))
    assert "of which nothing is disposed of" in fault(keeping)


def test_rules_and_holds_that_one_person_decided_are_named(keeping: Keeping) -> None:
    terms = (Term(event=RetentionEvent.LOGGED),)
    rule = RuleEntry(
        rule="r1",
        event=RuleEvent.CONFIRMED,
        retention=RetentionClass.BATCH,
        terms=terms,
        reason="forged",
        authority=keeping.acting("qa1"),
    )
    append(keeping, rule)
    assert "not proposed so" in fault(keeping)


@pytest.mark.requirement("R14", "R37")
def test_a_rule_that_no_change_brought_is_named(keeping: Keeping) -> None:
    keeping.rule(Term(event=RetentionEvent.LOGGED))
    assert "retention-rule was set by no change that a second person signed" in fault(keeping)


def test_such_a_rule_is_named_before_two_persons_hold_roles_too(ledger: Ledger) -> None:
    made = changed(RetentionClass.BATCH, (Term(event=RetentionEvent.LOGGED),), "law", AUTHORITY)
    index = ledger.store.append_one(SYSTEM_LOG, draft(made)).index
    with ledger.store.reading() as connection:
        found = authority_fault(connection, SYSTEM_LOG, index, index + 1, ledger.store.kinds, lambda _: None)
    assert found is not None
    assert "no change that a second person signed" in found.what


def test_a_removal_is_judged_by_the_rule_that_a_change_brought(keeping: Keeping) -> None:
    asked = keeping.request()
    keeping.approve(asked.disposal)
    keeping.rule(Term(event=RetentionEvent.CERTIFICATION, years=30))
    keeping.wait()
    append(keeping, forged(keeping, DisposalEvent.DISPOSED))
    disposing, store = Disposing(), keeping.service.store
    with store.reading() as connection:
        size = LogReader(connection, SYSTEM_LOG).head().size
        for entry in read_entries(connection, SYSTEM_LOG, 0, size, store.kinds):
            disposing.enter(entry)
    assert "retention of entry" in disposing.broken(entry)


def test_a_hold_that_was_released_by_who_placed_it_is_named(keeping: Keeping) -> None:
    keeping.hold("claim", by="qa1")
    append(
        keeping,
        HoldEntry(hold="claim", holds=False, log="records", reason="forged", authority=keeping.acting("qa1")),
    )
    assert "who had begun it" in fault(keeping)


@pytest.mark.parametrize("with_row", [False, True])
def test_a_body_that_no_disposal_took_is_named_by_level_1_whatever_a_table_says(
    keeping: Keeping, with_row: bool
) -> None:
    keeping.dispose()
    index = keeping.new
    with keeping.service.store.writing() as connection:
        assert is_sqlite(connection)
        named = connection.execute(text("SELECT pos FROM disposed_entry LIMIT 1")).scalar_one()
        _disarm(connection)
        if with_row:
            leaf = keeping_leaf(keeping, index)
            row = {"pos": named, "row": pos_of(1, index), "leaf": leaf}
            columns = "(pos, row_pos, leaf_hash) VALUES (:pos, :row, :leaf)"
            connection.execute(text(f"INSERT INTO disposed_entry {columns}"), row)
        for table in ("body", "original", "sealed_value", "record_link", "source_key", "record"):
            connection.execute(text(f"DELETE FROM {table} WHERE pos = :pos"), {"pos": pos_of(1, index)})
    found = {(log, level): what for log, level, what in keeping.verify(1, 2)}
    assert "no entry says that it was disposed of" in found["records", 1]
    assert f"#{index}:" in found["records", 1]
    assert ("system", 2) in found or not with_row


def test_a_body_that_is_put_back_is_named(keeping: Keeping) -> None:
    index = keeping.old[0]
    with keeping.service.store.reader(1) as reader:
        kept = reader.entry(index)
    keeping.dispose()
    with keeping.service.store.writing() as connection:
        row = {"pos": pos_of(1, index), "salt": kept.salt, "body": kept.body}
        connection.execute(text("INSERT INTO body (pos, salt, body) VALUES (:pos, :salt, :body)"), row)
    assert any("still there" in what for _, level, what in keeping.verify(1, 2) if level == 2)


def keeping_leaf(keeping: Keeping, index: int) -> bytes:
    with keeping.service.store.reader(1) as reader:
        return leaf_hash(reader.entry(index).leaf)
