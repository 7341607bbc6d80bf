"""Keys in a security module: made inside, never to leave; a wrong PIN is tried once; what is missing is said."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pkcs11
import pytest
from msgspec.structs import replace
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import encode_named_curve_parameters

from ledger.core.errors import ConfigError
from ledger.core.note import ed25519_verify
from ledger.trust.providers import pkcs11 as provider
from ledger.trust.providers.files import FileSecrets
from ledger.trust.providers.options import Pkcs11Options
from ledger.trust.providers.pkcs11 import ED25519_OID, TokenKeys
from tests.support.softhsm import MODULE, PIN, SoftHsm

ORIGIN = "plant.example/ledger"
NAME = "records.log"


@pytest.fixture(scope="module")
def options(softhsm: SoftHsm) -> Pkcs11Options:
    return softhsm.token


@pytest.fixture(scope="module")
def other(softhsm: SoftHsm) -> Pkcs11Options:
    """A token that no test uses with its right PIN."""
    return softhsm.unopened


def _keys(options: Pkcs11Options, folder: Path, origin: str = ORIGIN) -> TokenKeys:
    return TokenKeys(options, origin, folder, FileSecrets(folder / "keys"))


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The PINs with which the token's own library was asked."""
    asked: list[str] = []
    library = provider._library

    class Library:
        def __init__(self, module: str) -> None:
            self._module = module

        def get_token(self, token_label: str) -> "Token":
            return Token(library(self._module).get_token(token_label=token_label))

    class Token:
        def __init__(self, token: pkcs11.Token) -> None:
            self._token = token

        def open(self, **given: object) -> pkcs11.Session:
            asked.append(str(given.get("user_pin")))
            return self._token.open(**given)  # type: ignore[arg-type]

    monkeypatch.setattr(provider, "_library", Library)
    return asked


def test_a_key_is_made_in_the_token_and_cannot_leave_it(
    options: Pkcs11Options, softhsm: SoftHsm, tmp_path: Path
) -> None:
    keys = _keys(options, tmp_path)
    keys.create("made.log")
    session = pkcs11.lib(MODULE).get_token(token_label=options.token).open()
    private = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=f"{ORIGIN} made.log")
    told = [private[one] for one in (Attribute.LOCAL, Attribute.SENSITIVE, Attribute.NEVER_EXTRACTABLE)]
    assert told == [True, True, True]
    assert not private[Attribute.EXTRACTABLE]
    with pytest.raises(pkcs11.AttributeSensitive):
        private[Attribute.VALUE]
    assert list((tmp_path / "keys").glob("*")) == []
    assert keys.problems() == []


def test_ledgers_that_share_a_token_have_keys_of_their_own(options: Pkcs11Options, tmp_path: Path) -> None:
    one, two = _keys(options, tmp_path, "plant.example/one"), _keys(options, tmp_path, "plant.example/two")
    one.create(NAME)
    assert not two.has(NAME)
    two.create(NAME)
    assert one.key(NAME).public_key != two.key(NAME).public_key


def test_a_key_that_could_leave_the_token_is_a_problem(options: Pkcs11Options, tmp_path: Path) -> None:
    keys = _keys(options, tmp_path, "plant.example/loose")
    keys.create(NAME)
    session = keys._token._opened(PIN)
    curve = {Attribute.EC_PARAMS: encode_named_curve_parameters(ED25519_OID)}
    session.create_domain_parameters(KeyType.EC_EDWARDS, curve, local=True).generate_keypair(
        mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
        store=True,
        label="plant.example/loose records.report",
        private_template={Attribute.EXTRACTABLE: True, Attribute.SENSITIVE: False},
    )
    (problem,) = keys.problems()
    assert "records.report" in problem
    assert "could leave it" in problem


def test_a_key_that_was_made_elsewhere_signs_from_beside_the_token_and_is_named(
    options: Pkcs11Options, tmp_path: Path
) -> None:
    keys = _keys(options, tmp_path, "plant.example/beside")
    keys.create("records.report")
    keys.take(NAME, bytes(32))
    for name in ("digest", "pepper", "records.mldsa"):
        keys.secrets.add(name, b"no signing key")
    assert keys.outside() == [NAME]
    assert not keys.holds(NAME)
    assert ed25519_verify(keys.key(NAME).public_key, b"x", keys.key(NAME).sign(b"x"))
    keys.create("next")
    keys.rename("next", NAME)
    assert keys.outside() == []
    assert keys.holds(NAME)


def test_a_wrong_pin_is_refused_tried_once_and_never_told(
    other: Pkcs11Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _counted(monkeypatch)
    (tmp_path / "pin").write_text("not-the-pin-4410\n")
    wrong = replace(other, pin_env="", pin_file="pin")
    for _ in range(3):
        with pytest.raises(ConfigError, match=r"never opened.* refuse[sd] the PIN") as refused:
            _keys(wrong, tmp_path).has(NAME)
        assert "4410" not in f"{refused.value} {refused.value.advice} {refused.value.__cause__!r}"
    assert asked == ["not-the-pin-4410"]
    (problem,) = [one for one in _keys(wrong, tmp_path).problems() if "never opened" in one]
    assert "refused the PIN" in problem
    assert "4410" not in problem


def test_a_token_or_module_that_is_not_there_is_named(options: Pkcs11Options, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'unplugged'.* is not there"):
        _keys(replace(options, token="unplugged"), tmp_path).key(NAME)
    absent = replace(options, module="/usr/lib/absent-module.so")
    with pytest.raises(ConfigError, match=r"absent-module\.so does not answer"):
        _keys(absent, tmp_path).key(NAME)
    (problem,) = _keys(absent, tmp_path).problems()
    assert "absent-module.so" in problem


def test_a_token_without_ed25519_is_named(
    options: Pkcs11Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "_NEEDED", {Mechanism.ML_DSA, Mechanism.EDDSA})
    with pytest.raises(ConfigError, match="has no Ed25519: it lacks CKM_ML_DSA"):
        _keys(options, tmp_path).create("lacking.log")
    (problem,) = _keys(options, tmp_path).problems()
    assert "lacks CKM_ML_DSA" in problem


# The library tells of a search in the lost session that it could not end.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_session_that_the_module_lost_is_opened_anew(options: Pkcs11Options, tmp_path: Path) -> None:
    keys = _keys(options, tmp_path)
    keys.create("lost.log")
    key = keys.key("lost.log")
    assert keys._token._session is not None
    keys._token._session.close()
    assert ed25519_verify(key.public_key, b"x", key.sign(b"x"))


def test_threads_sign_by_turns_in_one_session(options: Pkcs11Options, tmp_path: Path) -> None:
    keys = _keys(options, tmp_path, "plant.example/threads")
    keys.create(NAME)
    messages = [f"message {number}".encode() for number in range(32)]
    with ThreadPoolExecutor(8) as pool:
        opened = _keys(options, tmp_path, "plant.example/threads")
        signatures = list(pool.map(lambda message: opened.key(NAME).sign(message), messages))
    public = keys.key(NAME).public_key
    assert all(ed25519_verify(public, *pair) for pair in zip(messages, signatures, strict=True))


def test_a_forked_process_signs_with_a_session_of_its_own(options: Pkcs11Options, tmp_path: Path) -> None:
    keys = _keys(options, tmp_path)
    keys.create("forked.log")
    key = keys.key("forked.log")
    child = os.fork()
    if not child:
        try:
            signs = ed25519_verify(key.public_key, b"x", key.sign(b"x"))
            # SoftHSM would go on with what it inherited; others refuse until they are initialized in the new process.
            os._exit(0 if signs and provider._initialized_in[MODULE] == os.getpid() else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert ed25519_verify(key.public_key, b"y", key.sign(b"y"))
