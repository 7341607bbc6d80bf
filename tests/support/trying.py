"""Cases on which tests try rule D11, and the state that they give it."""

from typing import Any

from ledger.core.record import Submission
from ledger.core.rule_run import Said
from ledger.core.ruling import RuleState, RuleStated
from ledger.review.trials.cases import Case
from tests.support.ledgers import AUTHORITY, SOURCE, batch
from tests.support.ruling import change


def planted(name: str, expected: Said, *found: Submission, record: str | None = None, **run: Any) -> Case:
    """A case that places one run of the source, which reached far enough."""
    made = batch(found, SOURCE, **{"ended_at": "2027-01-01T00:00:00.000000Z"} | run)
    return Case(name=name, expected=expected, runs=(made,), record=record)


def cases() -> list[Case]:
    """A value that changed unseen, and one that went on as it was."""
    return [
        planted("changed unseen", Said.FINDING, change(101, "50", "51"), change(102, "58", "53")),
        planted("goes on", Said.CLEAR, change(101, "50", "51"), change(102, "51", "53")),
    ]


def stated(state: RuleState, challenge: int | None = None, rule: str = "D11", **more: Any) -> RuleStated:
    """That rule D11 is in this state."""
    usual: dict[str, Any] = {"version": 1, "reason": "as the SOP says", "authority": AUTHORITY}
    return RuleStated(rule=rule, state=state, challenge=challenge, **usual | more)
