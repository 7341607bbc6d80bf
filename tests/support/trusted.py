"""A ledger that all of trust happens to: witnesses, policies, keys, authorities of time, renewals, logs of others."""

import contextlib
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from ledger.core.address import LogId
from ledger.core.clock import MICROSECONDS
from ledger.core.errors import Conflict
from ledger.domains import assembly
from ledger.integrity.fault import Fault
from ledger.integrity.kinds import Judged
from ledger.integrity.run import Found
from ledger.integrity.tasks import Here
from ledger.integrity.verifier import Verifier
from ledger.new_log import NEXT_KEYS
from ledger.trust.kept_tokens import KeptTokens
from ledger.trust.key_life import KeyLife
from ledger.trust.next_keys import load_next, prepare_next
from ledger.trust.renewing import Renewing
from ledger.trust.stamping import Stamping
from tests.support.ledgers import AUTHORITY, Ledger, MovableClock, submission
from tests.support.staff import Staff
from tests.support.tsa import URL, Stamper, Stampers
from tests.support.witness import NOWHERE, Trust, two_witnesses
from tests.tamper.watched import watched

LEVELS = (1, 2, 3)


class Trusted:
    """A ledger with two witnesses and an authority of time; each action is one that a site takes."""

    def __init__(self, ledger: Ledger, clock: MovableClock, stamper: Stamper) -> None:
        self.ledger, self.clock, self.service = ledger, clock, ledger.service
        self.trust = Trust(ledger, *two_witnesses(ledger))
        self.stampers = Stampers(clock, one=stamper)
        self.stamping = Stamping(ledger.store, KeptTokens(ledger.folder), self.stampers)
        self._staff = Staff(self.service)
        self._next_key, self._old_keys = ledger.folder / NEXT_KEYS, list[str]()
        self._count, self._watched, self._let_in = 0, 0, False
        self.trust.policy()
        self.trust.publisher.publish_all()
        self.let_in_or_withdraw()

    def record(self) -> None:
        """A record, under a checkpoint that witnesses are asked for."""
        self._count += 1
        self.clock.at_us += MICROSECONDS
        self.ledger.submit([submission(self._count)])
        self.trust.publisher.publish_all()

    def stamp(self) -> None:
        """Every log is dated."""
        self.record()
        self.stamping.stamp()
        self.trust.publisher.publish_all()

    def renew(self) -> None:
        """All time-stamps are renewed, if an authority is asked and there are any."""
        with contextlib.suppress(Conflict):
            if self._let_in:
                Renewing(self.ledger.store, self.stampers).renew()

    def bind(self) -> None:
        """The record log holds the system log's checkpoint."""
        self.trust.publisher.bind_system()

    def let_in_or_withdraw(self) -> None:
        tsas, root = self.service.tsas, self.stampers.stampers["one"].root
        if self._let_in:
            tsas.withdraw("one", "its contract ended", AUTHORITY)
        else:
            tsas.propose("one", f"{URL}/one", (root,), "for the test", AUTHORITY)
            tsas.confirm("one", "seen", self._staff.admin)
        self._let_in = not self._let_in

    def witness_away_or_back(self) -> None:
        """A witness that comes back is asked about the newest checkpoint once more: its line comes late."""
        away = self.trust.by_name["customer"]
        away.down = not away.down
        self.trust.publisher.publish_all()

    def policy(self) -> None:
        """Both witnesses, or quality's alone; it waits for a checkpoint that meets the one before."""
        alone = f"witness qa {self.trust.by_name['qa'].vkey} {NOWHERE}\nquorum qa"
        self.trust.policy(None if self._count % 2 else alone)

    def rotate(self) -> None:
        """The record log's key is replaced, and the witnesses know the new one; or the old one is revoked."""
        log, life = self.service.log(), self._life()
        if self._old_keys:
            with contextlib.suppress(Conflict):  # no quorum has seen the rotation yet
                life.revoke(log, self._old_keys[0], "due", AUTHORITY)
                self._old_keys.pop()
            return
        folder = self._next_key.with_name(f"then-{self._count}")
        then = prepare_next(folder, log.origin)
        seed = load_next(self._next_key, log.origin)
        self._old_keys.append(life.rotate(log, seed, then, "due", AUTHORITY).old)
        self._next_key = folder
        for witness in self.trust.by_name.values():
            witness.keys[log.origin] = [*self.service.verifiers(log)]
        self.trust.begin()

    def watch(self) -> None:
        """A log of another ledger is watched, entered, and found to have forked."""
        if self._watched < 4:
            watched(self.ledger, self._watched)
            self._watched += 1

    def actions(self) -> dict[str, Callable[[], None]]:
        """All of them, by name."""
        chosen = (
            self.record,
            self.stamp,
            self.renew,
            self.bind,
            self.let_in_or_withdraw,
            self.witness_away_or_back,
            self.policy,
            self.rotate,
            self.watch,
        )
        return {one.__name__: one for one in chosen}

    def grow(self, drawn: random.Random) -> str:
        """Takes one of them; returns which."""
        name = drawn.choice(sorted(self.actions()))
        self.actions()[name]()
        return name

    def _life(self) -> KeyLife:
        service = self.service
        publish = self.trust.publisher.publish
        return KeyLife(
            service.store, service.keys, publish, lambda *_: None, lambda *_: None, service.folder / "signed"
        )


def found(ledger: Ledger, log: LogId, *, full: bool, levels: tuple[int, ...] = LEVELS) -> Found:
    """What a run over a log would find now; nothing is entered."""
    store = ledger.store
    with contextlib.closing(Verifier(store, assembly, lambda data: data)) as verifier:
        start, judged = (None, None) if full else verifier._last_stands(log)
        run = verifier._log_run(log, Here(store.reading, store.kinds, store.projections), None)
        return run.verify(levels, start, None, False, lambda level, done, total: None, lambda stand: None, judged)


def told(run: Found) -> tuple[list[Fault | None], Judged | None]:
    """What a run found, and how far it judged."""
    return [level.fault for level in run.levels], run.judged


def copied(ledger: Ledger, folder: Path) -> Ledger:
    """A copy of a ledger on SQLite, to be attacked; the caller closes it."""
    shutil.copytree(ledger.folder, folder)
    return Ledger(folder, ledger.settings, ledger.clock)
