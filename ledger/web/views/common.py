"""What several pages show alike: an entry as a line, a checkpoint, a state with its words."""

from collections.abc import Mapping
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.checkpoint import Checkpoint, open_checkpoint
from ledger.core.clock import WallClock
from ledger.core.entry import LeafData, decode_leaf
from ledger.core.errors import IntegrityError, InvalidEntry, LedgerError, NotFound
from ledger.core.kinds import KindRegistry
from ledger.core.note import parse_note
from ledger.integrity.incidents.standing import Standing
from ledger.present.messages import message
from ledger.present.sentences import disposed_sentence, entry_sentence
from ledger.present.states import State
from ledger.present.values import Piece, Pieces
from ledger.privacy.look_up_kinds import Purpose
from ledger.privacy.look_ups import Allowed
from ledger.store.disposed import disposal_of
from ledger.store.logs import SYSTEM_LOG
from ledger.store.question import Query
from ledger.store.reading import LogReader, StoredEntry
from ledger.trust.key_history import read_log_keys


class Allow(Protocol):
    """Decides whether a question, also one for a person of the identity map, may be answered: None, it is about no
    person; raises PurposeRequired.
    """

    def __call__(
        self, reader: LogReader, query: Query, purpose: Purpose | None, person: str | None = None, /
    ) -> Allowed | None: ...


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What every view is made from: the logs, how bodies are read, the clock, and the site's time zone."""

    logs: tuple[LogId, ...]
    kinds: KindRegistry
    clock: WallClock
    zone: ZoneInfo
    standing: Standing = Standing()

    def log(self, name: str) -> LogId:
        """The log of that short name; raises NotFound, naming what there is."""
        for log in self.logs:
            if log.name == name:
                return log
        names = ", ".join(log.name for log in self.logs)
        raise NotFound(f"this ledger has no log {name!r}", advice=f"It has: {names}.")

    def record_log(self, name: str | None) -> LogId:
        """The record log of that name, the first where none is named; raises NotFound for one that takes no records."""
        records = [log for log in self.logs if log.number != SYSTEM_LOG]
        if name is None and records:
            return records[0]
        found = self.log(name or "")
        if found.number == SYSTEM_LOG:
            raise NotFound(f"log {found.name} takes no records", advice="Name a record log.")
        return found

    def body(self, kind: str, stored: StoredEntry) -> msgspec.Struct | None:
        """The decoded body of an entry; None where it was disposed of."""
        return None if stored.body is None else self.kinds[kind].decode(stored.body)


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was checked for this page: `key` names its words in the catalogue, `detail` is inert text."""

    key: str
    state: State
    detail: str = ""


class ShownCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint as it stands in the ledger, and whether the log's own key signed it."""

    size: int
    root: bytes
    note: str
    signed: State
    detail: str


def number_asked(asked: Mapping[str, str], name: str, most: int, errors: dict[str, str]) -> int:
    """The number that a page's parameter names, `most` where it is not given; one that is none is put into `errors`."""
    text = asked.get(name)
    if text is None:
        return most
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= most):
        errors[name] = message("object.number", most=most)
        return most
    return int(text)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An entry in one line: the word of its kind, its sentence, and its body while it is there and can be read."""

    kind: str
    sentence: Pieces
    body: msgspec.Struct | None


def entry_line(scope: Scope, stored: StoredEntry, reader: LogReader) -> Line:
    """An entry in one line; one that was disposed of, or that is no longer what was logged, says so."""
    try:
        kind = decode_leaf(stored.leaf).kind
        body = scope.body(kind, stored)
    except InvalidEntry:
        return Line(kind=message("entry.unreadable.kind"), sentence=(Piece(message("entry.unreadable")),), body=None)
    if body is None:
        gone = disposal_of(reader.connection, reader.log, stored.index)
        sentence = disposed_sentence(None if gone is None else gone.entry)
    else:
        sentence = entry_sentence(body)
    return Line(kind=message(f"kind.{kind}"), sentence=sentence, body=body)


def read_leaf(log: str, stored: StoredEntry) -> LeafData:
    """The leaf of a stored entry; raises IntegrityError, naming the entry, if it is no longer one."""
    try:
        return decode_leaf(stored.leaf)
    except InvalidEntry as error:
        raise IntegrityError(f"entry {stored.index} of log {log} is not what was logged: {error.message}") from None


def show_checkpoint(scope: Scope, connection: Connection, log: LogId, note: bytes) -> ShownCheckpoint:
    """Opens a stored checkpoint with the keys that the log had then; a bad signature is shown, not raised.

    Raises MalformedNote when it is no checkpoint at all.
    """
    checkpoint = Checkpoint.parse(parse_note(note).text)
    detail, state = "", State.HOLDS
    try:
        keys = read_log_keys(connection, scope.kinds, log.number)
        keys.check(checkpoint.size, checkpoint.size, open_checkpoint(note, log.origin, keys.verifiers).verified)
    except LedgerError as error:
        state, detail = State.FAILS, error.message
    return ShownCheckpoint(size=checkpoint.size, root=checkpoint.root, note=note.decode(), signed=state, detail=detail)
