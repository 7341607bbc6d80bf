"""A ledger of a test that asks time-stamp authorities of the test."""

from ledger.core.clock import MICROSECONDS
from ledger.core.renewals import DISTRUSTED, Weak
from ledger.integrity.level3 import log_keys
from ledger.integrity.scope import Scope
from ledger.integrity.stamped import stamped_fault
from ledger.trust.kept_tokens import KeptTokens
from ledger.trust.stamping import Stamping
from ledger.trust.timestamp_reading import (
    Existed,
    existed_by,
)
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, MovableClock, submission
from tests.support.staff import Staff
from tests.support.tsa import URL, Stampers

HOUR_S = 3600


class Site:
    """A ledger that asks stampers of the test."""

    def __init__(self, ledger: Ledger, clock: MovableClock, stampers: Stampers) -> None:
        self.ledger, self.clock, self.stampers = ledger, clock, stampers
        self.service = ledger.service
        self.staff = Staff(self.service)
        self.stamping = Stamping(ledger.store, KeptTokens(ledger.folder), stampers)
        self._next = 0

    def let_in(self, name: str, every_seconds: int = HOUR_S) -> None:
        root = self.stampers.stampers[name].root
        self.service.tsas.propose(name, f"{URL}/{name}", (root,), "for the test", AUTHORITY, None, every_seconds)
        self.service.tsas.confirm(name, "seen", self.staff.admin)

    def record(self) -> int:
        """A new record, under a checkpoint; its index."""
        self._next += 1
        self.ledger.submit([submission(self._next)])
        self.service.publisher.publish_all()
        with self.ledger.store.reader(RECORDS) as reader:
            return reader.head().size - 2

    def passes(self, seconds: float) -> None:
        self.clock.at_us += int(seconds * MICROSECONDS)

    def turn(self) -> list[str]:
        """What one turn of the duty asks, and publishes after it."""
        before = len(self.stampers.asked)
        self.stamping.work()
        self.service.publisher.publish_all()
        return self.stampers.asked[before:]

    def existed(self, index: int) -> Existed | None:
        with self.ledger.store.reading() as connection:
            return existed_by(self.ledger.store.kinds, connection, self.service.logs["records"], index)

    def findings(self) -> list[str]:
        return [row[0] for row in self.ledger.query("SELECT sort FROM finding ORDER BY pos")]

    def fault(self, log: str = "records", weak: Weak = DISTRUSTED) -> str:
        kinds = self.ledger.store.kinds
        with self.ledger.store.reading() as connection:
            found = stamped_fault(
                Scope(
                    connection=connection,
                    log=self.service.logs[log],
                    kinds=kinds,
                    keys=log_keys(connection, kinds),
                    pulse=lambda _: None,
                ),
                weak,
            )
        return str(found or "")
