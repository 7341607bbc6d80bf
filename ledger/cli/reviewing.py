"""Who acts in a review at the terminal: somebody who signs in for the one command, and reviews records of the log."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ledger.cli.hand import require
from ledger.cli.ledgers import opened
from ledger.cli.sign import acting
from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.people.access import Scope
from ledger.service import Service


class Reviewing(NamedTuple):
    """The ledger, the log, and on whose authority something is entered."""

    service: Service
    log: LogId
    by: Authority


@contextmanager
def reviewing(ledger: Path, account: str, log: str | None) -> Iterator[Reviewing]:
    """Signs somebody in for the one command; raises AccessDenied unless they may review records of the log."""
    with opened(ledger) as service, acting(service, account) as caller:
        chosen = service.record_log(log)
        require(caller, Scope.REVIEW, chosen)
        yield Reviewing(service, chosen.log, caller.authority)
