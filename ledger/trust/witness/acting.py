"""What a witness does with a request, whichever way it came: judge, remember durably, cosign, show; in this order.

Between comparing and replacing what it remembers no other request for that log comes: a lock of the system is held.
Nothing is signed that is not on stable storage before, so a crash at any point leaves a witness that has said no more
than it remembers.
"""

import contextlib
from collections.abc import Sequence
from typing import Final

import structlog

from ledger.core.clock import MICROSECONDS, WallClock
from ledger.core.errors import LedgerError, MalformedNote
from ledger.core.witnessing import AddCheckpoint, Answer, Cosign, Refusal, Status, judge, note_of, origin_digest
from ledger.trust.witness.folder import Signer
from ledger.trust.witness.states import Known, States

CLOCK_SLACK_S: Final = 60
"""Seconds that the clock may be behind the last cosignature: the new one then bears its time; beyond that none is made.

A later, larger tree with an earlier time would make the earlier cosignature untrue.
"""

_logger = structlog.get_logger()


class Witness:
    """Cosigns for the logs that it remembers; any number of threads may ask at once."""

    def __init__(self, states: States, signers: Sequence[Signer], clock: WallClock) -> None:
        self._states = states
        self._signers = tuple(signers)
        self._clock = clock

    def answer(self, data: bytes) -> Answer:
        """The answer to the bytes of a request. It never raises; what is wrong with this witness itself is NOT_ABLE."""
        try:
            request = AddCheckpoint.parse(data)
        except MalformedNote as error:
            return Answer.of_refusal(Refusal(status=Status.MALFORMED, why=error.message))
        origin = request.checkpoint.origin
        try:
            if not self._states.knows(origin):
                return Answer.of_refusal(Refusal(status=Status.UNKNOWN_LOG, why="this witness does not know the log"))
            with self._states.locked(origin):
                return self._decide(request, self._states.read_locked(origin))
        except LedgerError as error:
            _logger.error("nothing is cosigned", log=origin_digest(origin), reason=error.message)
        except OSError as error:
            _logger.error("nothing is cosigned", log=origin_digest(origin), reason=error.strerror)
        return Answer.of_refusal(
            Refusal(status=Status.NOT_ABLE, why="this witness is not able to keep what it cosigns")
        )

    def _decide(self, request: AddCheckpoint, known: Known) -> Answer:
        """With the lock held."""
        outcome = judge(request, known.keys, known.head)
        if isinstance(outcome, Refusal):
            self._tell_refusal(request, known, outcome)
            return Answer.of_refusal(outcome)
        now = self._clock.now_us() // MICROSECONDS
        if now < known.time - CLOCK_SLACK_S:
            _logger.error("nothing is cosigned", log=known.origin, reason="the clock is behind the last cosignature")
            return Answer.of_refusal(Refusal(status=Status.NOT_ABLE, why="the clock of this witness has gone back"))
        return self._cosign(known, outcome, max(now, known.time))

    def _cosign(self, known: Known, outcome: Cosign, time: int) -> Answer:
        origin = known.origin
        self._states.keep(origin, outcome.head, time, known.published)
        lines = [signer.sign(outcome.checkpoint, time) for signer in self._signers]
        self._states.publish(origin, note_of(outcome, lines))
        _logger.info("cosigned", log=origin, size=outcome.head.size)
        return Answer.of_lines(lines)

    def _tell_refusal(self, request: AddCheckpoint, known: Known, outcome: Refusal) -> None:
        size = request.checkpoint.size
        if outcome.forked or outcome.status == Status.NOT_PROVEN:
            kept = None
            # A disk that takes no evidence must not hide from the log's owner that there is a fork.
            with contextlib.suppress(OSError):
                kept = self._states.keep_conflict(request)
            name = None if kept is None else kept.name
            _logger.error("the log shows another view of itself", log=known.origin, size=size, evidence=name)
        elif outcome.status == Status.OTHER_SIZE and request.old > known.head.size:
            # Whoever lost state and publications at once is told by nobody but the logs.
            _logger.warning(
                "the log says that more was cosigned", log=known.origin, size=known.head.size, old=request.old
            )
        elif outcome.status == Status.NOT_SIGNED:
            _logger.warning("refused", log=known.origin, size=size, reason=outcome.why)
