"""Signatures made elsewhere, and signatures by hand, at the terminal: from the authority to `trailseal verify`."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger.core.binding import short_fingerprint
from ledger.core.hashing import leaf_hash
from ledger.people.roles import Role
from ledger.present.manifest import fingerprint as fingerprint_of
from ledger.service import Service
from tests.cli.terminal import Answer, trailseal
from tests.support.founded import founded
from tests.support.outside import DAY, NOW, Outside
from tests.support.revocations import crl
from tests.support.signers import Plant, Signer

BEHIND_S = -15 * 60.0


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    made = founded(tmp_path_factory.mktemp("outside") / "ledger", ahead_s=BEHIND_S)
    yield made
    made.close()


@pytest.fixture
def at(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Runs a command on the plant's ledger, by the plant's clock; whoever acts types what is theirs."""
    monkeypatch.setattr("ledger.cli.ledgers.Service", partial(Service, clock=plant.clock))

    def run(*arguments: Any, who: Signer | None = None) -> Answer:
        def typed(words: str, **_options: Any) -> str:
            assert who is not None
            known = {"Password": who.password, "Signing secret": who.secret, f"Password of {who.account}": who.password}
            return known.get(words) or who.code()

        monkeypatch.setattr("typer.prompt", typed)
        named = ("--as", who.account) if who is not None and arguments[0] != "bring" else ()
        return trailseal("sign", *map(str, arguments), *named, "--ledger", plant.service.folder)

    return run


@pytest.mark.requirement("R54")
def test_a_signature_made_elsewhere_goes_the_whole_way(plant: Plant, at: Callable[..., Answer], tmp_path: Path) -> None:
    trust = Outside(tmp_path / "trust")
    officer, quality = plant.officer, plant.quality
    second = plant.person("officer2", "Otto Officer", Role.SECURITY_OFFICER, officer.sign_in().authority)
    anna = plant.join("approver1", "Anna Approver", Role.APPROVER)
    modes = ["sealed-key", "external"]
    plant.service.people.profiles.set("signing_modes", modes, "agreed", officer.sign_in().authority)
    root = tmp_path / "root.pem"
    root.write_bytes(trust.root)
    proposed = at("anchor", "propose", root, "--reason", "our trust service", "--json", who=officer)
    assert proposed.code == 0, proposed.err
    anchor = proposed.json()["anchor"]
    alone = at("anchor", "confirm", anchor, "--reason", "I say so", who=officer)
    assert (alone.code, "second administrator" in alone.err) == (1, True)
    assert at("anchor", "confirm", anchor, "--reason", "looked at the list", who=second).code == 0
    plant.publish()
    assert "confirmed: CN=Trust Service Root" in at("anchor", "list").out
    plant.clock.ahead_us = max(0, plant.clock.ahead_us)
    holder = trust.person("Anna Approver", "PNODE-1")
    asked = tmp_path / "request.bin"
    put = at("certificate", "request", holder.file, "--out", asked, "--reason", "mine", "--json", who=anna)
    assert put.code == 0, put.err
    cms = tmp_path / "signed.p7s"
    cms.write_bytes(holder.sign(asked.read_bytes()))
    proven = at("certificate", "prove", put.json()["id"], cms, "--chain", holder.chain_file, who=anna)
    assert proven.code == 0, proven.err
    name = plant.signing.bindings.all("approver1")[-1].key_id
    for voucher in (officer, quality):
        voucher.sign_in()
        anna.key_id = name
        voucher.vouch(anna)
    plant.publish()
    (record,) = plant.records(1)
    out = tmp_path / "statement.bin"
    taken = at("take-out", record, "--meaning", "approved", "--out", out, "--json", who=anna)
    assert taken.code == 0, taken.err
    again = at("take-out", record, "--meaning", "approved", "--out", out, who=anna)
    assert (again.code, "statement.bin" in again.err) == (1, True), "no file is written over"
    ident = taken.json()["id"]
    cms.write_bytes(holder.sign(out.read_bytes() + b" "))
    wrong = at("bring", ident, cms, who=anna)
    assert (wrong.code, "over other bytes" in wrong.err) == (1, True)
    cms.write_bytes(holder.sign(out.read_bytes()))
    listed = tmp_path / "list.crl"
    listed.write_bytes(crl(trust, {holder.pem: NOW - DAY}))
    revoked = at("bring", ident, cms, "--revocation", listed, who=anna)
    assert (revoked.code, "was revoked on" in revoked.err) == (1, True)
    listed.write_bytes(crl(trust))
    done = at("bring", ident, cms, "--revocation", listed, who=anna)
    assert done.code == 0, done.err
    assert "● valid" in done.out
    assert "Anna Approver,C=DE: not revoked by the authority's list of" in done.out
    verified = trailseal("verify", "--full", "--ledger", plant.service.folder)
    assert verified.code == 0, verified.out


@pytest.mark.requirement("R64")
def test_a_signature_by_hand_is_entered_checked_and_given_back(
    plant: Plant, at: Callable[..., Answer], tmp_path: Path
) -> None:
    rita = plant.person("rita", "Rita Reviewer", Role.REVIEWER, plant.officer.sign_in().authority)
    (record,) = plant.records(1)
    with plant.service.store.reader(1) as reader:
        fingerprint = short_fingerprint(leaf_hash(reader.entry(record).leaf))
    assert "as it stands now" in at("paper", "find", fingerprint, who=rita).out
    nothing = at("paper", "find", "0" * 32, who=rita)
    assert (nothing.code, "of no version" in nothing.err) == (1, True)
    scan, back = tmp_path / "scan.pdf", tmp_path / "back.pdf"
    scan.write_bytes(b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\nstartxref\n9\n%%EOF\n")
    words = ("--meaning", "checked", "--name", "Paul Operator", "--on", "2026-11-20", "--kept-at", "binder 7")
    made = at("paper", "enter", fingerprint, scan, *words, "--reason", "terminal was down", "--json", who=rita)
    assert made.code == 0, made.err
    paper = made.json()["paper"]
    assert at("paper", "check", paper, "--reason", "mine", who=rita).code == 1
    checked = at("paper", "check", paper, "--reason", "compared", who=plant.quality)
    assert "hand-written, scan on file; no electronic signature; entered by rita, checked by quality1" in checked.out
    assert at("paper", "scan", paper, "--out", back, who=rita).code == 0
    assert back.read_bytes() == scan.read_bytes()
    assert paper in at("paper", "list", who=rita).out
    plant.quality.sign_in()
    done = plant.quality.sign(record)
    ink = at("paper", "enter", fingerprint_of(done.entry.statement), scan, *words, "--reason", "asked for", who=rita)
    assert ink.code == 0, ink.err
    shown = at("show", done.index)
    assert "hand-written, scan on file; no electronic signature" in shown.out
    assert at("paper", "withdraw", paper, "--reason", "another batch's", who=rita).code == 0
    assert paper not in at("paper", "list", who=rita).out
