"""The data of a package beside its lines: proofs of single records, the workbook, and what every member means."""

import base64
import csv
import io
import json
import subprocess
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger.store.question import Query
from ledger.trace.selection import BySearch
from reports import layout
from reports.dictionary import items
from reports.tables import COLUMNS, safe, unlike_ours
from reports.verdict import ExitCode
from reports.verify import verify_package
from tests.integration.reports.plant import MINUTE, START_US, Plant
from tests.integration.reports.repack import Files, forge, unpack
from tests.oracle.errors import NotVerified
from tests.oracle.note import VerifierKey
from tests.oracle.proof import check_proof
from tests.support.workbooks import sheets

FEW = 12


@pytest.fixture(scope="module")
def few(site: Plant, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of so few records that each has a file with its proof."""
    out = tmp_path_factory.mktemp("few") / "few.zip"
    low = START_US + 220 * MINUTE
    query = Query(source="dcs", occurred_from=low, occurred_to=low + FEW * MINUTE)
    assert site.package(out, BySearch(query=query)).records == FEW
    return out


def test_each_of_few_records_has_a_proof_that_another_verifier_of_the_format_accepts(few: Path, site: Plant) -> None:
    _, files = unpack(few)
    key = VerifierKey.parse(site.vkey)
    lines = [json.loads(line) for line in files[layout.RECORDS].splitlines()]
    assert {name for name in files if name.startswith(layout.PROOFS_FOLDER)} == {
        layout.proof(line["index"]) for line in lines
    }
    for line in lines:
        leaf = json.dumps(line["leaf"], sort_keys=True, separators=(",", ":")).encode()
        proof = files[layout.proof(line["index"])]
        assert check_proof(proof, leaf, [key], site.log.origin).size == json.loads(files[layout.DESCRIPTION])["size"]
        with pytest.raises(NotVerified):
            check_proof(proof, leaf.replace(b'"v":1', b'"v":2'), [key], site.log.origin)


def _swapped(files: Files) -> Files:
    one, two = sorted(name for name in files if name.startswith(layout.PROOFS_FOLDER))[:2]
    return {**files, one: files[two], two: files[one]}


def _moved(files: Files) -> Files:
    name = next(name for name in files if name.startswith(layout.PROOFS_FOLDER))
    return {**{other: data for other, data in files.items() if other != name}, layout.proof(1): files[name]}


@pytest.mark.parametrize(
    ("change", "named"), [(_swapped, "is not the proof that"), (_moved, "of no record of the pac")]
)
def test_a_proof_of_another_record_is_named(change: Any, named: str, few: Path, site: Plant, tmp_path: Path) -> None:
    verdict = verify_package(forge(few, tmp_path / "forged.zip", change), [site.vkey])
    assert verdict.exit_code is ExitCode.WRONG
    assert next(one.where for one in verdict.problems if named in one.what).startswith(layout.PROOFS_FOLDER)


def test_a_package_without_the_proofs_that_it_says_it_has_is_found(few: Path, site: Plant, tmp_path: Path) -> None:
    def change(files: Files) -> Files:
        return {name: data for name, data in files.items() if not name.startswith(layout.PROOFS_FOLDER)}

    verdict = verify_package(forge(few, tmp_path / "forged.zip", change), [site.vkey])
    assert any(one.where == layout.PROOFS_FOLDER for one in verdict.problems)


def test_one_proof_of_many_records_leads_from_their_leaves_to_the_root(withheld: Path) -> None:
    _, files = unpack(withheld)
    said = json.loads(files[layout.DESCRIPTION])
    assert not any(name.startswith(layout.PROOFS_FOLDER) for name in files)
    form, size, leaves, *hashes = files[layout.PROOF_OF_ALL].decode().splitlines()
    assert [form, size, leaves] == ["trailseal-multi-proof/1", f"size {said['size']}", f"leaves {said['records']}"]
    lines = [json.loads(line) for line in files[layout.RECORDS].splitlines()]
    raw = [json.dumps(line["leaf"], sort_keys=True, separators=(",", ":")).encode() for line in lines]
    found = {line["index"]: sha256(b"\0" + leaf).digest() for line, leaf in zip(lines, raw, strict=True)}
    rest = [base64.b64decode(one) for one in hashes]

    def root(low: int, high: int) -> bytes:
        """By the definition: a range without any of the records is the next hash of the file."""
        if not any(low <= index < high for index in found):
            return rest.pop(0)
        if high - low == 1:
            return found[low]
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        left = root(low, middle)
        return sha256(b"\1" + left + root(middle, high)).digest()

    assert base64.b64encode(root(0, said["size"])).decode() == said["root"]
    assert rest == []
    assert len(hashes) * 4 < sum(len(line["proof"]) for line in lines)


ALL_CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "swapped": lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]],
    "shorter": lambda lines: lines[:-1],
    "longer": lambda lines: [*lines, lines[-1]],
    "no-hash": lambda lines: [*lines[:-1], b"AAAA"],
    "other-count": lambda lines: [*lines[:2], b"leaves 1", *lines[3:]],
}


@pytest.mark.parametrize("name", ALL_CHANGES)
def test_a_proof_of_all_that_does_not_lead_to_the_root_is_named(
    name: str, withheld: Path, site: Plant, tmp_path: Path
) -> None:
    def change(files: Files) -> Files:
        lines = ALL_CHANGES[name](files[layout.PROOF_OF_ALL].splitlines())
        return {**files, layout.PROOF_OF_ALL: b"\n".join(lines) + b"\n"}

    verdict = verify_package(forge(withheld, tmp_path / "forged.zip", change), [site.vkey])
    problems = [one.what for one in verdict.problems if one.where == layout.PROOF_OF_ALL]
    assert len([one for one in problems if "sealed" not in one and "lists" not in one]) == 1, verdict.problems


def test_a_package_of_many_records_without_the_proof_of_all_is_found(
    withheld: Path, site: Plant, tmp_path: Path
) -> None:
    def change(files: Files) -> Files:
        return {name: data for name, data in files.items() if name != layout.PROOF_OF_ALL}

    verdict = verify_package(forge(withheld, tmp_path / "forged.zip", change), [site.vkey])
    assert any(one.where == layout.PROOF_OF_ALL and "is not there" in one.what for one in verdict.problems)


@pytest.mark.parametrize("name", [layout.WORKBOOK, layout.DICTIONARY])
def test_a_changed_or_missing_file_for_people_is_found(name: str, few: Path, site: Plant, tmp_path: Path) -> None:
    without = forge(few, tmp_path / "without.zip", lambda files: {k: v for k, v in files.items() if k != name})
    assert verify_package(without, [site.vkey]).exit_code is ExitCode.WRONG
    changed = forge(few, tmp_path / "changed.zip", lambda files: {**files, name: files[name][:-1] + b"!"})
    verdict = verify_package(changed, [site.vkey])
    assert any(one.where == name and "sealed" in one.what for one in verdict.problems)


@pytest.mark.requirement("R03", "R51")
def test_the_workbook_has_the_rows_of_the_table_as_text_that_nothing_computes(disclosed: Path) -> None:
    _, files = unpack(disclosed)
    head, *rows = sheets(files[layout.WORKBOOK])["Records"]
    assert head == list(COLUMNS)
    table = list(csv.reader(io.StringIO(files[layout.TABLE].decode("utf-8-sig"), newline="")))
    shown = [[_guarded(at, one) for at, one in enumerate([*row, *[""] * (len(head) - len(row))])] for row in rows]
    assert shown == [[_plain(one) for one in row] for row in table[1:]]
    assert any(row[17] == '=HYPERLINK("x")' for row in rows)


def _guarded(at: int, value: str | float | None) -> str:
    if at == 0:
        assert isinstance(value, float)
        return str(int(value))
    if COLUMNS[at] == "leaf_hash":
        return str(value)
    # A text that is our own word stands guarded in both; any other is guarded in the table alone.
    text = str(value or "")
    return text if text == unlike_ours(text) and text.startswith("(") else safe(text)


def _plain(text: str) -> str:
    return "".join(f"_x{ord(one):04X}_" if one < " " and one not in "\t\n" else one for one in text)


def test_the_same_records_give_the_same_workbook(site: Plant, few: Path, tmp_path: Path) -> None:
    low = START_US + 220 * MINUTE
    query = Query(source="dcs", occurred_from=low, occurred_to=low + FEW * MINUTE)
    site.package(tmp_path / "again.zip", BySearch(query=query))
    one, two = (sheets(unpack(path)[1][layout.WORKBOOK]) for path in (few, tmp_path / "again.zip"))
    assert one["Records"] == two["Records"]


@pytest.mark.parametrize("package", ["few", "withheld", "disclosed"])
def test_the_dictionary_tells_every_file_member_and_column_that_is_there(
    package: str, request: pytest.FixtureRequest
) -> None:
    _, files = unpack(request.getfixturevalue(package))
    told = {(item.file, item.member) for item in items()}
    folders = {file for file, member in told if file.endswith("/")}
    assert all((name, "") in told or any(name.startswith(folder) for folder in folders) for name in files)
    for name in files:
        if name.endswith(".jsonl") or name == layout.DESCRIPTION:
            within = {member for file, member in told if file == name}
            for line in files[name].splitlines():
                assert set(_members(json.loads(line), "", within)) <= within, name
        elif name.endswith(".csv") and name != layout.DICTIONARY:
            head = next(csv.reader(io.StringIO(files[name].decode("utf-8-sig"), newline="")))
            assert {(name, column) for column in head} <= told
    rows = list(csv.DictReader(io.StringIO(files[layout.DICTIONARY].decode("utf-8-sig"), newline="")))
    assert [(row["file"], row["member"]) for row in rows] == [(item.file, item.member) for item in items()]
    assert all(row["meaning"] and row["given_by"] for row in rows)


_OPEN = ("selection", "sealed[].value")
"""Members whose inner shape is that of what they hold."""


def _members(value: Any, path: str, told: set[str]) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _members(one, f"{path}[]", told)
    elif isinstance(value, dict) and not set(value) <= {"sealed", "schema"}:
        for name, one in value.items():
            member = f"{path}.{name}" if path else name
            if name == "schema" and path:
                continue
            yield member
            # The body of an entry of another kind than a record is told of as a whole.
            if member not in _OPEN and (member != "body" or "body.record" in told):
                yield from _members(one, member, told)


def test_qpdf_finds_nothing_wrong_with_the_report(withheld: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.pdf"
    report.write_bytes(unpack(withheld)[1][layout.REPORT])
    found = subprocess.run(["qpdf", "--check", report], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
