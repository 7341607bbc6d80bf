"""The keys of report seals and notices are replaced: the log says so, and what the old ones signed still verifies."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.core.authority import Authority
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, ConfigError, NotFound, SchemaViolation
from ledger.core.key_events import KeyEvent, KeyEventSort, KeyPurpose, key_statement
from ledger.core.note import NoteSigner
from ledger.core.notice import notice_key_name
from ledger.integrity.key_events import read_history
from ledger.store.append import Batch
from ledger.trust.key_history import stored_body
from reports import layout
from reports.verdict import ExitCode
from reports.verify import verify_package
from tests.cli.terminal import trailseal
from tests.integration.reports.plant import AUTHORITY, Plant, plant
from tests.integration.reports.repack import unpack


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Plant]:
    with plant(tmp_path / "ledger", 12) as made:
        yield made


def sealed_by(package: Path) -> str:
    return unpack(package)[1][layout.KEYS].decode().splitlines()[1].removeprefix("report ")


def faults(site: Plant) -> list[Any]:
    levels = site.service.verifier.run(site.log, full=True, levels=(2, 3)).result.levels
    return [one.fault for one in levels if one.fault is not None]


def test_a_package_verifies_by_the_seal_of_its_time(site: Plant, tmp_path: Path) -> None:
    service, log = site.service, site.log
    before, after = tmp_path / "before.zip", tmp_path / "after.zip"
    site.package(before)
    done = service.key_life.seals.replace(log, KeyPurpose.REPORT, "yearly", AUTHORITY)
    service.publisher.publish_all()
    site.package(after)
    assert (sealed_by(before), sealed_by(after)) == (done.old, done.new)
    for package in (before, after):
        verdict = verify_package(package, [site.vkey])
        assert verdict.exit_code is ExitCode.HOLDS, verdict.lines()
    with service.store.reader(log.number) as reader:
        made, ended = (stored_body(reader, service.store.kinds, at) for at in (done.index, done.index + 1))
    assert isinstance(made, KeyEvent)
    assert isinstance(ended, KeyEvent)
    assert (made.event, made.key, made.replaces) == (KeyEventSort.CREATED, done.new, done.old)
    assert (ended.event, ended.key) == (KeyEventSort.RETIRED, done.old)
    assert faults(site) == []
    assert not service.keys.provider.has(f"{log.name}.report-next")


def test_a_replacement_that_was_cut_off_is_finished_by_the_next_call(
    site: Plant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    service, seals = site.service, site.service.key_life.seals

    def away(*_: object) -> None:
        raise ConfigError("the provider is away")

    with monkeypatch.context() as patched:
        patched.setattr(service.keys.provider, "rename", away)
        with pytest.raises(ConfigError, match="the provider is away"):
            seals.replace(site.log, KeyPurpose.REPORT, "yearly", AUTHORITY)
    with service.store.reader(site.log.number) as reader:
        size = reader.head().size
    done = seals.replace(site.log, KeyPurpose.REPORT, "again", AUTHORITY)
    with service.store.reader(site.log.number) as reader:
        assert (reader.head().size, done.index) == (size, size - 2), "the same key: nothing more is entered"
    service.publisher.publish_all()
    site.package(tmp_path / "after.zip")
    assert sealed_by(tmp_path / "after.zip") == done.new
    assert verify_package(tmp_path / "after.zip", [site.vkey]).exit_code is ExitCode.HOLDS


def test_the_key_of_notices_is_replaced_in_the_system_log(site: Plant) -> None:
    service = site.service
    service._notice_key()
    old = service.notice_vkey()
    done = service.key_life.seals.replace(service.system, KeyPurpose.NOTICE, "yearly", AUTHORITY)
    assert (done.old, done.new) == (old, service.notice_vkey())
    assert done.new != old
    assert done.new.startswith(notice_key_name(service.system.origin) + "+")


def test_what_is_not_replaced_so_is_refused(site: Plant) -> None:
    seals, log = site.service.key_life.seals, site.log
    for purpose in (KeyPurpose.LOG, KeyPurpose.DIGEST, KeyPurpose.NOTICE):
        with pytest.raises(SchemaViolation, match="is not replaced so"):
            seals.replace(log, purpose, "yearly", AUTHORITY)
    with pytest.raises(NotFound, match="no key for this yet"):
        seals.replace(log, KeyPurpose.RECEIPT, "yearly", AUTHORITY)
    with pytest.raises(SchemaViolation, match="reason"):
        seals.replace(log, KeyPurpose.REPORT, " ", AUTHORITY)
    with pytest.raises(AccessDenied):
        seals.replace(log, KeyPurpose.REPORT, "mine", Authority(actor="nobody", authenticated=True))


@pytest.mark.parametrize("signers", [(1,), (0,), (0, 2), ()])
def test_a_key_that_the_one_in_use_did_not_hand_over_to_is_found(site: Plant, signers: tuple[int, ...]) -> None:
    """Whoever can write entries puts a seal of their own in place."""
    service, log = site.service, site.log
    done = service.key_life.seals.replace(log, KeyPurpose.REPORT, "yearly", AUTHORITY)
    with service.store.reader(log.number) as reader:
        made = stored_body(reader, service.store.kinds, done.index)
    assert isinstance(made, KeyEvent)
    own = service.keys.report_signer(log.name, log.origin)
    keys = [own, *(NoteSigner(own.verifier.name, bytes([number]) * 32) for number in (1, 2))]
    forged = msgspec.structs.replace(made, key=str(keys[1].verifier), replaces=done.new)
    text = key_statement(log.origin, forged)
    forged = msgspec.structs.replace(forged, lines=tuple(keys[one].sign(text).line for one in signers))
    index = service.store.append(log.number, Batch([draft(forged)]))[0].index
    with service.store.reading() as connection:
        read = read_history(connection, log.number, service.store.kinds)
    assert read is not None
    assert read.fault is not None
    assert (read.fault.index, "is not signed by" in read.fault.what) == (index, True)


def test_the_command_replaces_a_seal(site: Plant) -> None:
    folder = site.service.folder
    done = trailseal("key", "replace", "--purpose", "report", "--reason", "yearly", "--json", "--ledger", folder)
    assert done.code == 0, done.out
    shown = trailseal("key", "list", "--ledger", folder)
    assert shown.out.count("created") > shown.out.count("retired") == 1
