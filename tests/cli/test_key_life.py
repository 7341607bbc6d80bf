"""The life of a log's key at the terminal: made offline, promised, rotated, announced, revoked, in doubt."""

import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger.core.note import VerifierKey, open_note
from ledger.new_log import NEXT_KEYS
from ledger.people.roles import Role
from ledger.service import Service
from tests.cli.conftest import Site, filled
from tests.cli.terminal import Answer, trailseal
from tests.support.founded import founded
from tests.support.signers import Plant, Signer


@pytest.fixture
def fresh(tmp_path: Path) -> Site:
    return filled(tmp_path)


def test_a_key_is_rotated_from_a_folder_that_was_offline(fresh: Site, tmp_path: Path) -> None:
    old = fresh.made["vkey"]
    offline, after = tmp_path / "offline", tmp_path / "after"
    (fresh.folder / NEXT_KEYS).rename(offline)
    assert {stat.S_IMODE(path.stat().st_mode) for path in offline.glob("*.key")} == {0o600}
    said = trailseal("key", "prepare-next", "--origin", "plant.example/cli/records", "--out", after, "--json")
    digest = said.json()["digest"]
    again = trailseal("key", "prepare-next", "--origin", "plant.example/cli/records", "--out", after)
    assert (again.code, "next key already" in again.err) == (1, True)
    wrong = fresh("key", "rotate", "--next", after, "--then", digest, "--reason", "due")
    assert (wrong.code, "not the key that entry 0" in wrong.err) == (1, True)
    neither = fresh("key", "rotate", "--next", offline, "--reason", "due")
    assert (neither.code, "promises the key after it" in neither.err) == (1, True)
    done = fresh("key", "rotate", "--next", offline, "--then", digest, "--reason", "due", "--json")
    assert done.code == 0, done.err
    new = done.json()["new"]
    assert (done.json()["old"], done.json()["next"]) == (old, digest)
    note = fresh("key", "announce").out.encode()
    assert len(open_note(note, [VerifierKey.parse(old), VerifierKey.parse(new)]).verified) == 2
    revoked = fresh("key", "revoke", old[: old.rindex("+")], "--reason", "the overlap is over")
    assert revoked.code == 0, revoked.err
    shown = fresh("key", "show", "--json").json()
    assert [(one["vkey"], one["state"]) for one in shown["keys"]] == [(old, "revoked"), (new, "present")]
    assert shown["next"] == digest
    words = fresh("key", "show").out
    assert (f"revoked   {old}" in words, f"present   {new}" in words, digest in words) == (True, True, True)
    assert new in {one["vkey"] for one in fresh("key", "list", "--json").json()["keys"]}
    assert fresh("verify", "--full").code == 0
    listed = fresh("key", "list").out
    assert "rotated" in listed


def test_doctor_says_that_the_next_key_still_stands_here(fresh: Site, tmp_path: Path) -> None:
    def next_key() -> str:
        looked = fresh("doctor", "--json").json()
        return str(next(one["says"] for one in looked if one["name"] == "next key, log records"))

    assert "its secret still stands in" in next_key()
    (fresh.folder / NEXT_KEYS).rename(tmp_path / "away")
    assert next_key() == "promised by entry 0"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    made = founded(tmp_path_factory.mktemp("keys") / "ledger", ahead_s=-15 * 60.0)
    yield made
    made.close()


@pytest.fixture
def at(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Runs a command on the plant's ledger, by the plant's clock; whoever acts types what is theirs."""
    monkeypatch.setattr("ledger.cli.ledgers.Service", partial(Service, clock=plant.clock))

    def run(*arguments: Any, who: Signer | None = None) -> Answer:
        def typed(words: str, **_options: Any) -> str:
            assert who is not None
            return who.password if words.startswith("Password") else who.code()

        monkeypatch.setattr("typer.prompt", typed)
        named = ("--as", who.account) if who is not None else ()
        return trailseal("key", *map(str, arguments), *named, "--ledger", plant.service.folder)

    return run


def test_a_compromise_is_reported_by_one_administrator_and_confirmed_by_another(
    plant: Plant, at: Callable[..., Answer]
) -> None:
    officer = plant.officer
    second = plant.person("officer2", "Otto Officer", Role.SECURITY_OFFICER, officer.sign_in().authority)
    vkey = plant.service.vkey(plant.service.log())
    words = ("--meaning", "ask again what it signed", "--reason", "a disk is missing")
    said = at("report-compromise", vkey, "--doubtful-from", "2026-01-02T03:04:05Z", *words, "--json", who=officer)
    assert said.code == 0, said.err
    index = said.json()["address"].rpartition("#")[2]
    alone = at("confirm-compromise", index, "--reason", "I say so", who=officer)
    assert (alone.code, "takes two people" in alone.err) == (1, True)
    assert at("confirm-compromise", index, "--reason", "looked into it", who=second).code == 0
    assert f"doubtful  from 2026-01-02T03:04:05.000000Z: {vkey}" in at("show").out
    denied = at("report-compromise", vkey, "--doubtful-from", "2026-01-02T03:04:05Z", *words, who=plant.quality)
    assert (denied.code, "scope 'admin'" in denied.err) == (1, True)
    local = at("pre-rotate", "A" * 44, "--reason", "mine")
    assert (local.code, "first start is over" in local.err) == (1, True)
