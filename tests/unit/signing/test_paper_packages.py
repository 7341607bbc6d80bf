"""Letters and signatures by hand leave the ledger with its records: entries and files, each as it was committed to."""

import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pypdf
import pytest

from ledger import packages
from ledger.core.errors import IntegrityError
from ledger.core.record import Submission
from ledger.core.run import RunBatch
from ledger.core.source import SourceConfig
from ledger.people.documents import LETTER
from ledger.present.manifest import fingerprint
from ledger.store.question import Query
from ledger.trace.beside import file_of
from ledger.trace.selection import BySearch
from reports import layout
from reports.lines import CopyLine, CopyState, SignedLine, decode_line, encode_line
from reports.verdict import ExitCode, Outcome, PackageVerdict
from reports.verify import verify_package
from tests.api.world import AT, submission
from tests.integration.reports.repack import Files, forge, unpack
from tests.support.founded import APPROVER, REVIEWER, founded
from tests.support.signers import Plant
from tests.unit.signing.test_paper import SCAN, Site

pytestmark = pytest.mark.sampled

LETTERS = (b"%PDF- letter", b"%PDF- letter 2")


class Packaged:
    """A ledger with a signature of before the letter and one of after, and signatures by hand; and its package."""

    def __init__(self, folder: Path, plant: Plant) -> None:
        self.site = site = Site(plant, records=8)
        documents = site.plant.service.people.documents
        site.anna.sign_in()
        site.anna.sign(site.entries[0])
        officer = site.plant.officer.sign_in().authority
        documents.put(LETTER, "Letter to the agency", "2026-03-01", LETTERS[0], "application/pdf", "sent", officer)
        site.anna.sign_in()
        self.signed = site.anna.sign(site.entries[1])
        documents.put(LETTER, "New letter", "2026-04-01", LETTERS[1], "application/pdf", "moved", officer)
        site.anna.sign_in()
        site.anna.sign(site.entries[2])
        self.on_entry = site.enter(site.entries[5])
        shown = fingerprint(self.signed.entry.statement)
        self.on_signature = site.papers.enter(site.rita.caller, site.new(shown, name="Otto Operator"), SCAN)
        site.papers.check(site.plant.quality.sign_in(), self.on_signature.paper, "compared")
        self.withdrawn = site.enter(site.entries[6])
        site.papers.withdraw(site.rita.caller, self.withdrawn.paper, "wrong scan")
        self.on_hidden = site.enter(self.hidden_record(), name="Hugo Hidden")
        site.plant.publish()
        site.plant.publish()
        self.folder = folder
        self.path = self.issue("evidence.zip")

    def issue(self, name: str, *, disclose: bool = False) -> Path:
        service, out = self.site.plant.service, self.folder / name
        packages.issue(service, service.log(), BySearch(query=Query()), out, self.site.plant.root, disclose=disclose)
        return out

    def hidden_record(self) -> int:
        """A record of which a name is a sealed value."""
        service = self.site.plant.service
        config = SourceConfig(id="lab", type="test", title="Laboratory", seal=("object.name",))
        service.sources.register(config, self.site.plant.root)
        with service.store.reader(1) as reader:
            size = reader.head().size
        given = msgspec.convert(submission(size, source="lab"), Submission)
        batch = RunBatch(
            source="lab", started_at=AT, ended_at=AT, cursor_from=None, cursor_to="1", submissions=(given,)
        )
        service.ingest.submit(batch, self.site.plant.root)
        self.site.plant.publish()
        return size

    def verdict(self, path: Path | None = None) -> PackageVerdict:
        service = self.site.plant.service
        return verify_package(path or self.path, [service.vkey(service.log())])


def report(path: Path) -> str:
    """The words of a package's readable report."""
    with zipfile.ZipFile(path) as opened:
        (name,) = [one for one in opened.namelist() if one.endswith("report.pdf")]
        with opened.open(name) as file:
            return " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(file).pages).split())


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def packaged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packaged]:
    folder = tmp_path_factory.mktemp("packaged")
    made = Packaged(folder, founded(folder / "ledger", REVIEWER, APPROVER, request=request))
    yield made
    made.site.plant.close()


@pytest.mark.requirement("R21")
def test_a_package_says_of_each_signature_which_letter_was_in_force_or_that_there_was_none(packaged: Packaged) -> None:
    found = packaged.verdict()
    assert found.exit_code is ExitCode.HOLDS, found.lines()
    (whole,) = [check for check in found.checks if check.name.startswith("Letter")]
    assert whole.says.startswith("2 of 3 electronic signatures were made with a letter on file")
    assert whole.outcome is Outcome.UNKNOWN
    each = [check.says for check in found.checks if check.name.startswith("Signature plant")]
    assert [
        "no letter by 21 CFR 11.100(c)" in each[0],
        "“Letter to the agency” of 2026-03-01" in each[1],
        "“New letter” of 2026-04-01" in each[2],
    ] == [True, True, True]


@pytest.mark.requirement("R64")
def test_a_package_shows_signatures_by_hand_as_what_they_are(packaged: Packaged) -> None:
    papers = [check for check in packaged.verdict().checks if check.name.startswith("Signature by hand")]
    assert len(papers) == 3
    for check in papers:
        assert check.says.startswith("hand-written, scan on file; no electronic signature.")
        assert check.outcome is Outcome.UNKNOWN
        assert "the version that it is of is in this package, unchanged" in check.says
    assert any("compared with the scan by quality1" in check.says for check in papers)
    assert any("not checked by a second person" in check.says for check in papers)


def test_the_report_shows_them_apart_from_the_electronic_ones(packaged: Packaged) -> None:
    text = report(packaged.path)
    with zipfile.ZipFile(packaged.path) as opened:
        (table,) = [one for one in opened.namelist() if one.endswith("signatures.csv")]
        assert b"Paul Operator" not in opened.read(table)
    assert "Signatures by hand" in text
    assert "hand-written, scan on file; no electronic signature" in text
    assert "Paul Operator" in text
    assert "“Letter to the agency” of 2026-03-01" in text
    assert "none was on file" in text or "no letter by 21 CFR 11.100(c) was on file" in text


@pytest.mark.parametrize("kind", ["paper-signature", "document"])
def test_a_package_from_which_they_were_taken_is_wrong_or_says_less(
    packaged: Packaged, tmp_path: Path, kind: str
) -> None:
    def cut(files: Files) -> Files:
        lines = files[layout.SIGNATURES].splitlines()
        kept = [line for line in lines if decode_line(line, SignedLine).role.value != kind]
        assert len(kept) < len(lines)
        return {**files, layout.SIGNATURES: b"\n".join(kept) + b"\n"}

    found = packaged.verdict(forge(packaged.path, tmp_path / "cut.zip", cut))
    if kind == "paper-signature":
        assert any("does not hold the papers" in problem.what for problem in found.problems)
    assert found.exit_code is ExitCode.WRONG


def test_a_letter_or_a_paper_that_is_altered_in_the_package_is_named(packaged: Packaged, tmp_path: Path) -> None:
    for kind, old, new in (("document", b"2026-03-01", b"2025-03-01"), ("paper-signature", b"Paul ", b"Otto ")):

        def change(files: Files, kind: str = kind, old: bytes = old, new: bytes = new) -> Files:
            lines = []
            for text in files[layout.SIGNATURES].splitlines():
                line = decode_line(text, SignedLine)
                body = msgspec.Raw(bytes(line.body).replace(old, new)) if line.role.value == kind else line.body
                lines.append(encode_line(msgspec.structs.replace(line, body=body)).rstrip(b"\n"))
            return {**files, layout.SIGNATURES: b"\n".join(lines) + b"\n"}

        found = packaged.verdict(forge(packaged.path, tmp_path / f"{kind}.zip", change))
        assert found.exit_code is ExitCode.WRONG
        assert any("not the one that its leaf commits to" in problem.what for problem in found.problems), found.lines()


@pytest.mark.requirement("R21")
def test_a_package_holds_the_letter_in_force_for_each_signature_and_the_scans(packaged: Packaged) -> None:
    with zipfile.ZipFile(packaged.path) as opened:
        given = {name.rpartition("/")[2]: opened.read(name) for name in opened.namelist() if "/copies/" in name}
    assert sorted(given.values()) == sorted([*LETTERS, SCAN, SCAN])
    assert f"{packaged.on_entry.entry}.png" in given
    (check,) = [one for one in packaged.verdict().checks if one.name.startswith("Copies")]
    assert check.says.startswith("4 of 5 letters and scans are in this package")
    assert "1 withheld" in check.says
    assert f"data/copies/{packaged.on_entry.entry}.png: scan of what Paul Operator signed by hand" in check.says


def test_the_report_lists_letters_and_scans_with_their_digests_and_says_what_is_withheld(packaged: Packaged) -> None:
    words = report(packaged.path)
    for part in (*(sha256(one).hexdigest() for one in (*LETTERS, SCAN)), "the print shows values that the package"):
        assert part in words
    assert f"data/copies/{packaged.on_signature.entry}.png" in words


def test_the_scan_of_a_print_with_hidden_values_goes_along_only_with_them(packaged: Packaged) -> None:
    path = packaged.issue("disclosed.zip", disclose=True)
    found = packaged.verdict(path)
    assert found.exit_code is ExitCode.HOLDS, found.lines()
    with zipfile.ZipFile(path) as opened:
        assert [name for name in opened.namelist() if name.endswith(f"/copies/{packaged.on_hidden.entry}.png")]


def test_what_a_package_has_no_room_for_is_said_to_be_left_out(
    packaged: Packaged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "MAX_COPIES", 3)
    path = packaged.issue("full.zip")
    found = packaged.verdict(path)
    assert found.exit_code is ExitCode.HOLDS, found.lines()
    (check,) = [one for one in found.checks if one.name.startswith("Copies")]
    assert check.says.startswith("3 of 5 letters and scans")
    assert "1 left out" in check.says
    assert "it stays in the ledger" in report(path)
    monkeypatch.setattr(layout, "MAX_COPIES", 4)
    assert packaged.verdict(path).exit_code is ExitCode.WRONG


@pytest.mark.requirement("R21", "R64")
def test_a_file_that_is_swapped_dropped_or_added_is_named(packaged: Packaged, tmp_path: Path) -> None:
    """Each by somebody who writes every manifest anew, and tells of the files as it suits them."""
    first, second = (name for name in unpack(packaged.path)[1] if name.startswith("data/copies/") and ".pdf" in name)
    scan, hidden = (f"data/copies/{one.entry}.png" for one in (packaged.on_entry, packaged.on_hidden))

    def told(files: Files, index: int, **change: Any) -> Files:
        lines = [decode_line(line, CopyLine) for line in files[layout.COPIES].splitlines()]
        changed = [msgspec.structs.replace(one, **change) if one.index == index else one for one in lines]
        return {**files, layout.COPIES: b"".join(map(encode_line, changed))}

    def without(files: Files, *names: str) -> Files:
        return {name: data for name, data in files.items() if name not in names}

    def untold(files: Files) -> Files:
        lines = [line for line in files[layout.COPIES].splitlines(keepends=True) if first.encode() not in line]
        return {**without(files, first), layout.COPIES: b"".join(lines)}

    def described(files: Files, copies: int | None) -> Files:
        said = layout.decode_description(files[layout.DESCRIPTION])
        changed = layout.encode_description(msgspec.structs.replace(said, copies=copies))
        return {**files, layout.DESCRIPTION: changed}

    at = {name: int(name.rpartition("/")[2].partition(".")[0]) for name in (first, second, scan, hidden)}
    gone = {"salt": None, "file": None}
    attacks: dict[str, tuple[Callable[[Files], Files], str, str]] = {
        "swapped scan": (lambda files: {**files, scan: SCAN[:-1] + b"?"}, scan, "commits to"),
        "other letter": (lambda files: {**files, first: files[second]}, first, "“Letter to the agency” of 2026-03-01"),
        "dropped letter": (lambda files: without(files, first), first, "is missing"),
        "untold letter": (untold, first, "is not told of"),
        "told erased": (lambda files: told(files, at[scan], state=CopyState.ERASED), scan, "and is"),
        "told withheld": (
            lambda files: told(without(files, scan), at[scan], state=CopyState.WITHHELD, **gone), "copies.jsonl",
            "withholds nothing that it would show",
        ),
        "told left out": (
            lambda files: told(without(files, scan), at[scan], state=CopyState.LEFT_OUT, **gone), "copies.jsonl",
            "there is room",
        ),
        "put in": (lambda files: {**files, "data/copies/1.bin": b"MZ"}, "data/copies/1.bin", "no file that an entry"),
        "hidden scan": (lambda files: {**files, hidden: SCAN}, hidden, "no file that an entry"),
        "hidden scan that is told": (
            lambda files: told({**files, hidden: SCAN}, at[hidden], state=CopyState.INCLUDED, file=hidden), hidden,
            "shows values that the package says it withholds",
        ),
        "told twice": (
            lambda files: {**files, layout.COPIES: files[layout.COPIES] * 2}, scan, "told twice",
        ),
        "another count": (lambda files: described(files, 4), "copies.jsonl", "does not tell of the files"),
        "told and not described": (lambda files: described(files, None), "copies.jsonl", "is not described by"),
    }  # fmt: skip
    for name, (change, where, what) in attacks.items():
        found = packaged.verdict(forge(packaged.path, tmp_path / "forged.zip", change))
        assert found.exit_code is ExitCode.WRONG, name
        named = [one for one in found.problems if one.where.endswith(where) and what in one.what]
        assert named, (name, found.lines())


def test_a_file_of_the_vault_that_is_not_the_one_committed_to_goes_into_no_package(packaged: Packaged) -> None:
    with packaged.site.plant.service.store.reading() as connection:
        for index in (packaged.on_entry.entry, packaged.on_entry.entry - 1):
            with pytest.raises(IntegrityError, match="missing or altered"):
                file_of(connection, index, "A" * 43 + "=")
