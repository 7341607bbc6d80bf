"""`trailseal witness`: a witness made, told of a log, and used, by commands alone."""

from pathlib import Path

import pytest

from ledger.core.cosignature import parse_verifier
from ledger.core.hashing import b64
from ledger.core.note import NoteSigner
from ledger.core.witnessing import Answer, accepted
from tests.cli.terminal import Answer as Ended
from tests.cli.terminal import trailseal
from tests.support.witnessing import NAME, ShownLog

LOG = ShownLog()
STATED = ("--operator", "QA", "--administrator", "QA systems", "--host", "qa-1", "--identity-provider", "")


class Site:
    def __init__(self, folder: Path, *more: str) -> None:
        self.folder = folder
        made = trailseal("witness", "init", folder / "w", "--name", NAME, *STATED, *more, "--json")
        assert made.code == 0, made.err
        self.stated = made.json()

    def __call__(self, command: str, *arguments: str | Path) -> Ended:
        return trailseal("witness", command, self.folder / "w", *arguments)

    def knows(self, size: int = 3) -> None:
        file = self.folder / "checkpoint"
        file.write_bytes(LOG.note(size))
        known = self("add-log", "--origin", LOG.origin, "--vkey", str(LOG.signer.verifier), "--checkpoint", file)
        assert known.code == 0, known.err


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_witness_states_who_stands_behind_it(site: Site) -> None:
    assert {key: site.stated[key] for key in ("name", "operator", "administrator", "host", "identity_provider")} == {
        "name": NAME,
        "operator": "QA",
        "administrator": "QA systems",
        "host": "qa-1",
        "identity_provider": "",
    }
    assert site("about", "--json").json() == site.stated
    shown = site("about").out
    assert "Operated by QA, administered by QA systems" in shown
    assert site.stated["vkeys"][0] in shown
    again = site("init", "--name", NAME, *STATED)
    assert (again.code, "holds a witness already" in again.err) == (1, True)


def test_a_witness_asks_for_what_it_is_to_state(tmp_path: Path) -> None:
    ended = trailseal("witness", "init", tmp_path / "w", "--name", NAME)
    assert ended.code != 0
    assert not (tmp_path / "w" / "witness.json").exists()


def test_a_request_carried_by_hand_is_answered_by_a_file(site: Site) -> None:
    site.knows()
    request, file, out = LOG.request(3, 8), site.folder / "request", site.folder / "answer"
    file.write_bytes(request.encode())
    assert site("cosign", file, "--out", out).code == 0
    assert accepted(request, Answer.parse(out.read_bytes()), parse_verifier(site.stated["vkeys"][0]))
    again = site("cosign", file, "--out", out, "--json")
    assert (again.code, again.json()["status"], out.read_bytes()) == (1, 409, b"status 409\n\n8\n")
    told = site("cosign", file, "--out", out)
    assert (told.code, "Not cosigned (409): 8." in told.out) == (1, True)


def test_logs_are_listed_with_what_is_wrong(site: Site) -> None:
    assert site("list", "--json").json() == {"logs": []}
    site.knows()
    listed = site("list")
    assert (listed.code, f"● {LOG.origin}  size 3, made known by hand" in listed.out) == (0, True)
    for number, request in enumerate((LOG.request(3, 8), LOG.request(8, 8, fork=(4, "x")))):
        file = site.folder / "request"
        file.write_bytes(request.encode())
        assert site("cosign", file, "--out", site.folder / "answer").code == number
    listed = site("list")
    assert listed.code == 1
    assert "signed what does not continue what was cosigned" in listed.out
    (log,) = site("list", "--json").json()["logs"]
    assert (log["size"], log["published"], len(log["conflicts"])) == (8, 8, 1)
    next((site.folder / "w" / "logs").glob("*/state.json")).unlink()
    listed = site("list")
    assert listed.code == 1
    assert "nothing is cosigned" in listed.out
    assert "witness add-log --checkpoint" in listed.out


def test_what_is_given_by_hand_brings_its_time(site: Site) -> None:
    site.knows()
    (site.folder / "request").write_bytes(LOG.request(3, 8).encode())
    assert site("cosign", site.folder / "request", "--out", site.folder / "answer").code == 0
    (published,) = (site.folder / "w" / "published").glob("*/checkpoint")
    (state,) = (site.folder / "w" / "logs").glob("*/state.json")
    before = site("list", "--json").json()["logs"][0]["cosigned_at"]
    copy = published.rename(site.folder / "copy")
    state.unlink()
    known = ("add-log", "--origin", LOG.origin, "--vkey", str(LOG.signer.verifier), "--checkpoint")
    (site.folder / "forged").write_bytes(copy.read_bytes()[:-10] + b"AAAAAAAA=\n")
    assert site(*known, site.folder / "forged").code == 1
    assert site(*known, copy).code == 0
    (log,) = site("list", "--json").json()["logs"]
    assert (log["size"], log["cosigned_at"], log["trouble"]) == (8, before, None)


def test_a_log_begins_at_what_somebody_vouches_for(site: Site) -> None:
    vkey = str(LOG.signer.verifier)
    known = ("add-log", "--origin", LOG.origin, "--vkey", vkey)
    root = b64(LOG.head(3).root)
    for wrong in ((), ("--size", "3"), ("--size", "3", "--root", "AAAA"), ("--size", "0", "--root", root)):
        assert site(*known, *wrong).code == 1
    other = site.folder / "other"
    other.write_bytes(LOG.note(3, NoteSigner(LOG.origin, bytes(32))))
    assert site(*known, "--checkpoint", other).code == 1
    assert site(*known, "--size", "3", "--root", root, "--json").json()["size"] == 3
    assert site(*known, "--size", "5", "--root", root).code == 1
    added = site("add-key", "--origin", LOG.origin, "--vkey", str(NoteSigner(LOG.origin, bytes(32)).verifier), "--json")
    assert [vkey in added.json()["keys"], len(added.json()["keys"])] == [True, 2]
    assert site("add-key", "--origin", LOG.origin, "--vkey", site.stated["vkeys"][0]).code == 1
    removed = site("remove-key", "--origin", LOG.origin, "--vkey", vkey, "--json")
    assert removed.json()["keys"] == [key for key in added.json()["keys"] if key != vkey]
    for key, why in ((vkey, "is not trusted"), (removed.json()["keys"][0], "the only key")):
        ended = site("remove-key", "--origin", LOG.origin, "--vkey", key)
        assert (ended.code, why in ended.err) == (1, True)
    assert site("list", "--json").json()["logs"][0]["keys"] == removed.json()["keys"]


def test_a_witness_that_knows_no_log_does_not_serve(site: Site) -> None:
    ended = site("serve", "--port", "0")
    assert (ended.code, "knows no log" in ended.err) == (1, True)
    half = site("serve", "--port", "0", "--certificate", "x.pem")
    assert (half.code, "go together" in half.err) == (1, True)


def test_a_post_quantum_witness_has_two_keys(tmp_path: Path) -> None:
    site = Site(tmp_path, "--ml-dsa")
    assert len(site.stated["vkeys"]) == 2
