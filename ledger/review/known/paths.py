"""To what equipment and to which batches a record belongs without naming them."""

from sqlalchemy import Connection

from ledger.core.parameters import Occupation
from ledger.review.known.facts import Path, Told
from ledger.review.known.rules import Rules
from ledger.trace.assets import Assets
from ledger.trace.membership import Batches


class Paths:
    """The paths from a log's records by maps and intervals, as of a size."""

    def __init__(self, connection: Connection, log: int, size: int, rules: Rules) -> None:
        self._batches = Batches(Assets(connection, log, size))
        self._rules = rules

    def of(self, told: Told) -> Path:
        """Where a record leads."""
        assets = [asset for asset, _ in self._batches.assets.of(told.body)]
        batch = self._batches.has(told.body)
        ruled = batch or all(self._ruled(asset, told.moment_us) for asset in assets)
        return Path(equipment=bool(assets), batch=batch, ruled=ruled)

    def _ruled(self, asset: str, moment_us: int) -> bool:
        """Whether a rule says what belongs to a batch that occupies the asset."""
        classes = self._batches.assets.classes(asset, moment_us)
        return any(self._rules.at(Occupation, None, one, moment_us) is not None for one in classes)
