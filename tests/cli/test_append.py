"""`append` loses nothing of what it is given: what is no record is kept in quarantine, however odd or large."""

import io
import json
import sys
from pathlib import Path

import msgspec
import pytest

from ledger.cli import append as command
from ledger.core.vault import MAX_ORIGINAL
from tests.cli.conftest import SOURCE, Site, filled, lines_of
from tests.cli.terminal import Answer
from tests.support.ledgers import record

LARGE = "x" * (MAX_ORIGINAL // 4)


@pytest.fixture
def own(tmp_path: Path) -> Site:
    """A ledger that one test alone appends to."""
    return filled(tmp_path)


def _append(site: Site, data: bytes) -> Answer:
    file = site.folder.parent / "given.jsonl"
    file.write_bytes(data)
    return site("append", file, "--source", SOURCE, "--json")


def _kept(site: Site, answer: Answer) -> dict[int, str]:
    """Line → the reason that its quarantine entry itself gives."""
    kept = {}
    for one in answer.json()["refused"]:
        body = json.loads(site("show", str(one["entry"]), "--json").json()["body"])
        assert body["schema"] == "quarantine/1"
        assert one["reason"] == body["reason"]
        kept[one["line"]] = body["reason"]
    return kept


def _line(**members: object) -> bytes:
    changed = msgspec.to_builtins(record("odd", SOURCE)) | members
    return json.dumps(changed).encode() + b"\n"


def test_a_reason_that_quotes_a_long_line_is_cut_and_stops_nobody(own: Site) -> None:
    answer = _append(own, _line(action="a" * 400_000) + lines_of(70))
    assert (answer.code, answer.json()["appended"], answer.json()["quarantined"]) == (1, 1, 1)
    (reason,) = _kept(own, answer).values()
    assert "action" in reason or "aaa" in reason
    assert len(reason) < 10_000


def test_a_body_and_an_original_above_their_limits_are_quarantined(own: Site) -> None:
    changes = [{"attribute": f"a{at}", "old": "o" * 262_144} for at in range(5)]
    too_large = b'{"source":"' + LARGE.encode() * 4 + b'"}\n'
    answer = _append(own, _line(changes=changes) + too_large + lines_of(71))
    assert (answer.code, answer.json()["appended"], answer.json()["quarantined"]) == (1, 1, 2)
    reasons = _kept(own, answer)
    assert "larger than" in reasons[1]
    assert set(reasons) == {1, 2}
    assert own("verify").code == 0


def test_a_line_longer_than_any_record_ends_the_command_and_what_stood_before_is_appended(own: Site) -> None:
    answer = _append(own, lines_of(72) + b"x" * (command.MAX_LINE + 1))
    assert answer.code == 1
    assert "line 2 is longer" in answer.err
    assert own("search", "--json").json()["total"] == 6


def test_more_lines_than_a_run_holds_make_several_runs_and_keep_their_numbers(own: Site) -> None:
    many = command.CHUNK + 3
    answer = _append(own, lines_of(*range(100, 100 + many)) + b"\n\nno record\n")
    assert answer.json()["appended"] == many
    assert [one["line"] for one in answer.json()["refused"]] == [many + 3]
    (listed,) = own("source", "list", "--json").json()
    assert listed["last_run"] is not None
    assert len(own("source", "coverage", SOURCE, "--json").json()) >= 3


def test_only_the_first_refused_lines_are_named_and_all_are_counted(own: Site) -> None:
    answer = _append(own, b"no record\n" * (command.SHOWN + 5))
    assert answer.json()["quarantined"] == command.SHOWN + 5
    assert len(answer.json()["refused"]) == command.SHOWN
    told = own("append", own.folder.parent / "given.jsonl", "--source", SOURCE)
    assert "and 5 more lines" in told.out


def test_standard_input_is_read_like_a_file(own: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines_of(80, 81))))
    answer = own("append", "-", "--source", SOURCE, "--json")
    assert (answer.code, answer.json()["appended"]) == (0, 2)


def test_what_a_source_wrote_cannot_act_on_the_terminal(own: Site) -> None:
    hostile = {"type": "tag", "id": "T\u001b[2J\u202e1", "name": "line\nbreak"}
    assert _append(own, _line(object=hostile)).code == 0
    found = own("search", "--limit", "1")
    for character in "\u001b\u202e":
        assert character not in found.out
    assert len(found.out.splitlines()) == 3
    exact = json.loads(
        own("show", str(own("search", "--limit", "1", "--json").json()["found"][0]["index"]), "--json").out
    )
    assert json.loads(exact["body"])["record"]["object"] == hostile
