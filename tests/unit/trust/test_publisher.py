"""The publisher can't be brought to sign two views of one log, whenever it is interrupted and whatever it is shown."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from ledger.core.checkpoint import Checkpoint
from ledger.core.entry import draft
from ledger.core.errors import CheckpointForked, IntegrityError, RolledBack
from ledger.core.hashing import b64, leaf_hash
from ledger.core.note import open_note
from ledger.findings.kinds import Incident
from ledger.service import Service
from ledger.store import checkpoints, schema
from ledger.store.append import Batch
from ledger.trust import signed as remembering
from ledger.trust import signer as signing
from ledger.trust.kinds import LogBinding
from ledger.trust.signed import Signed
from tests.support.checking import naive_root
from tests.support.ledgers import RECORDS, Ledger

pytestmark = pytest.mark.sampled

PLACES = {"write_durably": remembering, "sign_note": signing}
"""Where the steps stand that are not the store's."""
STEPS = ("record_intent", "write_durably", "sign_note", "publish")


class PowerCut(BaseException):
    """The process ends here."""


def grow(service: Service, count: int = 3, text: str = "a note") -> int:
    """Appends to the record log; returns its size."""
    notes = [draft(Incident(code="test", detail=text, stopped="nothing")) for _ in range(count)]
    return service.store.append(RECORDS, Batch(notes))[-1].index + 1


def published(service: Service) -> dict[int, Checkpoint]:
    """Every stored checkpoint of the record log, each verified under the log's key, by size."""
    log = service.log()
    verifier = service.keys.log_signer(log.name, log.origin).verifier
    with service.store.reading() as connection:
        found = {one.size: one.note for one in checkpoints.every(connection, RECORDS)}
    return {size: Checkpoint.parse(open_note(note, [verifier]).text) for size, note in found.items()}


def intents(service: Service) -> dict[int, bytes]:
    table = schema.checkpoint_intent
    with service.store.reading() as connection:
        return {row.size: row.root for row in connection.execute(select(table).where(table.c.log == RECORDS))}


def roots(service: Service, sizes: Any) -> dict[int, bytes]:
    with service.store.reader(RECORDS) as reader:
        hashes = [leaf_hash(entry.leaf) for entry in reader.entries(0, reader.head().size)]
    return {size: naive_root(hashes[:size]) for size in sizes}


def signed(ledger: Ledger) -> Signed:
    return msgspec.json.decode((ledger.folder / "signed" / "records.signed").read_bytes(), type=Signed)


def test_a_checkpoint_is_of_the_whole_log_and_signed_by_its_key(ledger: Ledger) -> None:
    service = ledger.service
    size = grow(service)
    stored = service.publisher.publish(service.log())
    assert stored.size == size
    checkpoint = published(service)[size]
    assert (checkpoint.origin, checkpoint.size) == (service.log().origin, size)
    assert checkpoint.root == roots(service, [size])[size]
    assert signed(ledger) == Signed(size=size, root=b64(checkpoint.root))


def test_an_unchanged_log_is_not_signed_again(ledger: Ledger) -> None:
    service = ledger.service
    first = service.publisher.publish(service.log())
    assert service.publisher.publish(service.log()) == first
    assert len(published(service)) == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_what_a_crash_leaves_is_finished_with_the_very_size_and_root(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    grow(ledger.service)
    ledger.service.publisher.publish(ledger.service.log())
    meant = grow(ledger.service)
    where: Any = PLACES.get(step, checkpoints)
    real: Callable[..., Any] = getattr(where, step)

    def cut(*arguments: Any, **named: Any) -> Any:
        if after:
            real(*arguments, **named)
        raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(where, step, cut)
        with pytest.raises(PowerCut):
            ledger.service.publisher.publish(ledger.service.log())
    left = intents(ledger.service)
    service = ledger.open()
    later = grow(service)
    service.publisher.publish(service.log())
    done = published(service)
    assert later in done
    assert {size: done[size].root for size in done} == roots(service, done)
    assert all(done[size].root == root for size, root in left.items())
    # Only what happened within the intent's own transaction went with it.
    assert (meant in done) == (step != "record_intent")


def test_intent_then_state_then_signature_then_publication(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step finds the one before it durable: seen by another connection, or in the file."""
    service = ledger.service
    size = grow(service)
    seen = []

    def watch(where: Any, step: str) -> None:
        real = getattr(where, step)

        def watched(*arguments: Any, **named: Any) -> Any:
            state = (ledger.folder / "signed" / "records.signed").exists()
            seen.append((step, size in intents(ledger.service), state, bool(published(ledger.service))))
            return real(*arguments, **named)

        monkeypatch.setattr(where, step, watched)

    for where, step in ((checkpoints, "record_intent"), *((where, step) for step, where in PLACES.items())):
        watch(where, step)
    watch(checkpoints, "publish")
    service.publisher.publish(service.log())
    assert seen == [
        ("record_intent", False, False, False),
        ("write_durably", True, False, False),
        ("sign_note", True, True, False),
        ("publish", True, True, False),
    ]
    assert published(service)


def test_an_older_database_is_refused_whatever_its_size(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    service = ledger.service
    grow(service)
    service.publisher.publish(service.log())
    restored = copy_of_database(ledger)
    newest = grow(service, 5)
    service.publisher.publish(service.log())
    before = signed(ledger)
    restore(ledger, restored)
    for size_after in (None, 2, 1):  # as it was; grown, but less than what was signed
        older = ledger.open()
        if size_after is not None:
            grow(older, size_after, "another past")
        with pytest.raises(RolledBack, match=f"{newest} were signed"):
            older.publisher.publish(older.log())
        with pytest.raises(RolledBack, match=f"{newest} were signed"):
            older.publisher.publish_all()
        assert len(published(older)) == 1
        assert signed(ledger) == before


@pytest.mark.parametrize("beyond", [0, 4])
def test_another_past_is_refused_at_the_size_that_was_signed_and_beyond(sqlite_ledger: Ledger, beyond: int) -> None:
    ledger = sqlite_ledger
    service = ledger.service
    grow(service)
    restored = copy_of_database(ledger)
    grow(service, 5)
    service.publisher.publish(service.log())
    before = signed(ledger)
    restore(ledger, restored)
    forked = ledger.open()
    grow(forked, 5 + beyond, "another past")
    with pytest.raises(CheckpointForked):
        forked.publisher.publish(forked.log())
    assert (published(forked), signed(ledger)) == ({}, before)


def test_an_intent_of_another_root_is_refused(ledger: Ledger) -> None:
    size = grow(ledger.service)
    with ledger.store.writing() as connection:
        assert checkpoints.record_intent(connection, RECORDS, size, bytes(32))
    with pytest.raises(CheckpointForked), ledger.store.writing() as connection:
        checkpoints.record_intent(connection, RECORDS, size, b"\x01" * 32)
    with ledger.store.writing() as connection:
        assert not checkpoints.record_intent(connection, RECORDS, size, bytes(32))
        assert not checkpoints.record_intent(connection, RECORDS, size - 1, bytes(32))
    assert intents(ledger.service) == {size: bytes(32)}


def test_a_forged_head_is_never_signed(ledger: Ledger) -> None:
    service = ledger.service
    grow(service)
    service.publisher.publish(service.log())
    grow(service)
    with ledger.administrator() as connection:
        connection.execute(
            schema.head.update().where(schema.head.c.log == RECORDS).values(frontier=forged_edge(service))
        )
    with pytest.raises(IntegrityError):
        service.publisher.publish(service.log())
    assert len(published(service)) == 1


def forged_edge(service: Service) -> bytes:
    with service.store.reader(RECORDS) as reader:
        return bytes(len(reader.head().frontier))


def test_two_publishers_never_sign_two_views_and_neither_fails(ledger: Ledger) -> None:
    services = [ledger.service, ledger.open()]
    failures: list[BaseException] = []

    def publish(service: Service) -> None:
        try:
            for _ in range(8):
                grow(service, 2)
                service.publisher.publish(service.log())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=publish, args=(service,)) for service in services]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    service = ledger.open()
    service.publisher.publish(service.log())
    done = published(service)
    assert intents(service) == {size: checkpoint.root for size, checkpoint in done.items()}
    assert {size: checkpoint.root for size, checkpoint in done.items()} == roots(service, done)


def test_each_log_is_entered_in_the_other(ledger: Ledger) -> None:
    service = ledger.service
    grow(service)
    (record_checkpoint, system_checkpoint) = service.publisher.publish_all()
    service.publisher.bind_system()
    bound = bindings(service, 0), bindings(service, RECORDS)
    assert [one.checkpoint.encode() for one in bound[0]] == [record_checkpoint.note]
    assert [one.checkpoint.encode() for one in bound[1]] == [system_checkpoint.note]
    assert (bound[0][0].origin, bound[0][0].size) == (service.log().origin, record_checkpoint.size)
    assert bound[0][0].root == b64(published(service)[record_checkpoint.size].root)
    assert service.publisher.publish_all()  # the binding itself
    before = len(bindings(service, 0))
    service.publisher.publish_all()
    assert len(bindings(service, 0)) == before, "nothing grew, nothing is entered"


def bindings(service: Service, log: int) -> list[LogBinding]:
    with service.store.reader(log) as reader:
        bodies = [
            entry.body or b"" for entry in reader.entries(0, reader.head().size) if b'"log-binding"' in entry.leaf
        ]
    return [msgspec.json.decode(body, type=LogBinding) for body in bodies]


def copy_of_database(ledger: Ledger) -> Path:
    """A backup of the database file, as a site would take it."""
    database = Path(str(ledger.settings.database_url(ledger.folder).database))
    with ledger.store.writer.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
    return Path(shutil.copy(database, database.with_suffix(".backup")))


def restore(ledger: Ledger, backup: Path) -> None:
    ledger.close()
    database = Path(str(ledger.settings.database_url(ledger.folder).database))
    for leftover in database.parent.glob(database.name + "-*"):
        leftover.unlink()
    shutil.copy(backup, database)
