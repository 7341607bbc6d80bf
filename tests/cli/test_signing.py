"""Signing workflows at the terminal: a route from a file, a request, its steps signed with real components."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger.people.roles import Role
from ledger.service import Service
from tests.cli.terminal import Answer, trailseal
from tests.support.changing import approve
from tests.support.founded import APPROVER, founded
from tests.support.signers import Plant, Signer

ROUTE = """
route = "two"
title = "Review and approval"

[[stages]]
[[stages.steps]]
step = "review"
role = "reviewer"
meaning = "reviewed"
due_hours = 8
escalate_to = "approver"

[[stages]]
[[stages.steps]]
step = "approve"
role = "approver"
meaning = "approved"
"""


BY = ("--change-request", "CR-0042", "--as", "approver1")


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    made = founded(tmp_path_factory.mktemp("terminal") / "ledger", APPROVER)
    yield made
    made.close()


@pytest.fixture(scope="module")
def reviewer(plant: Plant) -> Signer:
    return plant.join("reviewer1", "Rita Reviewer", Role.REVIEWER)


@pytest.fixture
def at(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Runs a command on the plant's ledger, by the plant's clock."""
    monkeypatch.setattr("ledger.cli.ledgers.Service", partial(Service, clock=plant.clock))

    def run(*arguments: str) -> Answer:
        return trailseal("sign", *arguments, "--ledger", plant.service.folder)

    return run


def keyboard(monkeypatch: pytest.MonkeyPatch, signer: Signer) -> None:
    """What this person types where it is asked for."""

    def typed(words: str, **_options: Any) -> str:
        known = {"Password": signer.password, "Signing secret": signer.secret}
        return known.get(words.partition(" of ")[0]) or signer.code()

    monkeypatch.setattr("ledger.cli.sign_routes.typer.prompt", typed)


def test_a_request_goes_from_its_route_to_its_last_signature(
    plant: Plant,
    reviewer: Signer,
    at: Callable[..., Answer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "route.toml"
    file.write_text(ROUTE)
    assert "change request" in at("route", "set", str(file), "--reason", "as the SOP says").err
    keyboard(monkeypatch, plant.people["approver1"])
    made = at("route", "set", str(file), "--reason", "as the SOP says", "--json", *BY)
    assert made.code == 0, made.err
    approve(plant, made.json()["index"])
    assert "1. review: 1 reviewer, reviewed" in at("route", "list").out
    (record,) = plant.records(1)
    opened = at("request", "open", "two", "--title", "Batch B-1", "--reason", "done", "--entry", str(record), "--json")
    assert opened.code == 0, opened.err
    name = opened.json()["request"]
    assert "review (reviewed, as reviewer), due" in at("task", "list", "--account", "reviewer1").out
    shown = at("request", "show", name)
    assert (shown.code, "1. review: reviewed, 0 of 1 as reviewer, due" in shown.out) == (1, True)
    keyboard(monkeypatch, plant.quality)
    early = at("request", "sign", name, "approve", "--as", "quality1", "--reason", "routine")
    assert (early.code, "comes later" in early.err) == (1, True)
    keyboard(monkeypatch, reviewer)
    reviewed = at("request", "sign", name, "review", "--as", "reviewer1", "--reason", "routine")
    assert reviewed.code == 0, reviewed.err
    assert "Rita Reviewer (reviewer1), reviewer: I reviewed what this request is about." in reviewed.err
    keyboard(monkeypatch, plant.quality)
    assert at("request", "sign", name, "approve", "--as", "quality1", "--reason", "routine").code == 0
    shown = at("request", "show", name)
    assert (shown.code, "Batch B-1: signed" in shown.out) == (0, True)
    assert "signed by quality1 as approver" in shown.out
    assert f"{name}  signed" in at("request", "list").out
    assert "nothing has changed" in at("request", "check").out
    plant.publish()
    assert plant.service.verifier.run(plant.service.system, levels=(1, 2, 3, 4)).holds


def test_a_step_is_declined_and_a_request_withdrawn(
    plant: Plant, reviewer: Signer, at: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = plant.records(2)
    names = [
        at("request", "open", "two", "--title", f"B-{one}", "--reason", "done", "--entry", str(one), "--json").json()
        for one in (first, second)
    ]
    keyboard(monkeypatch, reviewer)
    options = ("--as", "reviewer1", "--reason", "other", "--added", "TIC1 was set without a word")
    assert at("request", "decline", names[0]["request"], "review", *options).code == 0
    assert at("request", "withdraw", names[1]["request"], "--reason", "wrong batch").code == 0
    states = {one["request"]: one["state"] for one in at("request", "list", "--json").json()}
    assert [states[one["request"]] for one in names] == ["declined", "withdrawn"]
    assert at("request", "withdraw", names[1]["request"], "--reason", "again").code == 1
    keyboard(monkeypatch, plant.people["approver1"])
    retired = at("route", "retire", "two", "--reason", "replaced", "--json", *BY)
    assert retired.code == 0, retired.err
    approve(plant, retired.json()["index"])
    assert "(retired)" in at("route", "show", "two").out


def test_what_is_no_route_and_no_query_is_said_so(at: Callable[..., Answer], tmp_path: Path) -> None:
    file = tmp_path / "route.toml"
    file.write_text("stages = 3")
    assert "is no route" in at("route", "set", str(file), "--reason", "r").err
    assert "is none" in at("request", "open", "two", "--title", "t", "--reason", "r", "--query", "{").err
    assert at("request", "show", "nothing").code == 1
