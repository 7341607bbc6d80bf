"""Entries about resets: one person of the administration asks, another confirms, and neither is the subject."""

from enum import StrEnum

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Name, Text
from ledger.people.kinds import AccountId


class ResetEvent(StrEnum):
    """What happened to a request."""

    ASKED = "asked"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"


class ResetEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="reset/1"):
    """Somebody asks that a person's second factors, or all their components, be taken away; or it was decided.

    `password`: the password goes too. `lapses_at` (`utc_text`): until when another person may confirm. `confirmed` took
    the components away in its own transaction, ended the person's sessions and issued the code to begin anew.
    """

    reset: Name
    account: AccountId
    event: ResetEvent
    password: bool
    lapses_at: str
    reason: Text
    authority: Authority


KINDS = (Kind("reset", [ResetEntry]),)
