"""Compares two looks at Tryton: which log rows, new rows and unlogged changes lie between, and what stays unknown.

Pure: rows go in as the server's text, originals come out in the order in which they are handed over. A look that does
not fit into one run is handed over in parts, and `Memory.handed` says how far it came; the values of the look before
stay in place until the last part, so that a restart pairs against the same ones.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from collectors.base import MAX_SNAPSHOT
from collectors.it.tryton_models import Watched
from collectors.it.tryton_record import Envelope, Sort, wrap
from ledger.core.record import Interval, Original
from ledger.core.run import Gap


class Handed(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What the present look has handed over so far: log ids, new rows by model, as ranges, and keys of the rest."""

    logs: str = ""
    created: dict[str, str] = {}
    others: list[str] = []


class Memory(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a look leaves for the next one: each watched row as it stood, and what is already in the ledger.

    `logs` are the handed-over numbers of the log above `low`; nothing up to `low` is looked for any more. `marks` are
    looks within the window: when, and the highest number then. `known` are the ids of rows whose creation is handed
    over. Numbers are ranges (`1-5,9`).
    """

    low: int = 0
    marks: list[tuple[str, int]] = []
    logs: str = ""
    rows: dict[str, str] = {}
    known: dict[str, str] = {}
    handed: Handed = msgspec.field(default_factory=Handed)

    @property
    def highest(self) -> int:
        """The highest number of the log at an earlier look."""
        return max([self.low, *(number for _, number in self.marks)])

    def to_bytes(self) -> bytes:
        return msgspec.json.encode(self)


class LogRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `ir.model.log`: its text, and what pairing needs of it."""

    id: int
    text: str
    event: str
    resource: str
    fields: tuple[str, ...]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to hand over; `key` names it within its look."""

    sort: Sort
    key: str
    original: Original


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """All that was read at one look.

    `log_ids` are all rows of the log above `Memory.low`, `logs` those not handed over before the look `since`; `ids`
    are all rows of each watched model that exist, `rows` those read anew, by `MODEL,ID`.
    """

    at: str
    since: str | None
    log_ids: frozenset[int]
    logs: tuple[LogRow, ...]
    ids: Mapping[str, frozenset[int]]
    rows: Mapping[str, str]


def log_row(identity: int, text: str, resource: str) -> LogRow:
    """Reads what pairing needs; an unreadable member counts as empty, as the record's parser will say what is wrong."""
    row = json.loads(text)
    event, target = str(row.get("event")), str(row.get("target") or "")
    fields: tuple[str, ...] = ()
    if event == "write":
        fields = tuple(target.split(","))
    elif event == "transition":
        fields = (target.partition(":")[0],)
    return LogRow(id=identity, text=text, event=event, resource=resource, fields=fields)


def pending(look: Look, memory: Memory, models: Mapping[str, Watched]) -> Iterator[Found]:
    """Everything between the two looks that is not handed over yet: new rows, log rows by id, and what is in no log."""
    writes = _writes(look.logs, models)
    for model, ids in look.ids.items():
        done = parse_ranges(memory.known.get(model, "")) | parse_ranges(memory.handed.created.get(model, ""))
        for identity in sorted(ids - done):
            resource = f"{model},{identity}"
            if resource in look.rows:
                others = {field: (0, len(rows)) for (owner, field), rows in writes.items() if owner == resource}
                yield _found("created", resource, look, others, after=look.rows[resource])
    done = parse_ranges(memory.handed.logs)
    for row in look.logs:
        if row.id not in done:
            yield _logged(row, look, memory, writes)
    for resource, fields in _unlogged(look, memory, models):
        before, after = memory.rows[resource], look.rows[resource]
        key = f"{resource}@{json.dumps(_load(after).get('write_date'))}"
        if _wrote(before) != _wrote(after) and key not in memory.handed.others:
            found = _found("version", resource, look, {}, fields, before=before, after=after)
            yield msgspec.structs.replace(found, key=key)
    for resource in _gone(look, memory):
        if resource not in memory.handed.others:
            yield _found("gone", resource, look, {}, before=memory.rows[resource])


def gaps(look: Look, memory: Memory, models: Mapping[str, Watched]) -> Iterator[Gap]:
    """What the source shows to have happened between the looks but does not give. None at the first look."""
    if look.since is None:
        return
    between = Interval(after=look.since, before=look.at)
    writes = _writes(look.logs, models)
    for (resource, field), rows in writes.items():
        if len(rows) > 1:
            yield Gap(
                subject=f"{resource} {field}",
                reason=f"{len(rows)} changes between two looks: only the first old and the last new value are known",
                between=between,
            )
    for resource, fields in _unlogged(look, memory, models):
        if _wrote(memory.rows[resource]) == _wrote(look.rows[resource]):
            yield Gap(
                subject=f"{resource} {','.join(fields)}",
                reason="the value changed with neither a log row nor a new write date",
                between=between,
            )
    if vanished := parse_ranges(memory.logs) - look.log_ids:
        yield Gap(
            subject=f"ir.model.log,{format_ranges(vanished)}",
            reason="these log rows were collected before and are no longer in the source",
            between=between,
        )
    unnamed = [row.id for row in look.logs if row.event == "delete" and not row.resource]
    hint = f"; log rows {format_ranges(unnamed)} delete something unnamed" if unnamed else ""
    for resource in _gone(look, memory):
        yield Gap(subject=resource, reason=f"the row is gone and no log row names it{hint}", between=between)


def hand_over(memory: Memory, found: Iterable[Found]) -> Memory:
    """The memory after a part of the look: what was handed over is marked, the values of the look before stay."""
    logs, others = parse_ranges(memory.handed.logs), list(memory.handed.others)
    created = {model: parse_ranges(text) for model, text in memory.handed.created.items()}
    for item in found:
        if item.sort == "log":
            logs.add(int(item.key))
        elif item.sort != "created":
            others.append(item.key)
        else:
            model, _, identity = item.key.partition(",")
            created.setdefault(model, set()).add(int(identity))
    handed = Handed(
        logs=format_ranges(logs),
        created={model: format_ranges(ids) for model, ids in created.items()},
        others=others,
    )
    return msgspec.structs.replace(memory, handed=handed)


def settle(look: Look, memory: Memory, horizon: str) -> tuple[Memory, tuple[Gap, ...]]:
    """The memory after the last part: this look's rows and ids; what was read before `horizon` is looked for no more.

    A number of the log that never came before `low` passed it is a gap (rolled back, or deleted before it was read).
    Where the rows do not fit into a snapshot the lowest ids are left out, and a gap says so.
    """
    between = Interval(after=look.since or look.at, before=look.at)
    unknown: list[Gap] = []
    highest = max((row.id for row in look.logs), default=0)
    marks = [*memory.marks, (look.at, highest)] if highest > memory.highest else memory.marks
    low = max([memory.low, *(number for at, number in marks if at < horizon)])
    if look.since and (missing := set(range(memory.low + 1, low + 1)) - look.log_ids - parse_ranges(memory.logs)):
        unknown.append(
            Gap(
                subject=f"ir.model.log,{format_ranges(missing)}",
                reason="these log numbers never came: rolled back, or deleted before they were read",
                between=between,
            )
        )
    rows = {**memory.rows, **look.rows}
    rows = {name: text for name, text in rows.items() if _still(name, look)}
    logs = {identity for identity in parse_ranges(memory.logs) if identity > low}
    logs |= {row.id for row in look.logs if row.id > low}
    settled = Memory(
        low=low,
        marks=[(at, number) for at, number in marks if number > low],
        logs=format_ranges(logs),
        rows=rows,
        known={model: format_ranges(ids) for model, ids in look.ids.items()},
    )
    left_out = 0
    while len(settled.to_bytes()) > MAX_SNAPSHOT:
        kept = sorted(settled.rows, key=lambda name: int(name.partition(",")[2]))[len(settled.rows) // 10 + 1 :]
        left_out += len(settled.rows) - len(kept)
        settled = msgspec.structs.replace(settled, rows={name: settled.rows[name] for name in kept})
    if left_out:
        reason = f"{left_out} of the oldest rows do not fit into the snapshot: their next change has no old value"
        unknown.append(Gap(subject="snapshot", reason=reason, between=between))
    return settled, tuple(unknown)


def parse_ranges(text: str) -> set[int]:
    """`1-3,7` as {1, 2, 3, 7}."""
    numbers: set[int] = set()
    for part in text.split(",") if text else ():
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return numbers


def format_ranges(numbers: Iterable[int]) -> str:
    """{1, 2, 3, 7} as `1-3,7`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _logged(row: LogRow, look: Look, memory: Memory, writes: Mapping[tuple[str, str], list[int]]) -> Found:
    others = {}
    for field in row.fields if row.event == "write" else ():
        rows = writes.get((row.resource, field), [])
        if len(rows) > 1:
            others[field] = (rows.index(row.id), len(rows) - 1 - rows.index(row.id))
    if row.event == "delete":
        others = {field: (len(rows), 0) for (owner, field), rows in writes.items() if owner == row.resource}
    found = _found(
        "log",
        row.resource,
        look,
        others,
        log=row.text,
        before=memory.rows.get(row.resource),
        after=look.rows.get(row.resource),
    )
    return msgspec.structs.replace(found, key=str(row.id))


def _found(
    sort: Sort,
    resource: str,
    look: Look,
    others: dict[str, tuple[int, int]],
    fields: tuple[str, ...] = (),
    **rows: str | None,
) -> Found:
    envelope = Envelope(sort=sort, resource=resource, look=look.at, since=look.since, others=others, fields=fields)
    return Found(sort=sort, key=resource, original=wrap(envelope, **rows))


def _writes(logs: Iterable[LogRow], models: Mapping[str, Watched]) -> dict[tuple[str, str], list[int]]:
    """Resource and field → ids of the log rows that wrote it, ascending; only what is paired."""
    writes: dict[tuple[str, str], list[int]] = {}
    for row in logs:
        if row.event == "write":
            watched = models.get(row.resource.partition(",")[0])
            for field in row.fields:
                if watched and field in watched.fields:
                    writes.setdefault((row.resource, field), []).append(row.id)
    return writes


def _unlogged(look: Look, memory: Memory, models: Mapping[str, Watched]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Rows that hold other values than at the look before, and the fields for which no log row is there."""
    logged = {(row.resource, field) for row in look.logs for field in row.fields}
    for resource, text in look.rows.items():
        if resource not in memory.rows or memory.rows[resource] == text:
            continue
        before, after = _load(memory.rows[resource]), _load(text)
        fields = tuple(
            field
            for field in models[resource.partition(",")[0]].fields
            if field in before and field in after and before[field] != after[field] and (resource, field) not in logged
        )
        if fields:
            yield resource, fields


def _gone(look: Look, memory: Memory) -> Iterator[str]:
    """Rows of the look before that are no longer there, and no log row names as deleted."""
    deleted = {row.resource for row in look.logs if row.event == "delete"}
    for resource in memory.rows:
        if resource.partition(",")[0] in look.ids and not _still(resource, look) and resource not in deleted:
            yield resource


def _still(resource: str, look: Look) -> bool:
    model, _, identity = resource.partition(",")
    return int(identity) in look.ids.get(model, ())


def _load(text: str) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(text)
    return row


def _wrote(text: str) -> object:
    return _load(text).get("write_date")
