"""One sequencer per log and process: many threads append, one transaction at a time commits for all that wait.

There is no thread of its own: of those that wait, one leads. It takes every batch that has queued up, commits them as
one group and wakes the others; so a lone caller pays no hand-over, and under load one disk flush serves many.
"""

import contextlib
import itertools
import threading
from collections import deque
from collections.abc import Sequence

from ledger.store.append import Appender, Batch, Placed

GATHER_SECONDS = 0.0005
"""How long a leader waits for a further caller, while fewer are there than it expects."""
MAX_GROUP = 2_000
"""Drafts in one group commit, about: what one transaction holds in memory, and how long others wait."""


class _Group:
    """Tickets that are committed together: all of them are done at the same moment, or none."""

    __slots__ = ("settled",)

    def __init__(self) -> None:
        self.settled = False


class _Ticket:
    __slots__ = ("answer", "batch", "error", "following", "gate", "group")

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.answer: list[Placed] | None = None
        self.error: BaseException | None = None
        self.following: _Ticket | None = None
        self.group: _Group | None = None
        self.gate = threading.Lock()
        self.gate.acquire()

    @property
    def done(self) -> bool:
        return self.group is not None and self.group.settled


class Sequencer:
    """Durable once `append` returns: the entries are committed with tree, projections and head."""

    def __init__(self, appender: Appender) -> None:
        self._appender = appender
        self._queue: deque[_Ticket] = deque()
        self._lead = threading.Lock()
        self._expected = 1
        self._full = threading.Lock()
        self._full.acquire()

    def append(self, batch: Batch) -> list[Placed]:
        """Appends a batch and returns where its drafts, then its closing entries, stand.

        Raises the LedgerError that refused the batch, or what the database raised; then nothing of it is stored.
        Any number of threads may call.
        """
        ticket = _Ticket(batch)
        self._queue.append(ticket)
        if len(self._queue) >= self._expected > 1:
            _open(self._full)
        try:
            while not ticket.done:
                if not self._lead.acquire(blocking=False):
                    ticket.gate.acquire()
                    continue
                try:
                    if not ticket.done:
                        self._lead_group(ticket)
                finally:
                    self._lead.release()
                    self._hand_over()
        finally:
            # One wakes the next: all at once would only wait for each other's turn at the interpreter.
            if ticket.following is not None:
                _open(ticket.following.gate)
        if ticket.error is not None:
            raise ticket.error
        return ticket.answer or []

    def _lead_group(self, own: _Ticket) -> None:
        self._gather()
        tickets, group = self._take(), _Group()
        others = [ticket for ticket in tickets if ticket is not own]
        for ticket, following in itertools.pairwise(others):
            ticket.following = following
        for ticket in tickets:
            ticket.group = group
        try:
            self._commit(tickets)
        finally:
            for ticket in tickets:
                if ticket.answer is None and ticket.error is None:
                    ticket.error = InterruptedError("the append was interrupted; whether it is stored is not known")
            group.settled = True
            if others:
                _open(others[0].gate)
        self._expected = len(tickets) + len(self._queue)

    def _gather(self) -> None:
        """Waits for callers that are about to come back: those of the last group, and those that queued up meanwhile.

        One flush for all of them beats one for a few. A lone caller expects nobody and waits for nobody.
        """
        arrived = 0
        while arrived < len(self._queue) < self._expected:
            arrived = len(self._queue)
            self._full.acquire(timeout=GATHER_SECONDS)

    def _take(self) -> list[_Ticket]:
        group, drafts = [], 0
        while self._queue and drafts < MAX_GROUP:
            ticket = self._queue.popleft()
            group.append(ticket)
            drafts += len(ticket.batch.drafts) + 1
        return group

    def _hand_over(self) -> None:
        """Wakes the next in the queue, who leads or finds another leader: nobody waits for a leader that has left."""
        try:
            waiting = self._queue[0]
        except IndexError:
            return
        _open(waiting.gate)

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


def _open(gate: threading.Lock) -> None:
    """Lets one waiter through, now or when it comes."""
    with contextlib.suppress(RuntimeError):  # the gate is open already
        gate.release()
