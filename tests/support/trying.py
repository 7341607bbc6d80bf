"""Cases on which tests try rule D11, the state that they give it, and how it is validated."""

from typing import Any

from ledger.core.record import Submission
from ledger.core.rule_run import Said
from ledger.core.ruling import RuleState, RuleStated
from ledger.review.trials.cases import Case
from tests.support.changing import Desk
from tests.support.ledgers import AUTHORITY, SOURCE, batch
from tests.support.ruling import change


def planted(
    name: str, expected: Said, *found: Submission, record: str | None = None, source: str = SOURCE, **run: Any
) -> Case:
    """A case that places one run of the source, which reached far enough."""
    made = batch(found, source, **{"ended_at": "2027-01-01T00:00:00.000000Z"} | run)
    return Case(name=name, expected=expected, runs=(made,), record=record)


def cases(source: str = SOURCE) -> list[Case]:
    """A value that changed unseen, and one that went on as it was."""
    steps = ((101, "50", "51"), (102, "58", "53"), (102, "51", "53"))
    first, unseen, goes_on = (change(number, old, new, source=source) for number, old, new in steps)
    return [
        planted("changed unseen", Said.FINDING, first, unseen, source=source),
        planted("goes on", Said.CLEAR, first, goes_on, source=source),
    ]


def stated(state: RuleState, challenge: int | None = None, rule: str = "D11", **more: Any) -> RuleStated:
    """That rule D11 is in this state."""
    usual: dict[str, Any] = {"version": 1, "reason": "as the SOP says", "authority": AUTHORITY}
    return RuleStated(rule=rule, state=state, challenge=challenge, **usual | more)


class Trial:
    """A challenge of rule D11 in a founded plant."""

    def __init__(self, desk: Desk, *given: Case, sign: bool = True) -> None:
        self.desk = desk
        quality, by = desk.quality_service, desk.engineer.sign_in().authority
        self.made = quality.challenges.run(desk.log, "D11", given or cases(), "on site", by)
        desk.plant.publish()
        if sign:
            desk.engineer.sign(self.made.entry, action="rule", meaning="verified")

    def validate(self) -> list[int]:
        return self.desk.change(stated(RuleState.VALIDATED, self.made.entry))
