"""The life of rules over HTTP: the state that a site gives them, and the cases on which they are tried."""

from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from ledger.api.configuring import ProposedChange, Requested, enter_one, set_or_proposed
from ledger.api.context import Context
from ledger.api.fields import LogName, Word, no_nul_in, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Reason
from ledger.api.placed import AsOf, Limit, Placed
from ledger.api.problems import declared
from ledger.api.verification import Before
from ledger.core.ruling import RuleState, RuleStated
from ledger.core.times import SafeInt
from ledger.people.access import Scope, allow
from ledger.review.life.states import Standing, standings
from ledger.review.rules import FaultyRule, faulty, rule_named
from ledger.review.trials.cases import Cases
from ledger.review.trials.challenges import Challenged
from ledger.store.as_of import AtCheckpoint, as_of, checkpoint_of

RuleName = Annotated[str, PathParameter(description="A rule, such as D11.", max_length=10)]


class RulesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All rules as of `size`, whose newest checkpoint is `checkpoint`; `faulty`: files of rules that have an error.

    `every_minutes`: how often a schedule has the rules run; null: none does.
    """

    log: str
    size: int
    checkpoint: AtCheckpoint | None
    rules: list[Standing]
    faulty: tuple[FaultyRule, ...]
    every_minutes: int | None


class NewState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From here on a rule is in this state; a validated one names its signed `challenge`, an entry of the log.

    `version`: of the rule; null: the one that is here.
    """

    state: RuleState
    reason: Reason
    challenge: SafeInt | None = None
    version: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    change_request: Requested = None


class NewChallenge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cases to try a rule on; each names a record of the log, or runs that are placed for it and taken out again."""

    cases: Cases
    reason: Reason


@get("/", opt=allow(Scope.READ), responses=declared())
async def read_rules(context: NamedDependency[Context], log: LogName, size: AsOf = None) -> RulesAnswer:
    """All rules, each with its version, its state in this log, and how much what it finds matters."""

    def read() -> RulesAnswer:
        chosen = context.record_log(log).log
        store = context.service.store
        with store.reader(chosen.number) as reader:
            at, connection = as_of(reader, chosen, size), reader.connection
            return RulesAnswer(
                log=chosen.name,
                size=at,
                checkpoint=checkpoint_of(connection, chosen, at),
                rules=standings(store, connection, chosen, at),
                faulty=faulty(),
                every_minutes=context.service.settings.rules_minutes,
            )

    return await context.lanes.read(read)


@post("/{rule:str}/state", opt=allow(Scope.CONFIGURE), responses=set_or_proposed(409))
async def give_state(
    context: NamedDependency[Context],
    request: CallerRequest,
    log: LogName,
    rule: RuleName,
    data: JSONBody[NewState],
) -> Response[Placed | ProposedChange]:
    """Gives a rule a state: draft, shadow, validated or retired. A rule that nobody gave one is shadow.

    409 where the challenge does not validate it: a case came out otherwise, nobody signed it, or the rule or its
    parameters are others by now.
    """
    without_nul(rule=rule)
    no_nul_in(data)
    there = rule_named(rule).about.version
    entry = RuleStated(
        rule=rule,
        version=there if data.version is None else data.version,
        state=data.state,
        challenge=data.challenge,
        reason=data.reason,
        authority=request.user.authority,
    )

    return await context.lanes.append(enter_one, context, log, entry, data, entry.authority)


@post("/{rule:str}/challenges", opt=allow(Scope.CONFIGURE), responses=declared())
async def challenge(
    context: NamedDependency[Context],
    request: CallerRequest,
    log: LogName,
    rule: RuleName,
    data: JSONBody[NewChallenge],
) -> Challenged:
    """Tries a rule on cases, and enters what it said of each; whoever looked at them signs that entry."""
    without_nul(rule=rule)
    no_nul_in(data)
    by = request.user.authority
    challenges = context.service.quality.challenges

    def run() -> Challenged:
        return challenges.run(context.record_log(log).log, rule, data.cases, data.reason, by)

    return await context.lanes.append(run)


@get("/challenges", opt=allow(Scope.READ), responses=declared())
async def read_challenges(
    context: NamedDependency[Context], log: LogName, rule: Word = None, before: Before = None, limit: Limit = 50
) -> list[Challenged]:
    """The challenges, newest first, each with what still is to be signed; for the next page give the last `entry` as
    `before`.
    """
    without_nul(rule=rule)

    def read() -> list[Challenged]:
        return context.service.quality.challenges.all(context.record_log(log).log, rule, before, limit)

    return await context.lanes.read(read)


router = Router(
    "/logs/{log:str}/rules", route_handlers=[read_rules, give_state, challenge, read_challenges], tags=["rules"]
)
