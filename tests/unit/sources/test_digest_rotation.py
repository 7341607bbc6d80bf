"""After the secret of the content digest was changed, a record that was entered before is known again as the same."""

from typing import Any

import pytest

from ledger.core import canonical
from ledger.core.errors import AccessDenied, ConfigError, IntegrityError
from ledger.core.run import RunReceipt, Status
from ledger.service import Service
from ledger.sources.ingest import Ingest
from ledger.sources.inventory import Inventory
from ledger.store.logs import SYSTEM_LOG
from ledger.trust.digest_life import entered, rotate_digest
from tests.support.checking import assert_log_holds, leaves
from tests.support.keys import forge
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, batch, record, submission

pytestmark = pytest.mark.sampled

SEALED = ("actor.name", "reason", "changes.Value")


def _statuses(receipt: RunReceipt) -> list[Status]:
    return [one.status for one in receipt.outcomes]


def _bodies(ledger: Ledger, log: int, kind: str) -> list[Any]:
    with ledger.store.reader(log) as reader:
        found = zip(leaves(reader), reader.entries(0, reader.head().size), strict=True)
        return [ledger.store.kinds[kind].decode(e.body or b"") for leaf, e in found if leaf.kind == kind]


def _submit(service: Service, *numbers: int) -> RunReceipt:
    ingest = service.ingest
    run = batch([submission(one) for one in numbers], cursor_from=ingest.state("erp").cursor, cursor_to=str(numbers))
    return ingest.submit(run, AUTHORITY)


def test_a_record_sent_again_after_rotations_is_a_duplicate_in_every_process(ledger: Ledger) -> None:
    ledger.register("erp", seal=SEALED)
    other = ledger.open()
    first = _submit(ledger.service, 1)
    rotated = [ledger.service.rotate_digest(AUTHORITY) for _ in range(2)]
    assert rotated[1].old == rotated[0].new
    assert rotated[1].kept == 3
    later = _submit(other, 2)
    again = [_submit(one, 1, 2, number) for number, one in ((3, ledger.service), (4, other), (5, ledger.open()))]
    for receipt in again:
        assert _statuses(receipt) == [Status.DUPLICATE, Status.DUPLICATE, Status.APPENDED]
        assert [one.index for one in receipt.outcomes[:2]] == [first.outcomes[0].index, later.outcomes[0].index]
    assert _bodies(ledger, RECORDS, "finding") == []
    records = _bodies(ledger, RECORDS, "record")
    assert [one.digest.key for one in records] == [rotated[0].old, *[rotated[1].new] * 4]
    assert_log_holds(ledger.store, RECORDS)


def test_a_record_with_other_content_is_a_change_after_a_rotation_too(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    (first,) = ledger.submit([submission(1)], cursor_to="1").outcomes
    ledger.service.rotate_digest(AUTHORITY)
    (second,) = ledger.submit([submission(1, reason="changed")], cursor_to="2").outcomes
    (finding,) = _bodies(ledger, RECORDS, "finding")
    assert finding.entries == (first.index, second.index)


@pytest.mark.parametrize("target", ["another record", "the record as it was", "no entry at all"])
def test_a_row_forged_under_an_old_secret_cannot_swallow_a_record(ledger: Ledger, target: str) -> None:
    receipt = ledger.submit([submission(1)], cursor_to="1")
    old = ledger.service.keys.digests()
    ledger.service.rotate_digest(AUTHORITY)
    points_to = 999 if target == "no entry at all" else receipt.outcomes[0].index
    same = target == "the record as it was"
    number = 1 if same else 2
    changes: dict[str, Any] = {"reason": "changed"} if same else {}
    digest = old(canonical.encode_struct(record(number, **changes)))
    forge(ledger, str(number), digest, points_to)
    if same and ledger.is_sqlite:
        # There the index tells no digest: what it leads to is read, and is the record as it was.
        (outcome,) = ledger.submit([submission(number, **changes)], cursor_to="2").outcomes
        assert outcome.status is Status.APPENDED
        assert len(_bodies(ledger, RECORDS, "finding")) == 1
        return
    with pytest.raises(IntegrityError, match="is known by entry"):
        ledger.submit([submission(number, **changes)], cursor_to="2")
    assert len(_bodies(ledger, RECORDS, "record")) == 1


def test_a_run_that_was_prepared_before_a_rotation_is_prepared_anew(sqlite_ledger: Ledger) -> None:
    """Between the two another process enters the same record under the new secret."""
    ledger, other = sqlite_ledger, sqlite_ledger.open()
    asked = []

    def digests() -> Any:
        asked.append(1)
        found = ledger.service.keys.digests()
        if len(asked) == 1:
            other.rotate_digest(AUTHORITY)
            _submit(other, 1)
        return found

    ingest = Ingest(ledger.store, ledger.service.log(), Inventory(ledger.store, RECORDS), digests)
    run = batch([submission(1)], cursor_from=str((1,)), cursor_to="2")
    assert _statuses(ingest.submit(run, AUTHORITY)) == [Status.DUPLICATE]
    assert len(_bodies(ledger, RECORDS, "record")) == 1


def test_a_machine_that_lacks_the_new_secret_takes_nothing_that_it_could_not_know_again(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    path = ledger.folder / "keys" / "digest.key"
    before = path.read_bytes()
    _submit(ledger.service, 1)
    rotated = ledger.service.rotate_digest(AUTHORITY)
    _submit(ledger.service, 2)
    after = path.read_bytes()
    path.write_bytes(before)
    assert _statuses(_submit(ledger.service, 1, 3)) == [Status.DUPLICATE, Status.APPENDED]
    with pytest.raises(ConfigError, match=f"'2'.*{rotated.new}"):
        _submit(ledger.service, 4, 2)
    assert len(_bodies(ledger, RECORDS, "record")) == 3
    path.write_bytes(after)
    assert _statuses(_submit(ledger.service, 4, 3, 2)) == [Status.APPENDED, Status.DUPLICATE, Status.DUPLICATE]


def test_the_entries_name_both_secrets_by_ids_that_tell_nothing(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    before = ledger.service.keys.digests().key
    rotated = ledger.service.rotate_digest(AUTHORITY)
    events = [one for one in _bodies(ledger, SYSTEM_LOG, "key-event") if one.purpose == "digest"]
    assert [(one.event, one.key) for one in events] == [
        ("created", before),
        ("created", rotated.new),
        ("retired", before),
    ]
    kept = (ledger.folder / "keys" / "digest.key").read_text()
    assert before not in kept
    assert rotated.new not in kept
    with ledger.store.reading() as connection:
        assert entered(connection) == [before, rotated.new]


def test_a_crash_between_secret_and_entry_is_finished_by_the_next_call(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    before = ledger.service.keys.digests().key
    crashed = ledger.service.keys.rotate_digest_secret().key
    (first,) = ledger.submit([submission(1)], cursor_to="1").outcomes
    finished = ledger.service.rotate_digest(AUTHORITY)
    assert (finished.old, finished.new, finished.kept) == (before, crashed, 2)
    (again,) = ledger.submit([submission(1)], cursor_to="2").outcomes
    assert (again.status, again.index) == (Status.DUPLICATE, first.index)


def test_who_may_not_change_keys_changes_none(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    before = (ledger.folder / "keys" / "digest.key").read_bytes()

    def refuse(_transaction: object, _authority: object) -> None:
        raise AccessDenied("not you")

    with pytest.raises(AccessDenied):
        rotate_digest(ledger.store, ledger.service.keys, refuse, AUTHORITY)
    assert (ledger.folder / "keys" / "digest.key").read_bytes() == before
    assert len(_bodies(ledger, SYSTEM_LOG, "key-event")) == 2
