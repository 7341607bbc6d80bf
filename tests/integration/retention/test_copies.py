"""Each disposal says which copies removal does not reach, and on which day the last of them is gone."""

import shutil
from datetime import date, timedelta

import pytest

from ledger.core.clock import utc_text
from ledger.core.errors import NotFound, SchemaViolation
from ledger.core.record import Link, LinkBasis, LinkKind
from ledger.core.source import SourceConfig
from ledger.integrity.incidents.evidence import DATABASE
from ledger.integrity.incidents.preserved import Preserved
from ledger.retention.copies import Remaining
from ledger.retention.copy_kinds import CopySort
from ledger.retention.disposal_kinds import Copy
from tests.support.keeping import NEW, Keeping
from tests.support.ledgers import batch, submission


def state(keeping: Keeping, name: str, sort: CopySort, where: str, days: int | None, day: str | None = None) -> int:
    root = keeping.world.root
    return keeping.service.copies.state(name, sort, where, "plan 4", root, keeps_days=days, expires=day)


def after(keeping: Keeping, days: int) -> str:
    today = date.fromisoformat(utc_text(keeping.service.clock.now_us())[:10])
    return (today + timedelta(days=days)).isoformat()


def test_a_disposal_says_when_the_last_copy_of_what_it_removed_is_gone(keeping: Keeping) -> None:
    service = keeping.service
    nightly = state(keeping, "nightly", CopySort.BACKUP, "vault 1", 30)
    state(keeping, "standby", CopySort.REPLICA, "server 2", 0)
    sooner = (Copy(sort=CopySort.PACKAGE, where="handed out", expires=after(keeping, 10)),)
    asked = keeping.request(remains=sooner)
    waiting = service.disposals.get(asked.disposal)
    assert Remaining(sort=CopySort.BACKUP, where="vault 1", days=30, entry=nightly) in waiting.copies
    assert (waiting.last_copy_expires, waiting.copies_without_day) == (None, 0)
    monthly = state(keeping, "nightly", CopySort.BACKUP, "vault 1", 90)
    keeping.approve(asked.disposal)
    keeping.wait()
    done = service.disposals.run(asked.disposal, keeping.world.root)
    assert {(one.where, one.expires) for one in done.copies} == {
        ("handed out", sooner[0].expires),
        ("vault 1", after(keeping, 90)),
        ("server 2", after(keeping, 0)),
    }
    assert [one.entry for one in done.copies if one.where == "vault 1"] == [monthly], "stated again it is replaced"
    assert (done.last_copy_expires, done.copies_without_day) == (after(keeping, 90), 0)
    service.copies.gone("nightly", "the vault was cleared", keeping.world.root)
    assert service.disposals.get(asked.disposal).last_copy_expires == sooner[0].expires
    assert [one.copy for one in service.copies.all()] == ["standby"]
    assert keeping.verify(1, 2) == []


def test_evidence_of_an_incident_that_holds_what_was_removed_is_one_of_the_copies(keeping: Keeping) -> None:
    service = keeping.service
    service.sources.register(SourceConfig(id="erp", type="test", title="ERP"), keeping.world.root)
    link = Link(kind=LinkKind.BATCH, id=NEW, basis=LinkBasis.READ)
    given = batch([submission("e1", "erp", links=(link,))], "erp", cursor_to="1")
    doubtful = service.ingest.submit(given, keeping.world.root).outcomes[0].index
    case = keeping.incident("erp")
    done = keeping.dispose()
    assert done.copies == (Remaining(sort=CopySort.INCIDENT, where=case),)
    assert (done.last_copy_expires, done.copies_without_day) == (None, 1)
    stated = state(keeping, "deviation 7", CopySort.INCIDENT, case, None, "2040-01-31")
    (said,) = service.disposals.get(done.disposal).copies
    assert said == Remaining(sort=CopySort.INCIDENT, where=case, expires="2040-01-31", entry=stated)
    folder = service.cases.folder / case
    (folder / DATABASE).unlink()
    rows_alone = Preserved(service.cases, service.standings)
    assert rows_alone.holding(1, keeping.old) == ()
    assert rows_alone.holding(1, [doubtful]) == (case,), "the rows of what it doubts were kept"
    shutil.rmtree(folder)
    assert service.disposals.get(done.disposal).copies == ()


def test_it_is_said_in_one_way_when_copies_are_gone(keeping: Keeping) -> None:
    with pytest.raises(SchemaViolation, match="how many days"):
        state(keeping, "nightly", CopySort.BACKUP, "vault 1", None)
    with pytest.raises(SchemaViolation, match="how many days"):
        state(keeping, "nightly", CopySort.BACKUP, "vault 1", 3, "2031-01-31")
    with pytest.raises(SchemaViolation, match="no day"):
        state(keeping, "nightly", CopySort.BACKUP, "vault 1", None, "2031-02-30")
    with pytest.raises(SchemaViolation, match="0 to"):
        state(keeping, "nightly", CopySort.BACKUP, "vault 1", -1)
    with pytest.raises(NotFound, match="nobody stated"):
        keeping.service.copies.gone("nightly", "cleared", keeping.world.root)
    assert keeping.service.copies.all() == []
