"""A package says what of its scope was disposed of, under which entry and rule; the verifier looks at the entries."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest

from ledger.core import canonical
from ledger.core.gone_records import DisposalBody, GoneGroup, GoneItem, GoneSubject, belongs
from ledger.core.record import LinkKind
from ledger.core.retention import RetentionEvent, Term
from ledger.core.statement import sign_report
from ledger.packages import issue
from ledger.store.question import Query
from ledger.trace.selection import ByBatch, BySearch, Selection
from reports import bag, layout
from reports.checks import Problems
from reports.gone import Disposed
from reports.layout import decode_description, seal_payload
from reports.verdict import Check, ExitCode, Outcome, PackageVerdict
from reports.verify import verify_package
from tests.integration.reports.repack import Files, forge, unpack, with_manifests
from tests.support.keeping import MES, NEW, OLD, Keeping

TERMS = (
    Term(event=RetentionEvent.BATCH_EXPIRY, years=1),
    Term(event=RetentionEvent.CERTIFICATION, years=2),
)


class Packaged:
    """A ledger of which records went by a rule of the site's own, and packages of what is left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        keeping = self.keeping = Keeping(folder / "ledger")
        self.rule = keeping.rule(*TERMS)
        self.done = keeping.dispose()
        self.batch = self.package(ByBatch(kind=LinkKind.BATCH, id=OLD))

    def package(self, selection: Selection) -> Path:
        keeping = self.keeping
        out = self.folder / f"{len(list(self.folder.iterdir()))}.zip"
        issue(keeping.service, keeping.log, selection, out, keeping.world.root)
        return out

    def verify(self, path: Path) -> PackageVerdict:
        return verify_package(path, [self.keeping.service.vkey(self.keeping.log)])

    def resealed(self, out: Path, change: Callable[[Files], None]) -> Path:
        """The package of the batch with its files changed, and sealed again by its report key."""

        def sealed(files: Files) -> Files:
            changed = dict(files)
            change(changed)
            changed = with_manifests(changed)
            digests = {name: bag.digest([data]) for name, data in changed.items()}
            payload = seal_payload(decode_description(changed[layout.DESCRIPTION]), digests)
            log = self.keeping.log
            return {
                **changed,
                layout.SEAL: sign_report(log.origin, payload, self.keeping.service.keys.report_key(log.name)),
            }

        return forge(self.batch, out, sealed)


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packaged]:
    made = Packaged(tmp_path_factory.mktemp("packaged"))
    yield made
    made.keeping.close()


def told(verdict: PackageVerdict) -> Check | None:
    return next((check for check in verdict.checks if check.name == "Disposed of"), None)


def text_of(report: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(report)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def described(path: Path) -> tuple[int, int]:
    found = decode_description(unpack(path)[1][layout.DESCRIPTION])
    return found.disposed, found.disposed_elsewhere


def test_what_is_gone_of_a_batch_is_told_by_entry_and_rule(packaged: Packaged) -> None:
    verdict = packaged.verify(packaged.batch)
    assert verdict.exit_code is ExitCode.HOLDS, verdict.lines()
    assert described(packaged.batch) == (4, 0)
    found, (entry,) = told(verdict), packaged.done.entries[-1:]
    assert found is not None
    assert found.outcome is Outcome.HOLDS
    assert f"4 under entry {entry} of the system log ({packaged.done.disposal})" in found.says
    assert f"by the rule of entry {packaged.rule} of class batch" in found.says
    report = text_of(unpack(packaged.batch)[1][layout.REPORT])
    assert "4 records of this scope are gone" in report
    assert f"entry {packaged.rule}, 1 year after the batch's expiry, 2 years after the batch's certification" in report


def test_a_batch_of_which_nothing_is_left_has_a_package_that_says_so(tmp_path: Path) -> None:
    keeping = Keeping(tmp_path / "ledger")
    for event in (RetentionEvent.BATCH_EXPIRY, RetentionEvent.CERTIFICATION):
        keeping.fact(NEW, event, "2017-01-31")
    keeping.dispose()
    out = tmp_path / "gone.zip"
    selection = ByBatch(kind=LinkKind.BATCH, id=OLD)
    assert issue(keeping.service, keeping.log, selection, out, keeping.world.root).records == 0
    verdict = verify_package(out, [keeping.service.vkey(keeping.log)])
    assert (verdict.exit_code, verdict.records) == (ExitCode.HOLDS, 0), verdict.lines()
    found = told(verdict)
    assert found is not None
    assert found.says.startswith("5 records of the scope were disposed of: ")
    assert found.says.count("by the built-in rule of class batch") == 1
    keeping.close()


def test_what_cannot_be_told_is_not_claimed(packaged: Packaged) -> None:
    other = packaged.package(ByBatch(kind=LinkKind.BATCH, id=NEW))
    assert described(other) == (0, 4)
    verdict = packaged.verify(other)
    found = told(verdict)
    assert (verdict.exit_code, found and found.outcome) == (ExitCode.HOLDS, Outcome.UNKNOWN)
    assert "4 other records of this log were disposed of" in text_of(unpack(other)[1][layout.REPORT])
    assert described(packaged.package(BySearch(query=Query(source=MES)))) == (4, 0)
    assert described(packaged.package(BySearch(query=Query()))) == (4, 0)
    assert described(packaged.package(BySearch(query=Query(text="unmarked")))) == (0, 4)


def _lines(files: Files, change: Callable[[list[dict[str, Any]]], object]) -> None:
    found = [json.loads(line) for line in files[layout.SIGNATURES].splitlines()]
    change(found)
    files[layout.SIGNATURES] = b"".join(canonical.dumps(line) + b"\n" for line in found)


def _said(files: Files, **members: int) -> None:
    found = json.loads(files[layout.DESCRIPTION])
    files[layout.DESCRIPTION] = canonical.dumps(found | members) + b"\n"


def _without(role: str) -> Callable[[Files], None]:
    return lambda files: _lines(
        files, lambda lines: lines.__setitem__(slice(None), [one for one in lines if one["role"] != role])
    )


def _other_reason(files: Files) -> None:
    _lines(files, lambda lines: next(one for one in lines if one["role"] == "disposal")["body"].update(reason="x"))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda files: _said(files, disposed=3), "holds disposals of 4 records in scope where 3 are said to be gone"),
        (_without("disposal"), "holds disposals of 0 records in scope where 4 are said to be gone"),
        (_without("retention-rule"), "which is no confirmed rule of its classes here"),
        (_other_reason, "the body is not the one that its leaf commits to"),
    ],
)
def test_a_statement_that_its_entries_do_not_bear_out_is_found(
    packaged: Packaged, tmp_path: Path, change: Callable[[Files], None], why: str
) -> None:
    verdict = packaged.verify(packaged.resealed(tmp_path / "forged.zip", change))
    assert verdict.exit_code is ExitCode.WRONG
    assert any(why in problem.what for problem in verdict.problems), verdict.problems


def test_resealing_alone_changes_nothing(packaged: Packaged, tmp_path: Path) -> None:
    same = packaged.resealed(tmp_path / "same.zip", lambda files: None)
    assert packaged.verify(same).exit_code is ExitCode.HOLDS


def _body(*items: int, subject: str = OLD, event: str = "disposed", number: int = 1) -> DisposalBody:
    group = GoneGroup(
        source=MES,
        classes=("batch",),
        until="2023-01-31T00:00:00.000000Z",
        items=tuple(GoneItem(index=one, leaf_hash="") for one in items),
        subjects=(GoneSubject(kind="batch", id=subject),),
    )
    return DisposalBody(disposal="D-1", event=event, number=number, groups=(group,))


BATCH = {"by": "batch", "kind": "batch", "id": OLD}


def test_a_record_that_is_there_did_not_go() -> None:
    problems = Problems()
    disposed = Disposed(BATCH, 100, 1, problems)
    disposed.enter(7, _body(3, 4))
    disposed.record(5)
    assert not problems
    disposed.record(4)
    assert [one.where for one in problems] == ["entry 4 in data/records.jsonl"]


@pytest.mark.parametrize(
    "body",
    [_body(3, subject=NEW), _body(3, event="requested"), _body(3, number=2), _body(100), _body()],
    ids=["of another batch", "only asked for", "of another log", "beyond the package", "of nothing"],
)
def test_a_disposal_of_nothing_in_scope_does_not_belong_there(body: DisposalBody) -> None:
    problems = Problems()
    Disposed(BATCH, 100, 1, problems).enter(7, body)
    assert any("nothing in the package's scope" in one.what for one in problems)


@pytest.mark.parametrize(
    ("query", "within"),
    [
        ({}, True),
        ({"source": MES, "text": ""}, True),
        ({"source": "lims"}, False),
        ({"link_kind": "batch", "link_id": OLD}, True),
        ({"link_kind": "batch", "link_id": NEW}, False),
        ({"link_id": OLD}, True),
        ({"source": MES, "link_kind": "order", "link_id": OLD}, False),
        ({"source": MES, "actor": "x"}, False),
    ],
)
def test_a_search_is_answered_only_by_what_a_disposal_tells(query: dict[str, Any], within: bool) -> None:
    (group,) = _body(3).groups
    assert belongs({"by": "search", "query": query}, group) is within
