"""What the home page says of a verification run: never more than the run says."""

import msgspec
import pytest

from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.kinds import KindRegistry
from ledger.integrity.kinds import FaultFound, LevelVerdict, Verdict, Verification
from ledger.integrity.levels import BUILT, LEVELS
from ledger.present.messages import message
from ledger.present.sentences import sentence_text
from ledger.present.states import State
from ledger.present.times import site_zone
from ledger.web.views.common import Scope
from ledger.web.views.verified import LogRun, show_levels, show_run

ENDED = 1_795_590_606_123_456
LOGS = (LogId(number=0, name="system", origin="x/system"), LogId(number=1, name="records", origin="x/records"))
BAD = FaultFound(log=1, index=20, table="body", column="body", what="the body is not the one committed to")


class Still:
    """A clock that stands three minutes after the run."""

    def now_us(self) -> int:
        return ENDED + 180_000_000


SCOPE = Scope(logs=LOGS, kinds=KindRegistry([]), clock=Still(), zone=site_zone("Europe/Berlin"))


def verification(verdicts: dict[int, Verdict], low: int = 0) -> Verification:
    levels = tuple(
        LevelVerdict(
            level=level.number,
            verdict=verdicts.get(level.number, Verdict.NOT_BUILT),
            entries=48_212,
            micros=1,
            open=level.open,
            fault=BAD if verdicts.get(level.number) is Verdict.FAILS else None,
        )
        for level in LEVELS
    )
    return Verification(
        log=1,
        low=low,
        size=48_212,
        root="A" * 43 + "=",
        started_at=utc_text(ENDED - 1),
        ended_at=utc_text(ENDED),
        levels=levels,
        authority=Authority(actor="local:admin", authenticated=False),
    )


def run(verdicts: dict[int, Verdict], low: int = 0, held: int | None = None) -> LogRun:
    return show_run(SCOPE, LOGS[1], 48_212, verification(verdicts, low), SCOPE.clock.now_us(), held)


def test_a_run_that_holds_says_to_which_entry_and_when() -> None:
    shown = run(dict.fromkeys(BUILT, Verdict.HOLDS))
    assert shown.state is State.HOLDS
    assert shown.sentence == "records was verified to entry 48\u202f211, from entry 0, at"
    assert shown.ended is not None
    assert (shown.ended.local, shown.age) == ("2026-11-25 08:10:06.123", "3 min ago")


@pytest.mark.parametrize("verdict", [Verdict.NOT_BUILT, Verdict.NOT_RUN, Verdict.NOT_ASSESSABLE])
def test_a_level_that_was_not_judged_is_named_and_never_counts_as_holding(verdict: Verdict) -> None:
    verdicts = dict.fromkeys((1, 2, 3, 4), Verdict.HOLDS) | {5: verdict}
    rows = {row.number: row for row in show_levels({"records": verification(verdicts)})}
    assert [(cell.state, cell.verdict) for cell in rows[5].cells] == [(State.UNKNOWN, message(f"verdict.{verdict}"))]
    for number in (1, 2, 3, 4):
        assert [cell.state for cell in rows[number].cells] == [State.HOLDS]


def test_a_level_that_a_run_leaves_out_was_not_run() -> None:
    body = msgspec.structs.replace(verification({1: Verdict.HOLDS}), levels=())
    assert {cell.verdict for row in show_levels({"records": body}) for cell in row.cells} == {"not run"}


def test_a_run_that_fails_names_the_first_bad_entry_and_when_one_held_last() -> None:
    shown = run({1: Verdict.FAILS, 2: Verdict.HOLDS}, held=ENDED - 3_600_000_000)
    assert shown.state is State.FAILS
    [fault] = shown.faults
    assert fault.text == "Level 1, records: the body is not the one committed to."
    assert (fault.log, fault.index) == ("records", 20)
    assert shown.held is not None
    assert shown.held.local.startswith("2026-11-25 07:10")


def test_a_run_of_no_level_is_not_judged() -> None:
    assert run(dict.fromkeys(BUILT, Verdict.NOT_RUN)).state is State.UNKNOWN


def test_a_part_is_not_said_to_be_the_whole() -> None:
    assert "from entry 100 where a run before it held" in run({1: Verdict.HOLDS}, low=100).sentence


@pytest.mark.parametrize(("verdict", "words"), [(Verdict.HOLDS, "all that was run holds"), (Verdict.FAILS, "does not")])
def test_the_entry_of_a_run_says_its_verdict(verdict: Verdict, words: str) -> None:
    assert words in sentence_text(verification({1: verdict}))
