"""Who watches a log of another ledger follows its key over rotations, and can show later why."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.core import canonical
from ledger.core.entry import draft
from ledger.core.note import parse_note, sign_note
from ledger.core.published_keys import KEY_LIFE
from ledger.integrity.fault import Fault
from ledger.integrity.scope import Scope
from ledger.integrity.sites import sites_fault
from ledger.service import Service
from ledger.store.logs import SYSTEM_LOG
from ledger.trust.site_watch import Came, Watch
from ledger.trust.watch_kinds import FaultSort, SiteCheckpoint, SiteFault, WatchedLog, WatchEvent
from tests.support.ledgers import AUTHORITY, Ledger
from tests.support.published import Log, log
from tests.support.rotating import Rotating
from tests.support.trusted import found

pytestmark = pytest.mark.sampled


def watch_of(ledger: Ledger, rotating: Rotating, tiles: Path) -> Watch:
    watch = Watch(ledger.store)
    watch.put(
        WatchedLog(
            event=WatchEvent.WATCHED,
            origin=rotating.log.id.origin,
            tiles=str(tiles),
            silent_s=3600,
            reason="one of our sites",
            authority=AUTHORITY,
            keys=(rotating.keys[0],),
        )
    )
    return watch


def watched(ledger: Ledger, made: Log, tmp_path: Path) -> tuple[Rotating, Watch, Path]:
    """A log whose tiles were looked at once, in that folder."""
    rotating = Rotating(made, tmp_path)
    tiles = rotating.export(tmp_path / "tiles")
    watch = watch_of(ledger, rotating, tiles)
    watch.look(made.id.origin)
    return rotating, watch, tiles


def said(ledger: Ledger, sort: type[msgspec.Struct]) -> list[Any]:
    """The bodies of a sort in the system log, in order."""
    with ledger.store.reader(SYSTEM_LOG) as reader:
        kinds = ledger.store.kinds
        bodies = [
            kinds[json.loads(entry.leaf)["kind"]].decode(entry.body or b"")
            for entry in reader.entries(0, reader.head().size)
        ]
    return [body for body in bodies if isinstance(body, sort)]


def fault(ledger: Ledger) -> Fault | None:
    """What level 3 finds about watched logs."""
    with ledger.store.reading() as connection:
        scope = Scope(
            connection=connection,
            log=ledger.service.system,
            kinds=ledger.store.kinds,
            keys={},
            pulse=lambda _done: None,
        )
        return sites_fault(scope)


def test_a_watched_log_is_followed_over_its_rotations_from_the_key_that_was_pinned(
    ledger: Ledger, tmp_path: Path
) -> None:
    with log(tmp_path / "site") as made:
        rotating = Rotating(made, tmp_path)
        tiles = rotating.export(tmp_path / "tiles")
        watch = watch_of(ledger, rotating, tiles)
        for revoke in (True, False, True):
            assert watch.look(made.id.origin).came is Came.ENTERED
            # Each goes on from the one before: by the keys that were entered until then.
            report = ledger.service.verifier.run(ledger.service.system, levels=(1, 2, 3), full=False)
            assert report.holds, report
            rotating.rotate(revoke)
            rotating.export(tiles)
        assert watch.look(made.id.origin).came is Came.ENTERED
        assert watch.look(made.id.origin).came is Came.UNCHANGED
    entered = said(ledger, SiteCheckpoint)
    assert [[key.index for key in one.keys] for one in entered] == [[0, 1], [2, 3], [4], [5, 6]]
    assert said(ledger, SiteFault) == []
    assert fault(ledger) is None
    part = found(ledger, ledger.service.system, full=False).levels[2]
    assert (part.fault, bool(part.left_out)) == (None, True)
    report = ledger.service.verifier.run(ledger.service.system)
    assert report.holds, report


def _no_keys(tiles: Path, _: Rotating) -> None:
    (tiles / KEY_LIFE).unlink()


def _another_key(tiles: Path, rotating: Rotating) -> None:
    """A thief of the first key, who was not promised, puts a key of their own in place."""
    lines = [json.loads(line) for line in (tiles / KEY_LIFE).read_bytes().splitlines()]
    lines[2]["body"]["key"] = rotating.keys[0]
    (tiles / KEY_LIFE).write_bytes(b"".join(canonical.dumps(line) + b"\n" for line in lines))


def _revoked(tiles: Path, rotating: Rotating) -> None:
    text = parse_note((tiles / "checkpoint").read_bytes()).text
    (tiles / "checkpoint").write_bytes(sign_note(text, rotating.signers[:1]))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_no_keys, "key-life.jsonl is missing, and was there before"),
        (_another_key, "this key event rotates"),
        (_revoked, "signed at size 4, and entry 3 had revoked it"),
    ],
)
def test_a_rotation_that_does_not_hold_is_a_fault_of_the_log(
    sqlite_ledger: Ledger, tmp_path: Path, change: Callable[[Path, Rotating], None], why: str
) -> None:
    with log(tmp_path / "site") as made:
        rotating, watch, tiles = watched(sqlite_ledger, made, tmp_path)
        rotating.rotate()
        rotating.export(tiles)
        change(tiles, rotating)
        assert watch.look(made.id.origin).came is Came.WRONG
    (wrong,) = said(sqlite_ledger, SiteFault)
    assert (wrong.sort, wrong.keys) == (FaultSort.UNVERIFIED, ())
    assert why in wrong.detail
    assert fault(sqlite_ledger) is None


def test_a_fork_under_a_key_that_only_it_names_is_proven_all_the_same(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    site, twin, tiles = tmp_path / "site", tmp_path / "twin", tmp_path / "tiles"
    with log(site) as made:
        rotating = Rotating(made, tmp_path)
        watch = watch_of(sqlite_ledger, rotating, rotating.export(tiles))
        watch.look(made.id.origin)
    shutil.copytree(site, twin)
    with service_of(rotating, site):
        rotating.log.grow(9)
        rotating.export(tiles)
        assert watch.look(rotating.log.id.origin).came is Came.ENTERED
    with service_of(rotating, twin):
        rotating.rotate()
        rotating.log.grow(20)
        rotating.export(tmp_path / "forked")
    shutil.copytree(tmp_path / "forked", tiles, dirs_exist_ok=True)
    assert watch.look(rotating.log.id.origin).came is Came.WRONG
    (wrong,) = said(sqlite_ledger, SiteFault)
    assert (wrong.sort, [one.index for one in wrong.keys]) == (FaultSort.FORKED, [2, 3])
    assert fault(sqlite_ledger) is None
    sqlite_ledger.store.append_one(SYSTEM_LOG, draft(msgspec.structs.replace(wrong, keys=())))
    unproven = fault(sqlite_ledger)
    assert unproven is not None
    assert "no known key signed" in unproven.what


@contextmanager
def service_of(rotating: Rotating, folder: Path) -> Iterator[None]:
    """The log goes on in a folder, which may be the copy of another."""
    rotating.log.service = Service(folder)
    try:
        yield
    finally:
        rotating.log.service.close()


def test_what_was_entered_of_a_logs_keys_is_judged_again_and_may_not_be_left_out(
    sqlite_ledger: Ledger, tmp_path: Path
) -> None:
    with log(tmp_path / "site") as made:
        rotating, watch, tiles = watched(sqlite_ledger, made, tmp_path)
        rotating.rotate()
        rotating.export(tiles)
        watch.look(made.id.origin)
    standing = watch.standing(rotating.log.id.origin)
    assert standing.life == standing.last_index
    last = said(sqlite_ledger, SiteCheckpoint)[-1]
    again = msgspec.structs.replace(last, previous=standing.last_index, proof=(), keys=(), life=standing.life)
    sqlite_ledger.store.append_one(SYSTEM_LOG, draft(again))
    assert fault(sqlite_ledger) is None
    assert sqlite_ledger.service.verifier.run(sqlite_ledger.service.system, levels=(1, 2, 3)).holds
    more = msgspec.structs.replace(again, previous=watch.standing(last.origin).last_index, life=None)
    index = sqlite_ledger.store.append_one(SYSTEM_LOG, draft(more)).index
    unnamed = fault(sqlite_ledger)
    assert unnamed is not None
    assert (unnamed.index, "does not name the entry of that log's keys" in unnamed.what) == (index, True)
    assert found(sqlite_ledger, sqlite_ledger.service.system, full=False, levels=(3,)).levels[0].fault == unnamed
