"""Hands the spool over: batch by batch, in order, until the ledger has signed for each.

It looks first where the ledger stands. A ledger that has more, or another batch under a number, means that this spool
was restored from a copy: then nothing is read or sent until a person approved a new epoch. A ledger that has less lost
what it signed for: that is sent again, as far as it is still held.
"""

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from collectors.agent.identity import Identity
from collectors.agent.link import Link
from collectors.agent.spool import Spool
from collectors.base import Stop
from collectors.runner import Patience
from ledger.core.checkpoint import open_checkpoint
from ledger.core.clock import WallClock
from ledger.core.enrolment import Standing
from ledger.core.errors import AccessDenied, LedgerError, NotFound, RolledBack
from ledger.core.note import VerifierKey

_LOOK_SECONDS: Final = 0.2
PATIENCE: Final = Patience(attempts=None, first=0.5, longest=60.0)


class Pusher:
    """Use from one thread. `trouble` says what it waits for, empty while all is well."""

    def __init__(
        self,
        spool: Spool,
        link: Link,
        identity: Identity,
        clock: WallClock,
        sources: Sequence[str],
        *,
        heartbeat_seconds: float = 30.0,
        patience: Patience = PATIENCE,
        told: Callable[[], None] = lambda: None,
    ) -> None:
        """`told` is called whenever something changed."""
        self._spool = spool
        self._link = link
        self._identity = identity
        self._clock = clock
        self._sources = tuple(sources)
        self._heartbeat = heartbeat_seconds
        self._patience = patience
        self._told = told
        self._looked: float | None = None
        self._refused = ""
        self.trouble = ""
        self.covered = 0
        """The size of the latest checkpoint that was seen."""

    def run(self, stop: Stop) -> None:
        """Hands over what there is and what comes, until stopped; whatever goes wrong, it tries again."""
        while not stop.is_set():
            attempts = Retrying(
                retry=retry_if_exception_type(LedgerError),
                wait=self._patience.wait,
                stop=lambda _state: stop.is_set(),
                sleep=lambda seconds: _pause(stop, seconds),
                before_sleep=self._report,
                retry_error_callback=lambda _state: None,
            )
            attempts(self.round, stop)
            self._tell(self._refused)
            while not (stop.is_set() or self._spool.arrived.wait(_LOOK_SECONDS) or self._due()):
                pass

    def round(self, stop: Stop) -> None:
        """Looks where the ledger stands, if it is time, and hands over all that is there."""
        if self._due():
            self._look()
        self._spool.arrived.clear()
        try:
            while not stop.is_set() and (batch := self._spool.pending()) is not None and not self._spool.place.halted:
                self._spool.delivered(batch.header, self._link.deliver(batch))
        except LedgerError:
            self._looked = None
            raise

    def _due(self) -> bool:
        return self._looked is None or monotonic() - self._looked >= self._heartbeat

    def _look(self) -> None:
        standing = self._link.standing()
        self._reconcile(standing)
        refused = []
        for source in self._sources:
            if not self._spool.knows(source):
                try:
                    self._spool.begin(self._link.state(source))
                except (AccessDenied, NotFound) as error:
                    # One source that is not this agent's holds no other up.
                    refused.append(f"{error.message}.")
        self._refused = " ".join(refused)
        self._identity.follow(standing)
        if standing.checkpoint is not None:
            key = VerifierKey.parse(self._identity.enrolled.log_key)
            note = open_checkpoint(standing.checkpoint.encode(), self._identity.origin, [key])
            self.covered = note.checkpoint.size
            self._spool.covered(self.covered)
        if self._identity.renewal_due(self._clock):
            self._link.renew()
        self._looked = monotonic()

    def _reconcile(self, standing: Standing) -> None:
        place = self._spool.place
        if standing.epoch > place.epoch:
            wanted = dict.fromkeys((*self._sources, *standing.sources))
            bound = [source for source in wanted if source in standing.sources]
            self._spool.begin_epoch(standing.epoch, [self._link.state(source) for source in bound])
            return
        if place.halted:
            raise RolledBack(place.halted, advice=_ASK)
        known = self._spool.digest(standing.number)
        ahead = standing.number > place.number
        if standing.epoch < place.epoch:
            self._halt(f"the ledger is in epoch {standing.epoch}, this agent in {place.epoch}: the ledger is older")
        elif ahead or (known is not None and known != standing.digest):
            self._halt(
                f"the ledger holds batch {standing.number}, which this spool did not make: the agent was restored"
            )
        elif standing.number < place.delivered and not self._spool.send_again(standing.number):
            self._halt(
                f"the ledger signed for batch {place.delivered} and now holds {standing.number}, "
                "and the spool has let go of what is between"
            )

    def _halt(self, reason: str) -> None:
        self._spool.halt(reason)
        raise RolledBack(reason, advice=_ASK)

    def _report(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        advice = f" {error.advice}" if isinstance(error, LedgerError) else ""
        self._tell(f"{error}.{advice}")

    def _tell(self, trouble: str) -> None:
        self.trouble = trouble
        self._told()


def _pause(stop: Stop, seconds: float) -> None:
    stop.wait(seconds)


_ASK: Final = "Find out why, then let it begin a new epoch at the ledger: `trailseal agent approve-epoch`."
