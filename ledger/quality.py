"""What a ledger knows of the quality of its records, over all its logs."""

from collections.abc import Callable

from sqlalchemy import Connection

from ledger.core.clock import WallClock
from ledger.core.digests import Digests
from ledger.core.errors import ConfigError, NotFound
from ledger.core.record import Original, Record
from ledger.core.source import SourceConfig
from ledger.review.alcoa.assess import Assessor, Means
from ledger.review.alcoa.facts import Told
from ledger.sources.inventory import Inventory
from ledger.sources.parameters import Parameters
from ledger.store.store import Store


class Quality:
    """One a ledger. `parameters`: by what records are judged."""

    def __init__(self, store: Store, digests: Callable[[], Digests], clock: WallClock) -> None:
        self._store = store
        self._digests = digests
        self._clock = clock
        self.parameters = Parameters(store)

    def assessor(self, connection: Connection, log: int, size: int) -> Assessor:
        """Judges records of a log as of a size, in the caller's snapshot; for one thread.

        Raises ConfigError where the tables are of an earlier version.
        """
        means = Means(
            kinds=self._store.kinds,
            parameters=self.parameters,
            derive=Deriving(connection, Inventory(self._store, log), self._clock),
            digests=self._digests(),
        )
        return Assessor(connection, means, log, size)


class Deriving:
    """Derives records from their originals, by each source as it was configured when the record was logged."""

    def __init__(self, connection: Connection, inventory: Inventory, clock: WallClock) -> None:
        self._connection = connection
        self._inventory = inventory
        self._clock = clock
        self._by_config: dict[int, tuple[SourceConfig, Callable[[Original], Record | None]]] = {}

    def __call__(self, told: Told, original: Original) -> Record | None:
        """The record that an original gives; None: the program and version that read it are not there.

        Raises SkippableRecord for an original that cannot be read.
        """
        try:
            config = self._inventory.as_of(self._connection, told.record.source, told.index)
        except NotFound:
            return None
        known = self._by_config.get(id(config))
        if known is None:
            known = self._by_config[id(config)] = config, _reader(config, self._clock)
        return known[1](original)


def _reader(config: SourceConfig, clock: WallClock) -> Callable[[Original], Record | None]:
    """What reads the originals of a source: its collector, which is given no secret, as it reaches for nothing."""
    from collectors.registry import collector_type  # the libraries of all source types take long to load

    try:
        kind = collector_type(config.type)
        collector = kind(config, {one.name: "-" for one in kind.secrets if one.required}, clock)
    except ConfigError:
        return lambda _: None
    version = collector.parser, collector.parser_version
    return lambda one: collector.derive(one) if (one.parser, one.parser_version) == version else None
