"""Decides every signing request again from the log alone: was each decision in order, and by who held the role then?

Nothing but entries is read: a step that was skipped, a performer who signed, a second signature of a person, or a role
that somebody held by a row of a table only, leaves a decision behind that does not follow from the entries before it.
"""

from collections.abc import Callable

from sqlalchemy import Connection

from ledger.core.address import Address
from ledger.core.clock import parse_utc
from ledger.core.entry import Entry
from ledger.core.kinds import KindRegistry
from ledger.core.progress import Progress, signature_refusal
from ledger.core.signature import SignatureEntry, holds_together
from ledger.core.workflow import (
    DecisionEntry,
    DecisionEvent,
    DelegationEntry,
    DelegationState,
    RequestEntry,
    RouteEntry,
    Step,
)
from ledger.integrity.entries import read_entries
from ledger.integrity.fault import Fault
from ledger.people.kinds import AccountEntry, AccountSort, AccountState, GrantEntry, GrantState, present
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.reading import LogReader

_KINDS = tuple(
    b'"kind":"%s"' % kind
    for kind in (b"account", b"grant", b"signing-route", b"signing-request", b"delegation", b"signature", b"decision")
)
_BY_SIGNATURE = (DecisionEvent.SIGNED, DecisionEvent.DECLINED)


class Replay:
    """The signing workflows of a system log, entry by entry."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._accounts: dict[str, AccountEntry] = {}
        self._grants: dict[str, dict[str, tuple[int, GrantEntry]]] = {}
        self._routes: dict[int, RouteEntry] = {}
        self._latest: dict[str, int] = {}
        self._delegations: dict[str, int] = {}
        self._lent: dict[int, DelegationEntry] = {}
        self._signatures: dict[int, SignatureEntry] = {}
        self._used: set[int] = set()
        self._requests: dict[int, Progress] = {}
        self._names: set[str] = set()

    def enter(self, entry: Entry) -> str:
        """Takes the log's next entry; returns what is wrong with it, empty where nothing is."""
        match present(entry.body):
            case AccountEntry() as account:
                self._accounts[account.account] = account
            case GrantEntry() as grant:
                self._grants.setdefault(grant.account, {})[grant.grant] = (entry.index, grant)
            case RouteEntry() as route:
                self._routes[entry.index] = route
                self._latest[route.route] = entry.index
            case DelegationEntry() as lent:
                self._lent[entry.index] = lent
                self._delegations[lent.delegation] = entry.index
            case SignatureEntry() as signed:
                self._signatures[entry.index] = signed
            case RequestEntry() as request:
                return self._request(request, entry)
            case DecisionEntry() as decision:
                return self._decision(decision, entry)
        return ""

    def _request(self, request: RequestEntry, entry: Entry) -> str:
        route = self._routes.get(request.route_version)
        if route is None or route.route != request.route:
            return f"entry {request.route_version} is no version of route {request.route!r}"
        if request.renews is None and (self._latest[request.route] != request.route_version or route.retired):
            return f"route {request.route!r} was retired, or had a newer version, when the request was opened"
        if not holds_together(request.target):
            return "list, count and root of what is to be signed do not say the same"
        if request.request in self._names:
            return f"a request {request.request!r} was opened before"
        self._names.add(request.request)
        self._requests[entry.index] = Progress(request, route, entry.logged_us)
        return ""

    def _decision(self, decision: DecisionEntry, entry: Entry) -> str:
        progress = self._requests.get(decision.opened)
        if progress is None:
            return f"entry {decision.opened} opened no request"
        wrong = progress.refusal(decision, entry.logged_us)
        if wrong is not None:
            return f"out of order: {wrong.what}"
        step = progress.step(decision.step)
        if step is not None and decision.event in _BY_SIGNATURE:
            what = self._unsigned(decision, progress, step.step, entry)
            if what:
                return what
        if step is not None and decision.event is DecisionEvent.REASSIGNED and decision.given_to is not None:
            site = step.step.site or progress.request.site
            if not self._held(decision.given_to, step.step.role, site, entry.logged_us):
                return f"{decision.given_to} did not hold role {step.step.role!r}"
        progress.take(decision, entry.logged_us, entry.index)
        return ""

    def _unsigned(self, decision: DecisionEntry, progress: Progress, step: Step, entry: Entry) -> str:
        """Why a decision by signature does not stand; empty if it does."""
        site = step.site or progress.request.site
        actor, other = decision.authority.actor, decision.on_behalf_of
        for one in (actor, other):
            if one is not None and not self._held(one, step.role, site, entry.logged_us):
                return f"{one} did not hold role {step.role!r} then"
        if other is not None:
            lent = self._lent.get(-1 if decision.delegation is None else decision.delegation)
            if lent is None or not self._stands(lent, decision, entry.logged_us):
                return f"{other} had not let {actor} sign for them then"
            if set(decision.rests_on) != set(self._held(other, step.role, site, entry.logged_us)):
                return f"the grants that it rests on are not those of {other}"
        number = -1 if decision.signature is None else decision.signature
        signed = self._signatures.get(number)
        if signed is None or number in self._used:
            return f"entry {number} is no signature, or one of another decision"
        self._used.add(number)
        address = str(Address(self._origin, decision.opened))
        return signature_refusal(decision, progress.request, step, signed.statement, address)

    def _stands(self, lent: DelegationEntry, decision: DecisionEntry, at_us: int) -> bool:
        return (
            lent.state is DelegationState.GRANTED
            and self._delegations[lent.delegation] == decision.delegation
            and (lent.account, lent.delegate) == (decision.on_behalf_of, decision.authority.actor)
            and parse_utc(lent.from_at) <= at_us < parse_utc(lent.until_at)
        )

    def _held(self, account: str, role: str, site: str | None, at_us: int) -> tuple[int, ...]:
        """The entries of the grants by which this person held the role at the site."""
        known = self._accounts.get(account)
        if known is None or known.sort is not AccountSort.PERSON or known.state is not AccountState.ACTIVE:
            return ()
        return tuple(
            index
            for index, grant in self._grants.get(account, {}).values()
            if grant.state is GrantState.GRANTED
            and grant.role is not None
            and grant.role.value == role
            and (site is None or not grant.sites or site in grant.sites)
            and (grant.from_at is None or parse_utc(grant.from_at) <= at_us)
            and (grant.expires_at is None or parse_utc(grant.expires_at) > at_us)
        )


def requests_fault(connection: Connection, kinds: KindRegistry, pulse: Callable[[int], None]) -> Fault | None:
    """The first entry of the system log at which a signing workflow does not follow from those before it."""
    reader = LogReader(connection, SYSTEM_LOG)
    origin = next(log.origin for log in read_logs(connection) if log.number == SYSTEM_LOG)
    replay = Replay(origin)
    for stored in reader.entries(0, reader.head().size):
        if any(kind in stored.leaf for kind in _KINDS):
            for entry in read_entries(connection, SYSTEM_LOG, stored.index, stored.index + 1, kinds):
                what = replay.enter(entry)
                if what:
                    return Fault(log=SYSTEM_LOG, index=entry.index, table="body", what=what)
        pulse(1)
    return None
