"""Every attack on a package is found, and what was attacked is named."""

import base64
import json
import random
import re
from collections.abc import Callable
from hashlib import sha256, sha512
from pathlib import Path

import pytest

from ledger.core.checkpoint import Checkpoint
from ledger.core.hashing import b64
from ledger.core.note import NoteSigner, sign_note
from ledger.core.statement import sign_report
from reports import bag, layout
from reports.layout import decode_description, seal_payload
from reports.verdict import ExitCode
from reports.verify import verify_package
from tests.integration.reports.forger import rebuild
from tests.integration.reports.plant import NAMES, Plant
from tests.integration.reports.repack import Files, forge, pack, unpack, with_manifests
from tests.support.sampled import WHOLE
from tests.support.seeds import SEED

MUTATIONS = 400


def test_any_one_byte_changed_anywhere_in_the_file_is_found(site: Plant, withheld: Path, tmp_path: Path) -> None:
    data = withheld.read_bytes()
    dice = random.Random(SEED)
    places = {dice.randrange(len(data)) for _ in range(MUTATIONS - 100)}
    # The container is a small part of the bytes: headers and directory get a share of their own.
    directory = data.rindex(b"PK\x01\x02" + data[data.index(b"PK\x01\x02") + 4 :][:2])
    places |= {dice.randrange(data.index(b"PK\x01\x02"), len(data)) for _ in range(60)} | {directory}
    places |= {match.start() + dice.randrange(30) for match in re.finditer(b"PK\x03\x04", data)}
    target = tmp_path / "changed.zip"
    target.write_bytes(data)
    with target.open("r+b", buffering=0) as file:
        for place in sorted(places):
            changes = sorted({data[place] ^ (1 << dice.randrange(8)), dice.randrange(256)} - {data[place]})
            for changed in changes if WHOLE else (dice.choice(changes),):
                file.seek(place)
                file.write(bytes([changed]))
                verdict = verify_package(target, [site.vkey])
                assert verdict.exit_code is ExitCode.WRONG, place
                assert verdict.problems
            file.seek(place)
            file.write(data[place : place + 1])
    assert verify_package(target, [site.vkey]).exit_code is ExitCode.HOLDS


@pytest.mark.parametrize("cut", [1, 22, 1000])
def test_a_package_that_is_cut_or_longer_is_found(site: Plant, withheld: Path, tmp_path: Path, cut: int) -> None:
    data = withheld.read_bytes()
    for changed in (data[:-cut], data[cut:], data + bytes(cut), bytes(cut) + data, data[: len(data) // 2]):
        target = tmp_path / "changed.zip"
        target.write_bytes(changed)
        assert verify_package(target, [site.vkey]).exit_code is ExitCode.WRONG


def _replaced(name: str, old: bytes, new: bytes) -> Callable[[Files], Files]:
    def change(files: Files) -> Files:
        assert old in files[name], name
        return {**files, name: files[name].replace(old, new, 1)}

    return change


def _without_a_record(files: Files) -> Files:
    lines = files[layout.RECORDS].splitlines(keepends=True)
    index = json.loads(lines[7])["index"]
    rows = [row for row in files[layout.TABLE].split(b"\r\n") if not row.startswith(f'"{index}",'.encode())]
    description = json.loads(files[layout.DESCRIPTION])
    description["records"] -= 1
    description[json.loads(lines[7])["basis"]] -= 1
    originals = files[layout.ORIGINALS].splitlines(keepends=True)
    return {
        **files,
        layout.RECORDS: b"".join(lines[:7] + lines[8:]),
        layout.TABLE: b"\r\n".join(rows),
        layout.ORIGINALS: b"".join(line for line in originals if json.loads(line)["index"] != index),
        layout.DESCRIPTION: json.dumps(description, sort_keys=True, separators=(",", ":")).encode() + b"\n",
    }


FORGERIES: dict[str, tuple[Callable[[Files], Files], str]] = {
    "pdf-altered": (lambda files: {**files, layout.REPORT: files[layout.REPORT] + b"%"}, layout.REPORT),
    "csv-altered": (_replaced(layout.TABLE, b"planner1", b"planner2"), layout.TABLE),
    "help-altered": (_replaced(layout.HELP, b"--vkey KEY", b"--vkey OUR"), layout.HELP),
    "record-dropped-everywhere": (_without_a_record, layout.RECORDS),
    "body-altered": (_replaced(layout.RECORDS, b'"account":"operator2"', b'"account":"operator1"'), "entry "),
    "key-replaced": (_replaced(layout.KEYS, b"log ", b"LOG "), layout.KEYS),
    "file-added": (lambda files: {**files, "data/extra.txt": b"x"}, "data/extra.txt"),
    "volume-added": (lambda files: {**files, "data/report-002.pdf": b"x"}, layout.SEAL),
    "file-removed": (lambda files: {k: v for k, v in files.items() if k != layout.RUNS}, layout.RUNS),
    "bag-info-altered": (_replaced(bag.INFO, b"evidence-", b"Evidence-"), bag.INFO),
    "declaration-altered": (_replaced(bag.DECLARATION, b"1.0", b"0.9"), bag.DECLARATION),
    "checkpoint-of-another-size": (_replaced(layout.CHECKPOINT, b"records\n", b"records\n1"), layout.CHECKPOINT),
    "seal-with-a-second-signature": (
        lambda files: {**files, layout.SEAL: files[layout.SEAL] + files[layout.SEAL].splitlines(keepends=True)[-1]},
        layout.SEAL,
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_with_every_manifest_made_anew_is_found_and_named(
    name: str, site: Plant, withheld: Path, tmp_path: Path
) -> None:
    change, named = FORGERIES[name]
    forged = forge(withheld, tmp_path / "forged.zip", change)
    for keys in ([site.vkey], []):
        verdict = verify_package(forged, keys)
        assert verdict.exit_code is ExitCode.WRONG
        assert any(problem.where.startswith(named) for problem in verdict.problems), verdict.problems


def test_disclosed_values_and_originals_that_were_altered_are_named_by_entry(
    site: Plant, disclosed: Path, tmp_path: Path
) -> None:
    changes = (
        _replaced(layout.RECORDS, b'"value":"B. Example"', b'"value":"A. Example"'),
        lambda files: {**files, layout.ORIGINALS: _first_original_altered(files[layout.ORIGINALS])},
        lambda files: {**files, layout.ORIGINALS: b"".join(files[layout.ORIGINALS].splitlines(keepends=True)[1:])},
    )
    for change in changes:
        verdict = verify_package(forge(disclosed, tmp_path / "forged.zip", change), [site.vkey])
        assert verdict.exit_code is ExitCode.WRONG
        assert any(problem.where.startswith("entry ") for problem in verdict.problems), verdict.problems


def _first_original_altered(data: bytes) -> bytes:
    first, rest = data.split(b"\n", 1)
    line = json.loads(first)
    line["data"] = b64(b"another")
    return json.dumps(line, sort_keys=True, separators=(",", ":")).encode() + b"\n" + rest


def _resigned(files: Files, log: NoteSigner, report: NoteSigner, seed: bytes, *, everything: bool) -> Files:
    """Sealed again under the forger's report key; `everything`: a whole log of the forger's own, entries and proofs."""
    description = decode_description(files[layout.DESCRIPTION])
    if everything:
        files = rebuild(files, log, report)
        description = decode_description(files[layout.DESCRIPTION])
    files = with_manifests({**files, layout.SEAL: b""})
    digests = {name: bag.digest([data]) for name, data in files.items()}
    note = sign_report(description.origin, seal_payload(description, digests), seed)
    return with_manifests({**files, layout.SEAL: note})


def test_a_package_signed_again_by_a_report_key_that_the_log_does_not_know_is_found(
    site: Plant, withheld: Path, tmp_path: Path
) -> None:
    folder, files = unpack(withheld)
    origin = decode_description(files[layout.DESCRIPTION]).origin
    seed = bytes(range(32))
    forged = _resigned(files, NoteSigner(origin, seed), NoteSigner(f"{origin}/report", seed), seed, everything=False)
    path = pack(folder, forged, tmp_path / "forged.zip")
    for keys in ([site.vkey], []):
        verdict = verify_package(path, keys)
        assert verdict.exit_code is ExitCode.WRONG
        assert any(problem.where == layout.SEAL for problem in verdict.problems)


def test_a_package_made_wholly_anew_under_other_keys_is_consistent_alone_and_wrong_under_the_outside_key(
    site: Plant, withheld: Path, tmp_path: Path
) -> None:
    folder, files = unpack(withheld)
    origin = decode_description(files[layout.DESCRIPTION]).origin
    seed, report_seed = bytes(range(32)), bytes(range(1, 33))
    log, report = NoteSigner(origin, seed), NoteSigner(f"{origin}/report", report_seed)
    path = pack(folder, _resigned(files, log, report, report_seed, everything=True), tmp_path / "forged.zip")
    alone = verify_package(path)
    assert alone.exit_code is ExitCode.NOT_AUTHENTICATED, alone.lines()
    verdict = verify_package(path, [site.vkey])
    assert verdict.exit_code is ExitCode.WRONG
    assert [problem.where for problem in verdict.problems] == [layout.CHECKPOINT]


def test_a_withheld_name_cannot_be_found_by_hashing_guesses(withheld: Path) -> None:
    """The forger knows everything about a record but the name: no digest in the package tells which guess is right."""
    _, files = unpack(withheld)
    everything = b"\n".join(files.values())
    digests = {bytes.fromhex(hit.decode()) for hit in re.findall(rb"\b(?:[0-9a-f]{64}|[0-9a-f]{128})\b", everything)}
    digests |= {base64.b64decode(hit) for hit in re.findall(rb'"([A-Za-z0-9+/]{43}=)"', everything)}
    salts = [digest for digest in digests if len(digest) == 32] + [b"", bytes(32)]
    assert len(salts) > 1000
    lines = [json.loads(line) for line in files[layout.RECORDS].splitlines()]
    line = next(line for line in lines if line.get("withheld") and line["body"]["record"].get("changes"))
    number = line["body"]["record"]["source_record_id"].partition("-")[2]
    prefixes = (b"", *(bytes([number]) for number in range(7)))
    for name in NAMES:
        assert all(
            sha256(prefix + salt + json.dumps(name).encode()).digest() not in digests
            for prefix in prefixes
            for salt in salts
        )
        # The other thing that held the name is the original, of which an insider knows all but the name.
        change = line["body"]["record"]["changes"][0]
        for text in (name.encode(), f"ev-{number};{name};{change['old']};{change['new']}".encode()):
            for hashing in (sha256, sha512):
                assert hashing(text).digest() not in digests
            assert all(sha256(b"\4" + salt + text).digest() not in digests for salt in salts)


def test_the_dictionary_attack_would_find_the_name_if_its_digest_were_there(disclosed: Path) -> None:
    """The test above can fail: with the salts that a disclosed package gives, the same guesses find the name."""
    _, files = unpack(disclosed)
    line = next(line for line in map(json.loads, files[layout.RECORDS].splitlines()) if line.get("sealed"))
    salt = base64.b64decode(line["sealed"][0]["salt"])
    sealed = base64.b64decode(line["body"]["record"]["actor"]["name"]["sealed"])
    assert [name for name in NAMES if sha256(b"\3" + salt + json.dumps(name).encode()).digest() == sealed]


def test_a_checkpoint_signed_by_nobody_known_is_found_though_all_else_holds(
    site: Plant, withheld: Path, tmp_path: Path
) -> None:
    def change(files: Files) -> Files:
        text = files[layout.CHECKPOINT].decode().rpartition("\n\n")[0] + "\n"
        Checkpoint.parse(text)
        return {**files, layout.CHECKPOINT: sign_note(text, [NoteSigner(text.split("\n")[0], bytes(32))])}

    verdict = verify_package(forge(withheld, tmp_path / "forged.zip", change), [site.vkey])
    assert verdict.exit_code is ExitCode.WRONG
    assert verdict.problems[-1].where == layout.CHECKPOINT
