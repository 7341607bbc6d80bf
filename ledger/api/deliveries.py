"""What edge agents call: enrolment with a one-time code, signed batches, where they stand, a new certificate."""

from http import HTTPStatus
from typing import Any, Final

from litestar import Request, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from ledger.agents.deliveries import NotBound
from ledger.api import agent_calls as calls
from ledger.api.agents import AgentPath, agent_ca
from ledger.api.context import Context
from ledger.api.fields import SourceId, without_nul
from ledger.api.gate import CallerRequest, peer_of
from ledger.api.problems import declared
from ledger.api.sources import RecordLog
from ledger.api.tls import certified
from ledger.core.batch import SignedBatch, SignedReceipt, key_id
from ledger.core.enrolment import Certificate, CertificateRequest, Enrolled, Enrolment, Standing
from ledger.core.errors import AccessDenied, NotFound, RateLimited
from ledger.core.hashing import unb64
from ledger.core.run import SourceState
from ledger.people.access import Caller, Door, allow
from ledger.people.kinds import SecuritySort

MAX_BATCH: Final = 96 * 1024 * 1024
"""Bytes of the largest batch as it travels: its payload in base64, header and signature."""
MAX_ENROLMENT: Final = 64 * 1024


@post(
    "/{agent:str}/batches",
    opt=allow(Door.SIGNED),
    responses=declared(409, 413),
    security=[{}],
    status_code=HTTPStatus.CREATED,
    request_max_body_size=MAX_BATCH,
)
async def take_batch(
    context: NamedDependency[Context],
    request: Request[Any, Any, Any],
    agent: AgentPath,
    data: JSONBody[SignedBatch],
    log: RecordLog = None,
) -> SignedReceipt:
    """Takes a batch that the agent signed, once and in its order; the same batch again is answered by its receipt.

    Whoever brings it: the signature in the body is what counts. 409: it does not follow the batch taken last, its
    number was another batch's, or its run does not start where the source stands.
    """
    without_nul(agent=agent, log=log, header=data.header.agent)
    security = context.service.people.security
    try:
        return await context.lanes.append(_take, context, agent, log, data)
    except NotBound:
        raise
    except AccessDenied:
        if certified(request) is None:
            security.failed(peer_of(request))
        raise


@get("/{agent:str}/last", opt=allow(Door.CERTIFIED), responses=declared())
async def last_batch(
    context: NamedDependency[Context], request: CallerRequest, agent: AgentPath, log: RecordLog = None
) -> Standing:
    """Where the calling agent's epoch stands, what it may deliver, and the log's latest checkpoint."""
    _require_self(request.user, agent)
    return await context.lanes.read(_standing, context, log, agent)


@get("/{agent:str}/sources/{source:str}", opt=allow(Door.CERTIFIED), responses=declared())
async def source_state(
    context: NamedDependency[Context],
    request: CallerRequest,
    agent: AgentPath,
    source: SourceId,
    log: RecordLog = None,
) -> SourceState:
    """Where one of the calling agent's sources stands: what it goes on from when it begins, or begins anew."""
    without_nul(source=source)
    _require_self(request.user, agent)
    request.user.require_source(source)
    return await context.lanes.read(_state, context, log, source)


@post("/{agent:str}/certificate", opt=allow(Door.CERTIFIED), responses=declared())
async def renew_certificate(
    context: NamedDependency[Context], request: CallerRequest, agent: AgentPath, data: JSONBody[CertificateRequest]
) -> Certificate:
    """A new certificate for the calling agent, before its present one expires."""
    _require_self(request.user, agent)
    return await context.lanes.append(calls.renew, context.service, agent, data.request)


@get("/authority", opt=allow(Door.OPEN), responses=declared(), security=[{}], tags=["agents"])
async def authority(context: NamedDependency[Context]) -> Certificate:
    """The certificate of the agents' authority; a one-time code holds its SHA-256, by which an agent knows it."""
    found = agent_ca(context.service)
    if not found.file.exists():
        raise NotFound("there are no agents here", advice=calls.NEVER)
    return Certificate(certificate=await context.lanes.read(lambda: found.pem))


@post(
    "/enrolment",
    opt=allow(Door.OPEN),
    responses=declared(409, 413),
    security=[{}],
    tags=["agents"],
    request_max_body_size=MAX_ENROLMENT,
)
async def enrolment(
    context: NamedDependency[Context], request: Request[Any, Any, Any], data: JSONBody[Enrolment]
) -> Enrolled:
    """Uses a one-time code up: the agent's own key is taken in, for a person to confirm, and it gets a certificate."""
    without_nul(agent=data.agent, log=data.log)
    security, peer = context.service.people.security, peer_of(request)
    if security.blocked_us(peer):
        security.failed(peer)
        raise RateLimited("too many calls without a valid credential came from there")
    try:
        return await context.lanes.append(_enrol, context, data)
    except AccessDenied:
        security.note(SecuritySort.AGENT_REFUSED)
        security.failed(peer)
        raise


def _take(context: Context, agent: str, log: str | None, batch: SignedBatch) -> SignedReceipt:
    target = context.record_log(log)
    receipt = calls.take(context.service, target, agent, batch)
    target.silence.heard(agent)
    return receipt


def _standing(context: Context, log: str | None, agent: str) -> Standing:
    target = context.record_log(log)
    standing = calls.standing(context.service, target, agent)
    target.silence.heard(agent)
    return standing


def _state(context: Context, log: str | None, source: str) -> SourceState:
    return context.record_log(log).ingest.state(source)


def _enrol(context: Context, data: Enrolment) -> Enrolled:
    service = context.service
    target = context.record_log(data.log).log
    public_key, secret, authority = unb64(data.public_key, 32), unb64(data.secret, 32), agent_ca(service)
    if not authority.file.exists():
        raise AccessDenied(f"agent {data.agent!r} is not invited", advice=calls.NEVER)
    # Before the code is used up: a request that no certificate can be issued for costs nothing.
    certificate = authority.client(data.agent, key_id(public_key), data.request)
    service.agents.enrol(data.agent, secret, public_key)
    known = next(one for one in service.agents.list() if one.agent == data.agent)
    return Enrolled(
        agent=data.agent,
        log=target.name,
        origin=target.origin,
        log_key=service.vkey(target),
        receipt_key=str(service.keys.receipt_signer(target.name, target.origin).verifier),
        epoch=known.epoch,
        sources=known.sources,
        certificate=certificate,
        authority=authority.pem,
    )


def _require_self(caller: Caller, agent: str) -> None:
    if caller.account != f"agent:{agent}":
        raise AccessDenied(f"{caller.account} asks in the name of agent {agent!r}")


router = Router("/agents", route_handlers=[take_batch, last_batch, source_state, renew_certificate], tags=["agents"])
enrol = Router("/agents", route_handlers=[authority, enrolment])
