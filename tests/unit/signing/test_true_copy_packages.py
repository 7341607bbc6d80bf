"""A statement that an import is a true copy, signed by a person, leaves with the records and is judged offline.

On either database, as are the other parts of a package that say where its records are from.
"""

from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import msgspec
import pytest

from ledger import packages
from ledger.core.clock import utc_text
from ledger.core.run import RunBatch, SourceFacts
from ledger.core.signature import SignatureEntry
from ledger.core.source import ARCHIVE, SourceConfig
from ledger.present.states import State
from ledger.signing.sign_off import signs_off
from ledger.sources.import_kinds import Expected
from ledger.store.question import Query
from ledger.trace.selection import BySearch
from ledger.web.views.common import Scope
from ledger.web.views.sources import import_view
from reports import layout
from reports.lines import SignedLine, decode_line, encode_line
from reports.verdict import ExitCode, Outcome
from tests.integration.reports.repack import Files, forge
from tests.integration.reports.test_origins import MAPPING, Told, require_found
from tests.support.ledgers import START_US, Ledger
from tests.unit.signing.conftest import Site
from tests.unit.sources.test_imports import FILE, OLD, rows

pytestmark = pytest.mark.sampled

CHOSEN = ("import-dropped", "count-changed", "statement-of-somebody-else", "mark-dropped", "life-dropped")


class Copied(Told):
    """A site with an import whose statement is signed, a source that changed, and the package of everything."""

    def __init__(self, site: Site, path: Path) -> None:
        plant, self.site = site.plant, site
        log = plant.service.record_log()
        log.sources.register(SourceConfig(id=OLD, type=ARCHIVE, title="Old LIMS", mapping=MAPPING), plant.root)
        key = log.imports.begin(
            OLD, FILE, "old@1", Expected(rows=4), "switched off", plant.root, continues_in="erp"
        ).last.id
        receipt = self.submit(OLD, 1, 2, 3, 4)
        self.imported = range(receipt, receipt + 4)
        log.imports.finish(key, "all read", plant.root)
        approver = site.approver
        stated = log.imports.state_true_copy(
            key, [receipt], {}, "held against the printout", approver.sign_in().authority
        )
        self.stated = stated.entry
        assert stated.true_copy is not None
        (before,) = signs_off(plant.service.store, log.log, [(stated.entry, stated.true_copy)])
        plant.publish()
        self.signature = approver.sign(stated.entry, action="true-copy", meaning="true-copy").index
        (after,) = signs_off(plant.service.store, log.log, [(stated.entry, stated.true_copy)])
        assert ([one.meaning for one in before.open], after.open) == (["true-copy"], ())
        first = self.submit("erp", 101, facts=SourceFacts(version="1.0"))
        log.lives.validate("erp", [first], "looked at", approver.caller.authority)
        self.submit("erp", 102, 103, facts=SourceFacts(version="1.1"))
        plant.publish()
        packages.issue(plant.service, plant.service.log(), BySearch(query=Query()), path, plant.root)
        super().__init__(cast(Ledger, plant), path)  # what it takes of a ledger is its service

    def submit(self, source: str, *numbers: int, facts: SourceFacts | None = None) -> int:
        """A run of these rows; the entry of its first record."""
        ingest = self.site.plant.service.ingest
        batch = RunBatch(
            source=source,
            started_at=utc_text(START_US),
            ended_at=utc_text(START_US),
            cursor_from=ingest.state(source).cursor,
            cursor_to=str(numbers),
            submissions=tuple(
                msgspec.structs.replace(one, record=msgspec.structs.replace(one.record, source=source))
                for one in rows(*numbers)
            ),
            facts=facts,
        )
        index = ingest.submit(batch, self.site.plant.root).outcomes[0].index
        assert index is not None
        return index


@pytest.fixture(scope="module")
def copied(any_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Copied:
    return Copied(any_site, tmp_path_factory.mktemp("true-copy") / "evidence.zip")


@pytest.mark.requirement("R65")
def test_a_signed_true_copy_is_judged_offline_with_all_that_its_records_are_from(copied: Copied) -> None:
    found = copied.verdict()
    assert found.exit_code is ExitCode.HOLDS, found.lines()
    one = copied.check(f"Import {OLD}/")
    assert one.outcome is Outcome.HOLDS
    assert f"true copy stated by approver1 on 1 records (entry {copied.stated}), signed by Anna Approver" in one.says
    assert "all 1 runs of it are in this package and hold as many" in one.says
    assert "live collection as erp begins" in one.says
    (signed,) = [check.says for check in found.checks if check.name == "Signatures"]
    assert "1 of 1 electronic signatures are valid" in signed
    marked = copied.check("Sources")
    assert (marked.outcome, "2 records here were collected" in marked.says) == (Outcome.UNKNOWN, True), marked.says


@pytest.mark.parametrize("name", CHOSEN)
def test_an_attack_on_what_records_are_from_is_found_on_either_database(
    copied: Copied, tmp_path: Path, name: str
) -> None:
    require_found(copied, tmp_path / "forged.zip", name)


def _by_somebody_else(files: Files) -> Files:
    lines = files[layout.SIGNATURES].splitlines()
    for at, data in enumerate(lines):
        line = decode_line(data, SignedLine)
        if msgspec.json.decode(line.body)["schema"].startswith("signature/"):
            entry = msgspec.json.decode(line.body, type=SignatureEntry)
            signer = msgspec.structs.replace(entry.statement.signer, name="Otto Other")
            said = msgspec.structs.replace(entry.statement, signer=signer)
            forged = msgspec.json.Encoder(order="sorted").encode(msgspec.structs.replace(entry, statement=said))
            lines[at] = encode_line(msgspec.structs.replace(line, body=msgspec.Raw(forged))).rstrip(b"\n")
    return {**files, layout.SIGNATURES: b"\n".join(lines) + b"\n"}


def test_the_page_of_imports_shows_who_signed_the_statement(copied: Copied) -> None:
    service = copied.site.plant.service
    (known,) = service.record_log().imports.list(OLD)
    assert known.true_copy is not None
    (signed,) = signs_off(service.store, service.log(), [(known.entry, known.true_copy)])
    scope = Scope(logs=(), kinds=service.store.kinds, clock=service.clock, zone=ZoneInfo("Europe/Berlin"))
    view = import_view(scope, "records", known, signed)
    assert (view.reconciled.state, view.copy.state) == (State.HOLDS, State.HOLDS)
    assert view.copy.says == ("stated by approver1 on a sample of 1", "signed by Anna Approver (approver1), approver")
    unsigned = import_view(scope, "records", known, None).copy
    assert (unsigned.state, unsigned.says) == (State.UNKNOWN, ("stated by approver1 on a sample of 1, not signed yet",))


def test_a_true_copy_shown_as_signed_by_somebody_else_is_found(copied: Copied, tmp_path: Path) -> None:
    path = forge(copied.path, tmp_path / "forged.zip", _by_somebody_else)
    found = copied.verdict(path)
    assert found.exit_code is ExitCode.WRONG
    assert any(layout.SIGNATURES in problem.where for problem in found.problems), found.problems
    assert not any("signed by Otto Other" in check.says for check in found.checks if check.name.startswith("Import"))


@pytest.mark.requirement("C06", "C08")
def test_records_whose_original_nobody_can_read_again_are_original_once_the_signed_statement_is_known(
    copied: Copied,
) -> None:
    plant = copied.site.plant
    log = plant.service.log()

    def told(size: int) -> list[tuple[str, str]]:
        with plant.service.store.reader(log.number) as reader:
            assessor = plant.service.quality.assessor(reader.connection, log.number, size)
            return [(one.cells[5], one.cells[7]) for one in assessor.assess(copied.imported)]

    def size_of() -> int:
        with plant.service.store.reader(log.number) as reader:
            return reader.head().size

    assert told(copied.imported.stop + 1) == [("N:no-parser", "N:no-sequence")] * 4
    # Who imported says what the old system counts; another states the copy; a signature counts once the log binds it.
    plant.publish()
    assert told(copied.stated + 1) == [("N:no-parser", "P")] * 4
    plant.service.publisher.bind_system()
    assert told(size_of()) == [("P", "P")] * 4
