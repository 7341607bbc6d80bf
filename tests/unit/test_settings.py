"""Settings: every mistake is named with its place and what to do; no secret stands in the file or in an error."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from ledger import settings
from ledger.core.errors import ConfigError
from ledger.review.reviews.quality_system import QualitySystem
from ledger.settings import FILE_NAME, AgentPorts, Listen, Settings


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    chosen = Settings(
        origin="plant.example/a",
        database="postgresql://service:${PASSWORD}@db.example/ledger",
        owner_database="postgresql://owner:${OWNER}@db.example/ledger",
        zone="Europe/Berlin",
        listen=Listen(host="::1", port=9000),
        agents=AgentPorts(host="::1", port=9001, enrol_port=9002, certificate_days=30.0),
        publish_tiles=True,
        tiles_folder="published",
        checkpoint_seconds=2.5,
        rules_minutes=60,
        readers=3,
        deviations=QualitySystem(url="https://qms.example", project="line1", source="qms", key_file="k", tracker=2),
    )
    settings.write(tmp_path, chosen)
    assert settings.load(tmp_path)[0] == chosen
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('origin = "a b"', "origin"),
        ('origin = "plant.example/a"\nzone = "Europe/Nowhere"', "Nowhere"),
        ('origin = "plant.example/a"\nzone = "Europe"', "Europe"),
        ('origin = "plant.example/a"\nzone = "../../etc/passwd"', "passwd"),
        ('origin = "plant.example/a"\nsurprise = 1', "surprise"),
        ('origin = "plant.example/a"\n[listen]\nport = 70000', "port"),
        ('origin = "plant.example/a"\n[listen]\nsurprise = 1', "surprise"),
        ('origin = "plant.example/a"\n[agents]\ncertificate_days = 0', "certificate_days"),
        ('origin = "plant.example/a"\nreaders = 0', "readers"),
        ('origin = "plant.example/a"\ncheckpoint_seconds = nan', "checkpoint_seconds"),
        ('origin = "plant.example/a"\nrules_minutes = 4', "rules_minutes"),
        ('origin = "plant.example/a"\npublish_tiles = "yes"', "publish_tiles"),
        ('database = "sqlite:///a.sqlite"', "origin"),
        ('origin = "plant.example/a"\n[deviations]\nurl = "http://qms.example"\nproject = "a"', "source"),
        (
            'origin = "a.example"\ndeviations = {url = "http://a.b", project = "a", source = "q", key_file = "k"}',
            "deviations.url",
        ),
        ("origin = ", FILE_NAME),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(ConfigError, match=named) as raised:
        settings.load(tmp_path)
    assert str(tmp_path / FILE_NAME) in raised.value.message
    assert raised.value.advice


@pytest.mark.parametrize("data", [b'origin = "\xff"', b"\x00", b""])
def test_bytes_that_are_no_settings_are_named_with_their_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(data)
    with pytest.raises(ConfigError, match=FILE_NAME):
        settings.load(tmp_path)


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        settings.load(tmp_path)


def test_the_digest_is_that_of_the_files_bytes(tmp_path: Path) -> None:
    data = b'# any comment counts\norigin = "plant.example/a"\n'
    (tmp_path / FILE_NAME).write_bytes(data)
    assert settings.load(tmp_path)[1] == sha256(data).hexdigest()


def test_a_sqlite_path_is_relative_to_the_ledgers_folder_and_an_absolute_one_stays(tmp_path: Path) -> None:
    chosen = Settings(origin="plant.example/a")
    assert chosen.database_url(tmp_path).database == str(tmp_path / "ledger.sqlite")
    assert chosen.owner_url(tmp_path) == chosen.database_url(tmp_path)
    absolute = Settings(origin="plant.example/a", database="sqlite:////srv/ledger.sqlite")
    assert absolute.database_url(tmp_path).database == "/srv/ledger.sqlite"


def test_a_folder_without_settings_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a ledger"):
        settings.load(tmp_path)


def test_a_password_is_read_from_the_environment_and_may_hold_any_character(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = Settings(origin="plant.example/a", database="postgresql://service:${TRAILSEAL_P}@db.example/ledger")
    monkeypatch.setitem(os.environ, "TRAILSEAL_P", "p@ss/w:rd?")
    assert chosen.database_url(tmp_path).password == "p@ss/w:rd?"
    monkeypatch.delenv("TRAILSEAL_P")
    with pytest.raises(ConfigError, match="TRAILSEAL_P"):
        chosen.database_url(tmp_path)


def test_a_url_that_is_none_is_refused_without_repeating_it(tmp_path: Path) -> None:
    for text in ("not-a-url-secret", "mysql://user:secret@db.example/x", "sqlite:///:memory:"):
        with pytest.raises(ConfigError, match="database") as raised:
            Settings(origin="plant.example/a", database=text).database_url(tmp_path)
        assert "secret" not in raised.value.message
