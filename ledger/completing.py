"""Issues a statement of completeness: drawn up as of a checkpoint, signed by the log's report key, and entered."""

from hashlib import sha256
from typing import Final

import msgspec

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.completeness import CompletenessStatement
from ledger.core.entry import draft
from ledger.core.errors import IntegrityError
from ledger.core.hashing import b64
from ledger.core.statement import sign_report
from ledger.record_log import RecordLog
from ledger.service import Service
from ledger.sources.complete import At, leaf_hashes, state
from ledger.sources.complete_kinds import CoverageStatement
from ledger.trace.key_life import report_key
from ledger.trace.proven import ProvenLog
from reports.complete import FORMAT, StatementFile
from reports.encoding import entry_line
from reports.lines import EntryRole

MAX_HASHES: Final = 1_000_000
"""Leaf hashes that a statement's file holds; of more records it holds none."""


class IssuedStatement(msgspec.Struct, frozen=True, kw_only=True):
    """The statement, the entry that says it was made, and its file's bytes."""

    entry: int
    statement: CompletenessStatement
    file: bytes


def issue(
    service: Service, log: RecordLog, source: str, from_us: int, to_us: int, reason: str, authority: Authority
) -> IssuedStatement:
    """States what was received of a source's time from `from_us` to before `to_us`, as of a checkpoint of now.

    Raises as `sources.complete.state`, and IntegrityError where an open incident case doubts the log.
    """
    service.publisher.publish(log.log)
    kinds, number = service.store.kinds, log.log.number
    with service.store.reading() as connection:
        standing = service.standings.now(connection)
        case = standing.of_log(number)
        if case is not None or standing.damaged:
            raise IntegrityError(
                "what this statement would say is unknown: an incident case is open",
                advice="`trailseal incident list` tells which; make the statement once it is closed.",
            )
        proven = ProvenLog(connection, number, log.log.origin)
        at = At(log=number, origin=log.log.origin, size=proven.size, root=proven.root)
        statement = state(connection, kinds, log.parameters, at, source, from_us, to_us)
        hashes = None
        if statement.records <= MAX_HASHES:
            hashes = b64(b"".join(leaf_hashes(proven.reader, kinds, statement)))
        _, vouched = report_key(proven, kinds)
        created, checkpoint = proven.created, proven.note
    note = sign_report(log.log.origin, msgspec.to_builtins(statement), service.keys.report_key(log.log.name))
    file = StatementFile(
        format=FORMAT,
        note=note.decode(),
        checkpoint=checkpoint.decode(),
        created=entry_line(EntryRole.LOG, created),
        report_key=entry_line(EntryRole.REPORT_KEY, vouched),
        leaf_hashes=hashes,
    )
    body = CoverageStatement(
        source=source,
        from_at=utc_text(from_us),
        to_at=utc_text(to_us),
        size=statement.size,
        sha256=b64(sha256(note).digest()),
        records=statement.records,
        reason=reason,
        authority=authority,
    )
    entry = service.store.append_one(number, draft(body)).index
    return IssuedStatement(entry=entry, statement=statement, file=msgspec.json.encode(file))
