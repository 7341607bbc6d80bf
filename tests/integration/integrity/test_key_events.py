"""The life of a log's key in a ledger, and level 3 over it: only the promised key follows, each signs in its time."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.core.authority import Authority
from ledger.core.checkpoint import Checkpoint, open_checkpoint
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, ConfigError, Conflict, LedgerError, NotFound, SchemaViolation
from ledger.core.key_events import KeyEvent, KeyEventSort, KeyPurpose, key_digest, key_statement
from ledger.core.note import NoteSigner, Signer, sign_note
from ledger.integrity.fault import Fault
from ledger.new_log import NEXT_KEYS
from ledger.service import Service
from ledger.store import checkpoints
from ledger.trust.next_keys import load_next, prepare_next
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, submission

pytestmark = pytest.mark.sampled

ONE, TWO = (Authority(actor=name, authenticated=True) for name in ("admin1", "admin2"))
DOUBTFUL = "2026-01-01T00:00:00.000000Z"


def rotate(ledger: Ledger, following: Path | None = None, then: Path | None = None) -> tuple[str, str]:
    """Rotates the record log's key to the one that `following` has; returns old and new."""
    service = ledger.service
    log = service.log()
    seed = load_next(following or ledger.folder / NEXT_KEYS, log.origin)
    done = service.key_life.rotate(
        log, seed, prepare_next(then or ledger.folder / "then", log.origin), "due", AUTHORITY
    )
    return done.old, done.new


def grow(ledger: Ledger, number: int) -> int:
    """One more record and checkpoint; returns its size."""
    ledger.submit([submission(number)])
    return ledger.service.publisher.publish(ledger.service.log()).size


def signed_by(ledger: Ledger, service: Service | None = None) -> dict[int, list[str]]:
    """By which keys of its history each checkpoint of the record log is signed."""
    history = (service or ledger.service).key_life.history(ledger.service.log())
    with ledger.store.reading() as connection:
        found = {one.size: one.note for one in checkpoints.every(connection, RECORDS)}
    names = {(one.verifier.name, one.verifier.key_id): one.vkey for one in history.keys}
    return {
        size: [
            names[line.name, line.key_id] for line in open_checkpoint(note, history.origin, history.verifiers).verified
        ]
        for size, note in found.items()
    }


def fault(ledger: Ledger, levels: tuple[int, ...] = (3,)) -> Fault | None:
    return ledger.service.verifier.run(ledger.service.log(), levels=levels).fault


def forge(ledger: Ledger, size: int, *signers: Signer) -> None:
    """Somebody with the database puts a checkpoint of their own in the place of one, of the very same tree."""
    log = ledger.service.log()
    with ledger.store.reader(RECORDS) as reader:
        root = reader.root(size)
    note = sign_note(Checkpoint(origin=log.origin, size=size, root=root).text(), signers)
    with ledger.administrator() as connection:
        literal = f"X'{note.hex()}'" if ledger.is_sqlite else f"'\\x{note.hex()}'"
        connection.exec_driver_sql(f"UPDATE checkpoint SET note = {literal} WHERE log = {RECORDS} AND size = {size}")


def event(ledger: Ledger, sort: KeyEventSort, key: Signer, *signers: Signer, **more: Any) -> KeyEvent:
    made = KeyEvent(
        **{
            "event": sort,
            "purpose": KeyPurpose.LOG,
            "key": str(key.verifier),
            "reason": "x",
            "authority": AUTHORITY,
            **more,
        }
    )
    text = key_statement(ledger.service.log().origin, made)
    return msgspec.structs.replace(made, lines=tuple(one.sign(text).line for one in signers))


def test_a_rotation_goes_the_whole_way(ledger: Ledger, tmp_path: Path) -> None:
    first = grow(ledger, 1)
    old, new = rotate(ledger)
    both = grow(ledger, 2)
    life, log = ledger.service.key_life, ledger.service.log()
    assert ledger.service.vkey(log) == new
    note, rotation = life.announcement(log)
    assert (str(rotation.old), str(rotation.new)) == (old, new)
    assert note.count("\n— ") == 2
    revoked = life.revoke(log, old, "over", AUTHORITY)
    last = grow(ledger, 3)
    assert signed_by(ledger) == {first: [old], rotation.index + 1: [new, old], both: [new, old], last: [new]}
    assert last > revoked
    assert fault(ledger, (1, 2, 3)) is None
    # Another process, and the next rotation.
    again = ledger.open()
    assert again.vkey(log) == new
    seed = load_next(ledger.folder / "then", log.origin)
    third = again.key_life.rotate(log, seed, prepare_next(tmp_path, log.origin), "due again", AUTHORITY)
    assert (third.old, [one.state for one in again.key_life.history(log).keys]) == (
        new,
        ["revoked", "replaced", "present"],
    )
    assert fault(ledger, (1, 2, 3)) is None
    again.publisher.publish_all()
    again.publisher.bind_system()
    assert ledger.service.verifier.run(again.system, levels=(1, 2, 3)).holds
    assert fault(ledger) is None


def test_only_the_promised_key_may_follow_and_nothing_of_another_stays_behind(ledger: Ledger, tmp_path: Path) -> None:
    service, log = ledger.service, ledger.service.log()
    prepare_next(tmp_path, log.origin)
    before = sorted(path.name for path in (ledger.folder / "keys").iterdir())
    with pytest.raises(Conflict, match="is not the key that entry 0"):
        rotate(ledger, following=tmp_path)
    with pytest.raises(Conflict, match="which entry 0 had done already"):
        service.key_life.pre_rotate(log, key_digest("another"), "mine", AUTHORITY)
    with pytest.raises(SchemaViolation, match="reason"):
        service.key_life.rotate(log, load_next(ledger.folder / NEXT_KEYS, log.origin), key_digest("x"), " ", AUTHORITY)
    with pytest.raises(Conflict, match="has to be rotated away"):
        service.key_life.revoke(log, service.vkey(log), "gone", AUTHORITY)
    with pytest.raises(NotFound):
        service.key_life.revoke(log, "no key", "gone", AUTHORITY)
    seed, nobody = load_next(ledger.folder / NEXT_KEYS, log.origin), Authority(actor="somebody", authenticated=True)
    with pytest.raises(AccessDenied):
        service.key_life.rotate(log, seed, key_digest("x"), "due", nobody)
    assert sorted(path.name for path in (ledger.folder / "keys").iterdir()) == before
    assert service.key_life.history(log).last == 0


def test_a_thief_of_key_and_database_cannot_name_a_key_of_theirs(ledger: Ledger) -> None:
    grow(ledger, 1)
    log = ledger.service.log()
    (stolen,) = ledger.service.keys.log_signers(log.name, log.origin)
    thief, next_one = NoteSigner(log.origin, bytes(32)), key_digest("next")
    said = {"replaces": str(stolen.verifier), "next": next_one, "previous": 0}
    forged = event(ledger, KeyEventSort.ROTATED, thief, stolen, thief, **said)
    index = ledger.store.append_one(RECORDS, draft(forged)).index
    found = fault(ledger)
    assert found is not None
    assert (found.index, found.table) == (index, "body")
    assert "another key than the one that entry 0 committed to" in found.what
    with pytest.raises(LedgerError, match="committed to"):
        ledger.service.publisher.publish(log)


def test_each_key_signs_in_its_time_only(ledger: Ledger) -> None:
    first = grow(ledger, 1)
    log = ledger.service.log()
    (old,) = ledger.service.keys.log_signers(log.name, log.origin)
    rotate(ledger)
    new = next(one for one in ledger.service.keys.log_signers(log.name, log.origin) if one.verifier != old.verifier)
    ledger.service.key_life.revoke(log, str(old.verifier), "over", AUTHORITY)
    held = ledger.service.key_life.history(log).rotations[0].index + 1
    last = grow(ledger, 2)
    for size, signers, right, why in (
        (last, (old,), (new,), "had revoked it"),
        (last, (new, old), (new,), "had revoked it"),
        (held, (new,), (new, old), "did not sign the first checkpoint that holds its rotation"),
        (held, (old,), (new, old), "and did not sign"),
        (first, (old, new), (old,), "began with it"),
    ):
        forge(ledger, size, *signers)
        found = fault(ledger)
        assert found is not None
        assert (found.index, found.table, why in found.what) == (size - 1, "checkpoint", True), found
        forge(ledger, size, *right)
    assert fault(ledger) is None


def test_a_crash_between_entry_and_key_file_leaves_both_at_hand(ledger: Ledger) -> None:
    log = ledger.service.log()
    grow(ledger, 1)
    seed = load_next(ledger.folder / NEXT_KEYS, log.origin)
    (old,) = ledger.service.keys.log_signers(log.name, log.origin)
    new = NoteSigner(log.origin, seed)
    then = key_digest("next")
    rotated = event(ledger, KeyEventSort.ROTATED, new, old, new, replaces=str(old.verifier), next=then, previous=0)
    ledger.service.keys.take_over(log.name, seed)
    before = grow(ledger, 2)
    assert signed_by(ledger)[before] == [str(old.verifier)]
    ledger.store.append_one(RECORDS, draft(rotated))
    after = grow(ledger, 3)
    assert signed_by(ledger)[after] == [str(new.verifier), str(old.verifier)]
    assert ledger.open().vkey(log) == str(new.verifier)
    assert fault(ledger) is None
    # The other way round: the entry is there, and the key that it names is not.
    ledger.service.keys.settle(log.name, log.origin, str(old.verifier), [str(old.verifier)])
    ledger.submit([submission(4)])
    with pytest.raises(ConfigError, match="has to sign, is not at hand"):
        ledger.service.publisher.publish(log)


def test_a_compromise_takes_two_people_and_is_told(ledger: Ledger) -> None:
    log = ledger.service.log()
    life = ledger.service.key_life
    life._permit = lambda transaction, authority: None
    vkey = ledger.service.vkey(log)

    def report(since: str = DOUBTFUL, who: Authority = ONE) -> int:
        return life.report(log, KeyPurpose.LOG, vkey, since, "rotate at once", "a disk was stolen", who)

    for since in ("2099-01-01T00:00:00.000000Z", "yesterday"):
        with pytest.raises(SchemaViolation):
            report(since)
    with pytest.raises(Conflict, match="somebody who is known"):
        report(who=AUTHORITY)
    index = report()
    with pytest.raises(Conflict, match="'admin1' alone"):
        life.confirm(log, index, "I say so", ONE)
    with pytest.raises(NotFound):
        life.confirm(log, 0, "I say so", TWO)
    confirmed = life.confirm(log, index, "I say so", TWO)
    assert [at for at, _ in life.history(log).compromised] == [confirmed]
    counts = life.history(log).compromised[0][1].compromise
    assert counts is not None
    alone = event(
        ledger,
        KeyEventSort.COMPROMISE_CONFIRMED,
        ledger.service.keys.log_signers(log.name, log.origin)[0],
        previous=confirmed,
        compromise=msgspec.structs.replace(counts, report=index),
        authority=ONE,
    )
    forged = ledger.store.append_one(RECORDS, draft(alone)).index
    found = fault(ledger)
    assert found is not None
    assert (found.index, "confirms no compromise" in found.what) == (forged, True)
