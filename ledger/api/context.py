"""What every handler is given: the ledger, and the threads on which blocking work runs."""

from ledger.api.lanes import Lanes
from ledger.core.address import LogId
from ledger.core.errors import NotFound
from ledger.record_log import RecordLog
from ledger.service import Service
from ledger.store.logs import SYSTEM_LOG


class Context:
    """One per application; handlers ask for it by the name `context`."""

    def __init__(self, service: Service, lanes: Lanes) -> None:
        self.service = service
        self.lanes = lanes
        service.keys.digests()  # raises ConfigError here, at the start, where the keys cannot be opened

    def log(self, name: str) -> LogId:
        """The log of that name; raises NotFound, naming what there is."""
        return self.service.log(name)

    def record_log(self, name: str | None) -> RecordLog:
        """A record log by name, or the only one; raises NotFound."""
        return record_log(self.service, name)


def record_log(service: Service, name: str | None) -> RecordLog:
    """A record log by name, or the only one; raises NotFound."""
    log = service.log(name)
    if log.number == SYSTEM_LOG:
        raise NotFound(f"log {log.name} takes no records", advice="Name a record log.")
    return service.record_log(log.name)
