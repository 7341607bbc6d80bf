"""What the report says to people, page by page: the verdict on one, and the sections that it is judged by."""

import json
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ledger.core.clock import utc_text
from ledger.present import messages
from ledger.present.english import CATALOGUE
from ledger.present.messages import Language
from ledger.regulation.reading import clauses
from ledger.store.question import Query
from ledger.trace.evidence import gather
from ledger.trace.selection import BySearch, Selection
from reports import actors, layout
from reports.dataset import Asked
from reports.package import build
from reports.sections.meanings import ANSWERED, TERMS
from reports.verify import verify_package
from tests.integration.reports.plant import BATCH, MINUTE, START_US, Plant
from tests.integration.reports.repack import unpack

ACCENT = bytes.fromhex("1f5fa8")
CLAIMS = ("Unchanged since receipt.", "Complete as received", "Logged in this order.", "Existed by this date.")


def pages(package: Path, tmp_path: Path) -> list[str]:
    """The words of each page, by a program that knows nothing of us."""
    report = tmp_path / "report.pdf"
    report.write_bytes(unpack(package)[1][layout.REPORT])
    text = subprocess.run(["pdftotext", "-raw", report, "-"], capture_output=True, text=True, check=True).stdout
    return [" ".join(page.split()) for page in text.split("\f")[:-1]]


def records(package: Path) -> list[Any]:
    return [json.loads(line) for line in unpack(package)[1][layout.RECORDS].splitlines()]


def completeness(site: Plant, package: Path) -> str:
    return next(one.says for one in verify_package(package, [site.vkey]).checks if one.name == "Completeness")


def asked(site: Plant, out: Path, selection: Selection, by: Asked) -> Path:
    with gather(site.service.store, site.log, selection) as evidence:
        build(evidence, out, site.seal, product="trailseal test", disclose=False, asked=by)
    return out


@pytest.mark.requirement("R36")
def test_the_first_page_has_the_four_lines_with_what_each_does_not_prove_and_the_exposure_of_each_source(
    withheld: Path, tmp_path: Path
) -> None:
    first, *others = pages(withheld, tmp_path)
    places = [first.index(claim) for claim in CLAIMS]
    assert places == sorted(places)
    for low, high in zip(places, [*places[1:], len(first)], strict=True):
        assert "Not proven by this:" in first[low:high]
    # The ERP says when it recorded each record, 4.98 s before it was received; the DCS never does.
    counted = Counter(line["body"]["record"]["source"] for line in records(withheld))
    assert f"erp {counted['erp']} 4.980 s to 4.980 s" in first
    assert f"dcs {counted['dcs']} not known: the source does not say when it recorded them" in first
    assert "Log key fingerprint" in first
    assert first.startswith("evidence-")
    assert all(f"page {at} of {len(others) + 1}" in page for at, page in enumerate(others, start=2))


def test_it_says_who_asked_and_why_in_words_that_nothing_draws(site: Plant, tmp_path: Path) -> None:
    by = Asked(by="qa.lead", authenticated=True, why="Deviation <b>7</b> \u202e & more")
    out = asked(site, tmp_path / "p.zip", BATCH, by)
    first = pages(out, tmp_path)[0]
    assert "Asked for by qa.lead. Why: Deviation <b>7</b> ‹U+202E› & more" in first
    assert verify_package(out, [site.vkey]).exit_code == 0
    assert b'"asked_authenticated":true,"asked_by":"qa.lead"' in unpack(out)[1][layout.DESCRIPTION]
    unknown = asked(site, tmp_path / "unknown.zip", BATCH, Asked(by="local:root"))
    assert "Asked for by local:root (not authenticated)." in pages(unknown, tmp_path)[0]


def test_completeness_is_a_proof_only_where_all_that_the_runs_of_a_source_hold_is_here(
    site: Plant, tmp_path: Path
) -> None:
    whole = asked(site, tmp_path / "whole.zip", BySearch(query=Query(source="dcs")), Asked())
    assert "Proof of completeness: these are all 300 records that 3 unbroken" in pages(whole, tmp_path)[0]
    assert "a proof by the chain of runs" in completeness(site, whole)
    query = Query(source="dcs", occurred_to=START_US + 150 * MINUTE)
    part = asked(site, tmp_path / "part.zip", BySearch(query=query), Asked())
    first = pages(part, tmp_path)[0]
    assert "Signed completeness statement: these are all records that match the query" in first
    assert "Proof of completeness" not in first
    assert "is a signed statement" in completeness(site, part)


@pytest.mark.requirement("R65")
def test_the_certificate_says_what_was_compared_how_by_what_when_and_what_it_lacks(
    withheld: Path, tmp_path: Path
) -> None:
    page = next(page for page in pages(withheld, tmp_path)[2:] if "Certificate of a true copy" in page)
    made = unpack(withheld)[1][layout.DESCRIPTION].split(b'"gathered_at":"')[1][:19].decode().replace("T", " ")
    count, sealed = len(records(withheld)), sum(bool(line.get("withheld")) for line in records(withheld))
    assert f"{count} of {count} records: each body, byte for byte" in page
    assert "0 originals, byte for byte" in page
    assert "By which process trailseal test" in page
    assert f"({made}" in page
    assert f"{sealed} sealed values are withheld, and shown as withheld; {sealed} originals are withheld" in page
    assert "a person signs" in page


def test_custody_names_each_hand_up_to_issue_and_leaves_room_for_those_to_come(withheld: Path, tmp_path: Path) -> None:
    text = " ".join(pages(withheld, tmp_path))
    page = text[text.rindex("Chain of custody Up to") : text.rindex("Certificate of a true copy")]
    assert "collectors of: dcs, erp" in page
    assert utc_text(START_US)[:10] in page
    assert "seal.note" in page
    assert "When From To What for Signature" in page


def test_who_acted_is_listed_by_source_and_beyond_a_limit_counted(
    site: Plant, disclosed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = " ".join(pages(disclosed, tmp_path))
    section = text[text.rindex("Who acted The accounts of these") :]
    for account in ("operator1", "operator2", "operator3"):
        assert f"dcs {account} person operator 100" in section
    assert "erp planner1 person planner 300" in section
    monkeypatch.setattr(actors, "LISTED", 2)
    short = asked(site, tmp_path / "short.zip", BySearch(query=Query()), Asked())
    assert "400 records are of others." in " ".join(pages(short, tmp_path))


def test_the_map_and_the_glossary_are_whole_and_of_what_there_is(withheld: Path, tmp_path: Path) -> None:
    text = " ".join(pages(withheld, tmp_path))
    text = text[text.rindex("Regulation map Clauses that") :]
    known = {clause.id: clause for clause in clauses()}
    for row in ANSWERED:
        assert known[row].clause in text
    for term in TERMS:
        assert CATALOGUE[f"glossary.{term}"].split()[0] in text
    assert {key.split(".")[1] for key in CATALOGUE if key.startswith("glossary.")} == set(TERMS)


def test_the_picture_draws_a_lane_of_each_source_with_what_is_derived_and_not_known(
    withheld: Path, tmp_path: Path
) -> None:
    text = pages(withheld, tmp_path)
    number = next(at for at, page in enumerate(text, start=1) if "A lane a source" in page)
    counted = Counter(line["body"]["record"]["source"] for line in records(withheld))
    page = text[number - 1]
    for source, gaps in (("dcs", 2), ("erp", 0)):
        assert re.search(rf"{source} {counted[source]} \S+ \S+ \S+ \S+ [01] {gaps} ", page + " "), page
    command = ["pdftoppm", "-r", "100", "-f", str(number), "-l", str(number), "-png", "-singlefile"]
    subprocess.run([*command, tmp_path / "report.pdf", tmp_path / "page"], check=True)
    image = Image.open(tmp_path / "page.png").convert("RGB")
    data, wide = image.tobytes(), 3 * image.width
    rows = [at for at in range(image.height) if ACCENT in data[at * wide : (at + 1) * wide]]
    lanes = [row for at, row in enumerate(rows) if at == 0 or row > rows[at - 1] + 1]
    # Filled and outlined marks of the DCS, which a batch's occupation holds, and filled ones of the ERP.
    assert len(lanes) >= 3


SAID_AS_SIGNED = ("signing.class.", "signing.withstands.", "signature.")
"""What a signature is said to be stays as it was shown when it was made."""


def test_a_german_report_says_everything_in_german_and_its_data_are_the_same(
    site: Plant, disclosed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = set[str]()
    catalogue = messages._CATALOGUES[Language.GERMAN]
    monkeypatch.setitem(messages._CATALOGUES, Language.GERMAN, _Noting(catalogue, used))
    messages._parts.cache_clear()
    out = tmp_path / "german.zip"
    with gather(site.service.store, site.log, BySearch(query=Query())) as evidence:
        build(evidence, out, site.seal, product="trailseal test", disclose=True, language=Language.GERMAN)
    assert len(used) > 200
    assert {key for key in used - catalogue.keys() if not key.startswith(SAID_AS_SIGNED)} == set()
    assert verify_package(out, [site.vkey]).exit_code == 0
    first = pages(out, tmp_path)[0]
    for claim in (
        "Seit dem Empfang unverändert.",
        "Vollständig wie empfangen",
        "In dieser Reihenfolge",
        "An diesem Tag",
    ):
        assert claim in first
    info = subprocess.run(["pdfinfo", "-struct-text", tmp_path / "report.pdf"], capture_output=True, check=True)
    assert b"Error" not in info.stderr
    assert b"/Lang (de)" in (tmp_path / "report.pdf").read_bytes()
    german, english = unpack(out)[1], unpack(disclosed)[1]
    for name in (layout.RECORDS, layout.TABLE, layout.ORIGINALS, layout.ENTRIES, layout.RUNS, layout.DICTIONARY):
        assert german[name] == english[name], name


class _Noting(dict[str, str]):
    def __init__(self, held: dict[str, str], used: set[str]) -> None:
        super().__init__(held)
        self._used = used

    def get(self, key: str, default: Any = None) -> Any:
        self._used.add(key)
        return super().get(key, default)
