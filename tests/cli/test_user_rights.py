"""`trailseal user`: the first start, roles and qualifications, the register, access review and documents."""

import csv
from contextlib import closing
from pathlib import Path

import pytest

from ledger.cli.user import WHO
from ledger.core.clock import SystemClock, utc_text
from ledger.service import Service
from tests.cli.conftest import Site, filled
from tests.cli.terminal import trailseal

CREDENTIAL = "TRAILSEAL_CREDENTIAL"
TODAY = utc_text(SystemClock().now_us())[:10]
WHY = ("--reason", "for the test")


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A ledger whose first start is over: two people hold roles."""
    site = filled(tmp_path_factory.mktemp("started"))
    for account, role in (("officer1", "security-officer"), ("quality1", "approver")):
        assert site("user", "add", account, "--name", f"Name of {account}", *WHY).code == 0
        made = site("user", "grant", account, role, *WHY, "--json")
        assert made.code == 0, made.err
    return site


@pytest.fixture
def admin(started: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The same, with the first service account's token at hand."""
    monkeypatch.setenv(CREDENTIAL, started.made["token"])
    return started


@pytest.mark.requirement("R47")
def test_after_the_first_start_the_folder_alone_changes_no_account_and_no_role(started: Site) -> None:
    for command in (
        ("add", "friend", "--name", "Friend"),
        ("grant", "quality1", "reviewer"),
        ("deactivate", "quality1"),
        ("change", "quality1", "--name", "Other"),
        ("qualify", "quality1", "identity", "--how", "passport", "--on", TODAY),
    ):
        answer = started("user", *command, *WHY)
        assert answer.code == 1, command
        assert "first start is over" in answer.err
        assert CREDENTIAL in answer.err
    shown = started("user", "list", "--json").json()
    assert [one["account"] for one in shown] == ["officer1", "quality1"]
    said = " ".join(trailseal("user", "--help").out.split())
    assert "first start" in said
    assert CREDENTIAL in WHO


@pytest.mark.requirement("R12", "R19", "R31", "R38")
def test_with_a_credential_a_person_joins_is_qualified_and_leaves(admin: Site) -> None:
    assert admin("user", "add", "reviewer1", "--name", "Reviewer One", "--email", "r1@plant.example", *WHY).code == 0
    trained = admin(
        "user", "qualify", "reviewer1", "training", "--role", "reviewer", "--how", "course", "--on", TODAY, *WHY
    )
    assert trained.code == 0, trained.err
    tested = ("qualify", "reviewer1", "device", "--credential", "key1", "--how", "answers", "--on", TODAY)
    assert admin("user", *tested, *WHY).code == 0
    refused = admin("user", "qualify", "reviewer1", "identity", "--how", "passport", "--on", TODAY, *WHY)
    assert (refused.code, "by a person" in refused.err) == (1, True)
    granted = admin(
        *("user", "grant", "reviewer1", "reviewer", "--site", "records", "--expires", "2099-01-01T00:00:00Z"),
        *(*WHY, "--json"),
    ).json()
    shown = admin("user", "show", "reviewer1", "--json").json()
    assert shown["person"]["roles"][0]["grant"] == granted["grant"]
    assert [one["sort"] for one in shown["qualifications"]] == ["training", "device"]
    assert "Reviewer One" in admin("user", "show", "reviewer1").out
    withdrawn = admin("user", "withdraw", shown["qualifications"][1]["qualification"], *WHY)
    assert withdrawn.code == 0, withdrawn.err
    assert admin("user", "grant", "reviewer1", "operator", *WHY).code == 1, "roles that exclude each other"
    assert admin("user", "revoke", granted["grant"], *WHY).code == 0
    assert admin("user", "deactivate", "reviewer1", *WHY).code == 0
    assert admin("user", "add", "reviewer1", "--name", "Again", *WHY).code == 1
    assert "deactivated" in admin("user", "list").out


@pytest.mark.requirement("R05", "R72")
def test_the_register_is_shown_and_written_as_csv(admin: Site, tmp_path: Path) -> None:
    file = tmp_path / "register.csv"
    shown = admin("user", "register", "--csv", file, "--json").json()
    with file.open(newline="", encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    assert [row["grant"] for row in rows] == [line["grant"] for line in shown["lines"]]
    earlier = admin("user", "register", "--size", str(shown["lines"][1]["from_index"]), "--json").json()
    assert len(earlier["lines"]) == 1
    assert "approver" in admin("user", "register").out


@pytest.mark.requirement("R28", "R47")
def test_the_access_review_shows_the_list_and_enters_what_was_decided(admin: Site) -> None:
    listed = admin("user", "review")
    assert "your own" in listed.out
    opened = admin("user", "review", "--json").json()
    others = [one["account"] for one in opened["lines"] if not one["own"]]
    keep = [part for account in others for part in ("--keep", account)]
    short = admin("user", "review", "--size", str(opened["system_size"]), *keep[2:])
    assert (short.code, "not decided" in short.err) == (1, True)
    done = admin(
        *("user", "review", "--size", str(opened["system_size"]), *keep, "--remark", f"{others[0]}=still here"),
        "--json",
    )
    assert done.code == 0, done.err
    assert {line["account"] for line in done.json()["lines"]} == set(others)
    assert any(line.get("remark") == "still here" for line in done.json()["lines"])


@pytest.mark.requirement("R21")
def test_the_letter_is_kept_listed_and_given_back(admin: Site, tmp_path: Path) -> None:
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"%PDF-1.7 letter")
    put = ("put", letter, "--id", "non-repudiation-letter", "--title", "Letter", "--dated", "2026-10-01")
    assert admin("user", "document", *put, *WHY).code == 0
    assert "Letter" in admin("user", "document", "list").out
    out = tmp_path / "copy.pdf"
    assert admin("user", "document", "get", "non-repudiation-letter", "--out", out).code == 0
    assert out.read_bytes() == letter.read_bytes()
    assert admin("user", "document", "get", "non-repudiation-letter", "--out", out).code == 1
    assert admin("verify").code == 0


def test_a_credential_that_is_not_in_force_acts_as_nobody(started: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CREDENTIAL, "ts_" + "0" * 16 + "_" + "0" * 64)
    answer = started("user", "add", "friend", "--name", "Friend", *WHY)
    assert answer.code == 1
    assert "credential" in answer.err


@pytest.mark.requirement("R47")
def test_the_folder_alone_makes_no_administrators_token_after_the_first_start(
    started: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = started("token", "create", "--account", "backdoor", "--scope", "admin")
    assert (refused.code, "first start is over" in refused.err) == (1, True)
    assert started("token", "create", "--account", "collector", "--scope", "ingest", "--source", "erp").code == 0
    monkeypatch.setenv(CREDENTIAL, started.made["token"])
    assert started("token", "create", "--account", "office", "--scope", "admin").code == 0


@pytest.mark.requirement("R06", "R28", "R31")
def test_the_profile_is_shown_and_set_with_the_old_value_on_record(
    admin: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert admin("profile", "show", "idle_minutes").out.split() == ["idle_minutes", "15"]
    done = admin("profile", "set", "idle_minutes", "10", *WHY, "--json")
    assert done.code == 0, done.err
    assert admin("profile", "show", "--json").json()["idle_minutes"] == 10
    assert "(set)" in admin("profile", "show", "idle_minutes").out
    for item, value, says in (
        ("idle_minutes", "0", "cannot be"), ("idle_minutes", "ten", "no JSON"), ("colour", "1", "no item"),
        ("places", '[{"scope":"sign"}]', "nowhere"),
    ):  # fmt: skip
        wrong = admin("profile", "set", item, value, *WHY)
        assert (wrong.code, says in wrong.err) == (1, True), wrong.err
    assert admin("profile", "show", "colour").code == 1
    monkeypatch.delenv(CREDENTIAL)
    alone = admin("profile", "set", "idle_minutes", "1440", *WHY)
    assert (alone.code, "first start is over" in alone.err) == (1, True)


@pytest.mark.requirement("R31")
def test_terminals_are_listed_with_their_tests_and_taken_out_of_use(admin: Site) -> None:
    assert admin("terminal", "list").out.strip() == "No terminal is in use."
    with closing(Service(admin.folder)) as service:
        by = service.people.directory.find(admin.made["token"]).caller.authority
        first, second = (service.people.terminals.enrol(title, "all in order", "set up", by) for title in ("a", "b"))
    listed = admin("terminal", "list")
    assert f"{first.terminal}  a: tested {TODAY}" in listed.out
    assert "next test due" in listed.out
    assert admin("terminal", "fail", first.terminal, "--how", "reads no badge", *WHY).code == 0
    assert admin("terminal", "retire", second.terminal, *WHY, "--json").json()["terminal"] == second.terminal
    again = admin("terminal", "retire", second.terminal, *WHY)
    assert (again.code, "in use" in again.err) == (1, True)
    assert admin("terminal", "list", "--json").json() == []
