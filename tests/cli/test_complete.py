"""`trailseal source coverage|sequence|exposure` of an interval: in words and as JSON, as of a size."""

from pathlib import Path

import pytest

from ledger.core.clock import utc_text
from tests.cli.conftest import GOOD, SOURCE, Site
from tests.cli.terminal import trailseal
from tests.support.ledgers import START_US

ALWAYS = ("--from", "2020-01-01", "--to", "2100-01-01", "--zone", "UTC")
INTERVAL = ("--from", utc_text(START_US), "--to", utc_text(START_US + 3_000_000))


def test_an_interval_is_told_in_stretches_and_without_one_run_by_run(site: Site) -> None:
    told = site("source", "coverage", SOURCE, *INTERVAL)
    assert (told.code, "before" in told.out) == (0, True), told.err
    found = site("source", "coverage", SOURCE, "--from", "2020-01-01", "--to", "2100-01-01", "--zone", "UTC", "--json")
    states = [one["state"] for one in found.json()["stretches"]]
    assert (states[0], states[-1], found.json()["runs"]) == ("before", "not-yet", 1)
    assert f"{GOOD} records" in site("source", "coverage", SOURCE).out
    early = site("source", "coverage", SOURCE, *INTERVAL, "--size", "3", "--json").json()
    assert (early["runs"], [one["state"] for one in early["stretches"]]) == (0, ["before"])


def test_numbers_and_exposure_are_told(site: Site) -> None:
    told = site("source", "sequence", SOURCE, *INTERVAL).out
    assert "nobody has said" in told
    assert "without a number: 3" in told, "records 0, 1 and 2 happened in the interval"
    assert site("source", "sequence", SOURCE, *INTERVAL, "--json").json()["unnumbered"] == 3
    site("parameter", "put", "exposure", '{"limit_s": 60}', "--reason", "risk")
    told = site("source", "exposure", SOURCE, *INTERVAL).out
    assert "limit: 1 min" in told
    assert "that do not: 3" in told
    assert site("source", "exposure", SOURCE, *INTERVAL, "--json").json()["limit_us"] == 60_000_000


def test_what_was_received_is_stated_signed_and_verified(site: Site, tmp_path: Path) -> None:
    out, tampered = tmp_path / "erp.json", tmp_path / "tampered.json"
    made = site("source", "complete", SOURCE, *ALWAYS, "--out", out, "--reason", "yearly review")
    assert (made.code, f"{GOOD} records in 1 runs" in made.out) == (0, True), made.err
    assert "not known: " in made.out
    (listed,) = site("source", "statements", SOURCE, "--json").json()
    assert listed["statement"]["reason"] == "yearly review"
    assert f"{GOOD} records" in site("source", "statements", SOURCE).out
    vkey = site.made["vkey"]
    assert trailseal("verify", out, "--vkey", vkey).code == 0
    assert trailseal("verify", out).code == 2
    tampered.write_bytes(out.read_bytes().replace(b'records\\":5', b'records\\":6'))
    assert tampered.read_bytes() != out.read_bytes()
    assert trailseal("verify", tampered, "--vkey", vkey).code == 1
    again = site("source", "complete", SOURCE, *ALWAYS, "--out", out, "--reason", "again")
    assert (again.code, "is there already" in again.err) == (1, True)
    assert "--card" in trailseal("verify", out, "--require-pq").err
    assert site("verify").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("coverage", SOURCE, "--from", "2026-01-01T00:00:00Z"), "both --from and --to"),
        (("coverage", SOURCE, "--from", "soon", "--to", "2026-01-01T00:00:00Z"), "--from"),
        (("sequence", "none", *INTERVAL), "none"),
        (("exposure", SOURCE, *INTERVAL, "--size", "1000000"), "1000000"),
        (("sequence", SOURCE, *INTERVAL[2:], "--from", "2030-01-01T00:00:00Z"), "ends before it begins"),
    ],
)
def test_what_is_wrong_is_named(site: Site, arguments: tuple[str, ...], said: str) -> None:
    answer = site("source", *arguments)
    assert (answer.code, said in answer.err) == (1, True), answer.out + answer.err
