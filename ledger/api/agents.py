"""Edge agents as people see them: who there is; inviting, confirming and revoking them, letting one begin anew."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from ledger.agents.agents import KnownAgent
from ledger.agents.broker_state import BrokerState
from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Entered, Reason, Why
from ledger.api.problems import declared
from ledger.api.sources import RecordLog
from ledger.core.authority import Authority
from ledger.core.enrolment import OneTimeCode
from ledger.core.errors import NotFound
from ledger.core.record import Name
from ledger.people.access import Scope, allow
from ledger.people.kinds import AccountId
from ledger.service import Service
from ledger.trust.agent_ca import AgentCa

AgentPath = Annotated[str, PathParameter(description="An agent's name.", max_length=100)]


class NewAgent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An agent to be invited: the sources that it may deliver, and the zone (IEC 62443) in which it stands."""

    agent: AccountId
    sources: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=100)]
    reason: Reason
    zone: Name | None = None


class Invited(msgspec.Struct, frozen=True, kw_only=True):
    """The one-time code for `trailseal agent enrol`, in this answer and nowhere else, and until when it is good."""

    agent: str
    code: str
    expires_at: str
    index: int


class Confirmation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fingerprint that the agent shows where it runs, compared by whoever confirms it."""

    fingerprint: Annotated[str, msgspec.Meta(min_length=64, max_length=200)]
    reason: Reason


def agent_ca(service: Service) -> AgentCa:
    """The authority that issues the certificates of a ledger's agents."""
    return AgentCa(service.folder / "keys", service.clock, service.settings.agents.certificate_days)


def invite(
    service: Service,
    agent: str,
    sources: tuple[str, ...],
    zone: str | None,
    reason: str,
    authority: Authority,
    log: str | None,
) -> Invited:
    """Invites an agent, and gives the text of its one-time code; raises as `Service.invite`."""
    authority_of_agents = agent_ca(service)
    authority_of_agents.ensure()
    made = service.invite(agent, sources, zone, reason, authority, log)
    code = OneTimeCode(
        agent=agent,
        log=service.record_log(log).log.name,
        secret=made.code,
        authority=authority_of_agents.fingerprint,
    )
    return Invited(agent=agent, code=code.text(), expires_at=made.expires_at, index=made.index)


@get("/", opt=allow(Scope.READ), responses=declared())
async def list_agents(context: NamedDependency[Context]) -> list[KnownAgent]:
    """All agents there are or were, as each is now."""
    return await context.lanes.read(context.service.agents.list)


@get("/broker", opt=allow(Scope.READ), responses=declared())
async def broker_state(context: NamedDependency[Context]) -> BrokerState:
    """How the connection to the agents' broker fares; `not_found` where the settings name none."""
    found = context.service.broker.now
    if found is None:
        raise NotFound("the settings name no broker for agents", advice="Set url and certificate in [agents.broker].")
    return found


@post("/", responses=declared(409))
async def invite_agent(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewAgent], log: RecordLog = None
) -> Invited:
    """Invites an agent to deliver runs of these sources. Its one-time code is in this answer and nowhere else."""
    without_nul(reason=data.reason, zone=data.zone, **{f"source {at}": one for at, one in enumerate(data.sources)})
    context.record_log(log)
    return await context.lanes.append(
        invite, context.service, data.agent, data.sources, data.zone, data.reason, request.user.authority, log
    )


@post("/{agent:str}/confirmation", responses=declared(409))
async def confirm_agent(
    context: NamedDependency[Context], request: CallerRequest, agent: AgentPath, data: JSONBody[Confirmation]
) -> Entered:
    """From here on the agent may deliver: its key is the one that it shows on site. Not by whoever invited it."""
    without_nul(agent=agent, reason=data.reason)
    confirm = context.service.agents.confirm
    return Entered(
        index=await context.lanes.append(confirm, agent, data.fingerprint, data.reason, request.user.authority)
    )


@post("/{agent:str}/revocation", responses=declared(409))
async def revoke_agent(
    context: NamedDependency[Context], request: CallerRequest, agent: AgentPath, data: JSONBody[Why]
) -> Entered:
    """From here on nothing of the agent is taken."""
    without_nul(agent=agent, reason=data.reason)
    revoke = context.service.agents.revoke
    return Entered(index=await context.lanes.append(revoke, agent, data.reason, request.user.authority))


@post("/{agent:str}/epoch", responses=declared(409))
async def approve_epoch(
    context: NamedDependency[Context], request: CallerRequest, agent: AgentPath, data: JSONBody[Why]
) -> Entered:
    """Lets an agent that was restored from a copy begin a new epoch; the old one takes nothing more."""
    without_nul(agent=agent, reason=data.reason)
    approve = context.service.agents.approve_epoch
    return Entered(index=await context.lanes.append(approve, agent, data.reason, request.user.authority))


router = Router(
    "/agents",
    route_handlers=[list_agents, broker_state, invite_agent, confirm_agent, revoke_agent, approve_epoch],
    opt=allow(Scope.ADMIN),
    tags=["agents"],
)
