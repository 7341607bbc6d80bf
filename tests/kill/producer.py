"""Collectors that post runs to a service over HTTP, whatever becomes of it, and know what it has acknowledged."""

import random
import threading
from collections.abc import Iterator

import httpx
import msgspec

from collectors.http_sink import HttpSink
from ledger.core.errors import RetriableSource
from ledger.core.record import Submission
from ledger.core.run import RunBatch, RunReceipt, Status
from tests.bench.corpus import submissions

LARGEST_RUN = 50
REPEATED = 0.1
"""Share of the acknowledged runs that are sent a second time, after the first."""
_PAUSE = 0.01
_ENDLESS = 1_000_000_000


class Acknowledged(msgspec.Struct, frozen=True):
    """A submission that the service has said to be durable, and the entry it named."""

    submission: Submission
    index: int


class WrongReceipt(AssertionError):
    """A receipt that is not of the run that was sent, or another one for the same run."""


class Producer:
    """One collector of a source of its own. It sends a run until it is acknowledged, over any number of `work`s.

    `keyed`: as our collectors do, with cursor and Idempotency-Key, so that a repetition gets the first receipt. The
    others send neither: what the ledger has of their run already, it must answer as duplicates.
    """

    def __init__(self, source: str, seed: int, *, keyed: bool) -> None:
        self.source = source
        self.keyed = keyed
        self.acknowledged: dict[str, Acknowledged] = {}
        self.runs: dict[int, RunBatch] = {}
        """The acknowledged runs by the index of their own entry."""
        self.pending: RunBatch | None = None
        """The run that was sent, or is about to be, and has no answer yet."""
        self.repeated = 0
        self._random = random.Random(f"{seed} {source}")
        self._records = self._numbered(seed)
        self._cursor: str | None = None
        self._last: tuple[RunBatch, RunReceipt] | None = None

    def work(self, address: str, token: str, stop: threading.Event) -> None:
        """Sends runs until `stop`, through every time without an answer. Raises WrongReceipt."""
        transport = None if self.keyed else _WithoutKey()
        with HttpSink(address, token, transport=transport) as sink:
            while not stop.is_set():
                if self.pending is None:
                    self.pending = self.next_run()
                try:
                    receipt = sink.submit(self.pending)
                    self.acknowledge(self.pending, receipt)
                    self.pending = None
                    if not self.repeated or self._random.random() < REPEATED:
                        self._repeat(sink)
                except RetriableSource:
                    stop.wait(_PAUSE)

    def next_run(self) -> RunBatch:
        """A run of new records that goes on where the last acknowledged one ended."""
        chosen = tuple(next(self._records) for _ in range(self._random.randint(1, LARGEST_RUN)))
        cursor = chosen[-1].record.source_record_id if self.keyed else None
        return RunBatch(
            source=self.source,
            started_at=chosen[0].received_at,
            ended_at=chosen[-1].received_at,
            cursor_from=self._cursor,
            cursor_to=cursor,
            submissions=chosen,
        )

    def acknowledge(self, run: RunBatch, receipt: RunReceipt) -> None:
        """Remembers what a receipt says to be durable. Raises WrongReceipt if it is not the run's."""
        wanted = {Status.APPENDED} if self.keyed else {Status.APPENDED, Status.DUPLICATE}
        statuses = {outcome.status for outcome in receipt.outcomes}
        # A run is in the log as a whole or not at all, so its records are all new or all known.
        if len(receipt.outcomes) != len(run.submissions) or not statuses <= wanted or len(statuses) != 1:
            raise WrongReceipt(f"{self.source}: {len(run.submissions)} records are answered by {receipt}")
        for submission, outcome in zip(run.submissions, receipt.outcomes, strict=True):
            self.acknowledged[submission.record.source_record_id] = Acknowledged(submission, outcome.index)
        if receipt.run in self.runs:
            raise WrongReceipt(f"{self.source}: entry {receipt.run} is named as the run's own a second time")
        self.runs[receipt.run] = run
        self._cursor = run.cursor_to
        self._last = run, receipt

    def _repeat(self, sink: HttpSink) -> None:
        """The same run once more: the first receipt, or nothing but duplicates of the same entries."""
        assert self._last is not None
        run, first = self._last
        again = sink.submit(run)
        if self.keyed:
            same = again == first
        else:
            same = [one.index for one in again.outcomes] == [one.index for one in first.outcomes]
            same = same and {one.status for one in again.outcomes} == {Status.DUPLICATE}
        if not same:
            raise WrongReceipt(f"{self.source}: the same run was answered by {first}, then by {again}")
        self.repeated += 1

    def _numbered(self, seed: int) -> Iterator[Submission]:
        for one in submissions(_ENDLESS, seed=random.Random(f"{self.source} {seed}").getrandbits(32)):
            actor = msgspec.structs.replace(one.record.actor, name=f"Person of {one.record.actor.account}")
            yield msgspec.structs.replace(
                one, record=msgspec.structs.replace(one.record, source=self.source, actor=actor)
            )


class _WithoutKey(httpx.HTTPTransport):
    """Sends no Idempotency-Key."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers.pop("Idempotency-Key", None)
        return super().handle_request(request)
