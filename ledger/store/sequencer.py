"""One sequencer per log and process: many threads append, one transaction at a time commits for all that wait.

There is no thread of its own: of those that wait, one leads. It takes every batch that has queued up, commits them as
one group and wakes the others; so a lone caller pays no hand-over, and under load one disk flush serves many.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence

from ledger.store.append import Appender, Batch, Placed

GATHER_SECONDS = 0.001
"""How long a leader waits, at most, for as many callers as the last group had."""
_LOOK_SECONDS = 0.00005
MAX_GROUP = 2_000
"""Drafts in one group commit, about: what one transaction holds in memory, and how long others wait."""


class _Ticket:
    __slots__ = ("answer", "batch", "error", "gate")

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.answer: list[Placed] | None = None
        self.error: BaseException | None = None
        self.gate = threading.Lock()
        self.gate.acquire()

    @property
    def done(self) -> bool:
        return self.answer is not None or self.error is not None


class Sequencer:
    """Durable once `append` returns: the entries are committed with tree, projections and head."""

    def __init__(self, appender: Appender) -> None:
        self._appender = appender
        self._queue: deque[_Ticket] = deque()
        self._lead = threading.Lock()
        self._last_group = 1

    def append(self, batch: Batch) -> list[Placed]:
        """Appends a batch and returns where its drafts, then its closing entries, stand.

        Raises the LedgerError that refused the batch, or what the database raised; then nothing of it is stored.
        Any number of threads may call.
        """
        ticket = _Ticket(batch)
        self._queue.append(ticket)
        while not ticket.done:
            if not self._lead.acquire(blocking=False):
                ticket.gate.acquire()
                continue
            try:
                if not ticket.done:
                    self._gather()
                    self._commit(self._take())
            finally:
                self._lead.release()
                self._hand_over()
        if ticket.error is not None:
            raise ticket.error
        return ticket.answer or []

    def _gather(self) -> None:
        """Under load the last group's callers are about to come back: one flush for all of them beats one for a few."""
        until = time.monotonic() + GATHER_SECONDS
        while len(self._queue) < self._last_group and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)

    def _take(self) -> list[_Ticket]:
        group, drafts = [], 0
        while self._queue and drafts < MAX_GROUP:
            ticket = self._queue.popleft()
            group.append(ticket)
            drafts += len(ticket.batch.drafts) + 1
        self._last_group = len(group)
        return group

    def _hand_over(self) -> None:
        """Wakes the next in the queue, who leads or finds another leader: nobody waits for a leader that has left."""
        try:
            self._queue[0].gate.release()
        except (IndexError, RuntimeError):
            # Nobody waits, or the gate is open already.
            return

    def _commit(self, group: Sequence[_Ticket]) -> None:
        try:
            answers = self._appender.commit([ticket.batch for ticket in group])
        except BaseException as error:
            if len(group) == 1 or not isinstance(error, Exception):
                for ticket in group:
                    _finish(ticket, error)
                if not isinstance(error, Exception):
                    raise
                return
            # One of them broke the transaction for all: each by itself, so that only that one fails.
            for ticket in group:
                self._commit([ticket])
            return
        for ticket, answer in zip(group, answers, strict=True):
            _finish(ticket, answer)


def _finish(ticket: _Ticket, answer: list[Placed] | BaseException) -> None:
    if isinstance(answer, BaseException):
        ticket.error = answer
    else:
        ticket.answer = answer
    try:
        ticket.gate.release()
    except RuntimeError:
        return  # a hand-over had opened the gate already
