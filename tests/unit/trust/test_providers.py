"""Every key provider keeps the same promises: what it made signs, nothing is overwritten, nothing secret is shown."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.core.errors import ConfigError
from ledger.core.note import PrivateKey, ed25519_verify
from ledger.trust.providers.base import Provider, SeedKey
from ledger.trust.providers.files import FileSecrets
from ledger.trust.providers.options import KeyOptions, Pkcs11Options, ProviderName
from ledger.trust.providers.sealed import SealedSecrets, SealEffort
from ledger.trust.providers.stored import StoredKeys
from tests.support.softhsm import SoftHsm

PASSPHRASE = "correct horse battery"
CHEAP = SealEffort(memory_kib=8, passes=1)
ORIGIN = "plant.example/ledger"
NAME = "records.log"
MESSAGE = b"what is signed"

Opened = Callable[[], Provider]
"""Opens the same keys again, as another process would."""
ledgers = itertools.count()


def _file(folder: Path) -> Opened:
    return lambda: StoredKeys(FileSecrets(folder / "keys"))


def _sealed(folder: Path) -> Opened:
    return lambda: StoredKeys(SealedSecrets(folder / "keys", lambda: PASSPHRASE, CHEAP))


@pytest.fixture(params=["file", "sealed", "pkcs11"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    if request.param == "file":
        return _file(tmp_path)
    if request.param == "sealed":
        return _sealed(tmp_path)
    softhsm: SoftHsm = request.getfixturevalue("softhsm")
    origin = f"plant.example/conformance-{next(ledgers)}"
    return lambda: _in_token(softhsm.token, tmp_path, origin)


def _in_token(options: Pkcs11Options, folder: Path, origin: str) -> Provider:
    from ledger.trust.providers.pkcs11 import TokenKeys

    return TokenKeys(options, origin, folder, FileSecrets(folder / "keys"))


def _signs(key: PrivateKey) -> bool:
    return ed25519_verify(key.public_key, MESSAGE, key.sign(MESSAGE))


def test_what_was_made_signs_here_and_in_another_process(opened: Opened) -> None:
    made = opened()
    assert not made.has(NAME)
    made.create(NAME)
    other = opened()
    assert other.has(NAME)
    assert other.key(NAME).public_key == made.key(NAME).public_key
    assert _signs(made.key(NAME))
    assert _signs(other.key(NAME))


def test_each_name_is_a_key_of_its_own(opened: Opened) -> None:
    keys = opened()
    for name in (NAME, "records.report"):
        keys.create(name)
    one, two = keys.key(NAME), keys.key("records.report")
    assert one.public_key != two.public_key
    assert not ed25519_verify(two.public_key, MESSAGE, one.sign(MESSAGE))


def test_no_key_is_overwritten(opened: Opened) -> None:
    opened().create(NAME)
    before = opened().key(NAME).public_key
    with pytest.raises(ConfigError, match="exists already"):
        opened().create(NAME)
    assert opened().key(NAME).public_key == before


def test_a_key_that_is_not_there_is_named(opened: Opened) -> None:
    opened().create("records.report")
    with pytest.raises(ConfigError, match=rf"{NAME}.* is not there"):
        opened().key(NAME)


def test_a_renamed_key_is_the_same_key_in_place_of_the_one_before(opened: Opened) -> None:
    keys = opened()
    for name in (NAME, "next"):
        keys.create(name)
    following = keys.key("next").public_key
    keys.rename("next", NAME)
    assert opened().key(NAME).public_key == following
    assert _signs(opened().key(NAME))
    assert not opened().has("next")
    with pytest.raises(ConfigError):
        opened().rename("next", NAME)
    assert opened().key(NAME).public_key == following


def test_a_key_that_was_made_elsewhere_is_taken_over(opened: Opened) -> None:
    keys, made = opened(), SeedKey(b"\x07" * 32)
    keys.create(NAME)
    keys.take("next", b"\x07" * 32)
    assert opened().key("next").public_key == made.public_key
    keys.rename("next", NAME)
    assert opened().key(NAME).public_key == made.public_key
    keys.remove(NAME)
    assert not opened().has(NAME)
    keys.create(NAME)
    assert _signs(opened().key(NAME))


def test_a_secret_is_kept_once_replaced_whole_and_forgotten(opened: Opened) -> None:
    secrets = opened().secrets
    assert secrets.read("pepper") is None
    assert secrets.add("pepper", b"first")
    stamp = secrets.stamp("pepper")
    assert not secrets.add("pepper", b"second")
    assert opened().secrets.read("pepper") == b"first"
    assert secrets.stamp("pepper") == stamp
    secrets.replace("pepper", b"third")
    assert secrets.stamp("pepper") != stamp
    opened().secrets.replace("pepper", b"fourth")
    assert secrets.read("pepper") == b"fourth"
    assert secrets.names() == ["pepper"]
    secrets.remove("pepper")
    assert opened().secrets.read("pepper") is None


def test_only_the_owner_can_read_what_is_on_disk(opened: Opened, tmp_path: Path) -> None:
    keys = opened()
    keys.create(NAME)
    keys.secrets.add("digest", b"secret")
    files = [path for path in (tmp_path / "keys").rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    kept = next(path for path in files if path.stat().st_size)
    kept.chmod(0o640)
    assert any(str(kept) in problem for problem in opened().problems())


def test_nothing_that_is_told_holds_a_secret(opened: Opened, tmp_path: Path) -> None:
    keys = opened()
    keys.create(NAME)
    keys.secrets.add("digest", b"the-secret-itself")
    said = [repr(keys), repr(keys.key(NAME)), repr(keys.secrets), keys.secrets.place("digest"), *keys.problems()]
    for attempt in (lambda: keys.create(NAME), lambda: keys.key("absent")):
        with pytest.raises(ConfigError) as refused:
            attempt()
        said += [str(refused.value), refused.value.advice, repr(refused.value.__cause__)]
    kept = [path.read_text().strip() for path in (tmp_path / "keys").glob("*.key")]
    for secret in (PASSPHRASE, "the-secret-itself", *kept):
        assert secret not in "\n".join(said)


def test_a_seed_does_not_show() -> None:
    assert "0707" not in repr(SeedKey(b"\x07" * 32)) + str(vars(SeedKey(b"\x07" * 32)))


@pytest.mark.parametrize(
    "options",
    [
        '[keys]\nprovider = "sealed"',
        '[keys]\nprovider = "sealed"\npassphrase_file = "a"\npassphrase_env = "B"',
        '[keys]\nprovider = "pkcs11"',
        '[keys]\nprovider = "pkcs11"\n[keys.pkcs11]\nmodule = "m"\ntoken = "t"',
        '[keys]\nprovider = "pkcs11"\n[keys.pkcs11]\nmodule = "m"\ntoken = "t"\npin_env = "P"\nsecrets = "pkcs11"',
        '[keys]\nprovider = "pkcs11"\n[keys.pkcs11]\nmodule = "m"\ntoken = "t"\npin_env = "P"\nsecrets = "sealed"',
        '[keys]\nprovider = "paper"',
    ],
    ids=["sealed, unopened", "sealed, twice", "no token", "no pin", "secrets in the token", "no passphrase", "unknown"],
)
def test_settings_that_do_not_say_what_opens_the_keys_are_refused(options: str, tmp_path: Path) -> None:
    from ledger import settings

    (tmp_path / settings.FILE_NAME).write_text(f'origin = "{ORIGIN}"\n{options}\n')
    with pytest.raises(ConfigError, match="keys"):
        settings.load(tmp_path)


def test_what_the_settings_say_is_written_and_read_again(tmp_path: Path) -> None:
    from ledger import settings

    token = Pkcs11Options(module="/lib/module.so", token="a token", pin_file="pin", secrets=ProviderName.SEALED)
    keys = KeyOptions(provider=ProviderName.PKCS11, passphrase_env="PASS", pkcs11=token)
    settings.write(tmp_path, settings.Settings(origin=ORIGIN, keys=keys))
    assert settings.load(tmp_path)[0].keys == keys
