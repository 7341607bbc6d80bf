"""`trailseal hand` and `trailseal exclude`: by somebody who signs in for it, with what is refused."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger.people.roles import Role
from ledger.service import Service
from tests.cli.terminal import Answer, trailseal
from tests.support.by_hand import SCAN, WHY
from tests.support.founded import founded
from tests.support.signers import Plant, Signer

BEHIND_S = -15 * 60.0
SEEN = ("--type", "room", "--id", "R-3", "--at", "2026-01-31T08:00", "--zone", "Europe/Berlin")


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    made = founded(tmp_path_factory.mktemp("hand") / "ledger", ahead_s=BEHIND_S)
    for account in ("rita", "ron"):
        made.person(account, account.title(), Role.REVIEWER, made.officer.sign_in().authority)
    yield made
    made.close()


@pytest.fixture
def at(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Runs a command on the plant's ledger, by the plant's clock; whoever acts types what is theirs."""
    monkeypatch.setattr("ledger.cli.ledgers.Service", partial(Service, clock=plant.clock))

    def run(*arguments: Any, who: str | None = None) -> Answer:
        signer: Signer | None = None if who is None else plant.people[who]

        def typed(words: str, **_options: Any) -> str:
            assert signer is not None
            return signer.password if words.startswith("Password") else signer.code()

        monkeypatch.setattr("typer.prompt", typed)
        named = () if who is None else ("--as", who)
        return trailseal(*map(str, arguments), *named, "--ledger", plant.service.folder)

    return run


@pytest.mark.requirement("R07", "R32", "R64")
def test_what_no_system_records_is_entered_checked_corrected_and_excluded(
    at: Callable[..., Answer], tmp_path: Path
) -> None:
    assert "Nothing was entered by hand" in at("hand", "list").out
    assert "No record is excluded" in at("exclude", "list").out
    none = at("hand", "enter", "observation", *SEEN, "--reason", WHY, who="rita")
    assert (none.code, "trailseal source add paper --type by-hand" in none.err) == (1, True), none.err
    assert at("source", "add", "paper", "--type", "by-hand").code == 0
    for wrong in (at("collect", "paper"), at("source", "test", "paper")):
        assert (wrong.code, "is of type by-hand" in wrong.err) == (1, True), wrong.err
    scan = tmp_path / "page.pdf"
    scan.write_bytes(SCAN)
    page = ("--scan", scan, "--paper-id", "LB-114", "--paper-title", "Logbook", "--paper-place", "archive A")
    what = ("--change", "state=clean", "--change", "pH=6=>7", "--link", "batch=B-1")
    made = at("hand", "enter", "paper", *SEEN, *page, *what, "--reason", WHY, "--json", who="rita")
    assert made.code == 0, made.err
    known = made.json()
    assert known["record"]["changes"] == [
        {"attribute": "state", "new": "clean"},
        {"attribute": "pH", "old": "6", "new": "7"},
    ]
    hand = known["hand"]
    own = at("hand", "check", hand, "--reason", "compared it with the page", who="rita")
    assert (own.code, "rita entered it" in own.err) == (1, True)
    checked = at("hand", "check", hand, "--reason", "compared it with the page", who="ron")
    assert "entered by hand by rita, checked by ron" in checked.out
    right = at(
        *("hand", "enter", "correction", *SEEN, "--corrects", known["address"], "--change", "state=dirty"),
        *("--reason", "the page was read wrongly", "--json"),
        who="ron",
    ).json()
    assert f"corrects {known['address']}" in at("hand", "show", right["hand"]).out
    refused = at("hand", "check", right["hand"], "--refuse", "--reason", "the page says it was clean", who="rita")
    assert "rita does NOT agree" in refused.out
    assert [one["hand"] for one in at("hand", "list", "--json").json()] == [right["hand"], hand]
    assert [one["hand"] for one in at("hand", "list", "--state", "checked", "--json").json()] == [hand]
    index = str(known["index"])
    out = ("--from", "calculation", "--name", "yield of B-1", "--reason", "the balance was under calibration")
    excluded = at("exclude", "add", index, *out, "--json", who="rita").json()["exclusion"]
    told = at("exclude", "list").out
    assert f"entries {index}: excluded from the calculation yield of B-1 because: the balance was" in told
    lifted = at("exclude", "lift", excluded, "--reason", "its calibration was found to hold", who="ron")
    assert "counts there again because: its calibration was found to hold (rita, ron)" in lifted.out
    assert at("verify", "--full").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--change", "clean"), "names no attribute"),
        (("--link", "lorry=1"), "is no link"),
        (("--paper-id", "LB-1"), "an id, a title and a place"),
        (("--zone", "Mars/Base"), "not a known time zone"),
    ],
)
def test_what_is_mistyped_is_named_before_anybody_signs_in(
    at: Callable[..., Answer], arguments: tuple[str, ...], said: str
) -> None:
    answer = at("hand", "enter", "observation", *SEEN, "--reason", WHY, "--as", "nobody", *arguments)
    assert (answer.code, said in answer.err) == (1, True), answer.err


def test_who_holds_no_grant_for_it_does_neither(at: Callable[..., Answer]) -> None:
    for command in (
        ("hand", "enter", "observation", *SEEN, "--reason", WHY),
        ("exclude", "add", "3", "--from", "review", "--name", "May", "--reason", WHY),
    ):
        answer = at(*command, who="officer1")
        assert (answer.code, "holds no grant with scope" in answer.err) == (1, True), answer.err
