"""`trailseal verify --tiles`: a log audited from its published tiles, without any ledger."""

from pathlib import Path
from typing import NamedTuple

from ledger.cli.output import progress, say, say_json
from ledger.core.card import Card
from ledger.core.cosignature import parse_verifier
from ledger.core.errors import ConfigError
from ledger.core.policy import Policy
from ledger.trust.auditing import Anchor, Auditor
from ledger.trust.published import published


class Asked(NamedTuple):
    """What stands on the command line besides the place."""

    vkeys: list[str]
    policy: Policy | None
    origin: str | None
    since: Path | None
    state: Path | None
    foreign: bool
    full: bool
    require_pq: bool = False
    cards: tuple[Card, ...] = ()


def verify_tiles(place: str, asked: Asked, as_json: bool) -> int:
    """Audits, says what came of it, and returns the exit code."""
    if asked.vkeys and asked.policy is not None:
        raise ConfigError("a policy names the keys itself", advice="Give --vkey or --policy, not both.")
    keys, policy = tuple(parse_verifier(vkey) for vkey in asked.vkeys), asked.policy
    if asked.require_pq:
        policy = (policy or Policy.of_log_keys(keys)).with_post_quantum()
    anchor = Anchor(keys=keys, policy=policy, origin=asked.origin)
    since = None if asked.since is None else asked.since.read_bytes()
    with published(place) as tiles, progress("audit") as report:
        auditor = Auditor(tiles, anchor, foreign=asked.foreign, full=asked.full, cards=asked.cards)
        verdict = auditor.verdict(since, asked.state, report)
    if as_json:
        say_json(verdict)
    else:
        for line in verdict.lines():
            say(line)
    return verdict.exit_code
