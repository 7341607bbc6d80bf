"""A log whose key was rotated is audited from its tiles alone, by any key that it ever had."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.core import canonical
from ledger.core.authority import Authority
from ledger.core.checkpoint import Checkpoint
from ledger.core.cosignature import parse_verifier
from ledger.core.key_events import KeyPurpose
from ledger.core.note import NoteSigner, VerifierKey, parse_note, sign_note
from ledger.core.policy import Policy
from ledger.core.published_keys import KEY_LIFE
from ledger.trust.auditing import HOLDS, NOT_AUTHENTICATED, WRONG, Anchor, Auditor, TilesVerdict
from ledger.trust.key_life import KeyLife
from ledger.trust.published import FolderTiles
from tests.support.published import log
from tests.support.rotating import Rotating

ONE, TWO = (Authority(actor=name, authenticated=True) for name in ("admin1", "admin2"))
EARLY = 300


class Aged:
    """A log of two rotations, published: before them (`early`), and after them (`now`)."""

    def __init__(self, rotating: Rotating, folder: Path) -> None:
        self.rotating = rotating
        self.keys = rotating.keys
        rotating.log.grow(EARLY)
        self.early = rotating.export(folder / "early")
        for _ in range(2):
            rotating.rotate()
        self.keys = rotating.keys
        self.now = rotating.export(folder / "now")

    def changed(self, out: Path, change: Callable[[list[dict[str, Any]]], object]) -> Path:
        """A copy of what is published, with other lines about the keys."""
        shutil.copytree(self.now, out)
        lines = [json.loads(line) for line in (out / KEY_LIFE).read_bytes().splitlines()]
        change(lines)
        (out / KEY_LIFE).write_bytes(b"".join(canonical.dumps(line) + b"\n" for line in lines))
        return out


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aged]:
    folder = tmp_path_factory.mktemp("rotated")
    with log(folder / "ledger") as made:
        yield Aged(Rotating(made, folder), folder)


def judged(folder: Path, key: str | None, state: Path | None = None) -> TilesVerdict:
    anchor = Anchor() if key is None else Anchor(keys=(parse_verifier(key),))
    return Auditor(FolderTiles(folder), anchor).verdict(state=state)


def wrong(found: TilesVerdict) -> str:
    assert found.exit_code == WRONG, found.lines()
    return found.problems[0].what


@pytest.mark.parametrize("which", [0, 1, 2])
def test_tiles_hold_under_each_key_that_the_log_had(aged: Aged, which: int) -> None:
    found = judged(aged.now, aged.keys[which])
    assert found.exit_code == HOLDS, found.lines()
    assert (f"({2 - which}) lead from the key that you gave" in found.checks[0]) is (which < 2)
    assert any("5 key events" in one for one in found.checks), found.checks


def test_they_are_wrong_under_any_other_key_and_not_authenticated_without(aged: Aged) -> None:
    other = str(NoteSigner(aged.rotating.log.id.origin, bytes(32)).verifier)
    assert "no known key signed" in wrong(judged(aged.now, other))
    assert judged(aged.now, None).exit_code == NOT_AUTHENTICATED


def test_the_witnesses_of_the_pinned_policy_have_to_have_seen_each_rotation(aged: Aged) -> None:
    witness = NoteSigner("witness.example/qa", bytes(32))
    policy = Policy.of_log_keys([VerifierKey.parse(aged.keys[0])])
    asking = msgspec.structs.replace(
        policy, witnesses={"qa": msgspec.structs.replace(policy.logs[0], key=witness.verifier)}, quorum="qa"
    )
    assert "quorum qa is not met" in wrong(Auditor(FolderTiles(aged.now), Anchor(policy=asking)).verdict())


def _renote(lines: list[dict[str, Any]], at: int, text: str, signers: list[NoteSigner]) -> None:
    lines[at]["note"] = sign_note(text, signers).decode()


def _text(lines: list[dict[str, Any]], at: int) -> str:
    return parse_note(lines[at]["note"].encode()).text


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda lines, _: lines.pop(0), "entry 1 does not begin the log"),
        (lambda lines, _: lines.pop(1), "names entry 1 as the key event before it, which is 0"),
        (lambda lines, _: lines.pop(2), "as the key event before it"),
        (lambda lines, _: lines.pop(), "is a key event, and key-life.jsonl does not hold it"),
        (lambda lines, _: lines.clear(), "does not begin with the log's creation"),
        (lambda lines, _: lines[2].pop("note"), "bears no checkpoint where a rotation has to"),
        (lambda lines, _: lines[3].update(note=lines[2]["note"]), "or one where none has"),
        (lambda lines, _: lines[1]["body"].update(authority={"actor": "x", "authenticated": False}), "commits to"),
        (lambda lines, _: lines[2]["body"].update(reason="another"), "is not signed by the keys"),
        (lambda lines, _: lines[0]["body"].update(key="x"), "the body is not the one that its leaf commits to"),
        (lambda lines, _: lines[1].update(index=5), "the body is not the one that its leaf commits to"),
        (lambda lines, aged: _renote(lines, 2, _text(lines, 2), aged.rotating.signers[1:2]), "no known key"),
        (
            lambda lines, aged: _renote(
                lines, 2, Checkpoint(origin=aged.rotating.log.id.origin, size=301, root=bytes(32)).text(),
                aged.rotating.signers[:2],
            ),
            "the rotation of entry 300",
        ),
    ],
)  # fmt: skip
def test_what_is_told_of_the_keys_is_held_against_the_log(
    aged: Aged, tmp_path: Path, change: Callable[[list[dict[str, Any]], Aged], object], why: str
) -> None:
    out = aged.changed(tmp_path / "out", lambda lines: change(lines, aged))
    assert why in wrong(judged(out, aged.keys[0]))


def test_without_the_file_only_the_present_key_leads_to_the_checkpoint_and_that_is_said(
    aged: Aged, tmp_path: Path
) -> None:
    out = shutil.copytree(aged.now, tmp_path / "out")
    (out / KEY_LIFE).unlink()
    assert "no known key signed" in wrong(judged(out, aged.keys[0]))
    found = judged(out, aged.keys[2])
    assert found.exit_code == HOLDS
    assert any("Keys: not judged" in one for one in found.checks)


@pytest.mark.parametrize("signers", [(0,), (1,), (0, 2), (1, 2)])
def test_a_revoked_key_signs_nothing_any_more(aged: Aged, tmp_path: Path, signers: tuple[int, ...]) -> None:
    out = shutil.copytree(aged.now, tmp_path / "out")
    text = parse_note((out / "checkpoint").read_bytes()).text
    (out / "checkpoint").write_bytes(sign_note(text, [aged.rotating.signers[one] for one in signers]))
    for key in aged.keys:
        assert judged(out, key).exit_code == WRONG


def test_an_audit_goes_on_over_a_rotation_from_what_it_remembers(aged: Aged, tmp_path: Path) -> None:
    out, state = shutil.copytree(aged.early, tmp_path / "out"), tmp_path / "seen.json"
    assert judged(out, aged.keys[0], state).exit_code == HOLDS
    shutil.copytree(aged.now, out, dirs_exist_ok=True)
    found = judged(out, aged.keys[0], state)
    assert (found.exit_code, found.start) == (HOLDS, 256)
    assert judged(out, aged.keys[0], state).exit_code == HOLDS
    before = state.read_bytes()
    (out / KEY_LIFE).unlink()
    assert "was there before" in wrong(judged(out, aged.keys[2], state))
    assert state.read_bytes() == before


def test_a_key_event_that_an_earlier_audit_saw_is_missed_by_the_next(tmp_path: Path) -> None:
    with log(tmp_path / "ledger") as made:
        rotating = Rotating(made, tmp_path)
        rotating.rotate()
        made.grow(600)
        out, state = rotating.export(tmp_path / "out"), tmp_path / "seen.json"
        assert judged(out, rotating.keys[1], state).exit_code == HOLDS
        lines = (out / KEY_LIFE).read_bytes().splitlines(keepends=True)
        (out / KEY_LIFE).write_bytes(b"".join(lines[:-1]))  # the revocation, at an entry that is not read again
        found = judged(out, rotating.keys[1], state)
        assert found.start == 512
        assert "is a key event, and key-life.jsonl does not hold it" in wrong(found)


def test_a_key_in_doubt_is_told(tmp_path: Path) -> None:
    with log(tmp_path / "ledger") as made:
        rotating = Rotating(made, tmp_path)
        service, name = made.service, rotating.keys[0]
        life = KeyLife(
            service.store, service.keys, service.publisher.publish, lambda *_: None, lambda *_: None, tmp_path
        )
        moment = "2026-01-01T00:00:00.000000Z"
        stolen = life.report(made.id, KeyPurpose.LOG, name, moment, "nothing counts", "stolen", ONE)
        out = rotating.export(tmp_path / "out")
        assert not any("In doubt" in one for one in judged(out, name).checks)
        life.confirm(made.id, stolen, "so it is", TWO)
        found = judged(rotating.export(out), name)
        assert found.exit_code == HOLDS
        assert any(f"In doubt, entry {stolen + 1}" in one and "nothing counts" in one for one in found.checks)
