"""A clock ran ahead, and the log with it: the entry by which it goes on in the right time, which two people sign.

The times of a log never go back, but at this one kind of entry. It names what it goes back over: the log's size, the
leaf hash and the time of its last entry. Two people sign the statement with their own keys, one statement for all logs;
it is entered first in the system log, whether that ran ahead or not, then in each log that did.
"""

from typing import Final

import msgspec

from ledger.core.authority import Authority
from ledger.core.clock import parse_utc
from ledger.core.errors import LedgerError
from ledger.core.hashing import b64
from ledger.core.kinds import Kind
from ledger.core.record import Digest, Name, Text
from ledger.core.signature import KeyProof
from ledger.core.statement import Purpose, statement_message
from ledger.core.times import SafeInt

NAME: Final = "time-epoch"
SIGNERS: Final = 2
LASTS_US: Final = 3_600_000_000
"""Within that, in microseconds, a signed statement is entered: an hour."""


class Ahead(msgspec.Struct, frozen=True, kw_only=True):
    """A log that ran ahead: its last entry (`leaf`: its leaf hash) was logged at `head_at`; `size` entries stand."""

    origin: Name
    size: SafeInt
    leaf: Digest
    head_at: Name


class TimeEpochStatement(msgspec.Struct, frozen=True, kw_only=True):
    """What both sign: from `goes_on_at` on these logs go on. `origin` is the system log's."""

    origin: Name
    goes_on_at: Name
    logs: tuple[Ahead, ...]
    signers: tuple[Name, ...]
    reason: Text


class SignedBy(msgspec.Struct, frozen=True, kw_only=True):
    """A person's signature; `key`: the address of the request of their key."""

    account: Name
    key: Name
    proof: KeyProof


class TimeEpochEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="time-epoch/1"
):
    """The statement with its signatures, in the order of `signers`. `authority`: who entered it."""

    statement: TimeEpochStatement
    signatures: tuple[SignedBy, ...]
    authority: Authority


TIME_EPOCH: Final = Kind(NAME, [TimeEpochEntry])


def epoch_message(statement: TimeEpochStatement) -> bytes:
    """What a person's key signs."""
    return statement_message(Purpose.TIME_EPOCH, statement.origin, msgspec.to_builtins(statement))


def in_time(statement: TimeEpochStatement, logged_us: int) -> bool:
    """Whether it was entered in the time for which it was signed."""
    return 0 <= logged_us - parse_utc(statement.goes_on_at) <= LASTS_US


def goes_back(kind: str, body: bytes | None, index: int, before: bytes, head_at: str, logged_at: str) -> bool:
    """Whether entry `index`, logged at `logged_at`, may stand after one with leaf hash `before` and a later `head_at`.

    Whether two people signed it, level 4 says.
    """
    if kind != NAME or body is None:
        return False
    try:
        said = msgspec.json.decode(body, type=TimeEpochEntry).statement
        named = any((one.size, one.leaf, one.head_at) == (index, b64(before), head_at) for one in said.logs)
        return named and in_time(said, parse_utc(logged_at))
    except (msgspec.DecodeError, UnicodeDecodeError, LedgerError):
        return False
