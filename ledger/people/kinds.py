"""Entries about people: accounts, grants, sessions, and what was tried without right. All in the system log."""

from enum import StrEnum
from typing import Annotated

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Name, Text
from ledger.core.times import SafeInt
from ledger.people.access import Scope
from ledger.people.secrets import Destroyed, SecretRef

AccountId = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
"""Lower case letters, digits, `.`, `_` and `-`; never issued again."""


class AccountSort(StrEnum):
    """What an account stands for."""

    SERVICE = "service"


class AccountState(StrEnum):
    """An account is deactivated, never deleted."""

    ACTIVE = "active"
    DEACTIVATED = "deactivated"


class AccountEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="account/1"):
    """From here on the account is so."""

    account: AccountId
    sort: AccountSort
    state: AccountState
    title: Name
    reason: Text
    authority: Authority


class GrantState(StrEnum):
    """A grant is given once and revoked once."""

    GRANTED = "granted"
    REVOKED = "revoked"


class GrantEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="grant/1"):
    """What an account may do from here on, or no longer may.

    `sources`: what scope `ingest` is bound to; `expires_at` (`utc_text`): until when. A service account exercises the
    grant with the token that `secrets` commits to.
    """

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


class SessionEvent(StrEnum):
    """What can happen to a browser session."""

    LINK_ISSUED = "link-issued"
    STARTED = "started"
    ENDED = "ended"


class SessionEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="session-event/1"
):
    """A browser session began or ended, or a one-time link to begin one was issued.

    `session` is the session's public id (of `link-issued`: the link's). `started` names in `redeems` the link that it
    used up. `expires_at` is the absolute limit; a session that is idle too long ends before.
    """

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


class SecuritySort(StrEnum):
    """What was refused."""

    UNAUTHENTICATED = "unauthenticated"
    NO_GRANT = "no-grant"
    WRONG_SOURCE = "wrong-source"
    OUT_OF_ORDER = "out-of-order"
    REPLAYED = "replayed"
    CROSS_SITE = "cross-site"
    AGENT_REFUSED = "agent-refused"


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


KINDS = (
    Kind("account", [AccountEntry]),
    Kind("grant", [GrantEntry]),
    Kind("session-event", [SessionEntry]),
    Kind("security-event", [SecurityEntry]),
)
