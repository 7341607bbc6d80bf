"""Entries about terminals: devices at which people work, enrolled and tested by hand (21 CFR 11.10(h), 11.300(e))."""

from enum import StrEnum
from typing import Annotated

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Name, Text
from ledger.people.secrets import Destroyed, SecretRef

TerminalId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]


class TerminalEvent(StrEnum):
    """What happened to a terminal."""

    ENROLLED = "enrolled"
    TESTED = "tested"
    FAILED = "failed"
    RETIRED = "retired"


class TerminalEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="terminal/1"
):
    """Somebody enrolled a terminal, tested it, or took it out of use.

    Its browser holds a secret, which `secrets` commits to; a test that it passed, made at the terminal, gives it a new
    one. `how`: what was tested, and what came of it. One that failed, or was retired, is enrolled anew or not at all.
    """

    terminal: TerminalId
    event: TerminalEvent
    title: Name
    how: Text
    reason: Text
    authority: Authority
    secrets: tuple[SecretRef, ...] = ()
    destroys: tuple[Destroyed, ...] = ()


IN_USE = frozenset({TerminalEvent.ENROLLED, TerminalEvent.TESTED})

KINDS = (Kind("terminal", [TerminalEntry]),)
