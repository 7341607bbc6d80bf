"""Signatures by hand on printouts, and the site's letter: entered, checked, shown as what they are, taken along."""

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from ledger.core.binding import short_fingerprint
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, Conflict, IntegrityError, NotFound, SchemaViolation
from ledger.core.hashing import leaf_hash
from ledger.core.paper import PaperEntry, PaperEvent, PrintSort
from ledger.core.record import Submission
from ledger.core.run import RunBatch
from ledger.core.scans import MAX_SCAN, media_type_of
from ledger.integrity.level4 import signatures_fault
from ledger.people.credentials import read_entry
from ledger.present.manifest import fingerprint
from ledger.signing.paper import KnownPaper, NewPaper, papers_of
from ledger.store.logs import SYSTEM_LOG
from tests.api.world import AT, submission
from tests.support.founded import APPROVER, REVIEWER, founded
from tests.support.signers import Plant, Signer

pytestmark = pytest.mark.sampled


def png() -> bytes:
    """One white dot."""

    def chunk(sort: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + sort + data + struct.pack(">I", zlib.crc32(sort + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\xff")) + chunk(b"IEND", b"")


SCAN = png()


class Site:
    def __init__(self, plant: Plant, records: int = 600) -> None:
        self.plant = plant
        self.rita: Signer = self.plant.people["reviewer1"]
        self.anna: Signer = self.plant.people["approver1"]
        self.entries = self.plant.records(records)
        self.papers = self.plant.signing.papers

    def fingerprint(self, index: int, log: int = 1) -> str:
        """What stands on a print of an entry's page."""
        with self.plant.service.store.reader(log) as reader:
            return short_fingerprint(leaf_hash(reader.entry(index).leaf))

    def new(self, fingerprint: str, **more: Any) -> NewPaper:
        usual: dict[str, Any] = {
            "fingerprint": fingerprint,
            "meaning": "Checked in the night shift",
            "name": "Paul Operator",
            "signed_on": "2026-11-20",
            "kept_at": "binder 7, archive room",
            "reason": "terminal was down",
        }
        return NewPaper(**(usual | more))

    def enter(self, index: int, **more: Any) -> KnownPaper:
        return self.papers.enter(self.rita.sign_in(), self.new(self.fingerprint(index), **more), SCAN)

    def change(self, index: int) -> int:
        """The source gives a record again, with other content; returns the new entry."""
        service = self.plant.service
        state = service.ingest.state("erp")
        with service.store.reader(1) as reader:
            size = reader.head().size
        again = submission(index, changes=[{"attribute": "Value", "old": "50.0", "new": f"{size}.5"}])
        batch = RunBatch(
            source="erp",
            started_at=AT,
            ended_at=AT,
            cursor_from=state.cursor,
            cursor_to=f"again {size}",
            submissions=(msgspec.convert(again, Submission),),
        )
        service.ingest.submit(batch, self.plant.root)
        self.plant.publish()
        return size

    def fault(self) -> str:
        with self.plant.service.store.reading() as connection:
            found = signatures_fault(connection, self.plant.service.store.kinds, lambda _: None)
        return "" if found is None else found.what


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(founded(tmp_path_factory.mktemp("paper") / "ledger", REVIEWER, APPROVER, request=request))
    yield made
    made.plant.close()


@pytest.mark.requirement("R64")
@pytest.mark.parametrize(
    "spelling", [str, str.upper, lambda text: text.replace(" ", ""), lambda text: text.replace(" ", "-")]
)
def test_a_fingerprint_finds_its_version_however_it_is_typed(site: Site, spelling: Callable[[str], str]) -> None:
    """In a full tile, at the edge of one, and in what no tile holds yet."""
    for index in (site.entries[3], 255, 256, site.entries[-1]):
        found = site.papers.find(site.rita.sign_in(), spelling(site.fingerprint(index)))
        assert found.printed.address.endswith(f"/records#{index}")
        assert (found.printed.sort, found.older) == (PrintSort.ENTRY, False)
        assert "as it stands now" in found.says


def test_a_fingerprint_of_an_electronic_signature_finds_that(site: Site) -> None:
    site.anna.sign_in()
    done = site.anna.sign(site.entries[10])
    shown = fingerprint(done.entry.statement)
    found = site.papers.find(site.rita.sign_in(), shown)
    assert (found.printed.sort, found.printed.address) == (PrintSort.SIGNATURE, done.address)


def test_a_fingerprint_of_nothing_is_told_plainly_and_nothing_is_kept(site: Site) -> None:
    caller = site.rita.sign_in()
    before = len(site.papers.all(caller))
    with pytest.raises(NotFound, match=r"nothing here carries fingerprint 0000 .* of no version"):
        site.papers.enter(caller, site.new("0" * 32), SCAN)
    for wrong in ("12ab", "zz" * 16, ""):
        with pytest.raises(SchemaViolation, match="32 digits"):
            site.papers.find(caller, wrong)
    assert len(site.papers.all(caller)) == before


@pytest.mark.requirement("R57", "R64")
def test_a_fingerprint_of_an_older_version_says_so_and_is_taken_only_from_who_knows_it(site: Site) -> None:
    index = site.entries[20]
    old = site.fingerprint(index)
    newer = site.change(index)
    found = site.papers.find(site.rita.sign_in(), old)
    assert found.older
    assert f"whose place plant.example/signed/records#{newer} has taken" in found.says
    with pytest.raises(Conflict, match="older version"):
        site.enter(index)
    known = site.enter(index, older=True)
    assert known.printed.replaced_by == f"plant.example/signed/records#{newer}"
    assert not site.papers.find(site.rita.caller, site.fingerprint(newer)).older


@pytest.mark.requirement("R32", "R64")
def test_a_signature_by_hand_is_on_file_and_a_second_person_checks_it(site: Site) -> None:
    known = site.enter(site.entries[30], account="approver1")
    assert known.kind == "hand-written, scan on file; no electronic signature"
    assert "Paul Operator signed by hand on 2026-11-20" in known.sentence
    assert site.papers.scan(site.rita.caller, known.paper)[1] == SCAN
    with pytest.raises(AccessDenied, match="does not check it"):
        site.papers.check(site.rita.caller, known.paper, "it is mine")
    with pytest.raises(AccessDenied, match="or gave it"):
        site.papers.check(site.anna.sign_in(), known.paper, "I gave it")
    quality = site.plant.quality.sign_in()
    checked = site.papers.check(quality, known.paper, "name, day and meaning are those of the scan")
    assert (checked.state, checked.checked_by) == (PaperEvent.CHECKED, "quality1")
    with pytest.raises(Conflict):
        site.papers.check(quality, known.paper, "again")
    assert site.fault() == ""


@pytest.mark.requirement("R07")
def test_what_was_entered_in_error_is_withdrawn_and_stays_on_record(site: Site) -> None:
    known = site.enter(site.entries[40])
    store = site.plant.service.store
    gone = site.papers.withdraw(site.rita.caller, known.paper, "typed for another batch")
    assert (gone.state, gone.why_withdrawn) == (PaperEvent.WITHDRAWN, "typed for another batch")
    with store.reading() as connection:
        assert papers_of(store, connection, [known.printed.address]) == []
    with pytest.raises(Conflict):
        site.papers.withdraw(site.rita.caller, known.paper, "again")
    assert site.papers.get(site.rita.caller, known.paper).name == "Paul Operator"
    assert site.fault() == ""


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"meaning": " "}, "meaning has to be said"),
        ({"kept_at": ""}, "kept_at"),
        ({"signed_on": "20.11.2026"}, "no day"),
        ({"signed_on": "2999-01-01"}, "still to come"),
        ({"account": "nobody-here"}, "no account"),
    ],
)
def test_what_cannot_be_is_not_entered(site: Site, more: dict[str, str], what: str) -> None:
    with pytest.raises((SchemaViolation, NotFound), match=what):
        site.enter(site.entries[50], **more)


def test_who_only_administers_or_is_no_person_enters_none(site: Site) -> None:
    officer = site.plant.officer.sign_in()
    with pytest.raises((AccessDenied, NotFound)):
        site.papers.enter(officer, site.new(site.fingerprint(site.entries[51])), SCAN)


PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\nstartxref\n9\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x04ab\xff\xda\0\x04abdata\xff\xd9"


@pytest.mark.parametrize(("data", "sort"), [(SCAN, "image/png"), (PDF, "application/pdf"), (JPEG, "image/jpeg")])
def test_the_sort_of_a_scan_is_told_from_its_content(data: bytes, sort: str) -> None:
    assert media_type_of(data) == sort


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><script>alert(1)</script>",
        b"MZ" + PDF,
        PDF[:-12],
        SCAN[:-3],
        SCAN + b"PK",
        SCAN.replace(b"IDAT", b"IDAX"),
        JPEG[:-2],
        b"\xff\xd8\xff\xd9",
        b"%PDF-" + b"0" * MAX_SCAN,
    ],
)
def test_a_file_that_is_no_whole_scan_is_refused(data: bytes) -> None:
    with pytest.raises(SchemaViolation):
        media_type_of(data)


def test_a_scan_that_was_changed_in_the_database_is_found(site: Site) -> None:
    known = site.enter(site.entries[60])
    store = site.plant.service.store
    with store.reading() as connection:
        assert [one.paper for one in papers_of(store, connection, [known.printed.address])] == [known.paper]
    forged = msgspec.structs.replace(
        raw(site, known.entry),
        event=PaperEvent.CHECKED, original=None, meaning=None, name=None, signed_on=None, kept_at=None,
    )  # fmt: skip
    store.append_one(SYSTEM_LOG, draft(forged))
    assert "not checked by a second person" in site.fault()
    with pytest.raises(IntegrityError):
        site.papers.all(site.rita.caller)


def raw(site: Site, index: int) -> PaperEntry:
    store = site.plant.service.store
    with store.reading() as connection:
        return read_entry(store, connection, index, PaperEntry)[0]
