"""Changes of configuration at the terminal: proposed by somebody who signs in, signed by another, in effect then."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger.core.source import PUSH, SourceConfig
from ledger.service import Service
from tests.cli.terminal import Answer, trailseal
from tests.support.changing import ENGINEER, SINCE, approve
from tests.support.founded import founded
from tests.support.signers import Plant, Signer

WHO = ("map", "identity", "erp", "op1", "--from", SINCE, "--person")


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    made = founded(tmp_path_factory.mktemp("terminal") / "ledger", ENGINEER)
    yield made
    made.close()


@pytest.fixture
def at(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Runs a command on the plant's ledger, by the plant's clock, as somebody who types what is asked for."""
    monkeypatch.setattr("ledger.cli.ledgers.Service", partial(Service, clock=plant.clock))

    def run(*arguments: str, by: Signer | None = None) -> Answer:
        def typed(words: str, **_options: Any) -> str:
            assert by is not None
            known = {"Password": by.password, "Signing secret": by.secret}
            return known.get(words.partition(" of ")[0]) or by.code()

        monkeypatch.setattr("ledger.cli.sign.typer.prompt", typed)
        who = () if by is None else ("--as", by.account)
        return trailseal(*arguments, *who, "--ledger", plant.service.folder)

    return run


def test_a_change_goes_from_its_proposal_to_its_effect(plant: Plant, at: Callable[..., Answer]) -> None:
    engineer, quality = plant.people[ENGINEER.account], plant.quality
    assert "change request" in at(*WHO, "P-1").err
    assert "somebody who is known" in at(*WHO, "P-1", "--change-request", "CR-0042").err
    made = at(*WHO, "P-1", "--change-request", "CR-0042", "--json", by=engineer)
    assert made.code == 0, made.err
    change, index = made.json()["change"], made.json()["index"]
    assert f"{change}  proposed, to be signed: CR-0042, 1 of identity by engineer1" in at("change", "list").out
    assert "person P-1" in at("change", "show", change).out
    plant.publish()
    signing = ("sign", "entries", str(index), "--action", "change", "--meaning", "approved", "--json")
    signed = at(*signing, by=quality)
    assert signed.code == 0, signed.err
    address = signed.json()["address"]
    assert f"{change}  proposed, signed" in at("change", "list", "--state", "proposed").out
    assert at("change", "effect", change, "--signature", f"{plant.service.system.origin}#1").code == 1
    assert at("change", "effect", change, "--signature", address).code == 0
    assert at("map", "who", "erp", "op1", "--json").json()["person"] == "P-1"
    assert at("change", "show", change, "--json").json()["change"]["state"] == "effective"
    corrected = at(*WHO, "P-2", "--change-request", "CR-0043", "--json", by=engineer).json()["change"]
    assert "person P-1 -> P-2" in at("change", "show", corrected).out
    assert "is withdrawn" in at("change", "withdraw", corrected, "--reason", "wrong list", by=engineer).out
    assert at("change", "withdraw", corrected, "--reason", "again", by=engineer).code == 1


def test_another_mapping_for_a_source_is_proposed(plant: Plant, at: Callable[..., Answer]) -> None:
    plant.service.sources.register(SourceConfig(id="qms", type="test", title="QMS"), plant.root)
    wanted = ("source", "mapping", "qms", "--mapping", "redmine-issue-journals", "--reason", "new release")
    assert "change request" in at(*wanted).err
    made = at(*wanted, "--change-request", "CR-0044", "--json", by=plant.people[ENGINEER.account])
    assert made.code == 0, made.err
    assert "qms" in at("change", "show", made.json()["change"]).out
    assert plant.service.sources.get("qms").mapping is None


def test_a_source_is_reached_otherwise_by_a_change(plant: Plant, at: Callable[..., Answer]) -> None:
    config = SourceConfig(id="books", type=PUSH, title="Logbooks")
    plant.service.sources.register(config, plant.root)
    wanted = ("source", "change", "books", "--zone", "Europe/Vienna", "--class", "trial", "--reason", "SOP-3")
    assert "change request" in at(*wanted).err
    assert "has no options" in at(*wanted, "--option", "url=x", "--change-request", "CR-1").err
    made = at(*wanted, "--change-request", "CR-0046", "--json", by=plant.people[ENGINEER.account])
    assert made.code == 0, made.err
    assert "retention batch -> trial" in at("change", "show", made.json()["change"]).out
    assert "another zone" in at("source", "add", "books", "--type", "push", "--zone", "UTC", "--yes").err
    approve(plant, made.json()["index"], "records")
    assert plant.service.sources.get("books").zone == "Europe/Vienna"
    again = at(*wanted, "--change-request", "CR-0047", by=plant.people[ENGINEER.account])
    assert "configured so already" in again.err


def test_what_a_role_may_do_is_narrowed(plant: Plant, at: Callable[..., Answer]) -> None:
    wanted = ("role", "propose", "reviewer", "--scope", "read", "--scope", "review", "--reason", "SOP-12")
    assert "change request" in at(*wanted).err
    assert "which it is for" in at(*wanted[:5], "--reason", "x", "--change-request", "CR-1", by=plant.officer).err
    made = at(*wanted, "--change-request", "CR-12", "--json", by=plant.officer)
    assert made.code == 0, made.err
    assert "review, without" not in at("role", "list").out
    approve(plant, made.json()["index"])
    assert "read, review; without enter, export (entry" in at("role", "list").out
    history = at("role", "history", "reviewer", "--json").json()
    assert [one["current"] for one in history] == [False, True]


def test_bodies_of_a_file_are_proposed_together_or_not_at_all(
    plant: Plant, at: Callable[..., Answer], tmp_path: Path
) -> None:
    engineer, file = plant.people[ENGINEER.account], tmp_path / "bodies.jsonl"
    limits = {"schema": "parameter/1", "name": "limits", "reason": "SOP-7", "value": '{"late_s":60}'}
    words = {"schema": "parameter/1", "name": "vague-words", "reason": "SOP-7", "value": '{"words":["fixed"]}'}
    why = ("--change-request", "CR-0044", "--reason", "SOP-7")
    file.write_text("".join(json.dumps(one) + "\n" for one in (limits, {**words, "value": "{}"})))
    wrong = at("change", "propose", str(file), *why, by=engineer)
    assert (wrong.code, "words" in wrong.err) == (1, True)
    file.write_text("".join(json.dumps(one) + "\n" for one in (limits, words)))
    made = at("change", "propose", str(file), *why, by=engineer)
    assert made.code == 0, made.err
    assert "A second person signs it" in made.out
    assert "2 of parameter" in at("change", "list").out
