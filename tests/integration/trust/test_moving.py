"""A ledger goes from one server to another: the old one is silent for good, the new one continues what was signed."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import AccessDenied, Conflict, LedgerError, RolledBack
from ledger.core.note import parse_note
from ledger.store import checkpoints
from ledger.store.logs import SYSTEM_LOG
from ledger.trust import moving
from ledger.trust.moving import ARRIVING, Left
from ledger.trust.signed import AWAY, MovedAway
from tests.support.copied import copied
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, submission
from tests.support.witness import Trust, two_witnesses

pytestmark = pytest.mark.sampled


def leave(ledger: Ledger) -> Left:
    return ledger.service.mover.leave("server 2", "new hardware", AUTHORITY)


def arrive(ledger: Ledger, code: str) -> int:
    return ledger.service.mover.arrive(code, "server 2", "new hardware", AUTHORITY)


def published(ledger: Ledger, log: int) -> list[Checkpoint]:
    with ledger.store.reading() as connection:
        return [Checkpoint.parse(parse_note(one.note).text) for one in checkpoints.every(connection, log)]


def again(ledger: Ledger) -> Ledger:
    """The same ledger, started once more."""
    ledger.close()
    return Ledger(ledger.folder, ledger.settings, ledger.clock)


@pytest.fixture
def grown(ledger: Ledger) -> Ledger:
    ledger.submit([submission(1)])
    ledger.service.publisher.publish_all()
    return ledger


def require_silent(ledger: Ledger) -> None:
    """Nothing is appended or signed there."""
    before = [published(ledger, log.number) for log in ledger.store.logs()]
    publisher = ledger.service.publisher
    acts = (
        lambda: ledger.submit([submission(2)]),
        lambda: publisher.publish(ledger.service.log()),
        lambda: publisher.publish(ledger.service.system),
        publisher.bind_system,
        lambda: ledger.service.record_start(AUTHORITY),
        lambda: leave(ledger),
    )
    for act in acts:
        with pytest.raises(MovedAway, match="moved to server 2"):
            act()
    assert [published(ledger, log.number) for log in ledger.store.logs()] == before


def test_the_new_server_goes_on_and_the_old_one_is_silent_however_often_it_is_started(
    request: pytest.FixtureRequest, grown: Ledger, tmp_path: Path
) -> None:
    left = leave(grown)
    require_silent(grown)
    old = again(grown)
    require_silent(old)
    old.close()
    with copied(request, old, tmp_path / "new") as new:
        require_silent(new)
        with pytest.raises(AccessDenied):
            arrive(new, "0-0-0-0")
        require_silent(new)
        before = {log.number: published(new, log.number) for log in new.store.logs()}
        assert all(before[log.number][-1].size == left.sizes[log.name] for log in new.store.logs())
        arrive(new, f" {left.code}\n")
        new.submit([submission(2)])
        new.service.publisher.publish_all()
        for log in new.store.logs():
            assert published(new, log.number)[: len(before[log.number])] == before[log.number]
            report = new.service.verifier.run(log)
            assert report.holds, report
        with closing(again(old)) as started:
            require_silent(started)
        with pytest.raises(Conflict, match="was not moved"):
            arrive(new, left.code)


def test_the_new_server_does_not_begin_from_a_database_alone_or_an_old_one(
    request: pytest.FixtureRequest, grown: Ledger, tmp_path: Path
) -> None:
    grown.close()
    with copied(request, grown, tmp_path / "old") as stale:
        moving = again(grown)
        left = leave(moving)
        moving.close()
        # The folder as it was carried over, on a database from before.
        for name in [AWAY, *(f"{log}.signed" for log in left.sizes)]:
            shutil.copy(moving.folder / "signed" / name, stale.folder / "signed" / name)
        with pytest.raises(RolledBack, match="entries here"):
            arrive(stale, left.code)
        require_silent(stale)
    with copied(request, moving, tmp_path / "new") as new:
        for name in left.sizes:
            signed = new.folder / "signed" / f"{name}.signed"
            kept = signed.read_bytes()
            signed.unlink()
            with pytest.raises(RolledBack, match="was not carried along"):
                arrive(new, left.code)
            require_silent(new)
            signed.write_bytes(kept)
        arrive(new, left.code)


def test_a_move_in_that_was_cut_off_is_ended_by_the_same_command(sqlite_ledger: Ledger) -> None:
    left = leave(sqlite_ledger)
    signed = sqlite_ledger.folder / "signed"
    (signed / AWAY).rename(signed / ARRIVING)  # as far as it came
    entry = arrive(sqlite_ledger, left.code)
    with sqlite_ledger.store.reader(SYSTEM_LOG) as reader:
        assert b'"server-move"' in reader.entry(entry).leaf
    assert not (signed / ARRIVING).exists()


def test_a_server_whose_signer_refuses_does_not_leave(sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_log: object) -> None:
        raise RolledBack("no")

    monkeypatch.setattr(sqlite_ledger.service.publisher, "publish", refused)
    with pytest.raises(RolledBack):
        leave(sqlite_ledger)
    sqlite_ledger.submit([submission(2)])
    assert not (sqlite_ledger.folder / "signed" / AWAY).exists()


def test_a_move_out_that_was_cut_off_before_the_fence_is_begun_anew(
    sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(moving, "write_durably", cut)
        with pytest.raises(KeyboardInterrupt):
            leave(sqlite_ledger)
    sqlite_ledger.submit([submission(1)])
    sqlite_ledger.service.publisher.publish_all()
    leave(sqlite_ledger)
    require_silent(sqlite_ledger)


def test_a_process_that_runs_while_the_ledger_leaves_is_silent_too(grown: Ledger) -> None:
    running = grown.open()
    leave(grown)
    with pytest.raises(MovedAway):
        running.publisher.publish(running.log())
    with pytest.raises(MovedAway):
        running.record_start(AUTHORITY)


def test_a_copy_from_before_the_move_is_stopped_by_the_witnesses(
    request: pytest.FixtureRequest, ledger: Ledger, tmp_path: Path
) -> None:
    """A fence is no help against whoever puts a backup of the folder back: those outside are."""
    witnesses = two_witnesses(ledger)
    trust = Trust(ledger, *witnesses)
    trust.policy()
    trust.publisher.publish_all()
    ledger.close()
    with copied(request, ledger, tmp_path / "backup") as backup, closing(again(ledger)) as moved:
        at_new = Trust(moved, *witnesses)
        moved.submit([submission(2)])
        at_new.publisher.publish_all()
        backup.submit([submission(3)])
        before = published(backup, RECORDS)
        with pytest.raises(LedgerError):
            Trust(backup, *witnesses).publisher.publish_all()
        assert published(backup, RECORDS) == before
