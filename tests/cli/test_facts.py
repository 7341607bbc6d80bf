"""A source that is not what it was: its collection goes on, its records say so, until a person looked at a sample."""

from pathlib import Path

from tests.cli.conftest import Site
from tests.cli.terminal import trailseal

MAPPING = """
name = "gate"
version = 1
title = "Gate log"
drivers = ["tail"]

[options]
format = "csv"

[record]
id = { join = ["file.number", "file.offset"], by = "@" }
action = { text = "login" }
occurred_at = "entry.at"
actor = { account = "entry.user", kind = { text = "person" } }
object = { type = { text = "gate" }, id = { text = "north" } }
"""


def test_records_of_a_log_with_other_columns_are_marked_until_a_sample_of_them_is_validated(tmp_path: Path) -> None:
    made = trailseal("init", tmp_path / "ledger", "--origin", "plant.example/facts", "--json")
    site, log, mapping = Site(tmp_path / "ledger", made.json(), tmp_path), tmp_path / "gate.csv", tmp_path / "gate.toml"
    mapping.write_text(MAPPING)
    log.write_text("at,user\n2026-11-20T08:00:00Z,op1\n")
    added = site("source", "add", "gate", "--mapping", mapping, "--option", f"path={log}", "--json")
    assert added.json()["lacks"] == ["its own version or audit-trail setting: a change of it is not noticed"]

    def collected(user: str) -> tuple[int, str]:
        """The record of this user after a collection, and where the source stood."""
        assert site("collect", "gate").code == 0
        (found,) = site("search", user, "--purpose", "review", "--json").json()["found"]
        index = found["index"]
        state = site("show", str(index), "--json").json()["source_state"]
        return index, state

    def validate(index: int) -> None:
        assert site("source", "validate", "gate", "--sample", str(index), "--reason", "looked at").code == 0

    first, state = collected("op1")
    assert state == "connected"
    validate(first)
    log.write_text(log.read_text() + "2026-11-20T08:01:00Z,op2\n")
    assert collected("op2")[1] == "validated", "the same columns"
    log.rename(tmp_path / "gate.csv.1")
    log.write_text("at,user,door\n2026-11-20T08:02:00Z,op3,north\n")
    third, state = collected("op3")
    assert state == "re-validate"
    assert "waited to be validated anew" in site("show", str(third)).out
    assert site("source", "life", "gate", "--json").json()["state"] == "re-validate"
    validate(third)
    log.write_text(log.read_text() + "2026-11-20T08:03:00Z,op4,north\n")
    assert collected("op4")[1] == "validated"
    assert "waited" not in site("show", str(first)).out
    assert site("verify", "--full").code == 0
