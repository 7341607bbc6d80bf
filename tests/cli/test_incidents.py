"""At the terminal: a damage opens a case that is listed, shown, compared and closed once there is a way back."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

from tests.cli.conftest import filled


def test_a_damage_is_a_case_at_the_terminal_and_each_step_says_what_it_takes(tmp_path: Path) -> None:
    site = filled(tmp_path)
    assert site("incident", "list", "--json").json() == []
    database = tmp_path / "ledger" / "ledger.sqlite"
    copy = tmp_path / "copy.sqlite"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(database, copy)
    index = site("search", "--limit", "1", "--json").json()["found"][0]["index"]
    pos = (1 << 40) | index
    with contextlib.closing(sqlite3.connect(database)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE body SET body = substr(body, 1, 40) || body WHERE pos = ?", (pos,))
        connection.commit()
    assert site("verify").code == 1
    (listed,) = site("incident", "list", "--json").json()
    case = listed["case"]
    assert (listed["state"], listed["closed"]) == ("opened", False)
    shown = site("incident", "show", case, "--impact", "--json").json()
    assert shown["case"]["opened"]["affected"][0]["runs"] == str(index)
    assert shown["impact"]["after"] is None
    assert (
        f"doubted: 1 entries of {shown['case']['opened']['affected'][0]['origin']}: {index}"
        in site("incident", "show", case).out
    )
    assert "1 differ" in site("incident", "confirm", case, "--against", str(copy)).out
    refused = site("incident", "restore-verified", case, "--backup", "monday", "--reason", "restored")
    assert (refused.code, "does not verify" in refused.err) == (1, True)
    early = site("incident", "close", case, "--deviation", "DEV-1", "--reason", "looked at")
    assert (early.code, "no way back yet" in early.err) == (1, True)
    assert "proposed" in site("incident", "new-epoch", case, "--reason", "no backup has it").out
    alone = site("incident", "new-epoch", case, "--reason", "agreed")
    assert (alone.code, "two people" in alone.err) == (1, True)
    unclear = site("incident", "open", "--source", "erp", "--reason", "why")
    assert (unclear.code, "with --from" in unclear.err) == (1, True)
    wrong = site("incident", "open", "--source", "nowhere", "--from", "2026-01-01T00:00:00Z", "--reason", "why")
    assert (wrong.code, "nothing came from source" in wrong.err) == (1, True)
