"""A source of a test's ledger that is challenged: planted in by a planter, collected by its collector, judged."""

from pathlib import Path
from typing import Any

from collectors.registry import collector_type
from collectors.runner import Runner
from ledger.core.clock import SystemClock
from ledger.core.source import SourceConfig
from ledger.planting import Planting as Work
from ledger.record_log import RecordLog
from ledger.sources.challenge_kinds import Challenge, ChallengeResult, Expected, Planting, ResultState, RunState
from ledger.sources.challenges import Past
from tests.support.ledgers import AUTHORITY, Ledger

CLOCK = SystemClock()


class Site:
    """A source with its collector's secrets, and a challenge of it."""

    def __init__(self, ledger: Ledger, config: SourceConfig, secrets: dict[str, str]) -> None:
        self.log: RecordLog = ledger.service.record_log()
        self.work = Work(self.log, CLOCK)
        self.name = f"{config.id}-test"
        self._config, self._secrets = config, secrets
        self.log.sources.register(config, AUTHORITY)

    def challenge(self, options: dict[str, str], secrets: dict[str, Path], value: str, **members: Any) -> None:
        expected: dict[str, Any] = {
            "object_type": None, "attribute": "Value", "account": None, "action": None, "old": True,
            "tolerance_us": 1_000_000,
        }  # fmt: skip
        by = members.pop("by", self._config.type)
        limit_s, every_s = members.pop("limit_s", 60), members.pop("every_s", None)
        made = Challenge(
            challenge=self.name,
            source=self._config.id,
            planting=Planting(
                by=by,
                options=tuple(sorted(options.items())),
                secrets=tuple((name, f"file:{path}") for name, path in secrets.items()),
                value=value,
            ),
            expected=Expected(**(expected | members)),
            limit_s=limit_s,
            cron=None,
            zone="UTC",
            every_s=every_s,
            retired=False,
            reason="test",
            authority=AUTHORITY,
        )
        self.work.try_out(made, self._config)
        self.log.challenges.put(made)

    def plant(self) -> Past:
        past = self.work.plant(self.name, AUTHORITY)
        assert (past.result, past.run.state) == (None, RunState.PLANTED)
        return past

    def collect(self, seconds: float = 0.3) -> None:
        made = collector_type(self._config.type)(self._config, self._secrets, CLOCK)
        Runner(made, self.log.sink(AUTHORITY), CLOCK).pull(seconds)

    def result(self) -> ChallengeResult:
        (result,) = self.work.judge(self.name)
        return result


def held(result: ChallengeResult) -> set[str]:
    """The members that were compared; fails the test unless the record arrived and each of them holds."""
    assert [one for one in result.compared if not one.holds] == []
    assert result.state is ResultState.ARRIVED
    return {one.member for one in result.compared}
