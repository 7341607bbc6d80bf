"""The sealed file: without the passphrase it gives nothing, and with one byte changed nothing either."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger.core.errors import ConfigError
from ledger.trust.providers.options import Opener
from ledger.trust.providers.sealed import FILE_NAME, MINIMUM, SealedSecrets, SealEffort

PASSPHRASE = "correct horse battery"
CHEAP = SealEffort(memory_kib=8, passes=1)


def _secrets(folder: Path, passphrase: str = PASSPHRASE, effort: SealEffort = CHEAP) -> SealedSecrets:
    return SealedSecrets(folder, lambda: passphrase, effort)


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    _secrets(tmp_path).add("digest", b"the-secret-itself")
    return tmp_path / FILE_NAME


def test_a_wrong_passphrase_opens_nothing_and_changes_nothing(sealed: Path) -> None:
    before = sealed.read_bytes()
    stranger = _secrets(sealed.parent, "correct horse batterY")
    for attempt in (lambda: stranger.read("digest"), lambda: stranger.add("pepper", b"x"), lambda: stranger.names()):
        with pytest.raises(ConfigError, match="the passphrase is wrong, or the file was altered") as refused:
            attempt()
        assert "batter" not in f"{refused.value} {refused.value.advice}"
    assert sealed.read_bytes() == before


def test_what_is_kept_is_not_in_the_file(sealed: Path) -> None:
    data = sealed.read_bytes()
    assert b"the-secret-itself" not in data
    assert b"dGhlLXNlY3JldC1pdHNlbGY" not in data
    assert PASSPHRASE.encode() not in data


def test_every_changed_byte_is_refused(sealed: Path) -> None:
    data = sealed.read_bytes()
    for at in range(len(data)):
        altered = bytearray(data)
        altered[at] ^= 0x01
        sealed.write_bytes(altered)
        with pytest.raises(ConfigError, match=r"altered"):
            _secrets(sealed.parent).read("digest")
    sealed.write_bytes(data)
    assert _secrets(sealed.parent).read("digest") == b"the-secret-itself"


@pytest.mark.parametrize("cut", [0, 10, 60, 150, -1])
def test_a_cut_file_is_refused(sealed: Path, cut: int) -> None:
    sealed.write_bytes(sealed.read_bytes()[:cut])
    with pytest.raises(ConfigError, match="altered"):
        _secrets(sealed.parent).read("digest")


@pytest.mark.parametrize(("memory", "passes"), [(2**31, 1), (8, 17), (7, 1), (8, 0)])
def test_a_header_that_asks_for_more_than_the_machine_has_is_refused_before_any_work(
    sealed: Path, memory: int, passes: int
) -> None:
    data = sealed.read_bytes()
    forged = data.replace(b'"memory_kib":8', b'"memory_kib":%d' % memory).replace(
        b'"passes":1', b'"passes":%d' % passes
    )
    assert forged != data
    sealed.write_bytes(forged)
    with pytest.raises(ConfigError, match="altered"):
        _secrets(sealed.parent).read("digest")


def test_it_is_never_sealed_twice_with_one_nonce(sealed: Path) -> None:
    at = sealed.read_bytes().index(b"}\n") + 2
    seen = set()
    for value in (b"a", b"b", b"a"):
        _secrets(sealed.parent).replace("pepper", value)
        seen.add(sealed.read_bytes()[at : at + 24])
    assert len(seen) == 3


def test_another_process_sees_what_was_written(sealed: Path) -> None:
    one, two = _secrets(sealed.parent), _secrets(sealed.parent)
    assert two.read("pepper") is None
    assert one.add("pepper", b"of one")
    assert two.read("pepper") == b"of one"
    assert not two.add("pepper", b"of two")
    assert two.add("mail", b"of two")
    assert one.names() == ["digest", "mail", "pepper"]


def test_of_many_that_write_at_once_none_is_lost(sealed: Path) -> None:
    names = [f"key-{number}" for number in range(8)]
    with ThreadPoolExecutor(len(names)) as pool:
        assert all(pool.map(lambda name: _secrets(sealed.parent).add(name, name.encode()), names))
    assert _secrets(sealed.parent).names() == ["digest", *names]


def test_it_is_sealed_anew_at_todays_price_and_under_another_passphrase(sealed: Path) -> None:
    (problem,) = _secrets(sealed.parent).problems()
    assert "8 KiB and 1 passes" in problem
    before = sealed.read_bytes().split(b"\n")[1]
    _secrets(sealed.parent, effort=MINIMUM).reseal("another passphrase")
    assert sealed.read_bytes().split(b"\n")[1] != before
    assert _secrets(sealed.parent, "another passphrase").problems() == []
    assert _secrets(sealed.parent, "another passphrase").read("digest") == b"the-secret-itself"
    with pytest.raises(ConfigError):
        _secrets(sealed.parent).read("digest")


def test_nothing_is_sealed_under_a_short_passphrase(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="fewer than 14"):
        _secrets(tmp_path, "short").add("digest", b"x")
    assert not (tmp_path / FILE_NAME).exists()


def test_the_passphrase_is_read_from_its_file_or_variable_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Opener(what="passphrase", file="pass", env="")
    with pytest.raises(ConfigError, match="cannot be read from pass"):
        file.read(tmp_path)
    (tmp_path / "pass").write_bytes(b"")
    with pytest.raises(ConfigError, match="no passphrase in pass"):
        file.read(tmp_path)
    (tmp_path / "pass").write_bytes(b" kept as it is \r\n")
    (tmp_path / "pass").chmod(0o644)
    assert file.read(tmp_path) == " kept as it is "
    assert file.problems(tmp_path) == ["pass can be read by others: set its mode to 600"]
    variable = Opener(what="passphrase", file="", env="TRAILSEAL_TEST_PASS")
    with pytest.raises(ConfigError, match=r"no passphrase in \$TRAILSEAL_TEST_PASS"):
        variable.read(tmp_path)
    monkeypatch.setenv("TRAILSEAL_TEST_PASS", "given")
    assert (variable.read(tmp_path), variable.problems(tmp_path)) == ("given", [])
