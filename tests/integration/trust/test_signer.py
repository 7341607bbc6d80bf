"""The logs' keys are in one process: others ask it, it outlives no server, and a new one is started where it died."""

import os
import signal
import time
from pathlib import Path

import pytest

from ledger.core.checkpoint import open_checkpoint
from ledger.core.errors import ConfigError, RolledBack
from ledger.service import Service
from ledger.signer import SignerChild
from ledger.store.logs import SYSTEM_LOG
from ledger.trust.signer_process import SOCKET, RemoteSigner, SignerAway, SignerServer
from tests.support.ledgers import RECORDS, Ledger, submission


def asking(ledger: Ledger) -> Service:
    """The ledger as a process has it that may not sign itself."""
    return Service(ledger.folder, signer=RemoteSigner(ledger.folder / "signed"))


def test_another_process_signs_and_this_one_opens_no_key_of_a_log(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.submit([submission(1)])
    with SignerChild() as child:
        child.begin(ledger.folder)
        monkeypatch.setattr(type(ledger.service.keys), "log_signers", lambda *_: pytest.fail("a key was opened here"))
        service = asking(ledger)
        published = service.publisher.publish_all()
        log = ledger.store.logs()[RECORDS]
        head = open_checkpoint(published[0].note, log.origin, service.verifiers(log)).checkpoint
        with ledger.store.reader(RECORDS) as reader:
            assert (head.size, head.root) == (reader.head().size, reader.head().root())
        service.close()


def test_a_signer_that_died_is_replaced_by_the_server(sqlite_ledger: Ledger) -> None:
    with SignerChild() as child:
        child.begin(sqlite_ledger.folder)
        remote = RemoteSigner(sqlite_ledger.folder / "signed")
        assert remote.there()
        child.keep()
        assert child._process.pid is not None
        os.kill(child._process.pid, signal.SIGKILL)
        child._process.join()
        assert not remote.there()
        child.keep()
        assert remote.publish(sqlite_ledger.store.logs()[SYSTEM_LOG]).size > 0
    assert not remote.there()


def test_a_signer_ends_with_the_process_that_started_it(sqlite_ledger: Ledger) -> None:
    started = os.fork()
    if not started:
        child = SignerChild()
        child.begin(sqlite_ledger.folder)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(started, 0)
    remote, late = RemoteSigner(sqlite_ledger.folder / "signed"), time.monotonic() + 10
    while remote.there() or (sqlite_ledger.folder / "signed" / SOCKET).exists():
        assert time.monotonic() < late
        time.sleep(0.02)


def test_what_the_signer_refuses_is_refused_to_who_asks(sqlite_ledger: Ledger) -> None:
    service = sqlite_ledger.service
    with SignerServer(sqlite_ledger.folder / "signed", service.own_signer()):
        asked = asking(sqlite_ledger)
        asked.publisher.publish_all()
        size = asked.publisher.publish(sqlite_ledger.store.logs()[RECORDS]).size
        (sqlite_ledger.folder / "signed" / "records.signed").write_bytes(
            b'{"size":%d,"root":"%s"}' % (size + 7, b"A" * 43 + b"=")
        )
        with pytest.raises(RolledBack, match=f"but {size + 7} were signed for before") as refused:
            asked.publisher.publish(sqlite_ledger.store.logs()[RECORDS])
        assert "restore the newest copy" in refused.value.advice
        with pytest.raises(ConfigError, match="runs already"):
            SignerServer(sqlite_ledger.folder / "signed", service.own_signer())
        asked.close()


def test_without_a_signer_a_server_signs_nothing_and_a_command_signs_itself(sqlite_ledger: Ledger) -> None:
    asked = asking(sqlite_ledger)
    with pytest.raises(SignerAway):
        asked.publisher.publish_all()
    asked.close()
    assert sqlite_ledger.service.publisher.publish_all()


def test_only_its_owner_reaches_the_socket_however_long_its_path(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 20) / ("path" * 20)
    folder.mkdir(parents=True)
    with SignerServer(folder, sqlite_ledger.service.own_signer()):
        assert RemoteSigner(folder).there()
        assert (folder / SOCKET).stat().st_mode & 0o777 == 0o600
    assert not (folder / SOCKET).exists()
