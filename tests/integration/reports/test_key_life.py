"""A package outlives its log's key: whoever pinned an older one is led to the present one, by that key's own word."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.core import canonical
from ledger.core.authority import Authority
from ledger.core.checkpoint import Checkpoint
from ledger.core.hashing import b64
from ledger.core.key_events import KeyPurpose
from ledger.core.note import NoteSigner, VerifierKey, parse_note, sign_note
from ledger.core.policy import Policy
from ledger.core.statement import sign_report
from ledger.new_log import NEXT_KEYS
from ledger.trust.next_keys import load_next, prepare_next
from reports import bag, layout
from reports.layout import decode_description, seal_payload
from reports.verdict import ExitCode, Outcome
from reports.verify import verify_package
from tests.integration.reports.forger import rebuild
from tests.integration.reports.plant import AUTHORITY, Plant, plant
from tests.integration.reports.repack import Files, forge, unpack, with_manifests

ONE, TWO = (Authority(actor=name, authenticated=True) for name in ("admin1", "admin2"))


class Aged:
    """A site whose key was rotated twice; its old keys are kept here, as a thief would have them."""

    def __init__(self, site: Plant, folder: Path) -> None:
        self.site = site
        self.signers = [*site.service.keys.log_signers(site.log.name, site.log.origin)]
        following = site.service.folder / NEXT_KEYS
        for number in (1, 2):
            seed = load_next(following, site.log.origin)
            self.signers.append(NoteSigner(site.log.origin, seed))
            following = folder / f"next-{number}"
            digest = prepare_next(following, site.log.origin)
            site.service.key_life.rotate(site.log, seed, digest, "due", AUTHORITY)
            site.service.key_life.revoke(site.log, self.keys[-2], "over", AUTHORITY)
        site.service.publisher.publish_all()
        self.package = folder / "package.zip"
        site.package(self.package)

    @property
    def keys(self) -> list[str]:
        return [str(one.verifier) for one in self.signers]

    def resealed(self, out: Path, change: Callable[[Files], Files]) -> Path:
        """The package with its files changed, and sealed again by its report key."""

        def sealed(files: Files) -> Files:
            files = with_manifests(change(dict(files)))
            digests = {name: bag.digest([data]) for name, data in files.items()}
            payload = seal_payload(decode_description(files[layout.DESCRIPTION]), digests)
            key = self.site.service.keys.report_key(self.site.log.name)
            return {**files, layout.SEAL: sign_report(self.site.log.origin, payload, key)}

        return forge(self.package, out, sealed)


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aged]:
    folder = tmp_path_factory.mktemp("aged")
    with plant(folder / "ledger", 60) as site:
        yield Aged(site, folder)


def lines(files: Files) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files[layout.KEY_LIFE].splitlines()]


def written(found: list[dict[str, Any]]) -> bytes:
    return b"".join(canonical.dumps(line) + b"\n" for line in found)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_package_holds_under_each_key_that_the_log_had(aged: Aged, which: int) -> None:
    verdict = verify_package(aged.package, [aged.keys[which]])
    assert verdict.exit_code is ExitCode.HOLDS, verdict.lines()
    origin = next(check for check in verdict.checks if check.name == "Origin")
    assert (f"to which {2 - which} rotations lead" in origin.says) is (which < 2)


def test_it_is_wrong_under_any_other_key_and_not_authenticated_without(aged: Aged) -> None:
    other = NoteSigner(aged.site.log.origin, bytes(32)).verifier
    assert verify_package(aged.package, [str(other)]).exit_code is ExitCode.WRONG
    assert verify_package(aged.package).exit_code is ExitCode.NOT_AUTHENTICATED
    _, files = unpack(aged.package)
    assert files[layout.KEYS].decode().splitlines()[0] == f"log {aged.keys[2]}"


def test_the_witnesses_of_the_old_policy_have_to_have_seen_each_rotation(aged: Aged) -> None:
    witness = NoteSigner("witness.example/qa", bytes(32))
    policy = Policy.of_log_keys([VerifierKey.parse(aged.keys[0])])
    asking = msgspec.structs.replace(
        policy,
        witnesses={"qa": msgspec.structs.replace(policy.logs[0], key=witness.verifier)},
        quorum="qa",
    )
    verdict = verify_package(aged.package, policy=asking)
    assert verdict.exit_code is ExitCode.WRONG
    assert "quorum qa is not met" in verdict.problems[0].what


def _stripped(files: Files, _: Aged) -> Files:
    return {name: data for name, data in files.items() if name != layout.KEY_LIFE}


def _one_left_out(files: Files, _: Aged) -> Files:
    return {**files, layout.KEY_LIFE: written(lines(files)[1:])}


def _revocation_left_out(files: Files, _: Aged) -> Files:
    found = lines(files)
    return {**files, layout.KEY_LIFE: written([found[0], *found[2:]])}


def _no_handover(files: Files, _: Aged) -> Files:
    found = lines(files)
    del found[0]["note"]
    return {**files, layout.KEY_LIFE: written(found)}


def _handover_without_the_old_key(files: Files, aged: Aged) -> Files:
    found = lines(files)
    text = parse_note(found[0]["note"].encode()).text
    found[0]["note"] = sign_note(text, [aged.signers[1]]).decode()
    return {**files, layout.KEY_LIFE: written(found)}


def _handover_of_another_tree(files: Files, aged: Aged) -> Files:
    found = lines(files)
    held = Checkpoint.parse(parse_note(found[0]["note"].encode()).text)
    other = Checkpoint(origin=held.origin, size=held.size, root=bytes(32)).text()
    found[0]["note"] = sign_note(other, aged.signers[:2]).decode()
    return {**files, layout.KEY_LIFE: written(found)}


def _handover_before_the_rotation(files: Files, aged: Aged) -> Files:
    found = lines(files)
    with aged.site.service.store.reader(aged.site.log.number) as reader:
        text = Checkpoint(origin=reader_origin(aged), size=4, root=reader.root(4)).text()
        size = decode_description(files[layout.DESCRIPTION]).size
        found[0]["consistency"] = [b64(one) for one in reader.consistency(4, size)]
    found[0]["note"] = sign_note(text, aged.signers[:1]).decode()
    return {**files, layout.KEY_LIFE: written(found)}


def _signed_by_a_revoked_key(files: Files, aged: Aged) -> Files:
    text = parse_note(files[layout.CHECKPOINT]).text
    return {**files, layout.CHECKPOINT: sign_note(text, aged.signers[::2])}


def _another_key_event(files: Files, _: Aged) -> Files:
    found = lines(files)
    found[0]["body"]["reason"] = "another"
    return {**files, layout.KEY_LIFE: written(found)}


def _proof_of_another_entry(files: Files, _: Aged) -> Files:
    found = lines(files)
    found[1]["proof"] = found[0]["proof"]
    return {**files, layout.KEY_LIFE: written(found)}


def reader_origin(aged: Aged) -> str:
    return aged.site.log.origin


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_stripped, "no known key signed the note"),
        (_one_left_out, "as the key event before it"),
        (_revocation_left_out, "as the key event before it"),
        (_no_handover, "bears no checkpoint where a rotation has to"),
        (_handover_without_the_old_key, "no known key signed the note"),
        (_handover_of_another_tree, "the rotation of entry"),
        (_handover_before_the_rotation, "does not hold it"),
        (_signed_by_a_revoked_key, "had revoked it"),
        (_another_key_event, "is not signed by the keys that it is about"),
        (_proof_of_another_entry, "inclusion proof of leaf"),
    ],
)
def test_a_chain_that_does_not_lead_to_the_present_key_is_found_though_the_seal_is_made_anew(
    aged: Aged, tmp_path: Path, change: Callable[[Files, Aged], Files], why: str
) -> None:
    verdict = verify_package(aged.resealed(tmp_path / "forged.zip", lambda files: change(files, aged)), aged.keys[:1])
    assert verdict.exit_code is ExitCode.WRONG
    assert any(why in problem.what for problem in verdict.problems), verdict.problems


def test_a_rotation_is_vouched_for_by_the_very_key_that_it_rotates_away(aged: Aged, tmp_path: Path) -> None:
    def older(files: Files) -> Files:
        found = lines(files)
        second = next(line for line in reversed(found) if "note" in line)
        second["note"] = sign_note(parse_note(second["note"].encode()).text, aged.signers[:1]).decode()
        return {**files, layout.KEY_LIFE: written(found)}

    verdict = verify_package(aged.resealed(tmp_path / "forged.zip", older), aged.keys[:2])
    assert verdict.exit_code is ExitCode.WRONG
    assert any("the key that was rotated away did not sign" in problem.what for problem in verdict.problems)


def test_resealing_alone_changes_nothing(aged: Aged, tmp_path: Path) -> None:
    same = aged.resealed(tmp_path / "same.zip", lambda files: files)
    assert verify_package(same, aged.keys[:1]).exit_code is ExitCode.HOLDS


def test_what_a_stolen_old_key_makes_holds_for_nobody_who_pinned_a_later_one(aged: Aged, tmp_path: Path) -> None:
    report = NoteSigner(f"{aged.site.log.origin}/report", bytes(32))
    stolen = aged.signers[0]

    def anew(files: Files) -> Files:
        made = with_manifests(rebuild(_stripped(files, aged), stolen, report))
        digests = {name: bag.digest([data]) for name, data in made.items()}
        payload = seal_payload(decode_description(made[layout.DESCRIPTION]), digests)
        return {**made, layout.SEAL: sign_report(aged.site.log.origin, payload, bytes(32))}

    forged = forge(aged.package, tmp_path / "forged.zip", anew)
    for later in aged.keys[1:]:
        assert verify_package(forged, [later]).exit_code is ExitCode.WRONG


def test_a_compromise_is_told_and_fails_nothing(tmp_path: Path) -> None:
    with plant(tmp_path / "ledger", 40) as site:
        life = site.service.key_life
        life._permit = lambda transaction, authority: None
        since, words = "2025-11-25T00:00:00.000000Z", ("made anew by hand", "a disk was stolen")
        report_key = str(site.service.keys.report_signer(site.log.name, site.log.origin).verifier)
        for purpose, key in ((KeyPurpose.LOG, site.vkey), (KeyPurpose.REPORT, report_key)):
            index = life.report(site.log, purpose, key, since, *words, ONE)
            life.confirm(site.log, index, "seen", TWO)
        site.service.publisher.publish_all()
        site.package(tmp_path / "package.zip")
        verdict = verify_package(tmp_path / "package.zip", [site.vkey])
    assert verdict.exit_code is ExitCode.HOLDS, verdict.lines()
    told = [check for check in verdict.checks if check.name.startswith("Key in doubt")]
    assert [check.outcome for check in told] == [Outcome.UNKNOWN] * 2
    assert all(since in check.says and "made anew by hand" in check.says for check in told)
