"""A sink in memory that keeps a ledger's rules for runs: cursor order, what is the same record, what stays."""

from collections.abc import Callable

import msgspec

from collectors.base import MAX_SNAPSHOT, MAX_SUBMISSIONS
from ledger.core import canonical
from ledger.core.clock import parse_utc
from ledger.core.errors import Conflict
from ledger.core.record import Record, Submission
from ledger.core.run import Gap, RecordOutcome, Rejected, RunBatch, RunReceipt, SourceState, Status


class MemorySink:
    """Takes the runs of one source. `on_submit` is called before a run counts, `on_taken` after: either may raise."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.runs: list[RunBatch] = []
        self.submissions: list[Submission] = []
        self.duplicates = 0
        self.changed: list[str] = []
        self.on_submit: Callable[[RunBatch], None] = lambda _: None
        self.on_taken: Callable[[RunBatch], None] = lambda _: None
        self._snapshot: bytes | None = None
        self._known: dict[str, list[Record]] = {}

    @property
    def records(self) -> list[Record]:
        return [submission.record for submission in self.submissions]

    @property
    def rejected(self) -> list[Rejected]:
        return [one for run in self.runs for one in run.rejected]

    @property
    def gaps(self) -> list[Gap]:
        return [gap for run in self.runs for gap in run.gaps]

    def state(self, source_id: str) -> SourceState:
        assert source_id == self.source
        return SourceState(
            source=source_id,
            cursor=self.runs[-1].cursor_to if self.runs else None,
            snapshot=self._snapshot,
            last_run=len(self.runs) - 1 if self.runs else None,
            last_run_ended_at=self.runs[-1].ended_at if self.runs else None,
        )

    def submit(self, batch: RunBatch) -> RunReceipt:
        self.on_submit(batch)
        if batch.cursor_from != self.state(batch.source).cursor:
            raise Conflict(f"the run starts at {batch.cursor_from!r}, not at {self.state(batch.source).cursor!r}")
        _check(batch)
        outcomes = [self._take(submission) for submission in batch.submissions]
        outcomes += [RecordOutcome(status=Status.QUARANTINED, index=0, reason=one.reason) for one in batch.rejected]
        self.runs.append(batch)
        self._snapshot = self._snapshot if batch.snapshot is None else batch.snapshot
        self.on_taken(batch)
        return RunReceipt(origin="memory.example/log", run=len(self.runs) - 1, outcomes=tuple(outcomes))

    def _take(self, submission: Submission) -> RecordOutcome:
        known = self._known.setdefault(submission.record.source_record_id, [])
        if submission.record in known:
            self.duplicates += 1
            return RecordOutcome(status=Status.DUPLICATE, index=0)
        if known:
            self.changed.append(submission.record.source_record_id)
        known.append(submission.record)
        self.submissions.append(submission)
        return RecordOutcome(status=Status.APPENDED, index=len(self.submissions) - 1)


def _check(batch: RunBatch) -> None:
    """What every ledger would refuse."""
    assert len(batch.submissions) + len(batch.rejected) <= MAX_SUBMISSIONS
    assert batch.snapshot is None or len(batch.snapshot) <= MAX_SNAPSHOT
    assert parse_utc(batch.started_at) <= parse_utc(batch.ended_at)
    body = msgspec.json.encode(batch)
    canonical.loads(body)
    assert msgspec.json.decode(body, type=RunBatch) == batch
    for interval in (*batch.unreachable, *(gap.between for gap in batch.gaps)):
        assert parse_utc(interval.after) <= parse_utc(interval.before), interval
    for submission in batch.submissions:
        canonical.dumps(msgspec.to_builtins(submission.record))
        parse_utc(submission.received_at)
