"""Imported records leave with what makes them a true copy, and sources' lives with what those sources gave."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest

from ledger import packages
from ledger.core import canonical
from ledger.core.entry import decode_leaf
from ledger.core.hashing import leaf_hash
from ledger.core.record import Submission
from ledger.core.run import SourceFacts
from ledger.core.source import ARCHIVE, SourceConfig
from ledger.core.statement import sign_report
from ledger.store.question import Query
from ledger.trace.selection import BySearch
from reports import bag, layout
from reports.layout import decode_description, seal_payload
from reports.lines import RecordLine, decode_line
from reports.tables import csv_chunks, row
from reports.verdict import Check, ExitCode, Outcome, PackageVerdict
from reports.verify import verify_package
from tests.integration.reports.repack import Files, pack, unpack, with_manifests
from tests.support.ledgers import AUTHORITY, SOURCE, Ledger, new_ledger, submission
from tests.unit.sources.test_imports import OLD, OTHER, QA, begin, imports, rows, submit

MAPPING = """
name = "old-lims"
version = 1
title = "Old LIMS"
lacks = ["who looked at a result"]
[record]
id = "entry.no"
action = { text = "update" }
occurred_at = "entry.when"
object = { type = { text = "sample" }, id = "entry.sample" }
"""
Lines = list[dict[str, Any]]


class Told:
    """A ledger with two imports and a live source that changed, and its package of everything."""

    def __init__(self, ledger: Ledger, path: Path) -> None:
        self.ledger = ledger
        self.path = path
        self.vkey = ledger.service.vkey(ledger.service.log())
        _, self.files = unpack(path)
        self.records = _lines(self.files[layout.RECORDS])
        self.entries = _lines(self.files[layout.ENTRIES])

    def verdict(self, path: Path | None = None) -> PackageVerdict:
        return verify_package(path or self.path, [self.vkey])

    def check(self, name: str) -> Check:
        (found,) = [one for one in self.verdict().checks if one.name.startswith(name)]
        return found

    def role(self, role: str) -> Lines:
        return [one for one in self.entries if one["role"] == role]

    def forged(self, out: Path, change: Callable[[Lines, Lines, dict[str, Any]], None]) -> PackageVerdict:
        """Entries, records and description changed, the table made again, and all sealed by the log's own key."""
        entries, records = _lines(self.files[layout.ENTRIES]), _lines(self.files[layout.RECORDS])
        description = json.loads(self.files[layout.DESCRIPTION])
        change(entries, records, description)
        lines = b"".join(canonical.dumps(one) + b"\n" for one in records)
        table = []
        for data in lines.splitlines():
            line = decode_line(data, RecordLine)
            table.append(row(line, decode_leaf(bytes(line.leaf)), leaf_hash(bytes(line.leaf))))
        files: Files = {
            **self.files,
            layout.ENTRIES: b"".join(canonical.dumps(one) + b"\n" for one in entries),
            layout.RECORDS: lines,
            layout.TABLE: b"".join(csv_chunks(table)),
            layout.DESCRIPTION: canonical.dumps(description) + b"\n",
            layout.SEAL: b"",
        }
        files = with_manifests(files)
        digests = {name: bag.digest([data]) for name, data in files.items()}
        told = decode_description(files[layout.DESCRIPTION])
        service = self.ledger.service
        seed = service.keys.report_key(service.log().name)
        files[layout.SEAL] = sign_report(told.origin, seal_payload(told, digests), seed)
        folder, _ = unpack(self.path)
        return self.verdict(pack(folder, with_manifests(files), out))


def _lines(data: bytes) -> Lines:
    return [json.loads(line) for line in data.splitlines()]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("origins")
    ledger = new_ledger(folder / "ledger")
    try:
        log = ledger.service.record_log()
        log.sources.register(SourceConfig(id=OLD, type=ARCHIVE, title="Old LIMS", mapping=MAPPING), AUTHORITY)
        key = begin(ledger, live=SOURCE, rows=6).last.id
        sample = submit(ledger, rows(1, 2, 3), rejected=1).outcomes[0].index
        submit(ledger, rows(3, 4))
        done = imports(ledger).finish(key, "all read", AUTHORITY)
        assert done.last.outcome is not None
        explained = {one.what: "torn pages of the old printout" for one in done.last.outcome.differences}
        imports(ledger).state_true_copy(key, [sample], explained, "compared", QA)
        second = begin(ledger, OTHER, rows=1).last.id
        submit(ledger, rows(9))
        imports(ledger).finish(second, "all read", AUTHORITY)
        first = ledger.submit(_live(1, 2), facts=SourceFacts(version="1.0")).outcomes[0].index
        log.lives.validate(SOURCE, [first], "looked at", QA)
        ledger.submit(_live(3, 4), facts=SourceFacts(version="1.1"))
        ledger.submit(_live(5), facts=SourceFacts(version="1.1"))
        ledger.service.publisher.publish_all()
        path = folder / "evidence.zip"
        packages.issue(ledger.service, ledger.service.log(), BySearch(query=Query()), path, AUTHORITY)
        yield Told(ledger, path)
    finally:
        ledger.close()


def _live(*numbers: int) -> list[Submission]:
    return [submission(number) for number in numbers]


def test_a_package_of_imported_records_holds_their_import_and_the_statement_of_a_true_copy(told: Told) -> None:
    found = told.verdict()
    assert found.exit_code is ExitCode.HOLDS, found.lines()
    first = told.check(f"Import {told.role('import')[0]['body']['id']}")
    assert first.outcome is Outcome.HOLDS
    for words in (
        "4 records here are imported, not collected live, from trail.csv",
        "6 rows by mapping old@1: 4 records, 1 rows known before, 1 kept as they stood",
        "all 2 runs of it are in this package and hold as many",
        "true copy stated by local:quality on 1 records",
        "without an electronic signature",
        f"live collection as {SOURCE} begins with entry",
    ):
        assert words in first.says
    second = told.check(f"Import {told.role('import')[2]['body']['id']}")
    assert (second.outcome, "nobody has stated" in second.says) == (Outcome.UNKNOWN, True)
    assert [one["body"]["finished"] for one in told.role("true-copy")] == [told.role("import")[1]["index"]]


def test_each_imported_record_names_its_import_in_lines_and_table_and_no_other_does(told: Told) -> None:
    begun = [one["index"] for one in told.role("import") if one["body"]["event"] == "begun"]
    origin = decode_description(told.files[layout.DESCRIPTION]).origin
    named = [one.get("imported") for one in told.records]
    assert named == [f"{origin}#{begun[0]}"] * 4 + [f"{origin}#{begun[1]}"] + [None] * 5
    table = list(csv.DictReader(io.StringIO(told.files[layout.TABLE].decode("utf-8-sig"))))
    assert [one["imported"] for one in table] == [one or "" for one in named]


def test_records_of_a_changed_source_are_marked_from_the_run_that_noticed_it(told: Told) -> None:
    assert [one.get("mark") for one in told.records][5:] == [None, None, *["re-validate"] * 3]
    table = list(csv.DictReader(io.StringIO(told.files[layout.TABLE].decode("utf-8-sig"))))
    assert [one["source_state"] for one in table][5:] == ["", "", *["re-validate"] * 3]
    check = told.check("Sources")
    assert check.outcome is Outcome.UNKNOWN
    assert "3 records here were collected while it was to be validated anew" in check.says
    assert [one["body"]["event"] for one in told.role("life")] == ["identified", "validated", "changed"]


def test_the_report_shows_imports_statement_live_collection_and_lives(told: Told) -> None:
    pages = pypdf.PdfReader(io.BytesIO(told.files[layout.REPORT])).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    for words in (
        "Imported records",
        "5 records of this package were imported from old audit trails",
        "Stated by local:quality, on a sample of 1",
        "The records of import old-lims/",
        "torn pages of the old printout",
        "from its first run on",
        "The sources and their lives",
        "version 1.0 → 1.1",
        "3 records here were collected while it was to be validated anew",
        "Its own trail lacks: who looked at a result",
        "imports without a statement that they are a true copy: 1",
    ):
        assert words in text, words


def _without(role: str, *at: int) -> Callable[[Lines, Lines, dict[str, Any]], None]:
    """Drops entries of that role by their places among them; the description says the same."""

    def change(entries: Lines, records: Lines, description: dict[str, Any]) -> None:
        gone = [one for place, one in enumerate(one for one in entries if one["role"] == role) if place in at]
        entries[:] = [one for one in entries if one not in gone]
        member = {"import": "imports", "true-copy": "imports", "life": "lives"}.get(role)
        if member is not None:
            description[member] -= len(gone)

    return change


def _other_import(entries: Lines, records: Lines, description: dict[str, Any]) -> None:
    records[0]["imported"] = records[4]["imported"]


def _as_live(entries: Lines, records: Lines, description: dict[str, Any]) -> None:
    for one in records:
        if one.pop("imported", None) is not None:
            description["imported"] -= 1


def _as_imported(entries: Lines, records: Lines, description: dict[str, Any]) -> None:
    records[-1]["imported"] = records[0]["imported"]
    description["imported"] += 1


def _unmarked(entries: Lines, records: Lines, description: dict[str, Any]) -> None:
    for one in records:
        one.pop("mark", None)
    description.pop("marked")


def _counted(entries: Lines, records: Lines, description: dict[str, Any]) -> None:
    end = next(one for one in entries if one["role"] == "import" and one["body"]["outcome"])
    end["body"]["outcome"]["counts"]["rows"] += 1


def _attributed(entries: Lines, records: Lines, description: dict[str, Any]) -> None:
    next(one for one in entries if one["role"] == "true-copy")["body"]["authority"]["actor"] = "local:other"


def _nothing_imported(entries: Lines, records: Lines, description: dict[str, Any]) -> None:
    _as_live(entries, records, description)
    _without("import", 0, 1, 2, 3)(entries, records, description)
    _without("true-copy", 0)(entries, records, description)
    _without("first-live", 0)(entries, records, description)
    _without("source", 1)(entries, records, description)


ATTACKS: dict[str, tuple[Callable[[Lines, Lines, dict[str, Any]], None], str]] = {
    "import-dropped": (_without("import", 0, 1), layout.RECORDS),
    "beginning-dropped": (_without("import", 0), layout.ENTRIES),
    "end-dropped": (_without("import", 1), layout.ENTRIES),
    "count-changed": (_counted, layout.ENTRIES),
    "statement-of-somebody-else": (_attributed, layout.ENTRIES),
    "address-of-the-other-import": (_other_import, layout.RECORDS),
    "imported-shown-as-collected": (_as_live, layout.RECORDS),
    "collected-shown-as-imported": (_as_imported, layout.RECORDS),
    "nothing-said-of-imports": (_nothing_imported, layout.RECORDS),
    "mark-dropped": (_unmarked, layout.RECORDS),
    "life-dropped": (_without("life", 2), layout.RECORDS),
}


def require_found(told: Told, path: Path, name: str) -> None:
    """Raises AssertionError unless this attack on the package is found, and named with the entry that it is in."""
    change, where = ATTACKS[name]
    found = told.forged(path, change)
    assert found.exit_code is ExitCode.WRONG
    assert any(one.where.startswith("entry ") and one.where.endswith(where) for one in found.problems), found.problems


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_on_what_stands_behind_records_is_found_though_the_log_s_own_key_sealed_it(
    told: Told, tmp_path: Path, name: str
) -> None:
    require_found(told, tmp_path / "forged.zip", name)


def test_the_same_package_put_together_again_holds(told: Told, tmp_path: Path) -> None:
    assert told.forged(tmp_path / "same.zip", lambda entries, records, description: None).exit_code is ExitCode.HOLDS
