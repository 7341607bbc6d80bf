"""How a log begins: its keys, its entry 0 and what that names."""

from pathlib import Path

from ledger import __version__
from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.entry import draft
from ledger.store.logs import LogCreated2
from ledger.store.store import Store
from ledger.trust.keys import Keys
from ledger.trust.kinds import KeyEvent, KeyEventSort, KeyPurpose
from ledger.trust.next_keys import prepare_next

PRODUCT = f"trailseal {__version__}"
SYSTEM, RECORDS = "system", "records"
"""Names of the logs that a new ledger starts with."""
NEXT_KEYS = "next-keys"
"""The folder in the ledger's where a new log's next key is left, to be carried away."""


def create_log(store: Store, keys: Keys, log: LogId, next_keys: Path, authority: Authority) -> None:
    """Enters a log's entry 0, with its key the promise of its next one (left in `next_keys`) and its key of reports."""
    vkey = str(keys.log_signer(log.name, log.origin).verifier)
    promise = prepare_next(next_keys, log.origin)
    store.create_log(
        LogCreated2(number=log.number, name=log.name, origin=log.origin, key=vkey, product=PRODUCT, next=promise)
    )
    report = str(keys.report_signer(log.name, log.origin).verifier)
    enter_key(store, log.number, KeyPurpose.REPORT, report, authority)


def enter_key(store: Store, log: int, purpose: KeyPurpose, key: str, authority: Authority) -> None:
    """Enters that a key was made, by its public half."""
    event = KeyEvent(event=KeyEventSort.CREATED, purpose=purpose, key=key, authority=authority)
    store.append_one(log, draft(event))
