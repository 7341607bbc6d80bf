"""The entry about a ledger's move from one server to another."""

from enum import StrEnum

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Name


class MoveEvent(StrEnum):
    """What a server says of itself."""

    LEFT = "left"
    ARRIVED = "arrived"


class ServerMove(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="server-move/1"):
    """A ledger leaves its server for another place, or has arrived there. `code`: SHA-256 (hex) of the move's code."""

    event: MoveEvent
    place: Name
    code: str
    reason: str
    authority: Authority


KINDS = (Kind("server-move", [ServerMove]),)
