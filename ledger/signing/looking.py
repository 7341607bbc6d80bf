"""Signatures as they are looked at: verified again for each look, from the entries, never from what a table says."""

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import Address, LogId
from ledger.core.errors import LedgerError, NotFound, SignatureInvalid
from ledger.core.signature import Mode, SignatureEntry, Target, holds_together, members
from ledger.people.credentials import read_entry
from ledger.present.manifest import Manifestation, manifestation
from ledger.signing.history import read_history
from ledger.signing.pages import SetPage, page_of
from ledger.signing.provider_check import provider_verifier
from ledger.signing.tables import signature
from ledger.signing.targets import signatures_over, still_there
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.store.store import Store


class LookedAt(msgspec.Struct, frozen=True, kw_only=True):
    """A signature with how it is shown. `wrong` says why it does not hold.

    `unsigned`: what it signed stands no longer as it was signed. `entries`: what it lists; of a set too large for that
    there are none, and `signed_page` gives them page by page.
    """

    index: int
    address: str
    shown: Manifestation
    sentence: str
    mode: Mode
    origin: str
    entries: tuple[int, ...]
    valid: bool
    unsigned: bool
    wrong: str = ""


def look(store: Store, connection: Connection, index: int) -> LookedAt:
    """The signature at an entry of the system log; raises NotFound where it is none."""
    body, logged_us = read_entry(store, connection, index, msgspec.Struct)
    if not isinstance(body, SignatureEntry):
        raise NotFound(f"entry {index} of the system log is no signature")
    target = body.statement.target
    log = next((one for one in read_logs(connection) if one.origin == target.origin), None)
    unsigned = log is None or not holds_together(target) or not _stands(connection, log, body)
    wrong, valid = "", True
    try:
        _require_first(connection, body, index)
        if body.statement.mode is Mode.PROVIDER:
            provider_verifier(store.kinds)(connection, body, logged_us)
        else:
            read_history(store, connection).verify(body, index)
    except LedgerError as error:
        wrong, valid = error.message, False
    shown = manifestation(body)
    return LookedAt(
        index=index,
        address=str(Address(body.statement.origin, index)),
        shown=shown,
        sentence=shown.sentence,
        mode=body.statement.mode,
        origin=target.origin,
        entries=target.entries,
        valid=False if unsigned else valid,
        unsigned=unsigned,
        wrong=wrong or ("what was signed stands there no longer: it is unsigned" if unsigned else ""),
    )


def signed_target(store: Store, connection: Connection, index: int) -> Target:
    """What a signature is over; raises NotFound where the entry of the system log is none, or not there."""
    head = LogReader(connection, SYSTEM_LOG).head()
    body = read_entry(store, connection, index, msgspec.Struct)[0] if index < head.size else None
    if not isinstance(body, SignatureEntry):
        raise NotFound(f"entry {index} of the system log is no signature")
    return body.statement.target


def signed_page(store: Store, connection: Connection, index: int, begin: int, most: int) -> SetPage:
    """The entries from `begin` on that a signature is over, `most` at most; raises NotFound where it is none."""
    target = signed_target(store, connection, index)
    log = next((one.name for one in read_logs(connection) if one.origin == target.origin), "")
    return page_of(log, members(target), begin, most)


def over(store: Store, connection: Connection, log: LogId, index: int) -> list[LookedAt]:
    """The signatures over an entry of a log, which they list or have in their set, oldest first."""
    return [look(store, connection, one) for one in signatures_over(connection, log.origin, index)]


def _stands(connection: Connection, log: LogId, body: SignatureEntry) -> bool:
    try:
        return still_there(connection, log, body.statement.target)
    except LedgerError:
        return False


def _require_first(connection: Connection, body: SignatureEntry, index: int) -> None:
    """A nonce is good for one entry: another of before makes this one a replay."""
    row = signature.c
    earlier = connection.scalar(
        select(row.pos).where(row.nonce == body.statement.nonce, row.pos < pos_of(SYSTEM_LOG, index)).limit(1)
    )
    if earlier is not None:
        raise SignatureInvalid(f"it is a replay of entry {index_of(earlier)}")
