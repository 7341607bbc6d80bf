"""What a logical replication slot gives, as transactions with their changes; each change's original stands by itself.

An original holds the plugin's own message of the change and of what it needs to be understood: the transaction's
begin, the table as it was then, the last message of the application that named the user.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Literal, TypeVar

import msgspec

from collectors.it import pg_output
from collectors.it.pg_output import Begin, Commit, Message, Relation, RowChange
from collectors.mapping.collector import json_item
from collectors.mapping.expression import Item
from collectors.text import render
from ledger.core.errors import SkippableRecord

MEDIA_TYPE = "application/json"
PLUGINS = ("pgoutput", "wal2json")
_ACTIONS = {"I": "insert", "U": "update", "D": "delete", "T": "truncate"}
T = TypeVar("T")
KeyOf = Callable[[str, str], tuple[str, ...]]
"""The primary key's columns of a table, by schema and name."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A change of one table. Messages of pgoutput are base64, those of wal2json the JSON text that they are.

    `lsn` is where the change stands in the write-ahead log, `n` its number within the transaction, `key` the primary
    key as the catalog had it when it was collected.
    """

    plugin: Literal["pgoutput", "wal2json"]
    lsn: str
    n: int
    begin: str
    change: str
    relation: str = ""
    message: str = ""
    key: tuple[str, ...] = ()


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A change as an original; in `unreadable` why it could not be read, and `data` is then the message alone."""

    n: int
    data: bytes
    unreadable: str = ""


Event = Begin | Changed | Commit


class Feed:
    """Turns the rows that a slot gives into events. Keeps what belongs to the transaction that is open."""

    def __init__(self, plugin: str, prefix: str, key_of: KeyOf) -> None:
        self._feed = self._output if plugin == "pgoutput" else self._json
        self._prefix = prefix
        self._key_of = key_of
        self._relations: dict[int, tuple[Relation, str]] = {}
        self._begin = ""
        self._message = ""
        self._n = 0

    def events(self, lsn: str, data: bytes) -> Iterator[Event]:
        """What one row of the slot says; raises SkippableRecord for a begin or commit that cannot be read."""
        return self._feed(lsn, data)

    def _output(self, lsn: str, data: bytes) -> Iterator[Event]:
        try:
            found = pg_output.decode(data)
        except SkippableRecord as error:
            yield self._unreadable(data, error, data[:1] in (b"B", b"C", b"R"))
            return
        text = b64encode(data).decode("ascii")
        if isinstance(found, Begin):
            yield self._open(found, text)
        elif isinstance(found, Commit):
            yield found
        elif isinstance(found, Relation):
            self._relations[found.oid] = (found, text)
        elif isinstance(found, Message):
            if found.transactional and found.prefix == self._prefix:
                self._message = text
        elif isinstance(found, RowChange):
            for oid in found.relations:
                yield self._of_relation(lsn, data, text, oid)

    def _of_relation(self, lsn: str, data: bytes, text: str, oid: int) -> Changed:
        self._n += 1
        if oid not in self._relations:
            return Changed(n=self._n, data=data, unreadable=f"a change of the relation {oid}, which was not described")
        relation, described = self._relations[oid]
        key = self._key_of(relation.schema, relation.name)
        return self._changed(plugin="pgoutput", lsn=lsn, change=text, relation=described, key=key)

    def _json(self, lsn: str, data: bytes) -> Iterator[Event]:
        try:
            text, found = data.decode("utf-8"), dict(json_item(data))
            action = str(found.get("action"))
            if action == "B":
                yield self._open(_json_begin(found), text)
            elif action == "C":
                yield Commit(commit_lsn=str(found["lsn"]), end_lsn=str(found["nextlsn"]))
            elif action == "M":
                if found.get("transactional") is True and found.get("prefix") == self._prefix:
                    self._message = text
            elif action in _ACTIONS:
                self._n += 1
                key = tuple(str(one["name"]) for one in _list(found.get("pk")))
                yield self._changed(plugin="wal2json", lsn=lsn, change=text, key=key)
        except (SkippableRecord, KeyError, TypeError, UnicodeDecodeError) as error:
            yield self._unreadable(data, error, b'"action":"B"' in data[:40] or b'"action":"C"' in data[:40])

    def _open(self, begin: Begin, text: str) -> Begin:
        self._begin, self._message, self._n = text, "", 0
        return begin

    def _changed(self, **members: Any) -> Changed:
        envelope = Envelope(n=self._n, begin=self._begin, message=self._message, **members)
        return Changed(n=self._n, data=msgspec.json.encode(envelope))

    def _unreadable(self, data: bytes, error: Exception, vital: bool) -> Changed:
        if vital:
            raise SkippableRecord(f"the slot gave what cannot be read: {error}")
        self._n += 1
        return Changed(n=self._n, data=data, unreadable=str(error))


def to_item(data: bytes) -> Item:
    """What an original says; raises SkippableRecord for bytes that are none.

    `kind` (insert, update, delete, truncate), `schema`, `table`, `old` and `new` (column → value; not there where the
    log does not say), `key` (its text), `lsn`, `commit_lsn`, `n`, `commit_time`, `xid`, `user` and `message`.
    """
    try:
        envelope = msgspec.json.decode(data, type=Envelope)
        found = _of_output(envelope) if envelope.plugin == "pgoutput" else _of_json(envelope)
    except (msgspec.DecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SkippableRecord(f"not a change of the write-ahead log: {error.__class__.__name__}: {error}") from None
    row = found.get("new") or found.get("old") or {}
    key = [_text(row.get(name)) for name in envelope.key]
    found |= {"lsn": envelope.lsn, "n": envelope.n}
    if key and None not in key:
        found["key"] = "/".join(str(part) for part in key)
    return found


def _of_output(envelope: Envelope) -> dict[str, Any]:
    begin, change = _decoded(envelope.begin, Begin), _decoded(envelope.change, RowChange)
    relation = _decoded(envelope.relation, Relation)
    if relation.oid not in change.relations:
        raise SkippableRecord(f"a change of other relations than {relation.oid}")
    found = _head(change.kind, relation.schema, relation.name, begin)
    if change.old is not None:
        found["old"] = pg_output.values(change.old, relation.columns)
    if change.new is not None:
        found["new"] = pg_output.values(change.new, relation.columns)
        if change.old is not None:  # a value that is kept out of the row and did not change stands in the old one only
            found["new"] = {
                name: found["new"].get(name, found["old"].get(name))
                for name in (column.name for column in relation.columns)
                if name in found["new"] or name in found["old"]
            }
    if envelope.message:
        found |= _said(_decoded(envelope.message, Message).content.decode("utf-8", "replace"))
    return found


def _of_json(envelope: Envelope) -> dict[str, Any]:
    begin, change = _json_begin(dict(_object(envelope.begin))), _object(envelope.change)
    found = _head(_ACTIONS[str(change["action"])], str(change["schema"]), str(change["table"]), begin)
    for ours, theirs in (("old", "identity"), ("new", "columns")):
        if theirs in change:
            found[ours] = {str(one["name"]): _plain(one["value"]) for one in _list(change[theirs])}
    if "old" in found and "new" in found:
        found["new"] = {**{name: old for name, old in found["old"].items() if name not in found["new"]}, **found["new"]}
    if envelope.message:
        found |= _said(str(_object(envelope.message)["content"]))
    return found


def _head(kind: str, schema: str, table: str, begin: Begin) -> dict[str, Any]:
    return {
        "kind": kind,
        "schema": schema,
        "table": table,
        "commit_lsn": begin.commit_lsn,
        "commit_time": begin.at,
        "xid": begin.xid,
    }


def _said(text: str) -> dict[str, Any]:
    """The user, and the message: an object of JSON as such, with its member `user`; any other text is the user."""
    try:
        message = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        message = text
    if not isinstance(message, dict):
        return {"user": text, "message": text}
    return {"user": message.get("user"), "message": message}


def _decoded(text: str, kind: type[T]) -> T:
    found = pg_output.decode(b64decode(text, validate=True))
    if not isinstance(found, kind):
        raise SkippableRecord(f"a message that is no {kind.__name__}")
    return found


def _json_begin(found: Item) -> Begin:
    return Begin(commit_lsn=str(found["lsn"]), at=str(found["timestamp"]), xid=str(found["xid"]))


def _object(text: str) -> Item:
    return json_item(text.encode("utf-8", "surrogatepass"))


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _plain(value: object) -> object:
    return render(value) if isinstance(value, (list, dict)) else value


def _text(value: object) -> str | None:
    return None if value is None else str(render(value))
