"""A package holds what was asked for, in forms for people and for programs that agree, and anybody can verify it."""

import csv
import io
import json
import subprocess
import zipfile
from pathlib import Path

import bagit
import pytest

from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import SignatureInvalid
from ledger.core.note import NoteSigner, VerifierKey
from ledger.core.policy import Policy
from ledger.core.statement import sign_report
from ledger.integrity.kinds import LevelVerdict, Verdict, Verification
from ledger.store.question import Query
from ledger.trace.evidence import gather
from ledger.trace.selection import ByBatch, BySearch
from reports import layout, pdf
from reports.package import build
from reports.verdict import ExitCode
from reports.verify import verify_package
from tests.integration.reports.conftest import RECORDS
from tests.integration.reports.plant import AUTHORITY, BATCH, HARD_TEXT, MINUTE, START_US, Plant, plant
from tests.integration.reports.repack import Files, forge, unpack

OTHER_KEY = str(NoteSigner("plant.example/site-a/records", bytes(32)).verifier)


@pytest.mark.parametrize("name", ["withheld", "disclosed"])
def test_a_package_holds_with_the_outside_key_is_unauthenticated_without_and_wrong_with_another(
    name: str, site: Plant, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(name)
    assert verify_package(path, [site.vkey]).exit_code is ExitCode.HOLDS
    without = verify_package(path)
    assert without.exit_code is ExitCode.NOT_AUTHENTICATED
    assert "NOT authenticated" in "\n".join(without.lines())
    assert verify_package(path, [OTHER_KEY]).exit_code is ExitCode.WRONG
    policy = Policy.of_log_keys([VerifierKey.parse(site.vkey)])
    assert verify_package(path, policy=policy).exit_code is ExitCode.HOLDS
    elsewhere = VerifierKey(name="other.example/log", public_key=bytes(32))
    assert verify_package(path, policy=Policy.of_log_keys([elsewhere])).exit_code is ExitCode.WRONG


def test_any_bagit_program_accepts_the_bag(withheld: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(withheld) as package:
        package.extractall(tmp_path)
    (folder,) = tmp_path.iterdir()
    bagit.Bag(str(folder)).validate()


@pytest.mark.requirement("R03")
def test_table_and_lines_and_description_hold_the_same_records(disclosed: Path) -> None:
    _, files = unpack(disclosed)
    lines = [json.loads(line) for line in files[layout.RECORDS].splitlines()]
    table = list(csv.DictReader(io.StringIO(files[layout.TABLE].decode("utf-8-sig"))))
    description = json.loads(files[layout.DESCRIPTION])
    assert len(lines) == description["records"] == RECORDS
    assert [line["index"] for line in lines] == list(dict.fromkeys(int(row["index"]) for row in table))
    shown = {(int(row["index"]), row["attribute"]): row for row in table}
    for line in lines:
        record = line["body"]["record"]
        for change in record.get("changes", ()):
            row = shown[line["index"], change["attribute"]]
            assert (row["old"], row["new"]) == (change["old"], change["new"])
            assert row["source_record_id"] == record["source_record_id"]
    hard = next(row for row in table if row["new"] == HARD_TEXT)
    assert hard["attribute"] == "note"
    assert next(row for row in table if row["reason"] == "'@SUM(1)")
    assert next(row for row in table if row["object_name"] == '\'=HYPERLINK("x")')


def test_a_batch_is_what_names_it_and_what_its_occupation_of_equipment_says(withheld: Path) -> None:
    _, files = unpack(withheld)
    lines = [json.loads(line) for line in files[layout.RECORDS].splitlines()]
    count = RECORDS // 2
    stop = count - count // 10 - 1
    dcs = {int(line["body"]["record"]["source_record_id"].partition("-")[2]): line for line in lines if
           line["body"]["record"]["source"] == "dcs"}  # fmt: skip
    assert set(dcs) == set(range(1, stop + 1))
    named = {n for n in dcs if n in (1, stop) or n % 3 == 0}
    assert {n for n, line in dcs.items() if line["basis"] == "read"} == named
    derived = [line for n, line in dcs.items() if n not in named]
    assert len(derived) >= len(dcs) / 2
    assert {(line["why"]["equipment"], line["why"]["started_by"], line["why"]["stopped_by"]) for line in derived} == {
        ("R-101", dcs[1]["index"], dcs[stop]["index"])
    }


def test_withheld_names_and_their_originals_are_in_no_file_and_disclosed_ones_are(
    withheld: Path, disclosed: Path
) -> None:
    _, hidden = unpack(withheld)
    assert not any(b"Example" in data for data in hidden.values())
    assert hidden[layout.ORIGINALS] == b""
    _, shown = unpack(disclosed)
    assert shown[layout.RECORDS].count(b'"value":"A. Example"') > 10
    assert len(shown[layout.ORIGINALS].splitlines()) == RECORDS // 2


@pytest.mark.requirement("R03", "R36")
def test_the_report_shows_every_record_every_font_and_the_same_numbers(withheld: Path, tmp_path: Path) -> None:
    _, files = unpack(withheld)
    report = tmp_path / "report.pdf"
    report.write_bytes(files[layout.REPORT])
    text = subprocess.run(["pdftotext", "-layout", report, "-"], capture_output=True, text=True, check=True).stdout
    description = json.loads(files[layout.DESCRIPTION])
    pages = text.count("\f")
    assert f"page 1 of {pages}" in " ".join(text.split())
    assert description["package"] in text
    assert f"{description['records']} records stand in the log" in " ".join(text.split())
    for line in files[layout.RECORDS].splitlines():
        assert f"#{json.loads(line)['index']}" in text
    assert "U+202E" in text
    assert "sealed" in text
    assert text.count("long text") >= 90
    fonts = subprocess.run(["pdffonts", report], capture_output=True, text=True, check=True).stdout.splitlines()[2:]
    assert fonts
    assert all(line.split()[-5] == "yes" for line in fonts), fonts


def test_an_empty_selection_is_a_package_too(site: Plant, tmp_path: Path) -> None:
    issued = site.package(tmp_path / "none.zip", BySearch(query=Query(text="nothing-has-this-word")))
    assert issued.records == 0
    assert verify_package(tmp_path / "none.zip", [site.vkey]).exit_code is ExitCode.HOLDS


def test_a_search_with_times_takes_up_the_runs_that_cover_them(site: Plant, tmp_path: Path) -> None:
    low, high = START_US + 220 * MINUTE, START_US + 230 * MINUTE
    query = Query(source="dcs", occurred_from=low, occurred_to=high)
    issued = site.package(tmp_path / "ten.zip", BySearch(query=query))
    assert issued.records == 10
    verdict = verify_package(tmp_path / "ten.zip", [site.vkey])
    assert verdict.exit_code is ExitCode.HOLDS
    _, files = unpack(tmp_path / "ten.zip")
    runs = [json.loads(line) for line in files[layout.RUNS].splitlines()]
    assert runs[0]["leaves"] == []
    assert [len(run["leaves"]) for run in runs[1:]] == [100]


def test_a_seal_by_a_key_that_the_log_does_not_vouch_for_makes_no_package(site: Plant, tmp_path: Path) -> None:
    out, few = tmp_path / "p.zip", BySearch(query=Query(source="dcs", occurred_from=START_US + 290 * MINUTE))
    with gather(site.service.store, site.log, few) as evidence, pytest.raises(SignatureInvalid):
        build(
            evidence,
            out,
            lambda payload: sign_report(site.log.origin, payload, bytes(32)),
            product="test",
            disclose=False,
        )
    assert list(tmp_path.iterdir()) == []


def test_the_same_evidence_gives_the_same_files_but_for_the_package_id(
    site: Plant, withheld: Path, tmp_path: Path
) -> None:
    site.package(tmp_path / "two.zip", ByBatch(kind=BATCH.kind, id=BATCH.id), zone="Europe/Berlin")
    _, one = unpack(withheld)
    _, two = unpack(tmp_path / "two.zip")
    for name in (layout.RECORDS, layout.TABLE, layout.ENTRIES, layout.RUNS, layout.ORIGINALS, layout.CHECKPOINT):
        assert one[name] == two[name], name


def test_very_many_records_fill_further_volumes_that_are_sealed_like_the_first(
    site: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "VOLUME", 120)
    site.package(tmp_path / "many.zip", BySearch(query=Query(source="dcs")))
    assert verify_package(tmp_path / "many.zip", [site.vkey]).exit_code is ExitCode.HOLDS
    _, files = unpack(tmp_path / "many.zip")
    assert {name for name in files if name.endswith(".pdf")} == {layout.REPORT, layout.volume(2), layout.volume(3)}

    forged = forge(tmp_path / "many.zip", tmp_path / "forged.zip", lambda files: _without(files, layout.volume(3)))
    assert verify_package(forged, [site.vkey]).exit_code is ExitCode.WRONG


def _without(files: Files, name: str) -> Files:
    return {other: data for other, data in files.items() if other != name}


def test_the_ledgers_last_verification_is_shown_level_by_level_and_proven_with_the_rest(tmp_path: Path) -> None:
    with plant(tmp_path / "ledger", 40) as own:
        store = own.service.store
        verdicts = ((1, Verdict.HOLDS), (2, Verdict.FAILS), (4, Verdict.NOT_BUILT))
        levels = tuple(
            LevelVerdict(level=level, verdict=verdict, entries=40, micros=1, open="", fault=None)
            for level, verdict in verdicts
        )
        at = utc_text(START_US)
        result = Verification(
            log=1, low=0, size=40, root=None, started_at=at, ended_at=at, levels=levels, authority=AUTHORITY
        )
        index = store.append_one(own.log.number, draft(result)).index
        own.service.publisher.publish_all()
        out = tmp_path / "p.zip"
        with gather(store, own.log, BATCH, verification=index) as evidence:
            issued = build(evidence, out, own.seal, product="test", disclose=False)
        assert issued.verification == index
        assert verify_package(out, [own.vkey]).exit_code is ExitCode.HOLDS
    _, files = unpack(out)
    (tmp_path / "report.pdf").write_bytes(files[layout.REPORT])
    command = ["pdftotext", "-layout", str(tmp_path / "report.pdf"), "-"]
    shown = " ".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert "level 1 holds, level 2 DOES NOT HOLD, level 4 not built yet" in shown
    assert "▲ does not hold" in shown
