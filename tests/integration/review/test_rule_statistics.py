"""What came of a rule over time: flagged, closed, looked past, judged, missed."""

from typing import Any

import msgspec

from ledger.core.clock import utc_text
from ledger.core.disposition import Disposition, Judgement
from ledger.core.entry import draft
from ledger.core.review import RuleMiss
from ledger.core.ruling import Suppression
from ledger.review.alcoa.totals import Days
from ledger.review.known.days import Period
from ledger.review.reviews.rule_statistics import RuleCounts, rule_statistics
from tests.support.ledgers import AUTHORITY, RECORDS, START_US, Ledger, source_time
from tests.support.ruling import change, collect, found, look

DAY_S = 86_400


def judge(ledger: Ledger, key: str, judgement: Judgement) -> None:
    body = Disposition(findings=(key,), judgement=judgement, reason="looked at", authority=AUTHORITY)
    ledger.store.append_one(RECORDS, draft(body))


def miss(ledger: Ledger, record: int, rule: str | None) -> None:
    body = RuleMiss(record=record, what="not seen", review="review-1", rule=rule, authority=AUTHORITY)
    ledger.store.append_one(RECORDS, draft(body))


def told(ledger: Ledger, size: int | None = None, **more: Any) -> list[RuleCounts]:
    with ledger.store.reader(RECORDS) as reader:
        at = reader.head().size if size is None else size
        days = Days.read(more.pop("since", None), more.pop("until", None))
        return rule_statistics(reader.connection, RECORDS, at, START_US + 1, days, more.pop("period", None), **more)


def counted(one: RuleCounts) -> dict[str, int]:
    """What is not nothing."""
    return {name: count for name, count in msgspec.structs.asdict(one).items() if isinstance(count, int) and count}


def test_findings_are_counted_by_what_became_of_them(ledger: Ledger) -> None:
    steps = [change(1, "1", "2"), change(2, "10", "11"), change(3, "20", "21"), change(4, "30", "31")]
    later = [change(40 * DAY_S, "40", "41"), change(40 * DAY_S + 1, "50", "51")]
    collect(ledger, [*steps, *later], until_s=50 * DAY_S)
    look(ledger)
    first, second, _, _, last = found(ledger, "D11")
    assert counted(*told(ledger, rule="D11")) == {"flagged": 5, "open": 5}
    judge(ledger, first.key, Judgement.DISMISSED)
    with ledger.store.reader(RECORDS) as reader:
        before = reader.head().size
    judge(ledger, first.key, Judgement.CONFIRMED)
    judge(ledger, second.key, Judgement.DISMISSED)
    judge(ledger, last.key, Judgement.EXPLAINED)
    between = change(99, "11", "20", occurred_at=source_time(START_US + 2_500_000))
    collect(ledger, [between], until_s=50 * DAY_S)
    look(ledger)
    past = Suppression(
        rule="D11", since=utc_text(START_US), until=utc_text(START_US + 1_000_000), reason="so", authority=AUTHORITY,
        source="erp",
    )  # fmt: skip
    ledger.store.append_one(RECORDS, draft(past))
    miss(ledger, first.anchor, "D11")
    miss(ledger, last.anchor, "D11")
    miss(ledger, last.anchor, None)
    whole = {"flagged": 5, "closed": 1, "suppressed": 4, "confirmed": 1, "dismissed": 1, "explained": 1, "open": 2}
    assert {one.key for one in found(ledger, "D11")}.isdisjoint({second.key})
    assert counted(*told(ledger, rule="D11")) == {**whole, "missed": 2}
    september, october = told(ledger, rule="D11", period=Period.MONTH)
    assert (september.first, september.last, october.first) == ("2026-09-01", "2026-09-30", "2026-10-01")
    assert counted(october) == {"flagged": 2, "suppressed": 2, "explained": 1, "open": 1, "missed": 1}
    assert counted(september) == {
        "flagged": 3,
        "closed": 1,
        "suppressed": 2,
        "confirmed": 1,
        "dismissed": 1,
        "open": 1,
        "missed": 1,
    }
    assert counted(*told(ledger, rule="D11", since="2026-10-01")) == counted(october)
    assert told(ledger, rule="D11", until="2026-10-30", since="2026-10-01") == []
    assert counted(*told(ledger, before, rule="D11")) == {"flagged": 5, "dismissed": 1, "open": 4}
    assert told(ledger, rule="D99") == []
