"""What a ledger knows of the quality of its records, over all its logs."""

from ledger.sources.parameters import Parameters
from ledger.store.store import Store


class Quality:
    """One a ledger. `parameters`: by what records are judged."""

    def __init__(self, store: Store) -> None:
        self.parameters = Parameters(store)
