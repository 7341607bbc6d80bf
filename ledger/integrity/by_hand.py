"""Rules of what is entered by hand and of exclusions, decided again from the entries of their record log."""

from sqlalchemy import Connection

from ledger.core.entry import Entry, decode_leaf
from ledger.core.kinds import RECORD
from ledger.core.record import RecordBody
from ledger.core.source import BY_HAND
from ledger.sources.hand_kinds import BY_HAND_KIND, ByHand, Exclusion, HandEvent
from ledger.store.reading import LogReader, StoredEntry


def broken(connection: Connection, entry: Entry) -> str:
    """The rule that an entry about what was entered by hand, or is excluded, breaks; empty if none.

    Somebody known did it; it was entered with the record before it, as theirs; and who checks it did not enter it.
    """
    body = entry.body
    if not isinstance(body, ByHand | Exclusion):
        return ""
    if not body.authority.authenticated:
        return f"{body.authority.actor} is nobody who is known"
    if isinstance(body, Exclusion):
        return ""
    reader = LogReader(connection, entry.log)
    if body.event is HandEvent.ENTERED:
        if entry.index != body.record + 1:
            return "it does not stand directly after the record that it says was entered"
        return _not_theirs(reader.entry(body.record), body)
    if not 0 <= body.record < entry.index - 1:
        return "it is about a record that was not entered by hand before it"
    entered = _entered(reader.entry(body.record + 1))
    if entered is None or entered.hand != body.hand or entered.event is not HandEvent.ENTERED:
        return f"nothing was entered by hand as {body.hand!r} with entry {body.record}"
    return f"{body.authority.actor} entered it" if entered.authority.actor == body.authority.actor else ""


def _not_theirs(stored: StoredEntry, body: ByHand) -> str:
    """Why the record before it is not what they entered; once its content is disposed of its kind alone is known."""
    if decode_leaf(stored.leaf).kind != RECORD.name:
        return f"entry {stored.index} is no record"
    if stored.body is None:
        return ""
    found = RECORD.decode(stored.body)
    assert isinstance(found, RecordBody)
    actor = found.record.actor
    theirs = (found.record.source_record_id, actor.account, actor.channel)
    return "" if theirs == (body.hand, body.authority.actor, BY_HAND) else f"record {stored.index} is not what it names"


def _entered(stored: StoredEntry) -> ByHand | None:
    if stored.body is None or decode_leaf(stored.leaf).kind != BY_HAND_KIND.name:
        return None
    body = BY_HAND_KIND.decode(stored.body)
    return body if isinstance(body, ByHand) else None
