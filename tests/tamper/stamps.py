"""Entries of time-stamps in the ledger that is attacked: authorities of time, and what each said of its checkpoints."""

from ledger.core.authority import Authority
from ledger.core.clock import SystemClock
from ledger.people.access import Scope
from ledger.trust.kept_tokens import KeptTokens
from ledger.trust.renewing import Renewing
from ledger.trust.stamping import Stamping
from tests.support.ledgers import AUTHORITY, Ledger
from tests.support.tsa import URL, Stamper, Stampers


class Stamps:
    """Two who may let authorities in, made while whoever has the folder may still make them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, people = ledger, ledger.service.people
        self._stampers = Stampers(SystemClock())
        self._tokens = []
        for account in ("stamp-office", "stamp-office-2"):
            people.create_account(account, "Office", "for the test", AUTHORITY)
            self._tokens.append(people.grant(account, [Scope.ADMIN], "for the test", AUTHORITY).token)

    def stamp(self, number: int) -> None:
        """An authority a round, which dates every log once; those of even rounds are withdrawn."""
        service, name = self._ledger.service, f"round-{number}"
        self._stampers.stampers[name] = Stamper(self._ledger.folder / name)
        root = self._stampers.stampers[name].root
        service.tsas.propose(name, f"{URL}/{name}", (root,), "our authority of time", self._by(0))
        service.tsas.confirm(name, "seen", self._by(1))
        service.publisher.publish_all()
        Stamping(self._ledger.store, KeptTokens(self._ledger.folder), self._stampers).stamp()
        Renewing(self._ledger.store, self._stampers).renew()
        if number % 2 == 0:
            service.tsas.withdraw(name, "its contract ended", self._by(0))

    def _by(self, which: int) -> Authority:
        return self._ledger.service.people.directory.find(self._tokens[which]).caller.authority
