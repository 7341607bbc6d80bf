"""A signature leaves the ledger with its records: it verifies offline, and what was changed shows as unsigned."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pypdf
import pytest

from ledger import packages
from ledger.core.entry import draft
from ledger.core.errors import IntegrityError
from ledger.core.note import VerifierKey
from ledger.core.policy import Policy
from ledger.core.signature import SignatureEntry
from ledger.store.logs import SYSTEM_LOG
from ledger.store.question import Query
from ledger.trace.selection import BySearch
from reports import layout
from reports.checks import Problems
from reports.gone import Disposed
from reports.lines import SignedLine, decode_line, encode_line
from reports.signed import Signatures
from reports.strictzip import StrictZip
from reports.verdict import ExitCode, Outcome, PackageVerdict
from reports.verify import verify_package
from tests.integration.reports.repack import Files, forge
from tests.support.signers import Plant
from tests.unit.signing.conftest import Site

pytestmark = pytest.mark.sampled

SENTENCE = "Rita Reviewer (reviewer1), reviewer, signed"


@pytest.fixture(scope="module")
def signed(any_site: Site) -> list[int]:
    """Records of the package that two people signed."""
    entries = any_site.fresh(3)
    any_site.reviewer.sign_in()
    any_site.reviewer.sign(*entries, meaning="reviewed")
    any_site.approver.sign_in()
    any_site.approver.sign(*entries[:2], meaning="approved", reason="other", added="Batch B-1 is released today")
    return entries


@pytest.fixture(scope="module")
def package(any_site: Site, signed: list[int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("package") / "evidence.zip"
    service = any_site.plant.service
    packages.issue(service, service.log(), BySearch(query=Query(source="erp")), out, any_site.plant.root)
    return out


def verdict(site: Site, path: Path, *, outside: bool = True) -> PackageVerdict:
    service = site.plant.service
    return verify_package(path, [service.vkey(service.log())] if outside else [])


@pytest.mark.requirement("R17", "R18")
def test_signatures_verify_offline_with_the_record_log_s_key_alone(any_site: Site, package: Path) -> None:
    found = verdict(any_site, package)
    assert found.exit_code is ExitCode.HOLDS, found.lines()
    (whole,) = [check for check in found.checks if check.name == "Signatures"]
    assert whole.outcome is Outcome.HOLDS
    assert any_site.plant.card is not None
    assert any_site.plant.card.fingerprint in whole.says
    ours = [check for check in found.checks if check.name.startswith("Signature ") and SENTENCE in check.says]
    assert ours
    assert all("Valid; 3 of the 3 entries" in check.says for check in ours[-1:])
    assert verdict(any_site, package, outside=False).exit_code is ExitCode.NOT_AUTHENTICATED


@pytest.mark.requirement("R16", "R56")
def test_the_report_shows_name_user_name_role_meaning_date_time_zone_and_fingerprint(package: Path) -> None:
    with zipfile.ZipFile(package) as opened:
        (name,) = [one for one in opened.namelist() if one.endswith("report.pdf")]
        with opened.open(name) as file:
            text = " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(file).pages).split())
    for words in ("Anna Approver (approver1), approver", "I approve these records.", "Europe/Berlin", "Fingerprint"):
        assert words in text
    assert "Batch B-1 is released today" in text


@pytest.mark.requirement("R16")
def test_the_table_of_signatures_says_the_same_and_cannot_say_otherwise(
    any_site: Site, package: Path, tmp_path: Path
) -> None:
    def another_name(files: Files) -> Files:
        table = files[layout.SIGNATURES_TABLE]
        assert b'"Anna Approver","approver1","approver","I approve these records."' in table
        return {**files, layout.SIGNATURES_TABLE: table.replace(b"Anna Approver", b"Otto Other")}

    found = verdict(any_site, forge(package, tmp_path / "forged.zip", another_name))
    assert found.exit_code is ExitCode.WRONG
    assert any(problem.where == layout.SIGNATURES_TABLE for problem in found.problems)


def altering(member: str, value: object) -> Callable[[Files], Files]:
    """Alters the statement of the last signature in the package."""

    def change(files: Files) -> Files:
        lines = files[layout.SIGNATURES].splitlines()
        line = decode_line(lines[-1], SignedLine)
        body = msgspec.json.decode(line.body, type=SignatureEntry)
        said = msgspec.structs.replace(body.statement, **{member: value})
        forged = msgspec.json.Encoder(order="sorted").encode(msgspec.structs.replace(body, statement=said))
        lines[-1] = encode_line(msgspec.structs.replace(line, body=msgspec.Raw(forged))).rstrip(b"\n")
        return {**files, layout.SIGNATURES: b"\n".join(lines) + b"\n"}

    return change


@pytest.mark.parametrize(("member", "value"), [("zone", "UTC"), ("class_text", "qualified")])
def test_a_signature_that_is_altered_in_the_package_is_named(
    any_site: Site, package: Path, tmp_path: Path, member: str, value: str
) -> None:
    found = verdict(any_site, forge(package, tmp_path / "forged.zip", altering(member, value)))
    assert found.exit_code is ExitCode.WRONG
    assert any(layout.SIGNATURES in problem.where for problem in found.problems)


@pytest.mark.requirement("R18")
def test_a_signature_that_was_forged_in_the_ledger_leaves_it_in_no_package(plant: Plant, tmp_path: Path) -> None:
    plant.found()
    (entry,) = plant.records(1)
    done = plant.quality.sign(entry).entry
    said = done.statement
    words = msgspec.structs.replace(said.meaning, code="witnessed", text="I witnessed what these records say.")
    forged = msgspec.structs.replace(said, meaning=words, nonce="A" * 43 + "=")
    plant.service.store.append_one(SYSTEM_LOG, draft(msgspec.structs.replace(done, statement=forged)))
    service, out = plant.service, tmp_path / "evidence.zip"
    with pytest.raises(IntegrityError, match="did not sign this"):
        packages.issue(service, service.log(), BySearch(query=Query(source="erp")), out, plant.root)
    assert not out.exists()


def test_a_package_without_its_signatures_says_that_they_are_missing(
    any_site: Site, package: Path, tmp_path: Path
) -> None:
    def cut_last(files: Files) -> Files:
        lines = files[layout.SIGNATURES].splitlines()
        return {**files, layout.SIGNATURES: b"\n".join(lines[:-1]) + b"\n"}

    cut = forge(package, tmp_path / "cut.zip", cut_last)
    found = verdict(any_site, cut)
    assert found.exit_code is ExitCode.WRONG
    assert any("does not hold the signatures" in problem.what for problem in found.problems)


@pytest.mark.requirement("R57")
def test_a_record_that_is_not_what_was_signed_shows_as_unsigned(any_site: Site, package: Path) -> None:
    service = any_site.plant.service
    problems = Problems()
    found = Signatures(service.log().origin, problems, Disposed({}, 0, service.log().number, problems))
    with StrictZip.open(package) as opened:
        prefix = next(iter(opened.members)).partition("/")[0] + "/"
        key = VerifierKey.parse(service.vkey(service.log()))
        head = Policy.of_log_keys([key]).open(opened.read(prefix + layout.CHECKPOINT, 1 << 20)).checkpoint
        found.read(opened, prefix, head)
    assert not problems
    one = found.found[-1]
    found.record(one.entry.statement.target.entries[0], "A" * 43 + "=")
    assert "unsigned" in one.wrong
    assert any("content changed" in problem.what for problem in problems)
    said = [check for check in found.checks() if check.name.endswith(f"#{one.index}")]
    assert said[0].outcome is Outcome.FAILS
    assert "Unsigned: entry" in said[0].says


def test_a_ledger_without_signatures_makes_packages_as_before(any_site: Site, tmp_path: Path) -> None:
    service = any_site.plant.service
    any_site.fresh()
    out = tmp_path / "none.zip"
    packages.issue(service, service.log(), BySearch(query=Query(source="nothing")), out, any_site.plant.root)
    found = verdict(any_site, out)
    assert found.exit_code is ExitCode.HOLDS
    assert not [check for check in found.checks if check.name == "Signatures"]
