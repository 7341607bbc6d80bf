"""The way of a record through the commands: appended, found, verified, packaged, published, rebuilt."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ledger.core.note import NoteSigner
from tests.cli.conftest import GOOD, SOURCE, Site, filled, lines_of
from tests.cli.terminal import trailseal

BAD = {
    "malformed": b'{"source": "erp"',
    "duplicate key": lines_of(90).strip()[:-1] + b',"source":"erp"}',
    "NaN": b'{"source":"erp","n":NaN}',
    "lone surrogate": lines_of(91).replace(b"Operator One", b"\\ud800"),
    "wrong source": lines_of(92).replace(b'"source":"erp"', b'"source":"dcs"'),
    "not UTF-8": b'{"source":"\xff"}',
    "unknown member": b'{"nothing":"known"}',
}


def test_bad_lines_are_quarantined_with_the_reason_and_the_good_are_appended(tmp_path: Path) -> None:
    site = filled(tmp_path)
    bad = [line.strip() for line in BAD.values()]
    mixed = tmp_path / "mixed.jsonl"
    mixed.write_bytes(lines_of(10) + b"\n".join(bad) + b"\n" + lines_of(11))
    answer = site("append", mixed, "--source", SOURCE, "--json")
    found = answer.json()
    assert (answer.code, found["appended"], found["quarantined"]) == (1, 2, len(BAD))
    assert sorted(one["line"] for one in found["refused"]) == list(range(2, 2 + len(BAD)))
    assert all(one["reason"] for one in found["refused"])
    assert site("search", "--json").json()["total"] == GOOD + 2
    assert site("verify").code == 0


def test_a_file_sent_twice_is_appended_once(site: Site) -> None:
    again = site("append", site.file, "--source", SOURCE, "--json")
    assert (again.code, again.json()["appended"], again.json()["duplicate"]) == (0, 0, GOOD)


def test_search_show_history_and_trace_answer(site: Site) -> None:
    found = site("search", "TIC101.SP", "--source", SOURCE, "--json").json()
    assert (found["total"], len(found["found"])) == (GOOD, GOOD)
    assert site("search", "absent-word", "--json").json()["total"] == 0
    assert site("search", "--workstation", "HMI-99", "--json").json()["total"] == 0
    assert site("search", "--link", "batch:B-2026-00042", "--link", "lot:none", "--json").json()["total"] == 0
    whole = ("--received-from", "2000-10-25", "--received-to", "2100-01-01", "--zone", "Europe/Berlin")
    told = site("search", *whole, "--link", "batch:B-2026-00042", "--json").json()
    assert (told["total"], told["windows"][0]["from_utc"]) == (GOOD, "2000-10-24T22:00:00.000000Z")
    assert site("search", "--unit", "R-101", "--json").json()["total"] == 0
    assert "this searches for a person" in site("search", "--person", "P-1").err
    assert site("search", "--size", "0", "--json").json()["total"] == 0
    in_order = site("search", "--sort", "received", "--ascending", "--limit", "2", "--json").json()
    rest = site("search", "--sort", "received", "--ascending", "--after", in_order["next_after"], "--json").json()
    indices = [one["index"] for page in (in_order, rest) for one in page["found"]]
    assert indices == sorted(one["index"] for one in found["found"])
    assert "no checkpoint yet" in site("search", "--at-checkpoint").err
    assert "No source nowhere is registered" in site("search", "--source", "nowhere").out
    shown = site("show", str(found["found"][0]["index"]), "--json").json()
    assert shown["kind"] == "record"
    assert json.loads(shown["body"])["record"]["source"] == SOURCE
    assert site("history", "tag", "TIC101.SP", "--json").json()["total"] == GOOD
    assert site("history", "tag", "TIC999", "--json").json()["total"] == 0
    versions = site("history", "tag", "TIC101.SP", "--attribute", "Value", "--json").json()["versions"]
    assert [one["steps"][0]["continuity"] for one in versions] == ["broken"] * (GOOD - 1) + ["first"]
    assert "▲ does not go on from entry" in site("history", "tag", "TIC101.SP", "--limit", "1").out
    at = ("--at", "2100-01-01T12:00", "--zone", "Europe/Berlin")
    (state,) = site("history", "tag", "TIC101.SP", *at, "--json").json()["states"]
    assert [one["value"] for field in state["fields"] for one in field["alternatives"]] == ["55.5"]
    assert f"Value: 55.5 degC (since entry {versions[0]['index']})" in site("history", "tag", "TIC101.SP", *at).out
    assert "not 999999 yet" in site("history", "tag", "TIC101.SP", "--size", "999999").err
    traced = site("trace", "batch", "B-2026-00042", "--json").json()["members"]
    assert [one["member"]["basis"] for one in traced] == ["read"] * GOOD
    lines = site("trace", "batch", "B-2026-00042", "--timeline").out.splitlines()
    dated = [line[:27] for line in lines if line[10:11] == "T"]
    assert (dated, len(dated)) == (sorted(dated), GOOD)
    assert any("not-yet" in line or "before" in line for line in lines), "what is not known of the source's time"
    outward = site("trace", "batch", "B-2026-00042", "--depth", "2", "--json").json()
    assert ("batch", 0, GOOD) in {(one["kind"], one["steps"], one["records"]) for one in outward["graph"]["nodes"]}
    assert site("trace", "batch", "B-2026-00042", "--size", "0", "--json").json()["members"] == []
    none = site("orphans", "--from", "2026-11-01", "--to", "2026-12-01", "--zone", "Europe/Berlin")
    assert none.out.startswith("0 records of critical equipment are in no batch")


@pytest.mark.requirement("R01")
def test_an_entry_altered_in_the_database_is_named_and_the_exit_code_is_1(tmp_path: Path) -> None:
    site = filled(tmp_path)
    assert site("verify").code == 0
    index = site("search", "--json").json()["found"][-1]["index"]
    with closing(sqlite3.connect(site.folder / "ledger.sqlite")) as database, database:
        for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        changed = database.execute(
            "UPDATE body SET body = CAST(replace(CAST(body AS TEXT), '55.5', '56.5') AS BLOB) WHERE pos = ?",
            ((1 << 40) | index,),
        )
        assert changed.rowcount == 1
    answer = site("verify")
    assert answer.code == 1
    assert f"entry: {index} of log 1" in answer.out


def test_a_package_holds_under_the_logs_key_and_under_no_other(site: Site, tmp_path: Path) -> None:
    package = tmp_path / "evidence.zip"
    written = site("package", "--batch", "B-2026-00042", "--out", package, "--json")
    assert (written.code, written.json()["records"]) == (0, GOOD)
    assert written.json()["vkey"] == site.made["vkey"]
    assert trailseal("verify", package, "--vkey", site.made["vkey"]).code == 0
    assert trailseal("verify", package, "--json").code == 2
    stranger = str(NoteSigner("plant.example/cli/records", b"\x07" * 32).verifier)
    assert trailseal("verify", package, "--vkey", stranger).code == 1
    assert site("package", "--batch", "B-2026-00042", "--out", package).code == 1, "it exists already"
    unknown = tmp_path / "unknown.zip"
    assert site("package", "--batch", "B-2026-99999", "--out", unknown).code == 1
    assert not unknown.exists()


def test_tiles_projections_and_keys(site: Site, tmp_path: Path) -> None:
    exported = site("tiles", "export", "--out", tmp_path / "tiles", "--json")
    assert exported.code == 0
    assert (tmp_path / "tiles" / "checkpoint").read_text().startswith("plant.example/cli/records\n")
    before = site("search", "--json").json()["found"]
    assert site("rebuild", "--json").json()["entries"] > GOOD
    assert site("search", "--json").json()["found"] == before
    assert site.made["vkey"] in {one["vkey"] for one in site("key", "list", "--json").json()["keys"]}
    assert site("upgrade", "--json").json()["before"] == site("upgrade", "--json").json()["now"]


@pytest.mark.requirement("R15")
def test_published_tiles_are_audited_without_the_ledger(site: Site, tmp_path: Path) -> None:
    out, state = tmp_path / "tiles", tmp_path / "state"
    size = site("tiles", "export", "--out", out, "--json").json()["size"]
    vkey = site.made["vkey"]
    audited = trailseal("verify", "--tiles", out, "--vkey", vkey, "--state", state, "--json")
    assert (audited.code, audited.json()["size"], audited.json()["problems"]) == (0, size, [])
    unsigned = trailseal("verify", "--tiles", out)
    assert (unsigned.code, "NOT authenticated" in unsigned.out) == (2, True)
    policy = tmp_path / "policy"
    policy.write_text(f"log {vkey}\nquorum none\n")
    assert trailseal("verify", "--tiles", out, "--policy", policy, "--since", out / "checkpoint").code == 0
    bundle = next((out / "tile/entries/000.p").iterdir())
    bundle.write_bytes(bundle.read_bytes().replace(b'"record"', b'"source"', 1))
    wrong = trailseal("verify", "--tiles", out, "--vkey", vkey)
    assert (wrong.code, "tile/entries/000.p" in wrong.out) == (1, True)
    mended = site("tiles", "export", "--out", out, "--whole", "--json").json()
    assert (mended["files"], mended["mended"]) == (1, 1)
    assert trailseal("verify", "--tiles", out, "--vkey", vkey, "--state", state).code == 0
    for mistaken in (("--vkey", vkey, "--policy", policy), ("--log", "records"), ("--vkey", "none")):
        refused = trailseal("verify", "--tiles", out, *mistaken)
        assert (refused.code, refused.out) == (1, "")
    assert trailseal("verify", "--since", out / "checkpoint").code == 1


def test_doctor_names_a_key_file_that_others_can_read(site: Site) -> None:
    assert site("doctor").code == 0
    key = next(path for path in (site.folder / "keys").rglob("*") if path.is_file())
    mode = key.stat().st_mode
    key.chmod(0o644)
    try:
        looked = site("doctor", "--json")
    finally:
        key.chmod(mode)
    assert looked.code == 1
    assert [one["name"] for one in looked.json() if not one["ok"]] == ["keys"]


def test_a_pushed_source_is_listed_and_never_collected_from(site: Site) -> None:
    assert "push" in {one["type"] for one in trailseal("source", "types", "--json").json()}
    assert [one["source"]["type"] for one in site("source", "list", "--json").json()] == ["push"]
    assert site("collect", "--json").json() == {"collected": [], "failed": []}
    assert site("collect", SOURCE).code == 1, "asked for by name there is nothing to pull"


def test_a_token_is_shown_once_listed_without_its_secret_and_revoked(site: Site) -> None:
    made = site("token", "create", "--account", "gateway", "--scope", "ingest", "--source", SOURCE, "--json").json()
    listed = site("token", "list", "--json")
    (held,) = [one for one in listed.json() if one["grant"] == made["grant"]]
    assert (held["account"], held["sources"], held["to_index"]) == ("gateway", [SOURCE], None)
    assert made["token"] not in listed.out
    assert site("token", "revoke", made["grant"]).code == 0
    assert site("token", "revoke", made["grant"]).code == 1, "it is revoked already"
    (held,) = [one for one in site("token", "list", "--json").json() if one["grant"] == made["grant"]]
    assert held["to_index"] is not None


@pytest.mark.parametrize("wrong", [("--scope", "ingest"), ("--scope", "read", "--source", SOURCE)])
def test_scope_ingest_and_sources_go_together(site: Site, wrong: tuple[str, ...]) -> None:
    answer = site("token", "create", "--account", "gateway2", *wrong)
    assert answer.code == 1
    assert "sources" in answer.err
