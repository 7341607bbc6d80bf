"""The ledger's side of witnesses at the terminal, and a real witness beside it that files are carried to."""

from pathlib import Path
from typing import Any

import msgspec
from typer.testing import CliRunner

from ledger.cli.app import app
from tests.support.ledgers import Ledger, submission

RUN = CliRunner()
RUN_BY = ("--operator", "quality unit", "--administrator", "quality systems", "--host", "quality office")


def at_terminal(*words: str, code: int = 0) -> Any:
    done = RUN.invoke(app, [*words, "--json"])
    assert done.exit_code == code, done.output
    return msgspec.json.decode(done.stdout)


def test_a_witness_that_no_network_reaches_makes_the_quorum(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    ledger, witness = str(sqlite_ledger.folder), str(tmp_path / "witness")
    about = at_terminal(
        "witness", "init", witness, "--name", "witness.example/qa", *RUN_BY, "--identity-provider", "none"
    )
    for log in sqlite_ledger.store.logs():
        vkey = sqlite_ledger.service.vkey(log)
        empty = ("--size", "0")
        at_terminal("witness", "add-log", witness, "--origin", log.origin, "--vkey", vkey, *empty)
    at_terminal(
        *("witness", "add", "qa", "--ledger", ledger, "--vkey", about["vkeys"][0], "--role", "qa", *RUN_BY),
        *("--reason", "agreed", "--log-operator", "site", "--log-administrator", "quality systems"),
    )
    sqlite_ledger.submit([submission(1)])
    said = None
    for name in ("system", "records"):
        request, answer = str(tmp_path / f"{name}.request"), str(tmp_path / f"{name}.answer")
        where = ("--ledger", ledger, "--log", name)
        at_terminal("witness", "request", *where, "--witness", "qa", "--out", request)
        assert RUN.invoke(app, ["witness", "cosign", witness, request, "--out", answer]).exit_code == 0
        said = at_terminal("witness", "answer", answer, "--request", request, *where)
    assert said is not None
    assert said["quorum"] == "met"
    rows = {row["log"]: row for row in at_terminal("witness", "status", "--ledger", ledger)}
    assert (rows["records"]["quorum"], rows["records"]["open_entries"]) == ("met", 0)
    policies = at_terminal("witness", "policy", "--ledger", ledger)["policies"]
    assert policies[0]["shared"] == ["qa: administrator quality systems"]
    findings = at_terminal("doctor", "--ledger", ledger, code=1)
    assert "quality systems" in next(one["says"] for one in findings if one["name"] == "witnesses, independence")
