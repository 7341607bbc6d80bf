"""Runs of the rules, and what they found, in the ledger that is attacked."""

from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.hashing import ZERO_HASH, b64
from ledger.core.record import Original
from ledger.core.rule_run import RuleRun, Said, Watermark
from ledger.core.ruling import CaseResult, RuleChallenge, RuleState, RuleStated, Suppression, SuppressionEvent
from ledger.findings.kinds import RuleEvent, RuleFinding, Severity
from ledger.sources.prepare import keep_original
from tests.support.ledgers import AUTHORITY, RECORDS, START_US, Ledger


def ruled(ledger: Ledger, number: int) -> None:
    """A finding that stands, one that is closed again, and the run that came to them."""
    for part, source in enumerate(("dcs", "erp")):
        for event in (RuleEvent.OPENED, RuleEvent.CLOSED)[: part + 1]:
            found = RuleFinding(
                rule=("D10", "D11")[part],
                version=number + 1,
                event=event,
                key=b64(bytes([number, part]) + ZERO_HASH[2:]),
                anchor=number,
                entries=(number,),
                source=source,
                severity=(Severity.CRITICAL, Severity.MEDIUM)[part],
                why="value-differs",
                detail=f"finding {number}",
            )
            ledger.store.append_one(RECORDS, draft(found))
    run = RuleRun(
        low=number,
        size=10 * number + 1,
        opened=2,
        closed=1,
        rules=(),
        watermarks=(Watermark(source="dcs", to="2026-11-25T08:00:00.000000Z"),),
        waiting=None,
        authority=AUTHORITY,
    )
    ledger.store.append_one(RECORDS, draft(run))
    _life(ledger, number)


def _life(ledger: Ledger, number: int) -> None:
    """A challenge that shows what it should in every second round, and a state of another version in each."""
    given, item = keep_original(Original(data=b"[]", media_type="application/json", parser="test", parser_version="1"))
    said = Said.FINDING if number % 2 else Said.CLEAR
    cases = tuple(
        CaseResult(name=f"case {number}", expected=expected, said=said)
        for expected, said in ((Said.FINDING, said), (Said.CLEAR, Said.CLEAR))
    )
    tried = RuleChallenge(
        rule=("D11", "D10")[number % 2],
        version=number + 1,
        size=number,
        parameters=(),
        cases=cases,
        given=given,
        reason=f"round {number}",
        authority=AUTHORITY,
    )
    ledger.store.append_one(RECORDS, draft(tried, (item,)))
    state = (RuleState.DRAFT, RuleState.RETIRED)[number % 2]
    for version in (1, number + 1):
        said_of = RuleStated(rule="D11", version=version, state=state, reason=f"round {number}", authority=AUTHORITY)
        ledger.store.append_one(RECORDS, draft(said_of))
    for source in ("dcs", "erp"):
        past = Suppression(
            rule="D11",
            since=utc_text(START_US),
            until=utc_text(START_US + (number + 1) * 1_000_000),
            reason=f"round {number}",
            authority=AUTHORITY,
            source=source,
            event=SuppressionEvent.REVOKED if number % 2 and source == "erp" else SuppressionEvent.SET,
        )
        ledger.store.append_one(RECORDS, draft(past))
