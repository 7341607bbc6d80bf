"""Where a ledger's keys are, by commands: made, moved, sealed anew, looked at by `doctor`; never shown."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ledger import settings
from ledger.core.published_keys import KEY_LIFE
from ledger.service import Service
from ledger.signer import SignerChild
from ledger.trust.keys import Keys
from ledger.trust.providers.options import ProviderName
from ledger.trust.providers.sealed import SealedSecrets, SealEffort
from ledger.trust.signer_process import RemoteSigner
from tests.cli.conftest import SOURCE, lines_of
from tests.cli.terminal import Answer, trailseal
from tests.support.ledgers import put_schema
from tests.support.softhsm import MODULE, PIN, PIN_VARIABLE, SoftHsm

PASSPHRASE = "correct horse battery staple"
VARIABLE = "TRAILSEAL_TEST_PASSPHRASE"
SIGNERS = "TRAILSEAL_TEST_SIGNERS_PASSPHRASE"


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at a passphrase costs next to nothing, where its cost is not what is tested."""
    effort = SealEffort(memory_kib=8, passes=1)
    monkeypatch.setattr("ledger.trust.providers.choice.SealedSecrets", partial(SealedSecrets, effort=effort))
    monkeypatch.setattr("ledger.trust.providers.sealed.MINIMUM", effort)


def _made(folder: Path, *options: str | Path, name: str = "keys") -> str:
    put_schema(folder, settings.Settings(origin=f"plant.example/{name}"))
    made = trailseal("init", folder, "--origin", f"plant.example/{name}", *options, "--json")
    assert made.code == 0, made.err
    assert trailseal("source", "add", SOURCE, "--type", "push", "--ledger", folder).code == 0
    return str(made.json()["vkey"])


def _works(folder: Path, vkey: str, *numbers: int) -> None:
    """Takes records, verifies, and issues a package that holds under the key from outside."""
    file, package = folder.parent / "records.jsonl", folder.parent / f"out{len(list(folder.parent.glob('*.zip')))}.zip"
    file.write_bytes(lines_of(*numbers))
    for command in (
        ("append", file, "--source", SOURCE, "--ledger", folder),
        ("package", "--out", package, "--batch", "B-2026-00042", "--ledger", folder),
        ("verify", "--ledger", folder),
        ("verify", package, "--vkey", vkey),
    ):
        answer = trailseal(*command)
        assert answer.code == 0, (command, answer.out, answer.err)


def _doctor(folder: Path) -> dict[str, Any]:
    return {one["name"]: one for one in trailseal("doctor", "--json", "--ledger", folder).json()}


def _vkey(folder: Path) -> str:
    told: Answer = trailseal("key", "list", "--json", "--ledger", folder)
    return next(str(one["vkey"]) for one in told.json()["keys"] if one["log"] == "records")


def test_a_ledger_whose_keys_are_sealed_works_and_its_files_hold_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, PASSPHRASE)
    folder = tmp_path / "ledger"
    vkey = _made(folder, "--keys", "sealed", "--passphrase-env", VARIABLE)
    _works(folder, vkey, 1, 2)
    assert list((folder / "keys").glob("*.key")) == []
    assert _doctor(folder)["keys"]["ok"]
    assert trailseal("key", "list", "--json", "--ledger", folder).json()["provider"] == "sealed"
    monkeypatch.setenv(VARIABLE, "not the passphrase at all")
    file = tmp_path / "more.jsonl"
    file.write_bytes(lines_of(3))
    for command in (("append", file, "--source", SOURCE), ("serve", "--port", "0"), ("key", "rotate-digest")):
        told = trailseal(*command, "--ledger", folder)
        assert told.code != 0
        assert "passphrase is wrong" in told.err
        assert "at all" not in told.out + told.err
    assert "passphrase is wrong" in _doctor(folder)["ledger"]["says"]
    monkeypatch.delenv(VARIABLE)
    assert f"no passphrase in ${VARIABLE}" in trailseal("append", file, "--source", SOURCE, "--ledger", folder).err
    assert trailseal("search", "Operator", "--ledger", folder).code == 0, "who only reads needs no key"


@pytest.mark.usefixtures("cheap")
def test_the_logs_keys_are_sealed_apart_and_only_the_process_that_signs_opens_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "ledger"
    monkeypatch.setenv(VARIABLE, PASSPHRASE)
    vkey = _made(folder, "--keys", "sealed", "--passphrase-env", VARIABLE)
    assert "could sign checkpoints" in _doctor(folder)["passphrases"]["says"]
    seal = ("key", "seal", "--signer-passphrase-env", SIGNERS, "--ledger", folder)
    monkeypatch.setenv(SIGNERS, PASSPHRASE)
    assert "opens all else" in trailseal(*seal).err
    monkeypatch.setenv(SIGNERS, f"{PASSPHRASE} of the signer")
    assert trailseal(*seal).code == 0
    assert not [name for name in SealedSecrets(folder / "keys", lambda: PASSPHRASE).names() if ".log" in name]
    _works(folder, vkey, 1)
    assert _vkey(folder) == vkey, "it signs with the same key"
    found = _doctor(folder)
    assert (found["passphrases"]["ok"], found["passphrases"]["says"]) == (True, "the signer has another one")
    assert found["keys"]["ok"]
    with SignerChild() as given, SignerChild() as later:
        given.begin(folder)
        monkeypatch.delenv(SIGNERS)
        _works(folder, vkey, 2)
        assert "not given here, as it should be" in _doctor(folder)["passphrases"]["says"]
        assert _doctor(folder)["key, log records"]["ok"]
        later.begin(folder)
    with SignerChild() as never:
        never.begin(folder)
        assert not RemoteSigner(folder / "signed").there(), "it leaves signing to who is given the passphrase"
    refused = trailseal("package", "--out", tmp_path / "none.zip", "--batch", "B-2026-00042", "--ledger", folder)
    assert (refused.code, "trailseal signer" in refused.err) == (1, True)
    assert trailseal("search", "Operator", "--ledger", folder).code == 0
    monkeypatch.setenv(SIGNERS, f"{PASSPHRASE} of the signer")
    fresh = ("--passphrase-file", _file(tmp_path, "new", 1), "--signer-passphrase-file", _file(tmp_path, "new", 2))
    assert trailseal("key", "seal", *fresh, "--ledger", folder).code == 0
    monkeypatch.delenv(SIGNERS)
    monkeypatch.delenv(VARIABLE)
    _works(folder, vkey, 3)
    (tmp_path / "new2").write_text((tmp_path / "new1").read_text())
    assert not _doctor(folder)["passphrases"]["ok"]


def _file(place: Path, name: str, number: int) -> Path:
    file = place / f"{name}{number}"
    file.write_text(f"{PASSPHRASE} {number}\n")
    file.chmod(0o600)
    return file


def test_a_ledger_whose_keys_are_in_a_security_module_works(
    softhsm: SoftHsm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "ledger"
    module = ("--keys", "pkcs11", "--module", MODULE, "--token", softhsm.token.token, "--pin-env", PIN_VARIABLE)
    vkey = _made(folder, *module, name="in-a-module")
    _works(folder, vkey, 1, 2)
    assert sorted(path.stem for path in (folder / "keys").glob("*.key")) == ["digest", "pepper"]
    found = _doctor(folder)
    assert found["security module"]["ok"]
    assert found["key purposes"]["says"] == "4 keys, each for one purpose"
    before = trailseal("search", "", "--json", "--ledger", folder).json()["total"]
    text = (folder / settings.FILE_NAME).read_text()
    (folder / settings.FILE_NAME).write_text(text.replace(f'"{softhsm.token.token}"', '"taken away"'))
    assert trailseal("search", "", "--json", "--ledger", folder).json()["total"] == before
    gone = _doctor(folder)
    assert not gone["security module"]["ok"]
    assert "'taken away'" in gone["security module"]["says"]
    assert PIN not in json.dumps(gone)


def test_a_log_s_key_is_rotated_into_a_security_module(softhsm: SoftHsm, tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    module = ("--keys", "pkcs11", "--module", MODULE, "--token", softhsm.token.token, "--pin-env", PIN_VARIABLE)
    vkey = _made(folder, *module, name="rotated-in-a-module")
    why, of = ("--reason", "due"), ("--json", "--ledger", folder)
    then = trailseal("key", "prepare-next", "--in-token", *of).json()["digest"]
    first = trailseal("key", "rotate", *why, "--next", folder / "next-keys", "--then", then, *of)
    assert first.code == 0, first.err
    assert (folder / "keys" / "records.log.key").exists(), "the promised key was made offline"
    assert "records.log" in _doctor(folder)["security module"]["says"]
    assert not _doctor(folder)["security module"]["ok"]
    after = trailseal("key", "prepare-next", "--in-token", *of).json()["digest"]
    assert trailseal("key", "prepare-next", "--in-token", *of).code != 0, "two are enough"
    assert trailseal("key", "revoke", vkey, *why, *of).code == 0
    second = trailseal("key", "rotate", *why, "--in-token", "--then", after, *of)
    assert second.code == 0, second.err
    assert _vkey(folder) == second.json()["new"] != first.json()["new"]
    assert trailseal("key", "revoke", first.json()["new"], *why, *of).code == 0
    assert _doctor(folder)["security module"]["ok"]
    assert sorted(path.stem for path in (folder / "keys").glob("*.key")) == ["digest", "pepper"]
    file = tmp_path / "records.jsonl"
    file.write_bytes(lines_of(1))
    assert trailseal("append", file, "--source", SOURCE, "--ledger", folder).code == 0
    assert trailseal("verify", "--ledger", folder).code == 0


@pytest.mark.usefixtures("cheap")
def test_a_ledger_comes_to_a_security_module_later_and_what_is_beside_it_is_sealed(
    softhsm: SoftHsm, tmp_path: Path
) -> None:
    folder, passphrase = tmp_path / "ledger", tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE)
    vkey = _made(folder, name="later-in-a-module")
    module = ("--module", MODULE, "--token", softhsm.token.token)
    moved = trailseal("key", "move", "--to", "pkcs11", *module, "--pin-env", PIN_VARIABLE, "--ledger", folder)
    assert moved.code == 0, moved.err
    _works(folder, vkey, 1)
    assert "records.log" in _doctor(folder)["security module"]["says"]
    assert trailseal("key", "seal", "--passphrase-file", passphrase, "--ledger", folder).code == 0
    assert list((folder / "keys").glob("*.key")) == []
    _works(folder, vkey, 2)
    back = trailseal("key", "move", "--to", "file", "--ledger", folder)
    assert "do not leave the security module" in back.err
    service = Service(folder)
    service.create_record_log("site-b", service.people.local("tester"))
    service.close()
    found = _doctor(folder)
    assert "site-b" not in found["security module"]["says"]
    assert found["key, log site-b"]["ok"]


@pytest.mark.usefixtures("cheap")
def test_keys_move_into_a_sealed_file_and_back_and_stay_the_same_keys(tmp_path: Path) -> None:
    folder, passphrase = tmp_path / "ledger", tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE + "\n")
    passphrase.chmod(0o600)
    vkey = _made(folder)
    _works(folder, vkey, 1)
    config = folder / settings.FILE_NAME
    config.write_text("# kept by hand\n" + config.read_text() + "\n# and this\n")
    names = {path.stem for path in (folder / "keys").glob("*.key")}
    assert len(names) == 6
    moved = trailseal("key", "seal", "--passphrase-file", passphrase, "--json", "--ledger", folder)
    assert moved.code == 0, moved.err
    assert set(moved.json()["keys"]) == names
    assert trailseal("key", "mail-password", "--file", passphrase, "--ledger", folder).code == 0
    names.add("mail")
    assert list((folder / "keys").glob("*.key")) == []
    assert config.read_text().startswith("# kept by hand\n")
    assert "# and this\n" in config.read_text()
    assert _vkey(folder) == vkey
    _works(folder, vkey, 1, 2)
    back = trailseal("key", "move", "--to", "file", "--ledger", folder)
    assert back.code == 0, back.err
    assert {path.stem for path in (folder / "keys").iterdir() if path.suffix in (".key", ".password")} == names
    assert Keys(folder / "keys").mail_password() == PASSPHRASE
    assert settings.load(folder)[0].keys.provider is ProviderName.FILE
    _works(folder, vkey, 3)


@pytest.mark.usefixtures("cheap")
def test_a_move_that_was_cut_off_is_finished_by_the_same_command_and_overwrites_nothing(tmp_path: Path) -> None:
    folder, passphrase = tmp_path / "ledger", tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE)
    vkey = _made(folder)
    command = ("key", "move", "--to", "sealed", "--passphrase-file", passphrase, "--ledger", folder)
    toml = (folder / settings.FILE_NAME).read_text()
    keys = {path: path.read_bytes() for path in (folder / "keys").glob("*.key")}
    assert trailseal(*command).code == 0
    (folder / settings.FILE_NAME).write_text(toml)
    for path, data in keys.items():
        path.write_bytes(data)
    assert trailseal(*command).code == 0
    assert _vkey(folder) == vkey
    (folder / settings.FILE_NAME).write_text(toml)
    for path, data in keys.items():
        path.write_bytes(data.swapcase() if path.stem == "digest" else data)
    refused = trailseal(*command)
    assert refused.code != 0
    assert "another key already" in refused.err
    assert all(path.exists() for path in keys)


@pytest.mark.usefixtures("cheap")
def test_the_sealed_file_is_sealed_anew_under_another_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, PASSPHRASE)
    folder, other = tmp_path / "ledger", tmp_path / "other"
    other.write_text("another passphrase, longer")
    other.chmod(0o600)
    vkey = _made(folder, "--keys", "sealed", "--passphrase-env", VARIABLE)
    assert trailseal("key", "seal", "--passphrase-file", other, "--ledger", folder).code == 0
    monkeypatch.delenv(VARIABLE)
    assert _vkey(folder) == vkey
    other.chmod(0o644)
    found = _doctor(folder)["keys"]
    assert not found["ok"]
    assert f"{other} can be read by others" in found["says"]
    (folder / "keys" / "pepper.key").write_text("left over")
    (folder / "keys" / "pepper.key").chmod(0o644)
    assert "pepper.key can be read by others" in _doctor(folder)["keys"]["says"]
    assert "pepper: key files in plain text beside the sealed file" in _doctor(folder)["keys"]["says"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--to", "pkcs11"), "which security module"),
        (("--to", "pkcs11", "--module", MODULE, "--token", "absent", "--pin-env", PIN_VARIABLE), "'absent'"),
        (("--to", "pkcs11", "--module", MODULE, "--token", "absent"), "one of pin_file and pin_env"),
        (("--to", "file"), "kept by the provider file already"),
        (("--to", "sealed"), "passphrase_file"),
        (("--to", "sealed", "--passphrase-env", "TRAILSEAL_TEST_SHORT"), "fewer than 14"),
    ],
)
@pytest.mark.usefixtures("softhsm")
def test_a_move_that_cannot_be_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], says: str
) -> None:
    monkeypatch.setenv("TRAILSEAL_TEST_SHORT", "short")
    folder = tmp_path / "ledger"
    vkey = _made(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*.key")}
    refused = trailseal("key", "move", *options, "--ledger", folder)
    assert refused.code != 0
    assert says in refused.err
    assert {path: path.read_bytes() for path in folder.rglob("*.key")} == before
    assert _vkey(folder) == vkey


def test_a_post_quantum_line_is_asked_for_at_init_or_later_and_by_who_verifies(tmp_path: Path) -> None:
    folder, out = tmp_path / "ledger", tmp_path / "tiles"
    made = trailseal("init", folder, "--origin", "plant.example/pq", "--post-quantum", "--json").json()
    assert trailseal("tiles", "export", "--out", out, "--ledger", folder).code == 0
    both = ("--vkey", made["vkey"], "--vkey", made["post_quantum"])
    assert trailseal("verify", "--tiles", out, *both, "--require-pq").code == 0
    note = out / "checkpoint"
    note.write_bytes(b"".join(note.read_bytes().splitlines(keepends=True)[:-1]))
    told = trailseal("verify", "--tiles", out, *both)
    assert (told.code, "and did not sign" in told.out) == (1, True), "the log's own key events ask for the line"
    (out / KEY_LIFE).unlink()
    assert trailseal("verify", "--tiles", out, *both).code == 0
    stripped = trailseal("verify", "--tiles", out, *both, "--require-pq")
    assert stripped.code == 1
    assert "has no ML-DSA-44 line of the log" in stripped.out
    alone = trailseal("verify", "--tiles", out, "--vkey", made["vkey"], "--require-pq")
    assert alone.code != 0
    assert "no log has both" in alone.err
    again = trailseal("key", "post-quantum", "--reason", "twice", "--ledger", folder)
    assert again.code != 0
    assert "already" in again.err
    shown = trailseal("key", "show", "--ledger", folder).out
    assert made["post_quantum"] in shown
    assert trailseal("verify", "--ledger", folder).code == 0
    assert _doctor(folder)["key purposes"]["says"] == "6 keys, each for one purpose"


@pytest.mark.usefixtures("softhsm")
def test_init_refuses_what_opens_nothing_before_it_makes_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "short")
    folder = tmp_path / "ledger"
    command = ("init", folder, "--origin", "plant.example/keys")
    assert "fewer than 14" in trailseal(*command, "--keys", "sealed", "--passphrase-env", VARIABLE).err
    module = ("--keys", "pkcs11", "--module", MODULE, "--pin-env", VARIABLE)
    assert "'absent'" in trailseal(*command, *module, "--token", "absent").err
    assert "which security module" in trailseal(*command, "--keys", "pkcs11").err
    assert trailseal(*command).code == 0


def test_the_digest_secret_is_changed_by_command_and_doctor_knows_the_right_one(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    vkey = _made(folder)
    _works(folder, vkey, 1)
    before = (folder / "keys" / "digest.key").read_bytes()
    rotated = trailseal("key", "rotate-digest", "--json", "--ledger", folder).json()
    assert (rotated["kept"], rotated["old"] == rotated["new"]) == (2, False)
    file = tmp_path / "again.jsonl"
    file.write_bytes(lines_of(1, 2))
    again = trailseal("append", file, "--source", SOURCE, "--json", "--ledger", folder).json()
    assert (again["appended"], again["duplicate"]) == (1, 1)
    assert _doctor(folder)["digest secret"]["ok"]
    assert trailseal("verify", "--ledger", folder).code == 0
    (folder / "keys" / "digest.key").write_bytes(before)
    stale = _doctor(folder)["digest secret"]
    assert not stale["ok"]
    assert rotated["new"] in stale["says"]


def test_each_key_serves_one_purpose_and_doctor_finds_one_that_serves_two(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    _made(folder)
    service = Service(folder)
    authority = service.people.local("tester")
    service.require_receipt_key(service.log(), authority)
    service._notice_key()
    service.close()
    events = trailseal("key", "list", "--json", "--ledger", folder).json()
    named = {one["key"]: one["purpose"] for one in events["events"]}
    assert sorted(named.values()) == ["digest", "notice", "receipt", "report", "report"]
    public = [one.split("+", 2)[2] for one in (*named, *[key["vkey"] for key in events["keys"]]) if "+" in one]
    assert len(set(public)) == len(public) == 6
    assert _doctor(folder)["key purposes"]["says"] == "6 keys, each for one purpose"
    keys = folder / "keys"
    (keys / "records.receipt.key").write_bytes((keys / "records.report.key").read_bytes())
    found = _doctor(folder)["key purposes"]
    assert not found["ok"]
    assert "the receipt key of records is the same key as the report key of records" in found["says"]
    assert "no key event names the key at hand as the receipt key of records" in found["says"]
