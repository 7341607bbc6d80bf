"""Time-stamps at the terminal: an authority on loopback is let in by two, asked, and one token verified alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.demo.tsa import TsaAuthority, TsaServer
from ledger.core.clock import SystemClock
from ledger.core.timestamps import certificates_in
from ledger.people.access import Scope
from tests.api.world import World
from tests.cli.terminal import Answer, trailseal


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "ledger")
    yield made
    made.close()


def test_an_authority_is_let_in_asked_listed_and_withdrawn(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = TsaAuthority(SystemClock())
    authority.issue(tmp_path / "tsa")
    root = tmp_path / "root.pem"
    root.write_bytes(authority.pem)

    def run(*arguments: str | Path) -> Answer:
        return trailseal("timestamp", *arguments, "--ledger", world.folder)

    assert run("list").code == 0
    with TsaServer(tmp_path / "tsa") as tsa:
        added = run("add", "site-time", tsa.url, "--root", root, "--reason", "chosen by quality", "--json")
        assert (added.code, added.json()["state"]) == (0, "proposed"), added.err
        alone = run("confirm", "site-time", "--reason", "seen")
        assert (alone.code, "second administrator" in alone.err) == (1, True)
        monkeypatch.setenv("TRAILSEAL_CREDENTIAL", world.tokens[Scope.ADMIN].token)
        assert run("confirm", "site-time", "--reason", "seen", "--json").json()["state"] == "confirmed"
        stamped = run("now", "--json")
        assert stamped.code == 0, stamped.out
        assert {one["origin"] for one in stamped.json()} == {log.origin for log in world.service.logs.values()}
        assert run("now").out.startswith("Nothing to be stamped")
    listed = run("list", "--log", "records", "--json").json()
    assert [one["tsa"] for one in listed["time_stamps"]] == ["site-time"]
    assert listed["authorities"][0]["failing_since"] is None
    trailseal("source", "add", "third", "--type", "push", "--ledger", world.folder)
    down = run("now")
    assert (down.code, "cannot be reached" in down.out) == (1, True), "the server is gone"
    assert run("list").code == 1
    looked = trailseal("doctor", "--ledger", world.folder, "--json").json()
    assert [one["name"] for one in looked if not one["ok"]] == ["time-stamps, site-time"]
    assert trailseal("verify", "--ledger", world.folder).code == 0
    assert run("withdraw", "site-time", "--reason", "its contract ended").code == 0
    assert run("list").code == 0


def test_one_token_is_verified_alone(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, other = TsaAuthority(SystemClock()), TsaAuthority(SystemClock())
    authority.issue(tmp_path / "tsa")
    root, wrong = tmp_path / "root.pem", tmp_path / "wrong.pem"
    root.write_bytes(authority.pem)
    wrong.write_bytes(other.pem)
    service = world.service
    with TsaServer(tmp_path / "tsa") as tsa:
        service.tsas.propose("site-time", tsa.url, certificates_in(authority.pem), "chosen", world.root)
        admin = service.people.directory.find(world.tokens[Scope.ADMIN].token).caller.authority
        service.tsas.confirm("site-time", "seen", admin)
        service.publisher.publish_all()
        assert not any(one.error for one in service.stamping.stamp())
    (token,) = (world.folder / "kept/timestamps/records").glob("*.tsr")
    note = token.with_suffix(".checkpoint")

    def run(*more: str | Path) -> Answer:
        return trailseal("timestamp", "verify", token, *more)

    held = run("--checkpoint", note, "--root", root, "--json")
    assert held.code == 0, held.err
    assert held.json()["origin"] == service.log("records").origin
    text = tmp_path / "text"
    text.write_bytes(note.read_bytes().partition(b"\n\n")[0] + b"\n")
    assert run("--checkpoint", text, "--root", root).code == 0, "the text alone is what is covered"
    assert "does not chain" in run("--checkpoint", note, "--root", wrong).err
    text.write_bytes(text.read_bytes().replace(b"/records", b"/recordz"))
    changed = run("--checkpoint", text, "--root", root)
    assert (changed.code, "other bytes" in changed.err) == (1, True)
