"""Entries about edge agents, in the system log, and about what they delivered, in the record log that it went to."""

from enum import StrEnum

import msgspec

from ledger.core.authority import Authority
from ledger.core.batch import BatchHeader, Number
from ledger.core.kinds import Kind
from ledger.core.record import Digest, Name, Text
from ledger.core.times import SafeInt
from ledger.people.kinds import AccountId


class AgentState(StrEnum):
    """Invited by one person, enrolled by itself, confirmed by another person; revoked for good."""

    INVITED = "invited"
    ENROLLED = "enrolled"
    CONFIRMED = "confirmed"
    REVOKED = "revoked"


class AgentEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="agent/1"):
    """From here on the agent is so.

    `code` is the SHA-256 of the one-time code, good until `expires_at`; `public_key` the agent's own Ed25519 key, which
    it made itself; `epoch` the one in which it may number its batches; `invited_by` who invited it, as whoever confirms
    it must be somebody else.
    """

    agent: AccountId
    state: AgentState
    sources: tuple[Name, ...]
    reason: Text
    authority: Authority
    invited_by: Name
    zone: Name | None = None
    code: Digest | None = None
    expires_at: str | None = None
    public_key: Digest | None = None
    epoch: Number = 1


class Delivery(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="delivery/1"):
    """The run that ends at entry `run` came in this batch; the agent's signature can be checked again from here."""

    header: BatchHeader
    signature: Text
    run: SafeInt


KINDS = (Kind("agent", [AgentEntry]), Kind("delivery", [Delivery]))
