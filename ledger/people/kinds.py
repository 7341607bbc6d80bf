"""Entries about people: accounts, grants, sessions, and what was tried without right. All in the system log."""

from enum import StrEnum
from typing import Annotated

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Name, Sealed, Text
from ledger.core.times import SafeInt
from ledger.people.access import Scope
from ledger.people.roles import Role
from ledger.people.secrets import Destroyed, SecretRef

AccountId = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
"""Lower case letters, digits, `.`, `_` and `-`; never issued again."""


class AccountSort(StrEnum):
    """What an account stands for."""

    SERVICE = "service"
    PERSON = "person"
    INSPECTOR = "inspector"


class AccountState(StrEnum):
    """An account is deactivated, never deleted."""

    ACTIVE = "active"
    DEACTIVATED = "deactivated"


class AccountEntry1(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="account/1"):
    """The first form of an account's entry: service accounts alone."""

    account: AccountId
    sort: AccountSort
    state: AccountState
    title: Name
    reason: Text
    authority: Authority

    def now(self) -> "AccountEntry":
        """As it reads in the present form."""
        return AccountEntry(**msgspec.structs.asdict(self))


class AccountEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="account/2"):
    """From here on the account is so.

    `title` is the printed full name of a person (sealed where the site so decides), or what a service is for. `email`
    is the second channel by which a person is told what happens to the account. `expires_at` (`utc_text`) ends an
    inspector's account.
    """

    account: AccountId
    sort: AccountSort
    state: AccountState
    title: Name | Sealed
    reason: Text
    authority: Authority
    email: Name | Sealed | None = None
    expires_at: str | None = None


class GrantState(StrEnum):
    """A grant is given once and revoked once."""

    GRANTED = "granted"
    REVOKED = "revoked"


class GrantEntry1(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="grant/1"):
    """The first form of a grant: scopes of a service account."""

    grant: Name
    account: AccountId
    state: GrantState
    scopes: tuple[Scope, ...]
    reason: Text
    authority: Authority
    sources: tuple[Name, ...] = ()
    expires_at: str | None = None
    secrets: tuple[SecretRef, ...] = ()
    destroys: tuple[Destroyed, ...] = ()

    def now(self) -> "GrantEntry":
        """As it reads in the present form."""
        return GrantEntry(**msgspec.structs.asdict(self))


class GrantEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="grant/2"):
    """What an account may do from here on, or no longer may.

    A person is granted a `role`, with the scopes that it has on that day; a service account scopes, exercised with the
    token that `secrets` commits to. `sites`: the record logs that it is for, all if none is named; `sources`: the
    sources that scopes `ingest` and `configure` are bound to. `from_at` and `expires_at` (`utc_text`): from when until
    when. `training`: the address of the training record that the grant rests on, and ends with.
    """

    grant: Name
    account: AccountId
    state: GrantState
    scopes: tuple[Scope, ...]
    reason: Text
    authority: Authority
    role: Role | None = None
    sites: tuple[Name, ...] = ()
    sources: tuple[Name, ...] = ()
    from_at: str | None = None
    expires_at: str | None = None
    training: Name | None = None
    secrets: tuple[SecretRef, ...] = ()
    destroys: tuple[Destroyed, ...] = ()


class SessionEvent(StrEnum):
    """What can happen to a browser session."""

    LINK_ISSUED = "link-issued"
    STARTED = "started"
    ENDED = "ended"


class SessionEntry1(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="session-event/1"
):
    """The first form: sessions that a one-time link began."""

    session: Name
    event: SessionEvent
    account: Name
    scopes: tuple[Scope, ...]
    reason: Text
    authority: Authority
    expires_at: str | None = None
    redeems: Name | None = None
    secrets: tuple[SecretRef, ...] = ()
    destroys: tuple[Destroyed, ...] = ()

    def now(self) -> "SessionEntry":
        """As it reads in the present form."""
        return SessionEntry(**msgspec.structs.asdict(self))


class SessionEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="session-event/2"
):
    """A browser session began or ended, or a one-time link to begin one was issued.

    `session` is the session's public id (of `link-issued`: the link's). `started` names in `redeems` the link that it
    used up. `expires_at` is the absolute limit; a session that is idle too long ends before. A session that a link
    began has the link's `scopes`. One that a person signed in to has none of its own: `methods` are the components
    that were shown (`password`, `totp`, `passkey`, `oidc`), and its rights are the person's grants, at each request.
    `network`: where it began, as refusals are counted; a change of it ends the unbroken session (21 CFR 11.200).
    `terminal`: the enrolled terminal that it began at.
    """

    session: Name
    event: SessionEvent
    account: Name
    scopes: tuple[Scope, ...]
    reason: Text
    authority: Authority
    methods: tuple[Name, ...] = ()
    network: Name | None = None
    terminal: Name | None = None
    expires_at: str | None = None
    redeems: Name | None = None
    secrets: tuple[SecretRef, ...] = ()
    destroys: tuple[Destroyed, ...] = ()


class SecuritySort(StrEnum):
    """What was refused."""

    UNAUTHENTICATED = "unauthenticated"
    NO_GRANT = "no-grant"
    WRONG_SOURCE = "wrong-source"
    OUT_OF_ORDER = "out-of-order"
    REPLAYED = "replayed"
    CROSS_SITE = "cross-site"
    AGENT_REFUSED = "agent-refused"
    WRONG_PLACE = "wrong-place"
    """A right was used from where the site does not allow it; `source` is where from."""
    CONTRADICTED = "contradicted"
    """A table of rights turned out to contradict the log; nothing was allowed on its word."""


class SecurityCount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How often it happened in the period; `account` where the caller was authenticated."""

    sort: SecuritySort
    count: SafeInt
    account: Name | None = None
    source: Name | None = None


class SecurityEntry(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="security-event/1"):
    """What was refused between two instants (`utc_text`), counted; at most one such entry a period and process.

    `peers`: distinct network peers of unauthenticated calls, counted up to a bound.
    """

    first_at: str
    last_at: str
    peers: SafeInt
    counts: tuple[SecurityCount, ...]


def account_of(body: AccountEntry | AccountEntry1) -> AccountEntry:
    """An account's entry of any version in the present form."""
    return body.now() if isinstance(body, AccountEntry1) else body


def grant_of(body: GrantEntry | GrantEntry1) -> GrantEntry:
    """A grant's entry of any version in the present form."""
    return body.now() if isinstance(body, GrantEntry1) else body


def session_of(body: SessionEntry | SessionEntry1) -> SessionEntry:
    """A session's entry of any version in the present form."""
    return body.now() if isinstance(body, SessionEntry1) else body


def present(body: msgspec.Struct) -> msgspec.Struct:
    """A body of any kind; where it is of an older version of this domain, in the present form."""
    return body.now() if isinstance(body, AccountEntry1 | GrantEntry1 | SessionEntry1) else body


KINDS = (
    Kind("account", [AccountEntry1, AccountEntry]),
    Kind("grant", [GrantEntry1, GrantEntry]),
    Kind("session-event", [SessionEntry1, SessionEntry]),
    Kind("security-event", [SecurityEntry]),
)
