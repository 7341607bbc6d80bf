"""`trailseal alcoa`: a record by all checks, whole logs and batches in numbers; in words and as JSON."""

import contextlib
from pathlib import Path

import msgspec
import pytest

from ledger.core.entry import draft
from ledger.core.record import Link, LinkBasis, LinkKind, Original
from ledger.review.alcoa.runs import entered
from ledger.service import Service
from ledger.sources.prepare import keep_original
from ledger.store.reading import VaultReader
from tests.cli.conftest import GOOD, SOURCE, Site, filled
from tests.support.ledgers import record


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return filled(tmp_path_factory.mktemp("alcoa"))


@pytest.mark.requirement("C09")
def test_a_record_is_shown_by_all_checks_and_a_failure_ends_with_code_1(site: Site) -> None:
    index = site("search", "--json").json()["found"][0]["index"]
    told = site("alcoa", "show", str(index))
    failed = _failed(site, index)
    assert (told.code, told.out.count("\n")) == (1 if failed else 0, 14)
    assert "unreachable-path" not in failed
    assert "C09  Complete         not assessable  nobody has set what such a record must have" in told.out
    profile = '{"old": false, "new": false, "reason": false, "change_request": true}'
    put = site("parameter", "put", "profile", profile, "--json").json()["entry"]
    assert site("alcoa", "show", str(index)).code == 1
    assert _failed(site, index) == failed | {"unreachable-path"}
    assert site("alcoa", "show", str(index), "--size", str(put)).out.splitlines()[1:] == told.out.splitlines()[1:]


def _failed(site: Site, index: int) -> set[str]:
    checks = site("alcoa", "show", str(index), "--json").json()["checks"]
    return {one["code"] for one in checks if one["result"] == "fail"}


def test_what_is_no_record_is_refused(site: Site) -> None:
    refused = site("alcoa", "show", "0")
    assert refused.code != 0
    assert "only records" in refused.err


@pytest.mark.requirement("C09")
def test_records_are_assessed_counted_and_listed_behind_their_number(tmp_path: Path) -> None:
    site = filled(tmp_path)
    assert "No record" in site("alcoa", "totals").out
    made = site("alcoa", "assess")
    assert (made.code, "1 blocks assessed, 1 came out anew" in made.out) == (0, True)
    assert site("alcoa", "assess", "--json").json()["entries"] == []
    totals = site("alcoa", "totals", "--json").json()
    complete = next(one for one in totals["totals"] if one["attribute"] == "complete")
    assert (complete["passed"], complete["failed"], complete["open"]) == (0, 0, GOOD)
    days = ("--from", complete["first"], "--to", complete["last"])
    assert site("alcoa", "totals", "--period", "month", *days).out.count("\n") == 10
    asked = ("alcoa", "records", SOURCE, "complete", "not-assessable", *days)
    page = site(*asked, "--limit", "3", "--json").json()
    rest = site(*asked, "--after", page["next_after"], "--json").json()
    found = site("search", "--json").json()["found"]
    listed = [one["index"] for one in (*page["records"], *rest["records"])]
    assert listed == sorted(one["index"] for one in found)
    assert "There are more" in site(*asked, "--limit", "3").out
    assert site(*asked[:4], "fail").out == ""
    assert "2026-13-01" in site("alcoa", "totals", "--from", "2026-13-01").err
    assert site("alcoa", "assess", "--full", "--json").json()["changed"] == 0


@pytest.mark.requirement("C13")
def test_what_belongs_to_a_batch_is_assessed_and_a_number_names_its_records(site: Site) -> None:
    links = (Link(kind=LinkKind.BATCH, id="B-1", basis=LinkBasis.READ),)
    lines = [msgspec.json.encode(record(number, SOURCE, links=links)) for number in (101, 102)]
    site.file.write_bytes(b"\n".join(lines) + b"\n")
    assert site("append", site.file, "--source", SOURCE).code == 0
    told = site("alcoa", "batch", "B-1", "--json")
    found = told.json()
    ((source, records, tallies),) = (one.values() for one in found["sources"])
    assert (found["kind"], found["records"], source, records, found["behind"]) == ("batch", 2, SOURCE, 2, None)
    numbers = {one["attribute"]: (one["passed"], one["failed"], one["open"]) for one in tallies}
    assert (len(numbers), numbers["contemporaneous"]) == (10, (0, 0, 2))
    assert told.code == int(any(failed for _, failed, _ in numbers.values()))
    number = ("--attribute", "contemporaneous", "--verdict", "not-assessable")
    behind = site("alcoa", "batch", "B-1", *number, "--json").json()["behind"]
    assert [(one["source"], one["code"]) for one in behind] == [(SOURCE, "no-limit")] * 2
    lines_told = site("alcoa", "batch", "B-1", *number).out.splitlines()
    assert lines_told[0].startswith(f"batch B-1 as of size {found['size']}: 2 records")
    assert lines_told[-1] == f"{SOURCE}  entry {behind[1]['index']}  no limit is set"
    assert site("alcoa", "batch", "B-1", *number, "--source", "other", "--json").json()["behind"] == []
    assert "together" in site("alcoa", "batch", "B-1", *number[:2]).err
    assert "nothing belongs to lot" in site("alcoa", "batch", "B-1", "--kind", "lot").err


@pytest.mark.requirement("C09")
def test_assessments_are_recounted_by_the_seed_of_a_verification(tmp_path: Path) -> None:
    site = filled(tmp_path)
    assert site("alcoa", "assess", "--workers", "2").code == 0
    held = site("alcoa", "recount", "--seed", "7", "--json")
    assert (held.code, held.json()["fault"], held.json()["left_out"]) == (0, None, "")
    assert site("alcoa", "recount").out == "Assessments say what the records come to.\n"
    with contextlib.closing(Service(tmp_path / "ledger")) as service:
        log = service.record_log().log.number
        with service.store.reading() as connection:
            ((entry, body), *_) = entered(connection, log, None, 1)
            kept = VaultReader(connection).original(log, entry)
        assert kept is not None
        made = Original(
            data=kept.value or b"", media_type="application/jsonl", parser="alcoa-cells", parser_version="2"
        )
        cells, item = keep_original(made)
        block = msgspec.structs.replace(body.blocks[0], records=99)
        forged = msgspec.structs.replace(body, blocks=(block,), cells=cells)
        service.store.append_one(log, draft(forged, vault=(item,)))
    found = site("alcoa", "recount", "--json")
    assert (found.code, "its numbers of" in found.json()["fault"]["what"]) == (1, True)
    assert site("alcoa", "recount", "--size", str(found.json()["fault"]["index"])).code == 0
