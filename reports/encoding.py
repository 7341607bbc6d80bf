"""Makes a package's lines from the evidence: exactly the bytes that the log holds, with their proofs."""

from typing import Any

import msgspec

from ledger.core.hashing import b64
from ledger.trace.evidence import EvidenceRecord
from ledger.trace.key_life import ProvenKeyEvent
from ledger.trace.proven import ProvenEntry
from reports.lines import (
    EntryLine,
    EntryRole,
    KeyEventLine,
    OriginalState,
    Reason,
    RecordLine,
    SealedValue,
    SignedLine,
    SignedRole,
)
from reports.origins import Origins


def original_erased(one: EvidenceRecord) -> bool:
    """Whether the record has an original by its body, and no longer in the vault: nothing else makes that hold."""
    return one.body.original is not None and one.original is None


def record_line(one: EvidenceRecord, hide: bool, origins: Origins) -> RecordLine:
    """A record's line; `hide` withholds its sealed values. Raises IntegrityError for one of no import's archive."""
    why, source = one.why, one.body.record.source
    kept = OriginalState.WITHHELD if hide else OriginalState.INCLUDED
    gone = OriginalState.ERASED if original_erased(one) else OriginalState.NONE
    return RecordLine(
        index=one.entry.index,
        basis=one.basis.value,
        leaf=msgspec.Raw(one.entry.leaf),
        salt=b64(one.entry.salt),
        body=msgspec.Raw(one.entry.body),
        proof=tuple(b64(item) for item in one.entry.proof),
        original=gone if one.original is None else kept,
        sealed=()
        if hide
        else tuple(SealedValue(member=k.meta, salt=b64(k.salt), value=msgspec.Raw(k.value)) for k in one.sealed),
        withheld=(*(kept.meta for kept in one.sealed if hide), *one.erased),
        why=None
        if why is None
        else Reason(
            equipment=why.equipment,
            started_by=why.started_by,
            after=why.after,
            stopped_by=why.stopped_by,
            before=why.before,
            certain=why.certain,
            phase=why.phase.value,
            rule=why.rule,
            tag=why.tag,
        ),
        imported=origins.import_of(source, one.entry.index),
        marks=origins.marks.of(one.entry.index),
        mark="re-validate" if origins.mark_of(source, one.entry.index) else None,
    )


def entry_line(role: EntryRole, entry: ProvenEntry) -> EntryLine:
    """The line of another entry of the package's log."""
    return EntryLine(role=role, **_parts(entry))


def key_event_line(one: ProvenKeyEvent) -> KeyEventLine:
    """The line of a key event of the package's log."""
    return KeyEventLine(
        note=None if one.note is None else one.note.decode(),
        consistency=tuple(b64(item) for item in one.consistency),
        **_parts(one.entry),
    )


def signed_line(role: SignedRole, entry: ProvenEntry) -> SignedLine:
    """The line of an entry of the system log."""
    return SignedLine(role=role, **_parts(entry))


def _parts(entry: ProvenEntry) -> dict[str, Any]:
    return {
        "index": entry.index,
        "leaf": msgspec.Raw(entry.leaf),
        "salt": b64(entry.salt),
        "body": msgspec.Raw(entry.body),
        "proof": tuple(b64(item) for item in entry.proof),
    }
