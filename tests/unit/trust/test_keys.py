"""Keys of a ledger: each in a file of its own that only its owner can read, never overwritten, never shown."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import ConfigError, MalformedNote
from ledger.core.note import open_note, sign_note
from ledger.trust.files import write_durably
from ledger.trust.keys import Keys

ORIGIN = "plant.example/records"


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    made = Keys(tmp_path / "keys")
    made.create_log_keys("records")
    made.create_digest_secret()
    return made


def test_only_the_owner_can_read_a_key(keys: Keys, tmp_path: Path) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()}
    assert modes == dict.fromkeys(("records.log.key", "records.report.key", "digest.key"), 0o600)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert keys.problems() == []


def test_a_key_that_others_can_read_is_named(keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "keys" / "digest.key").chmod(0o640)
    (problem,) = keys.problems()
    assert "digest.key" in problem


def test_a_key_is_never_overwritten(keys: Keys, tmp_path: Path) -> None:
    before = (tmp_path / "keys" / "records.log.key").read_bytes()
    with pytest.raises(ConfigError, match="exists already"):
        keys.create_log_keys("records")
    assert (tmp_path / "keys" / "records.log.key").read_bytes() == before


def test_a_missing_key_is_named(keys: Keys, tmp_path: Path) -> None:
    (tmp_path / "keys" / "records.log.key").unlink()
    with pytest.raises(ConfigError, match=r"records\.log\.key"):
        keys.log_signer("records", ORIGIN)


def test_the_report_key_is_another_key_of_another_name(keys: Keys) -> None:
    log, report = keys.log_signer("records", ORIGIN), keys.report_signer("records", ORIGIN)
    note = sign_note("text\n", [report])
    assert open_note(note, [report.verifier]).text == "text\n"
    assert str(report.verifier).startswith(f"{ORIGIN}/report+")
    assert str(log.verifier).split("+")[2] != str(report.verifier).split("+")[2]


def test_the_content_digest_depends_on_the_ledger_secret_and_its_id_tells_nothing(keys: Keys, tmp_path: Path) -> None:
    other = Keys(tmp_path / "other")
    other.create_digest_secret()
    digest, other_digest = keys.digests(), other.digests()
    assert digest(b"record") == keys.digests()(b"record")
    assert digest(b"record") != other_digest(b"record")
    assert digest(b"record") != sha256(b"record").digest()
    assert digest.key != other_digest.key
    assert digest.key not in (tmp_path / "keys" / "digest.key").read_text()


def test_of_digest_secrets_that_are_changed_at_once_none_is_lost(keys: Keys, tmp_path: Path) -> None:
    before = keys.digests()
    with ThreadPoolExecutor(4) as pool:
        made = {one.key for one in pool.map(lambda _: Keys(tmp_path / "keys").rotate_digest_secret(), range(4))}
    held = keys.digests().keys
    assert len(held) == len(set(held)) == 5
    assert held[-1] == before.key
    assert made <= set(held)
    assert keys.digests().before(b"record")[-1] == before(b"record")
    assert keys.digests() is keys.digests()


def test_a_log_signs_with_ml_dsa_beside_ed25519_where_it_has_such_a_key(keys: Keys) -> None:
    assert keys.post_quantum_signer("records", ORIGIN) is None
    keys.create_post_quantum_key("records")
    with pytest.raises(ConfigError, match="exists already"):
        keys.create_post_quantum_key("records")
    first, second = keys.log_signers("records", ORIGIN)
    assert str(first.verifier) == str(keys.log_signer("records", ORIGIN).verifier)
    text = Checkpoint(origin=ORIGIN, size=3, root=bytes(32)).text()
    opened = open_note(sign_note(text, [first, second]), [first.verifier, second.verifier])
    assert [one.key_id for one in opened.verified] == [first.verifier.key_id, second.verifier.key_id]
    with pytest.raises(MalformedNote):
        second.sign("no checkpoint\n")


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "state"
    write_durably(path, b"first")
    write_durably(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o600
