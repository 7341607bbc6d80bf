"""Decides every privileged entry again: was it caused under rights that were in force, as the system log has them?

An entry names the entries that allowed it, and the size and root of the system log that was relied on. Whether those
allowed it is decided from the system log's entries alone, as of that size: a row of grants that was put into a table,
used, and taken out again leaves an entry behind that nothing in the log allows.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import cache

import msgspec
from sqlalchemy import Connection

from ledger.agents.kinds import AgentEntry, AgentState
from ledger.core.address import parse_address
from ledger.core.authority import Authority
from ledger.core.clock import parse_utc
from ledger.core.entry import Entry
from ledger.core.errors import LedgerError
from ledger.core.hashing import b64
from ledger.core.kinds import KindRegistry
from ledger.core.time_epoch import SignedBy, TimeEpochEntry, TimeEpochStatement
from ledger.integrity.by_hand import broken
from ledger.integrity.changing import Changing
from ledger.integrity.disposing import Disposing
from ledger.integrity.entering import Entering
from ledger.integrity.entries import Unreadable, read_entries
from ledger.integrity.erasing import Erasing
from ledger.integrity.fault import Fault
from ledger.integrity.incidents.deciding import Deciding
from ledger.integrity.needed import by_signing, needed
from ledger.integrity.overdue import Overdue
from ledger.integrity.placed import Placed
from ledger.integrity.refusing import Refusing
from ledger.integrity.separation import Separation, expired
from ledger.people.access import Scope
from ledger.people.defined import narrowed
from ledger.people.definition_kinds import RoleDefinition
from ledger.people.kinds import (
    AccountEntry,
    AccountState,
    GrantEntry,
    GrantState,
    SessionEntry,
    SessionEvent,
    present,
)
from ledger.people.person_kinds import (
    CredentialEntry,
    CredentialState,
)
from ledger.people.roles import Role
from ledger.store.bulk import Bulk
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader

GRACE_US = 60_000_000
"""How long after a right expired an entry may be logged that was accepted while it was in force."""
RANGE = 16_384
"""Leaves looked at between two pulses."""
_UNPRIVILEGED = tuple(
    b'"kind":"%s"' % kind for kind in (b"record", b"quarantine", b"log-binding", b"finding", b"delivery", b"timestamp")
)


class Rights:
    """Accounts, grants and sessions of the system log, as of any size of it."""

    def __init__(self) -> None:
        self.separation = Separation()
        self.entering = Entering()
        self.erasing = Erasing()
        self.disposing = Disposing()
        self.placed = Placed()
        self.refusing = Refusing()
        self.overdue = Overdue()
        self.deciding = Deciding()
        self._entries: dict[int, msgspec.Struct] = {}
        self._time_epochs: set[tuple[TimeEpochStatement, tuple[SignedBy, ...]]] = set()
        self._changes: dict[tuple[type, str], list[int]] = {}
        self._definitions: dict[Role, list[tuple[int, frozenset[str]]]] = {}

    def enter(self, entry: Entry) -> None:
        """Takes the system log's next entry."""
        parts = (self.separation, self.entering, self.erasing, self.disposing)
        for part in (*parts, self.placed, self.refusing, self.overdue, self.deciding):
            part.enter(entry)
        body = present(entry.body)
        if isinstance(body, TimeEpochEntry):
            self._time_epochs.add((body.statement, body.signatures))
        if isinstance(body, RoleDefinition):
            self._definitions.setdefault(body.role, []).append((entry.index, frozenset(body.scopes)))
        if isinstance(body, CredentialEntry):
            name = body.credential
        elif isinstance(body, AccountEntry):
            name = body.account
        elif isinstance(body, GrantEntry):
            name = body.grant
        elif isinstance(body, SessionEntry):
            name = body.session
        elif isinstance(body, AgentEntry):
            name = body.agent
        else:
            return
        self._entries[entry.index] = body
        self._changes.setdefault((type(body), name), []).append(entry.index)

    def broken(self, entry: Entry) -> str:
        """The rule that an entry of the system log breaks, whoever caused it; empty if none."""
        body = present(entry.body)
        broken = self.separation.broken(entry, body) or self.entering.broken(entry, body)
        others = (self.erasing, self.disposing, self.placed, self.overdue, self.deciding)
        return broken or next(filter(None, (part.broken(entry) for part in others)), "")

    def knows(self, body: TimeEpochEntry) -> bool:
        """Whether the system log has the same statement with the same signatures, which level 4 verifies."""
        return (body.statement, body.signatures) in self._time_epochs

    def signing_refusal(self, authority: Authority, size: int, at_us: int, scope: Scope | None = None) -> str:
        """Why a signature's authority did not hold: as for any entry in a session, else by what its signer showed."""
        named = [self._named(parse_address(address).index, size) for address in authority.entries]
        if not authority.authenticated or any(isinstance(body, SessionEntry) for body in named):
            return self.refusal(authority, size, scope, None, at_us)
        grants = [body for body in named if isinstance(body, GrantEntry)]
        rest = [
            address
            for address, body in zip(authority.entries, named, strict=True)
            if not isinstance(body, GrantEntry | CredentialEntry)
        ]
        credentials = [body for body in named if isinstance(body, CredentialEntry)]
        accounts = [body for body in named if isinstance(body, AccountEntry)]
        if len(rest) != len(accounts):
            return f"{rest[-1]} is no account, component or grant"
        for address, body in zip(authority.entries, named, strict=True):
            index = parse_address(address).index
            if body is None or index >= size or not self._current(body, index, size):
                return f"{address} did not stand at size {size} of the system log"
        wrong = _refused_sign_in(authority, accounts, credentials, None, at_us)
        if wrong or any(grant.account != authority.actor for grant in grants):
            return wrong or f"grants that it names are not all those of {authority.actor!r}"
        if scope is not None and not any(scope in grant.scopes for grant in grants):
            return f"no grant that it names holds scope {scope.value!r}"
        return next(filter(None, (_out_of_force(grant, at_us) for grant in grants)), "")

    def refusal(self, authority: Authority, size: int, scope: Scope | None, source: str | None, at_us: int) -> str:
        """Why the entries that an authority names did not allow it as of `size`; empty if they did."""
        named = []
        for address in authority.entries:
            index = parse_address(address).index
            body = self._named(index, size)
            if body is None or index >= size:
                return f"{address} is no account, grant, session or agent as of size {size} of the system log"
            if not self._current(body, index, size):
                return f"{address} had been superseded at size {size} of the system log"
            named.append(body)
        grants = [body for body in named if isinstance(body, GrantEntry)]
        accounts = [body for body in named if isinstance(body, AccountEntry)]
        sessions = [body for body in named if isinstance(body, SessionEntry)]
        agents = [body for body in named if isinstance(body, AgentEntry)]
        credentials = [body for body in named if isinstance(body, CredentialEntry)]
        if agents:
            return _refused_agent(authority, agents, len(named), scope, source)
        if authority.authenticated and sessions:
            return _refused_person(authority, accounts, grants, sessions, scope, source, at_us)
        if authority.authenticated and len(credentials) + len(accounts) == len(named) and credentials:
            return _refused_sign_in(authority, accounts, credentials, scope, at_us)
        if authority.authenticated:
            return _refused_grant(authority, accounts, grants, scope, source, at_us)
        return next(filter(None, (_refused_session(authority, session, at_us) for session in sessions)), "")

    def _named(self, index: int, size: int) -> msgspec.Struct | None:
        """The entry at this index if it is about a right; a grant with what its role was defined to have at `size`."""
        body = self._entries.get(index)
        if not isinstance(body, GrantEntry) or body.role is None:
            return body
        said = [scopes for at, scopes in self._definitions.get(body.role, ()) if at < size]
        return narrowed(body, said[-1]) if said else body

    def _current(self, body: msgspec.Struct, index: int, size: int) -> bool:
        fields = ("credential", "grant", "session", "agent", "account")
        name = next(getattr(body, field) for field in fields if hasattr(body, field))
        changes = self._changes[type(body), name]
        return changes[bisect_left(changes, size) - 1] == index


def authority_fault(
    connection: Connection, log: int, low: int, high: int, kinds: KindRegistry, pulse: Callable[[int], None]
) -> Fault | None:
    """The first entry from `low` to before `high` whose authority the system log does not bear out."""
    reader = LogReader(connection, SYSTEM_LOG)
    system_size = reader.head().size
    rights = Rights()
    try:
        for entry in read_entries(connection, SYSTEM_LOG, 0, system_size, kinds):
            rights.enter(entry)
    except Unreadable as error:
        return Fault(log=SYSTEM_LOG, index=error.index, table="body", what=error.message)
    tiles = reader.hashes(system_size)
    changing = Changing(connection, log, kinds, rights.separation)

    @cache
    def root_of(size: int) -> str:
        return b64(reader.root(size, tiles))

    for index in _privileged(connection, log, low, high, pulse):
        entry = next(read_entries(connection, log, index, index + 1, kinds))
        authority = getattr(entry.body, "authority", None)
        if not isinstance(authority, Authority):
            continue
        try:
            what = broken(connection, entry) or changing.broken(entry)
            what = what or _judge(entry, authority, rights, system_size, root_of, brought=changing.brought(entry))
        except LedgerError as error:  # what it names is malformed, or not there
            what = error.message
        if what:
            return Fault(log=log, index=index, table="body", column="authority", what=what)
    return None


def _judge(
    entry: Entry,
    authority: Authority,
    rights: Rights,
    system_size: int,
    root_of: Callable[[int], str],
    *,
    brought: bool,
) -> str:
    """Why an entry's authority did not allow it; empty if it did. `brought` by a change, it takes no scope."""
    broken = rights.broken(entry) if entry.log == SYSTEM_LOG else ""
    if broken:
        return broken
    if isinstance(entry.body, TimeEpochEntry) and not rights.knows(entry.body):
        return "the system log has no such statement with these signatures"
    size = authority.system_size
    if size is None:
        return "" if not authority.authenticated and not authority.entries else "it names no state of the system log"
    if size > system_size:
        return f"it relies on size {size} of the system log, which has {system_size} entries"
    if root_of(size) != authority.system_root:
        return f"the system log did not have that root at size {size}"
    body = present(entry.body)
    scope, source = (None, None) if brought or rights.refusing.refused(entry) else needed(body)
    if by_signing(body):
        return rights.signing_refusal(authority, size, entry.logged_us, scope)
    return rights.refusal(authority, size, scope, source, entry.logged_us)


def _privileged(connection: Connection, log: int, low: int, high: int, pulse: Callable[[int], None]) -> Iterator[int]:
    """Entries of kinds that somebody causes; records and the like stand under their run's authority."""
    bulk = Bulk(connection)
    for at in range(low, high, RANGE):
        until = min(high, at + RANGE)
        rows = bulk.all(
            "SELECT pos, data FROM leaf WHERE pos >= ? AND pos < ? ORDER BY pos", (pos_of(log, at), pos_of(log, until))
        )
        for pos, data in rows:
            if not any(kind in data for kind in _UNPRIVILEGED):
                yield index_of(pos)
        pulse(until - at)


def _refused_grant(
    authority: Authority,
    accounts: list[AccountEntry],
    grants: list[GrantEntry],
    scope: Scope | None,
    source: str | None,
    at_us: int,
) -> str:
    if len(accounts) != 1 or len(grants) != 1:
        return "it says authenticated, but does not name one account and one grant"
    account, grant = accounts[0], grants[0]
    if account.account != authority.actor or grant.account != account.account:
        return f"account and grant that it names are not those of {authority.actor!r}"
    if account.state is not AccountState.ACTIVE:
        return f"account {account.account!r} was deactivated"
    return _out_of_force(grant, at_us) or _too_little(grant, scope, source)


def _out_of_force(grant: GrantEntry, at_us: int) -> str:
    if grant.state is not GrantState.GRANTED:
        return f"grant {grant.grant!r} was revoked"
    if grant.from_at is not None and parse_utc(grant.from_at) > at_us:
        return f"grant {grant.grant!r} begins at {grant.from_at} only"
    if grant.expires_at is not None and parse_utc(grant.expires_at) + GRACE_US < at_us:
        return f"grant {grant.grant!r} had expired at {grant.expires_at}"
    return ""


def _too_little(grant: GrantEntry, scope: Scope | None, source: str | None) -> str:
    if scope is not None and scope not in grant.scopes:
        return f"grant {grant.grant!r} does not hold scope {scope.value!r}"
    if source is not None and source not in grant.sources:
        return f"grant {grant.grant!r} is not bound to source {source!r}"
    return ""


def _refused_person(
    authority: Authority,
    accounts: list[AccountEntry],
    grants: list[GrantEntry],
    sessions: list[SessionEntry],
    scope: Scope | None,
    source: str | None,
    at_us: int,
) -> str:
    """Somebody who signed in: account, session and grants are theirs, and one of the grants allows it."""
    if len(accounts) != 1 or len(sessions) != 1 or not sessions[0].methods:
        return "it says authenticated, but does not name one account and one session that somebody signed in to"
    actor = authority.actor
    named = {one.account for one in accounts} | {one.account for one in sessions} | {one.account for one in grants}
    if named != {actor}:
        return f"account, session and grants that it names are not all those of {actor!r}"
    if accounts[0].state is not AccountState.ACTIVE:
        return f"account {actor!r} was deactivated"
    if expired(accounts[0], at_us - GRACE_US):
        return f"account {actor!r} had expired at {accounts[0].expires_at}"
    ended = _refused_session(authority, sessions[0], at_us)
    if ended:
        return ended
    for grant in grants:
        out = _out_of_force(grant, at_us)
        if out:
            return out
    if scope is None or any(not _too_little(grant, scope, source) for grant in grants):
        return ""
    return f"no grant that it names holds scope {scope.value!r}"


def _refused_sign_in(
    authority: Authority,
    accounts: list[AccountEntry],
    credentials: list[CredentialEntry],
    scope: Scope | None,
    at_us: int,
) -> str:
    """Somebody who showed components: enough to sign in, or to say something of their own account, and no more."""
    if len(accounts) != 1 or scope is not None:
        return "components alone allow nothing but to sign in"
    if {one.account for one in accounts} | {one.account for one in credentials} != {authority.actor}:
        return f"account and components that it names are not all those of {authority.actor!r}"
    if accounts[0].state is not AccountState.ACTIVE:
        return f"account {authority.actor!r} was deactivated"
    for one in credentials:
        if one.state is not CredentialState.SET:
            return f"component {one.credential!r} was retired"
        if one.expires_at is not None and parse_utc(one.expires_at) + GRACE_US < at_us:
            return f"component {one.credential!r} had expired at {one.expires_at}"
    return ""


def _refused_agent(
    authority: Authority, agents: list[AgentEntry], named: int, scope: Scope | None, source: str | None
) -> str:
    agent = agents[0]
    if named != 1 or authority.actor != f"agent:{agent.agent}":
        return "it names an agent's entry, and others besides or for somebody else"
    if agent.state is not AgentState.CONFIRMED:
        return f"agent {agent.agent!r} was {agent.state.value}"
    if scope is not Scope.INGEST or source not in agent.sources:
        return f"agent {agent.agent!r} may only deliver runs of its sources"
    return ""


def _refused_session(authority: Authority, session: SessionEntry, at_us: int) -> str:
    if session.account != authority.actor:
        return f"the session that it names is not that of {authority.actor!r}"
    if session.event is SessionEvent.ENDED:
        return f"session {session.session!r} had ended"
    if session.expires_at is not None and parse_utc(session.expires_at) + GRACE_US < at_us:
        return f"session {session.session!r} had expired at {session.expires_at}"
    return ""
