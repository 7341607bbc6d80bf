"""Projectors of challenges: which there are, and how each planting stands."""

from collections.abc import Iterable

from ledger.core.clock import parse_utc
from ledger.core.entry import Entry
from ledger.core.projector import Projector, Valid
from ledger.sources import challenge_tables as t
from ledger.sources.challenge_kinds import Challenge, ChallengeResult, ChallengeRun


class ChallengeProjector:
    """Which challenges there are; one that was retired has no values any more."""

    name = "challenge"
    version = 1
    kinds = frozenset({"challenge"})
    table = t.challenge.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        set_so: Challenge = entry.body
        yield Valid(set_so.challenge, None if set_so.retired else (set_so.source, entry.logged_us))


class ChallengeRunProjector:
    """How each planting stands: `begun`, `planted` and `uncertain` are still to be judged."""

    name = "challenge-run"
    version = 1
    kinds = frozenset({"challenge-run", "challenge-result"})
    table = t.challenge_run.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        one: ChallengeRun | ChallengeResult = entry.body
        values = (one.challenge, one.source, one.state.value, parse_utc(one.due))
        yield Valid(run_key(one.challenge, one.due), values)


def run_key(challenge: str, due: str) -> str:
    """The key of a planting: one a challenge and instant."""
    return f"{challenge}@{due}"


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this part."""
    return ChallengeProjector(), ChallengeRunProjector()
