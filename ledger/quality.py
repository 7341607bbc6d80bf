"""What a ledger knows of the quality of its records, over all its logs."""

from bisect import bisect_left
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from ledger.changes.effect import Effects
from ledger.changes.entering import Configuration
from ledger.changes.proposing import Proposals
from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.clock import WallClock
from ledger.core.digests import Digests
from ledger.core.errors import ConfigError, NotFound, SchemaViolation
from ledger.core.record import Original, Record
from ledger.core.source import SourceConfig
from ledger.privacy.persons import asked
from ledger.review.alcoa.assess import Assessor, Means
from ledger.review.alcoa.recounting import Recounting
from ledger.review.alcoa.runs import Assessments
from ledger.review.exceptions.runs import RuleRuns
from ledger.review.known.facts import Told
from ledger.review.reviews.deferrals import Deferrals
from ledger.review.reviews.dispositions import Dispositions
from ledger.review.trials.back_testing import BackTests
from ledger.review.trials.challenges import Challenges
from ledger.sources.inventory import Inventory
from ledger.sources.parameters import Parameters
from ledger.sources.saved_queries import NewQuery, Saved, SavedQueries
from ledger.store.store import Store
from ledger.trace.columns import chosen


class Quality:
    """One a ledger. `parameters`: by what records are judged; `configuration` sets them and the maps, by changes that
    are proposed (`proposals`) and take effect (`effects`). `saved`: searches that are saved.
    """

    def __init__(
        self, store: Store, digests: Callable[[], Digests], clock: WallClock, changed: Callable[[], None]
    ) -> None:
        """`changed` is told of each change of configuration that took effect."""
        self._store = store
        self._digests = digests
        self._clock = clock
        self.parameters = Parameters(store)
        self.assessments = Assessments(store, self.assessor)
        self.recounting = Recounting(self.assessor)
        self.rules = RuleRuns(store, self.parameters)
        self.challenges = Challenges(store, self.parameters, digests)
        self.back_tests = BackTests(store)
        self.dispositions = Dispositions(store, self.parameters)
        self.deferrals = Deferrals(store, self.parameters)
        self.proposals = Proposals(store, _read_mapping, self.assessor)
        self.effects = Effects(store, self.proposals, changed)
        self.configuration = Configuration(store, self.proposals)
        self.saved = SavedQueries(store)

    def save_query(self, new: NewQuery, log: LogId, owner: str, authority: Authority) -> Saved:
        """Saves a search of a log, durable once this returns.

        Raises SchemaViolation as `SavedQueries.save`, for a column that there is not, and for a search for a person.
        """
        if new.columns:
            chosen(",".join(new.columns))
        with self._store.reader(log.number) as reader:
            person = asked(self._store, reader.connection, log.number, new.query, new.where.person)
        if person is not None:
            raise SchemaViolation(
                f"this searches for a person, by {' and '.join(person.by)}",
                advice="Such a search is not saved: each time it is made, it says what for.",
            )
        return self.saved.save(new, owner, authority)

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
        self._turns: dict[str, Sequence[int]] = {}
        self._readers: dict[tuple[str, int], Callable[[Original], Record | None]] = {}

    def __call__(self, told: Told, original: Original) -> Record | None:
        """The record that an original gives; None: the program and version that read it are not there.

        Raises SkippableRecord for an original that cannot be read.
        """
        source = told.record.source
        turns = self._turns.get(source)
        if turns is None:
            turns = self._turns[source] = self._inventory.turns(self._connection, source)
        stretch = source, bisect_left(turns, told.index)
        reads = self._readers.get(stretch)
        if reads is None:
            reads = self._readers[stretch] = self._reader(source, told.index)
        return reads(original)

    def _reader(self, source: str, index: int) -> Callable[[Original], Record | None]:
        try:
            return _reader(self._inventory.as_of(self._connection, source, index), self._clock)
        except NotFound:
            return _nobody


def _reader(config: SourceConfig, clock: WallClock) -> Callable[[Original], Record | None]:
    """What reads the originals of a source: its collector, which is given no secret, as it reaches for nothing."""
    from collectors.registry import collector_type  # the libraries of all source types take long to load

    try:
        kind = collector_type(config.type)
        collector = kind(config, {one.name: "-" for one in kind.secrets if one.required}, clock)
    except ConfigError:
        return _nobody
    version = collector.parser, collector.parser_version
    return lambda one: collector.derive(one) if (one.parser, one.parser_version) == version else None


def _nobody(_: Original) -> None:
    """What reads the originals of a source whose program is not there."""


def _read_mapping(text: str) -> None:
    # Imported here: what reads mappings takes time to load.
    from collectors.mapping.model import read_mapping

    read_mapping(text)
