"""Keys, the first start and signatures at the terminal, with real components typed where they are asked for."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger import packages
from ledger.people.roles import Role
from ledger.present.card import fingerprint_of
from ledger.service import Service
from ledger.store.question import Query
from ledger.trace.selection import BySearch
from tests.cli.terminal import Answer, trailseal
from tests.support.signers import CHEAP, LIGHT, Plant, Signer


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    made = Plant(tmp_path_factory.mktemp("terminal") / "ledger")
    yield made
    made.close()


@pytest.fixture
def at(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Runs a command on the plant's ledger, by the plant's clock and at the plant's cost of Argon2."""
    monkeypatch.setattr("ledger.cli.ledgers.Service", partial(Service, clock=plant.clock, effort=CHEAP, sealing=LIGHT))
    people: dict[str, Signer] = {"officer1": plant.officer, "quality1": plant.quality}

    def run(*arguments: str, typing: Signer | None = None) -> Answer:
        def typed(words: str, **_options: Any) -> str:
            who = next((one for name, one in people.items() if name in words), typing)
            assert who is not None, words
            if words.startswith("Password"):
                return who.password
            return who.code() if words.startswith("Code") else who.secret

        monkeypatch.setattr("ledger.cli.sign_routes.typer.prompt", typed)
        return trailseal("sign", *arguments, "--ledger", plant.service.folder)

    return run


@pytest.mark.requirement("R16", "R24", "R29")
def test_from_the_first_start_to_a_signature_that_verifies_offline(
    plant: Plant, at: Callable[..., Answer], tmp_path: Path
) -> None:
    for one in (plant.officer, plant.quality):
        made = at("key", "make", "--as", one.account, "--reason", "first key", typing=one)
        assert made.code == 0, made.err
        assert "once two people vouched" in made.out
    founded = at("ceremony", "--officer", "officer1", "--quality", "quality1", typing=plant.officer)
    assert founded.code == 0, founded.err
    assert founded.out == at("card").out
    assert fingerprint_of(plant.service.vkey(plant.service.log())) in founded.out
    assert "Quentin Quality (quality1), approver" in founded.out
    plant.publish()
    for one in (plant.officer, plant.quality):
        answered = at("accountability", "--as", one.account, typing=one)
        assert answered.code == 0, answered.err

    new = plant.person("reviewer1", "Rita Reviewer", Role.REVIEWER, plant.officer.sign_in().authority)
    made = at("key", "make", "--as", "reviewer1", "--reason", "first key", "--json", typing=new)
    key = made.json()["key"]
    for one in (plant.officer, plant.quality):
        vouched = at("key", "vouch", key, "--as", one.account, "--how", "in person", "--reason", "known", typing=one)
        assert vouched.code == 0, vouched.err
    refusing = ("key", "refuse", key, "--as", "officer1", "--reason", "another fingerprint")
    late = at(*refusing, typing=plant.officer)
    assert (late.code != 0, "waits for no voucher" in late.err) == (True, True)
    plant.publish()
    assert f"{key}  reviewer1" in at("key", "list").out
    other = plant.person("reviewer2", "Ruth Reviewer", Role.REVIEWER, plant.officer.sign_in().authority)
    key2 = at("key", "make", "--as", "reviewer2", "--reason", "first key", "--json", typing=other).json()["key"]
    refused = at(*refusing[:2], key2, *refusing[3:], "--json", typing=plant.officer)
    assert refused.code == 0, refused.err
    assert re.search(rf"{key2}  reviewer2 .* revoked", at("key", "list").out)

    (entry,) = plant.records(1)
    signing = ("entries", str(entry), "--meaning", "approved", "--reason", "other", "--added", "ok")
    done = at(*signing, "--as", "quality1", typing=plant.quality)
    assert done.code == 0, done.err
    assert "Quentin Quality (quality1), approver, signed" in done.out
    assert "I approve these records." in done.err
    assert "say little" in done.err
    index = at(*signing, "--as", "quality1", typing=plant.quality)
    assert index.code == 1
    assert "exactly this" in index.err

    out = tmp_path / "evidence.zip"
    service = plant.service
    packages.issue(service, service.log(), BySearch(query=Query(source="erp")), out, plant.root)
    vkey = service.vkey(service.log())
    verified = trailseal("sign", "verify", out, "--vkey", vkey)
    assert verified.code == 0, verified.out
    assert "Valid; 1 of the 1 entries" in verified.out
    assert trailseal("sign", "verify", out).code == 2
    assert "Quentin Quality" in trailseal("verify", out, "--vkey", vkey).out

    revoked = at("key", "revoke", key, "--as", "officer1", "--reason", "left", typing=plant.officer)
    assert revoked.code == 0, revoked.err
    assert trailseal("verify", "--ledger", plant.service.folder).code == 0


def test_a_wrong_secret_signs_nothing(plant: Plant, at: Callable[..., Answer]) -> None:
    (entry,) = plant.records(1)
    stranger = Signer(plant, "quality1", "Quentin Quality")
    stranger.device = plant.quality.device
    stranger.password, stranger.secret = plant.quality.password, "no such secret anywhere"
    refused = at("entries", str(entry), "--meaning", "approved", "--as", "quality1", typing=stranger)
    assert refused.code == 1
    assert "not accepted" in refused.err
