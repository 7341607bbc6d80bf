"""The edge agents of a ledger: invited by one person, enrolled with a key of their own, confirmed by another person.

An agent's entry in the system log is its right: whose runs it may deliver, with which key, in which epoch. Every run
that it delivers names that entry as its authority, so that verification decides it again.
"""

import hmac
import secrets
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.agents import tables
from ledger.agents.kinds import AgentEntry, AgentState
from ledger.core.authority import Authority
from ledger.core.batch import fingerprint
from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, Conflict, NotFound, SchemaViolation, SelfApproval
from ledger.core.hashing import b64, unb64
from ledger.people.credentials import current, read_entry, view
from ledger.people.directory import Directory
from ledger.people.log_view import log_view
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

CODE_SIZE: Final = 32
"""Random bytes of a one-time code."""
LONGEST_US: Final = 3_600_000_000
"""A code is good for an hour at most."""


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """An invited agent, and the one-time code that enrols it: shown this once, kept nowhere."""

    agent: str
    code: bytes
    expires_at: str
    index: int


class KnownAgent(msgspec.Struct, frozen=True, kw_only=True):
    """An agent as it is now; `fingerprint` is its key's, `delivered` the last batch of its epoch in each log."""

    agent: str
    state: AgentState
    sources: tuple[str, ...]
    zone: str | None
    fingerprint: str | None
    epoch: int
    since_index: int


class Agents:
    """What a ledger knows of its agents. Safe to use from any number of threads."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory

    def invite(
        self,
        agent: str,
        sources: Iterable[str],
        zone: str | None,
        reason: str,
        authority: Authority,
        lifetime_us: int = LONGEST_US,
    ) -> Invitation:
        """Invites an agent to deliver runs of these sources; the code that this returns enrols it once.

        An agent that was revoked, or did not get further than an invitation, may be invited again: it then starts a new
        epoch. Raises Conflict for one that is in use, SchemaViolation for no source or a longer time than an hour.
        """
        bound = tuple(sorted(set(sources)))
        if not bound:
            raise SchemaViolation("an agent is bound to sources", advice="Name the sources that it may deliver.")
        if not 0 < lifetime_us <= LONGEST_US:
            raise SchemaViolation("a one-time code is good for an hour at most")
        code = secrets.token_bytes(CODE_SIZE)
        expires_at = utc_text(self._store.clock.now_us() + lifetime_us)

        def entry(now: AgentEntry | None) -> AgentEntry:
            if now is not None and now.state is AgentState.CONFIRMED:
                raise Conflict(f"agent {agent!r} is in use", advice="Revoke it first, or choose another name.")
            return AgentEntry(
                agent=agent,
                state=AgentState.INVITED,
                sources=bound,
                reason=reason,
                authority=authority,
                invited_by=authority.actor,
                zone=zone,
                code=b64(sha256(code).digest()),
                expires_at=expires_at,
                epoch=1 if now is None else now.epoch + 1,
            )

        index = self._change(agent, entry)
        return Invitation(agent=agent, code=code, expires_at=expires_at, index=index)

    def enrol(self, agent: str, code: bytes, public_key: bytes) -> int:
        """Takes the key that an invited agent made for itself; the code is used up. Returns the entry's index.

        Raises AccessDenied, with one and the same message, for an agent that is not invited, a code that is not its
        own, was used or is too old.
        """
        refused = AccessDenied(
            "this is not a one-time code in force for this agent",
            advice="Ask for a new one: `trailseal agent invite`. A code is good once, and for an hour at most.",
        )

        def entry(now: AgentEntry | None) -> AgentEntry:
            if now is None or now.state is not AgentState.INVITED or now.code is None or now.expires_at is None:
                raise refused
            known = hmac.compare_digest(unb64(now.code, 32), sha256(code).digest())
            if not known or parse_utc(now.expires_at) <= self._store.clock.now_us():
                raise refused
            return msgspec.structs.replace(
                now,
                state=AgentState.ENROLLED,
                reason="enrolled with the one-time code",
                authority=self._directory.seen().authority(f"agent:{agent}", False, ()),
                public_key=b64(public_key),
                code=None,
                expires_at=None,
            )

        return self._change(agent, entry)

    def confirm(self, agent: str, shown: str, reason: str, authority: Authority) -> int:
        """From here on the agent may deliver: its key's fingerprint is the one that it shows on site.

        Raises SelfApproval for whoever invited it, Conflict for another fingerprint or an agent that did not enrol.
        """

        def entry(now: AgentEntry | None) -> AgentEntry:
            if now is None or now.state is not AgentState.ENROLLED or now.public_key is None:
                raise Conflict(f"agent {agent!r} waits for no confirmation", advice="See `trailseal agent list`.")
            if authority.actor == now.invited_by:
                raise SelfApproval(
                    f"{authority.actor} invited agent {agent!r}",
                    advice="Somebody else must compare the fingerprint and confirm it.",
                )
            if _digits(shown) != _digits(fingerprint(unb64(now.public_key, 32))):
                raise Conflict(
                    f"this is not the fingerprint of the key that agent {agent!r} enrolled with",
                    advice="Compare it where the agent runs: `trailseal agent show`. If it differs, revoke the agent.",
                )
            return msgspec.structs.replace(now, state=AgentState.CONFIRMED, reason=reason, authority=authority)

        return self._change(agent, entry)

    def revoke(self, agent: str, reason: str, authority: Authority) -> int:
        """From here on nothing of the agent is taken. Raises NotFound, and Conflict if it is revoked already."""

        def entry(now: AgentEntry | None) -> AgentEntry:
            if now is None:
                raise NotFound(f"there is no agent {agent!r}")
            if now.state is AgentState.REVOKED:
                raise Conflict(f"agent {agent!r} is revoked already")
            return msgspec.structs.replace(
                now, state=AgentState.REVOKED, reason=reason, authority=authority, code=None, expires_at=None
            )

        return self._change(agent, entry)

    def approve_epoch(self, agent: str, reason: str, authority: Authority) -> int:
        """Lets a restored agent begin a new epoch, in which it numbers its batches from 1 again; ends the old one.

        Raises Conflict for an agent that is not in use.
        """

        def entry(now: AgentEntry | None) -> AgentEntry:
            if now is None or now.state is not AgentState.CONFIRMED:
                raise Conflict(f"agent {agent!r} is not in use", advice="See `trailseal agent list`.")
            return msgspec.structs.replace(now, epoch=now.epoch + 1, reason=reason, authority=authority)

        return self._change(agent, entry)

    def list(self) -> list[KnownAgent]:
        """All agents there are or were, by name."""
        row = tables.agent.c
        with self._store.reading() as connection:
            found = connection.execute(
                select(tables.agent).where(row.log == SYSTEM_LOG, row.to_index.is_(None)).order_by(row.key)
            ).all()
        return [
            KnownAgent(
                agent=one.key,
                state=AgentState(one.state),
                sources=msgspec.json.decode(one.sources, type=tuple[str, ...]),
                zone=one.zone,
                fingerprint=None if one.public_key is None else fingerprint(bytes(one.public_key)),
                epoch=one.epoch,
                since_index=one.from_index,
            )
            for one in found
        ]

    def standing(self, connection: Connection, agent: str) -> tuple[AgentEntry, Authority] | None:
        """An agent that is in use, from its entry, and the authority of what it delivers; None for any other."""
        index = current(connection, tables.agent, agent)
        if index is None:
            return None
        now, _ = read_entry(self._store, connection, index, AgentEntry)
        if now.state is not AgentState.CONFIRMED or now.agent != agent:
            return None
        log_view(self._store).require(connection, (index,))
        return now, view(connection).authority(f"agent:{agent}", True, (index,))

    def _change(self, agent: str, entry: Callable[[AgentEntry | None], AgentEntry]) -> int:
        with self._store.reading() as connection:
            index = current(connection, tables.agent, agent)
            now = None if index is None else read_entry(self._store, connection, index, AgentEntry)[0]
        made = entry(now)

        def check(transaction: Transaction) -> None:
            key = ("agent", agent)
            if transaction.scratch.get(key) or current(transaction.connection, tables.agent, agent) != index:
                raise Conflict(f"agent {agent!r} was just changed by somebody else", advice="Look, and try again.")
            transaction.scratch[key] = True

        return self._store.append(SYSTEM_LOG, Batch([draft(made)], before=check))[0].index


def _digits(text: str) -> str:
    return "".join(text.split()).replace(":", "").lower()
