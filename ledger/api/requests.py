"""Signing requests: what is to be signed, opened, looked at, signed step by step, declined, reassigned, withdrawn."""

from typing import Annotated, Any

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from ledger.api.context import Context
from ledger.api.external import Brought
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest, peer_of
from ledger.api.people import Entered, Reason, Why
from ledger.api.problems import declared
from ledger.api.sources import RecordLog
from ledger.core.errors import AccessDenied, NotFound
from ledger.core.external import brought
from ledger.core.progress import MAX_SHOWN
from ledger.core.signature import MAX_SET, ExternalProof, Mode, PasskeyProof
from ledger.core.workflow import PlainName, RequestState
from ledger.people.access import Caller, Scope, allow
from ledger.signing.answering import Answer, Answering
from ledger.signing.factors import Shown
from ledger.signing.pages import SetPage, page_of, shown_of
from ledger.signing.requests import Opened, Opening, Running, names_in, read_running
from ledger.signing.sets import body_of
from ledger.signing.shown import ShownRequest, show
from ledger.signing.signatures import ToSign
from ledger.store.logs import choose
from ledger.store.position import MAX_INDEX
from ledger.store.question import Query
from ledger.store.reading import LogReader

RequestName = Annotated[str, PathParameter(max_length=100)]
StepName = Annotated[str, PathParameter(max_length=100)]
ItemIndex = Annotated[int, PathParameter(ge=0, le=MAX_INDEX)]
Wanted = Annotated[RequestState | None, QueryParameter(description="Only those that stand so.")]
About = Annotated[int | None, QueryParameter(description="Only those about this entry of `log`.", ge=0, le=MAX_INDEX)]
Begin = Annotated[int, QueryParameter(description="The index that the page begins with.", ge=0, le=MAX_INDEX)]
Limit = Annotated[int, QueryParameter(description="How many entries at most.", ge=1, le=MAX_SHOWN)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Index = Annotated[int, msgspec.Meta(ge=0, le=MAX_INDEX)]


class NewRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be signed by which route: `entries` of a log (by default the only record log), or all records that a
    `query` finds now. `performers`: who did the work, besides those whom the records name.
    """

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    route: PlainName
    reason: Reason
    log: Name | None = None
    entries: Annotated[tuple[Index, ...], msgspec.Meta(max_length=MAX_SET)] = ()
    query: Query | None = None
    performers: Annotated[tuple[Name, ...], msgspec.Meta(max_length=100)] = ()


class Preparing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a step is answered: signed, or with `decline` declined.

    `reason` is a code of the site's list, `added` words of one's own. `on_behalf_of`: in whose place. `signer`: another
    person at this terminal.
    """

    reason: Name
    added: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    decline: bool = False
    on_behalf_of: PlainName | None = None
    signer: PlainName | None = None
    language: Name = "en"
    mode: Mode | None = None


class Answered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was prepared, by its id and digest, with what its signer shows: components, a signing passkey's proof, or a
    signature that was made elsewhere.
    """

    id: Name
    digest: Name
    shown: Shown = Shown()
    passkey: PasskeyProof | None = None
    external: Brought | None = None


class Assignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To whom a place in a step is given, and whose it was, unless it was nobody's yet."""

    given_to: PlainName
    reason: Reason
    given_from: PlainName | None = None


class PageWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which entries of a set are to be shown: `most` from index `begin` on."""

    begin: Index = 0
    most: Annotated[int, msgspec.Meta(ge=1, le=MAX_SHOWN)] = 100


class ItemShown(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a set as it was shown."""

    index: int
    body: dict[str, Any]


class ItemsShown(msgspec.Struct, frozen=True, kw_only=True):
    """Entries of a set as they were shown; `decision` says that they were. The next page begins with `next_from`."""

    decision: int
    log: str
    items: tuple[ItemShown, ...]
    next_from: int | None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of what is to be signed, as it was shown; `decision` says that it was."""

    decision: int
    log: str
    index: int
    body: dict[str, Any]


@get("/", responses=declared())
async def requests(
    context: NamedDependency[Context],
    request: CallerRequest,
    standing: Wanted = None,
    log: RecordLog = None,
    entry: About = None,
) -> list[ShownRequest]:
    """The requests whose content the caller may see, in the order of opening; with `entry` those about that entry."""
    without_nul(log=log)

    def read() -> list[ShownRequest]:
        service, caller = context.service, request.user
        with service.store.reading() as connection:
            if entry is None:
                found = [read_running(service.store, connection, name) for name in names_in(connection, standing)]
            else:
                origin = service.log(log).origin
                about = service.workflows.requests.over(connection, origin, entry)
                found = [one for one in about if standing in (None, one.progress.state)]
            return [
                show(service.store, connection, service.workflows.decisions, one, caller.authority)
                for one in found
                if caller.allows(Scope.READ, one.request.site)
            ]

    return await context.lanes.read(read)


@post("/", responses=declared(409))
async def open_request(context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewRequest]) -> Opened:
    """Asks for the signatures of a route. 409 where a step of it could be signed by nobody who did not do the work."""
    without_nul(title=data.title, reason=data.reason, log=data.log or "", **dict(enumerate_names(data.performers)))

    def enter() -> Opened:
        caller = request.user
        if caller.watched:
            raise AccessDenied("an inspector looks, and asks for no signatures")
        chosen = context.service.log(data.log)
        site = None if chosen == context.service.system else chosen.name
        if not caller.allows(Scope.READ, site):
            raise AccessDenied(f"{caller.account} may not see log {chosen.name}")
        opening = Opening(**{name: getattr(data, name) for name in Opening.__struct_fields__})
        return context.service.workflows.requests.open(opening, caller.authority)

    return await context.lanes.append(enter)


@get("/{request_id:str}", responses=declared())
async def one_request(
    context: NamedDependency[Context], request: CallerRequest, request_id: RequestName
) -> ShownRequest:
    """A request with its steps: who signed, what is next, and why the caller may not."""
    without_nul(request_id=request_id)

    def read() -> ShownRequest:
        service = context.service
        with service.store.reading() as connection:
            running = read_running(service.store, connection, request_id)
            _require_site(request.user, running)
            return show(service.store, connection, service.workflows.decisions, running, request.user.authority)

    return await context.lanes.read(read)


@get("/{request_id:str}/items", responses=declared())
async def items(
    context: NamedDependency[Context],
    request: CallerRequest,
    request_id: RequestName,
    begin: Begin = 0,
    limit: Limit = MAX_SHOWN,
) -> SetPage:
    """Which entries it is about, page by page."""
    without_nul(request_id=request_id)

    def read() -> SetPage:
        running = _seen(context, request.user, request_id)
        log = choose(context.service.store.logs(), running.request.target.origin)
        return page_of(log.name, running.progress.members, begin, limit)

    return await context.lanes.read(read)


@post("/{request_id:str}/openings", responses=declared(409))
async def open_items(
    context: NamedDependency[Context], request: CallerRequest, request_id: RequestName, data: JSONBody[PageWanted]
) -> ItemsShown:
    """Shows a page of what is to be signed, and enters that it was shown: a set takes this of each of its entries."""
    without_nul(request_id=request_id)

    def enter() -> ItemsShown:
        service = context.service
        running = _seen(context, request.user, request_id)
        _require_person(request.user)
        members = running.progress.members
        log = choose(service.store.logs(), running.request.target.origin)
        with service.store.reading() as connection:
            found = shown_of(service.store, LogReader(connection, log.number), members, data.begin, data.most)
            shown = tuple(ItemShown(index=index, body=msgspec.to_builtins(body)) for index, body in found)
        if not shown:
            raise NotFound(f"request {request_id!r} is about no entry from {data.begin} on")
        first, last = shown[0].index, shown[-1].index
        entered = service.workflows.decisions.open_span(request_id, first, last, request.user.authority)
        return ItemsShown(decision=entered, log=log.name, items=shown, next_from=next(members.since(last + 1), None))

    return await context.lanes.append(enter)


@post("/{request_id:str}/items/{index:int}/opening", responses=declared(409))
async def open_item(
    context: NamedDependency[Context], request: CallerRequest, request_id: RequestName, index: ItemIndex
) -> Item:
    """Shows one entry of what is to be signed, and enters that it was shown: a set takes this of each."""
    without_nul(request_id=request_id)

    def enter() -> Item:
        service = context.service
        running = _seen(context, request.user, request_id)
        _require_person(request.user)
        log = choose(service.store.logs(), running.request.target.origin)
        if index not in running.progress.members:
            raise NotFound(f"entry {index} is not of request {request_id!r}")
        with service.store.reading() as connection:
            body = msgspec.to_builtins(body_of(service.store, LogReader(connection, log.number), index))
        entered = service.workflows.decisions.open_items(request_id, [index], request.user.authority)
        return Item(decision=entered, log=log.name, index=index, body=body)

    return await context.lanes.append(enter)


@post("/{request_id:str}/steps/{step:str}/preparation", opt=allow(Scope.READ, signs=True), responses=declared(409))
async def prepare(
    context: NamedDependency[Context],
    request: CallerRequest,
    request_id: RequestName,
    step: StepName,
    data: JSONBody[Preparing],
) -> ToSign:
    """What would be signed for a step, to be put before the signer. Who may not is refused, and that is entered."""
    without_nul(request_id=request_id, step=step, reason=data.reason, added=data.added or "")

    def enter() -> ToSign:
        _seen(context, request.user, request_id)
        _require_person(request.user)
        answer = Answer(**{name: getattr(data, name) for name in Answer.__struct_fields__})
        return _answering(context).prepare(request_id, step, answer, request.user, peer_of(request), data.signer)

    return await context.lanes.append(enter)


@post("/{request_id:str}/steps/{step:str}/signature", opt=allow(Scope.READ, signs=True), responses=declared(409))
async def sign(
    context: NamedDependency[Context],
    request: CallerRequest,
    request_id: RequestName,
    step: StepName,
    data: JSONBody[Answered],
) -> Entered:
    """Enters the signature of a step, or that it is declined, together with the decision."""
    without_nul(request_id=request_id, step=step)

    def enter() -> Entered:
        _seen(context, request.user, request_id)
        _require_person(request.user)
        index = _answering(context).complete(
            request_id, step, data.id, data.digest, data.shown, _proof(data), request.user, peer_of(request)
        )
        return Entered(index=index)

    return await context.lanes.argon(enter)


@post("/{request_id:str}/steps/{step:str}/assignment", responses=declared(409))
async def assign(
    context: NamedDependency[Context],
    request: CallerRequest,
    request_id: RequestName,
    step: StepName,
    data: JSONBody[Assignment],
) -> Entered:
    """Gives a place in a step to somebody who holds its role and did not perform the work."""
    without_nul(request_id=request_id, step=step, reason=data.reason)

    def enter() -> Entered:
        _seen(context, request.user, request_id)
        give = context.service.workflows.decisions.reassign
        by = request.user.authority
        return Entered(index=give(request_id, step, data.given_from, data.given_to, data.reason, by))

    return await context.lanes.append(enter)


@post("/{request_id:str}/withdrawal", responses=declared(409))
async def withdraw(
    context: NamedDependency[Context], request: CallerRequest, request_id: RequestName, data: JSONBody[Why]
) -> Entered:
    """Takes a request back before it is completed; only who opened it may."""
    without_nul(request_id=request_id, reason=data.reason)

    def enter() -> Entered:
        _seen(context, request.user, request_id)
        end = context.service.workflows.decisions.withdraw
        return Entered(index=end(request_id, data.reason, request.user.authority))

    return await context.lanes.append(enter)


def enumerate_names(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Names of a list, each under a name of its own."""
    return [(f"performer {at}", name) for at, name in enumerate(names)]


def _answering(context: Context) -> Answering:
    service = context.service
    flows = service.workflows
    return Answering(service.store, flows.requests, flows.decisions, service.signing.signatures)


def _seen(context: Context, caller: Caller, name: str) -> Running:
    running = context.service.workflows.requests.get(name)
    _require_site(caller, running)
    return running


def _require_site(caller: Caller, running: Running) -> None:
    if not caller.allows(Scope.READ, running.request.site):
        raise AccessDenied(f"{caller.account} may not see what request {running.request.request!r} is about")


def _require_person(caller: Caller) -> None:
    if not caller.person or caller.watched:
        raise AccessDenied("only a person of the site decides here", advice="Sign in as yourself.")


def _proof(data: Answered) -> PasskeyProof | ExternalProof | None:
    """The signer's own part: what a passkey answered, or what was signed elsewhere."""
    if data.external is None:
        return data.passkey
    return brought(data.external.cms, data.external.certificates, data.external.revocation)


router = Router(
    "/signing/requests",
    route_handlers=[requests, open_request, one_request, items, open_items, open_item, prepare, sign, assign, withdraw],
    opt=allow(Scope.READ),
    tags=["signing"],
)
