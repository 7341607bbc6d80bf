"""The last look before records go: whether each may, as things stand in this very snapshot."""

from collections.abc import Sequence

from ledger.core.clock import utc_text
from ledger.core.errors import Conflict
from ledger.core.hashing import b64, leaf_hash
from ledger.core.retention import Item
from ledger.retention.disposal_kinds import DAY_US, DisposalEntry, DisposalEvent, Group
from ledger.retention.judging import Judge
from ledger.store.disposed import Doomed
from ledger.store.position import pos_of
from ledger.store.reading import LogReader


def look(judge: Judge, reader: LogReader, parts: Sequence[DisposalEntry], proven_us: int | None) -> list[Doomed]:
    """What goes with these parts; raises Conflict, naming the first entry that may not go as things stand now."""
    doomed = []
    for part in parts:
        listed: list[tuple[Group, Item]] = [(group, item) for group in part.groups for item in group.items]
        entries = reader.chosen([item.index for _, item in listed])
        for (group, item), stored in zip(listed, entries, strict=True):
            judged, body = judge.judge(stored)
            if judged.case is not None:
                raise Conflict(
                    f"entry {item.index} is not disposed of: integrity incident {judged.case} concerns it",
                    advice="An open case preserves evidence, and an entry that an epoch names as damaged stays for "
                    f"good: see `trailseal incident show {judged.case}`. Run this again once the case is closed, or "
                    "withdraw the disposal and ask for what may still go.",
                )
            _require(body is not None, item, "it was disposed of already, or is no record")
            assert body is not None
            _require(b64(leaf_hash(stored.leaf)) == item.leaf_hash, item, "it is not the entry that was listed")
            _require(judged.hold is None, item, f"legal hold {judged.hold} covers it")
            _require(judged.disposable(proven_us), item, "its retention is not over, by any time that is proven")
            same = (judged.source, judged.classes, judged.subjects) == (group.source, group.classes, group.subjects)
            _require(same, item, "what its retention rests on is no longer what was listed")
            record = body.record
            doomed.append(
                Doomed(
                    pos=pos_of(reader.log, item.index),
                    source=record.source,
                    record_id=record.source_record_id,
                    links=tuple(dict.fromkeys((link.kind.value, link.id) for link in record.links)),
                )
            )
    return doomed


def require_open(asked: DisposalEntry, past: Sequence[tuple[int, DisposalEntry, int]], now_us: int) -> None:
    """Raises Conflict for a disposal that is not approved, was withdrawn, or waits still."""
    approved = [(body, at) for _, body, at in past if body.event is DisposalEvent.APPROVED]
    if not approved or past[-1][1].event is DisposalEvent.WITHDRAWN:
        raise Conflict(f"disposal {asked.disposal!r} is not approved", advice="A second person approves it first.")
    until = approved[0][1] + asked.waits_days * DAY_US
    if now_us < until:
        raise Conflict(
            f"disposal {asked.disposal!r} waits until {utc_text(until)}", advice="Until then anybody can object."
        )


def _require(holds: bool, item: Item, what: str) -> None:
    if not holds:
        raise Conflict(
            f"entry {item.index} is not disposed of: {what}",
            advice="Withdraw this disposal, and ask for what may still go.",
        )
