"""Logs of other ledgers: each checkpoint that verifies is entered, and what is wrong is kept with its proof."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from ledger.core import canonical
from ledger.core.cosignature import CosignatureSigner
from ledger.core.entry import draft
from ledger.core.errors import ConfigError, InvalidEntry, MalformedNote, NotFound
from ledger.core.hashing import b64
from ledger.core.note import NoteSigner
from ledger.findings.kinds import Finding
from ledger.integrity.fault import Fault
from ledger.integrity.scope import Scope
from ledger.integrity.sites import sites_fault
from ledger.store.logs import SYSTEM_LOG
from ledger.trust.site_watch import Came, Look, Watch
from ledger.trust.watch_kinds import FaultSort, SiteCheckpoint, SiteFault, WatchedLog, WatchEvent
from tests.support.ledgers import AUTHORITY, Ledger, MovableClock
from tests.support.published import leaves, published_files, written

ORIGIN = "site-a.example/ledger/records"
SIGNER = NoteSigner(ORIGIN, b"\x01" * 32)
STRANGER = NoteSigner(ORIGIN, b"\x02" * 32)
QA = CosignatureSigner("witness.example/qa", b"\x03" * 32)
ENTRIES = leaves(600)
OTHER = [*ENTRIES[:200], *leaves(600, 5)[200:]]
"""The same past up to entry 200, and another one from there."""


class Site:
    """A site whose published tiles a ledger watches."""

    def __init__(self, ledger: Ledger, tiles: Path, **members: object) -> None:
        self.ledger = ledger
        self.watch = Watch(ledger.store)
        self.tiles = tiles
        tiles.mkdir()
        usual = WatchedLog(
            event=WatchEvent.WATCHED,
            origin=ORIGIN,
            tiles=str(tiles),
            silent_s=3600,
            reason="one of our sites",
            authority=AUTHORITY,
            keys=(str(SIGNER.verifier),),
        )
        self.watched = msgspec.structs.replace(usual, **members)
        self.watch.put(self.watched)

    def shows(
        self,
        size: int,
        entries: Sequence[bytes] = ENTRIES,
        signer: NoteSigner = SIGNER,
        *cosigners: CosignatureSigner,
    ) -> str:
        """The site publishes its log at that size; returns the signed note."""
        found = published_files(entries[:size], signer, *cosigners)
        written(found, self.tiles)
        return found["checkpoint"].decode()

    def look(self) -> Look:
        return self.watch.look(ORIGIN)

    def said(self, *sorts: type[msgspec.Struct]) -> list[msgspec.Struct]:
        """The bodies of these sorts in the system log, in order."""
        with self.ledger.store.reader(SYSTEM_LOG) as reader:
            kinds = self.ledger.store.kinds
            found = []
            for entry in reader.entries(0, reader.head().size):
                leaf = msgspec.json.decode(entry.leaf)
                found.append(kinds[leaf["kind"]].decode(entry.body or b""))
        return [body for body in found if isinstance(body, sorts)]

    def fault(self) -> Fault | None:
        """What level 3 finds about watched logs."""
        store = self.ledger.store
        with store.reading() as connection:
            system = self.ledger.service.system
            return sites_fault(
                Scope(connection=connection, log=system, kinds=store.kinds, keys={}, pulse=lambda _done: None)
            )


@pytest.fixture
def site(sqlite_ledger: Ledger, clock: MovableClock, tmp_path: Path) -> Site:
    return Site(sqlite_ledger, tmp_path / "tiles")


def test_each_new_checkpoint_is_entered_with_the_proof_from_the_one_before(ledger: Ledger, tmp_path: Path) -> None:
    site = Site(ledger, tmp_path / "tiles")
    notes, look = [], None
    for size in (1, 255, 256, 300, 600):
        notes.append(site.shows(size))
        look = site.look()
        assert (look.came, look.size) == (Came.ENTERED, size)
        assert site.look().came is Came.UNCHANGED
    entered = site.said(SiteCheckpoint)
    assert [one.checkpoint for one in entered if isinstance(one, SiteCheckpoint)] == notes
    assert site.said(SiteFault, Finding) == []
    (standing,) = site.watch.standings()
    assert look is not None
    assert (standing.last, standing.last_index) == (entered[-1], look.index)
    assert ledger.query("SELECT origin, size FROM site_checkpoint ORDER BY pos")[-1] == (ORIGIN, 600)
    assert site.fault() is None
    report = ledger.service.verifier.run(ledger.service.system)
    assert report.holds, report


@pytest.mark.parametrize(
    ("sort", "size", "entries"),
    [
        (FaultSort.SHRUNK, 250, ENTRIES),
        (FaultSort.FORKED, 300, OTHER),
        (FaultSort.FORKED, 301, OTHER),
        (FaultSort.FORKED, 600, OTHER),
    ],
)
def test_a_fork_or_a_step_back_is_a_finding_that_keeps_both_notes(
    site: Site, sort: FaultSort, size: int, entries: list[bytes]
) -> None:
    seen = site.shows(300)
    good = site.look()
    shown = site.shows(size, entries)
    look = site.look()
    assert look.came is Came.WRONG
    assert site.look() == msgspec.structs.replace(look, index=None), "it is told once"
    (fault,) = site.said(SiteFault)
    assert isinstance(fault, SiteFault)
    assert (fault.sort, fault.earlier, fault.checkpoint, fault.last) == (sort, seen, shown, good.index)
    (finding,) = site.said(Finding)
    assert isinstance(finding, Finding)
    assert finding.sort.value == f"site-log-{sort.value}"
    assert finding.entries == (good.index, look.index)
    assert ORIGIN in finding.detail
    assert site.fault() is None, "level 3 finds the accusation borne out"
    site.shows(400)
    assert site.look().came is Came.ENTERED, "the log is what it was again, and goes on"
    site.shows(size, entries)
    assert site.look().index is not None, "and that it did so a second time is told again"


@pytest.mark.parametrize("what", ["key", "origin", "torn", "tile", "missing"])
def test_what_does_not_verify_is_never_entered(site: Site, what: str) -> None:
    site.shows(300)
    site.look()
    if what == "key":
        site.shows(600, signer=STRANGER)
    elif what == "origin":
        site.shows(600, signer=NoteSigner("site-b.example/ledger/records", b"\x01" * 32))
    else:
        site.shows(600)
    if what == "torn":
        (site.tiles / "checkpoint").write_bytes(b"\xff no note")
    elif what == "tile":
        (site.tiles / "tile/1/000.p/2").write_bytes(bytes(64))
    elif what == "missing":
        (site.tiles / "tile/1/000.p/2").unlink()
    look = site.look()
    assert look.came is Came.WRONG
    (fault,) = site.said(SiteFault)
    assert isinstance(fault, SiteFault)
    assert fault.sort is FaultSort.UNVERIFIED
    assert (fault.checkpoint == "") == (what == "torn")
    assert len(site.said(SiteCheckpoint)) == 1
    assert site.fault() is None


def test_a_policy_asks_for_the_sites_witnesses(site: Site) -> None:
    policy = f"log {SIGNER.verifier}\nwitness qa {QA.verifier}\nquorum qa\n"
    site.watch.put(msgspec.structs.replace(site.watched, keys=(), policy=policy))
    site.shows(300)
    assert "quorum qa is not met" in site.look().detail
    site.shows(300, ENTRIES, SIGNER, QA)
    assert site.look().came is Came.ENTERED
    assert site.fault() is None


def test_a_log_that_falls_silent_is_told_of_once_a_silence(site: Site, clock: MovableClock) -> None:
    site.shows(300)
    site.look()
    clock.at_us += 3600 * 1_000_000
    assert site.look().came is Came.UNCHANGED
    assert site.said(SiteFault) == []
    clock.at_us += 1
    look = site.look()
    assert look.index is not None
    assert "nothing new since" in look.detail
    (site.tiles / "checkpoint").unlink()
    site.tiles.rename(site.tiles.with_name("away"))
    assert site.look().came is Came.UNREACHABLE
    assert [fault.sort for fault in site.said(SiteFault) if isinstance(fault, SiteFault)] == [FaultSort.SILENT]
    site.tiles.with_name("away").rename(site.tiles)
    site.shows(301)
    assert site.look().came is Came.ENTERED
    clock.at_us += 3601 * 1_000_000
    site.look()
    assert len(site.said(SiteFault)) == 2
    assert site.fault() is None


def test_a_log_that_never_showed_anything_falls_silent_too(site: Site, clock: MovableClock) -> None:
    site.tiles.rmdir()
    assert site.look().came is Came.UNREACHABLE
    clock.at_us += 3601 * 1_000_000
    assert site.look().index is not None
    assert len(site.said(SiteFault)) == 1


def test_two_that_look_at_once_enter_a_checkpoint_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.shows(300)
    other = Watch(site.ledger.open().store)
    standing = other.standing(ORIGIN)
    assert site.look().came is Came.ENTERED
    # What it read before the first one entered.
    monkeypatch.setattr(other, "standing", lambda _origin: standing)
    assert other.look(ORIGIN).came is Came.UNCHANGED
    assert len(site.said(SiteCheckpoint)) == 1


def test_what_cannot_be_watched_is_refused(site: Site, tmp_path: Path) -> None:
    for error, members in (
        (ConfigError, {"keys": ()}),
        (ConfigError, {"keys": (str(QA.verifier),)}),
        (ConfigError, {"keys": (str(NoteSigner("other.example/a", b"\x01" * 32).verifier),)}),
        (ConfigError, {"tiles": str(tmp_path / "nowhere")}),
        (ConfigError, {"tiles": "ftp://plant.example/"}),
        (ConfigError, {"policy": "quorum none\n"}),
        (MalformedNote, {"keys": ("no key",)}),
        (InvalidEntry, {"origin": "a b"}),
    ):
        with pytest.raises(error):
            site.watch.put(msgspec.structs.replace(site.watched, **members))
    assert len(site.said(WatchedLog)) == 1
    site.watch.release(ORIGIN, "sold", AUTHORITY)
    assert site.watch.standings() == []
    with pytest.raises(NotFound):
        site.look()
    with pytest.raises(NotFound):
        site.watch.release(ORIGIN, "sold", AUTHORITY)
    assert site.fault() is None


def test_level_3_finds_entries_that_no_site_ever_showed(site: Site) -> None:
    """What an administrator of the enterprise could enter: forged checkpoints, and false accusations."""
    first, note = site.shows(300), site.shows(600)
    site.shows(300)
    index = site.look().index
    forged = site.shows(600, OTHER)
    site.shows(600)
    assert site.look().came is Came.ENTERED
    (_, last) = site.said(SiteCheckpoint)
    assert isinstance(last, SiteCheckpoint)
    ahead = msgspec.structs.replace(last, previous=site.watch.standing(ORIGIN).last_index, proof=())
    unsigned = note.replace(note.split("\n")[2], b64(bytes(32)))
    accusation = SiteFault(sort=FaultSort.FORKED, origin=ORIGIN, detail="", last=ahead.previous, earlier=note)
    replace = msgspec.structs.replace
    cases: list[tuple[msgspec.Struct, str]] = [
        (replace(ahead, checkpoint=unsigned), "does not verify"),
        (replace(ahead, size=599), "not those of the checkpoint"),
        (replace(ahead, previous=index), "before it"),
        (replace(ahead, checkpoint=forged, root=forged.split("\n")[2]), "two different roots"),
        (replace(ahead, origin="site-b.example/a"), "was not watched"),
        (replace(accusation, checkpoint=note), "do not show"),
        (replace(accusation, checkpoint=first), "32 are due"),
        (replace(accusation, earlier=first, checkpoint=note), "entered before it"),
        (replace(accusation, checkpoint=unsigned), "does not verify"),
        (replace(accusation, sort=FaultSort.SHRUNK, checkpoint=note), "do not show"),
    ]
    assert site.fault() is None
    for number, (body, says) in enumerate(cases):
        placed = site.ledger.store.append_one(SYSTEM_LOG, draft(body)).index
        found = site.fault()
        assert found is not None, (number, body)
        assert says in found.what, (number, found.what)
        assert found.index == placed
        _take_back(site, placed)
    assert site.fault() is None


def _take_back(site: Site, index: int) -> None:
    """Takes the rows of that entry out of the tables of watched logs, so that the next forgery is the first one."""
    with site.ledger.administrator() as connection:
        for table in ("site_checkpoint", "site_fault"):
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE pos = {index}")


def test_the_stored_bodies_are_canonical(site: Site) -> None:
    site.shows(300)
    site.look()
    site.shows(400, OTHER)
    site.look()
    for body in site.said(WatchedLog, SiteCheckpoint, SiteFault):
        canonical.require_canonical(canonical.encode_struct(body))
