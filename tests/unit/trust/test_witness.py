"""A witness without a network: what it remembers, in which order it acts, and when it refuses to act."""

import json
import os
import resource
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
import structlog
from structlog.testing import capture_logs

from ledger.core.checkpoint import Checkpoint, open_checkpoint
from ledger.core.cosignature import cosigned_at
from ledger.core.errors import ConfigError, Conflict, LedgerError, NotFound, RolledBack
from ledger.core.hashing import b64
from ledger.core.note import NoteSigner, open_note
from ledger.core.witnessing import AddCheckpoint, Answer, Head, accepted, origin_digest
from ledger.trust.witness.acting import CLOCK_SLACK_S, Witness
from ledger.trust.witness.folder import Settings, WitnessFolder
from ledger.trust.witness.serving import WitnessServer
from ledger.trust.witness.states import MAX_CONFLICTS, Known
from tests.support.ledgers import START_US, MovableClock
from tests.support.witnessing import NAME, NEW, STATEMENT, ShownLog, made_witness, own_keys

LOG = ShownLog()
OTHER = ShownLog("log.example/b", b"another key")
SECOND = 1_000_000


class Site:
    """One witness that knows LOG from its beginning."""

    def __init__(self, folder: Path, *logs: ShownLog, post_quantum: bool = False) -> None:
        self.path = folder
        self.clock = MovableClock()
        self.folder = made_witness(folder, *(logs or (LOG,)), post_quantum=post_quantum)
        self.kept = folder / "logs" / origin_digest(LOG.origin)
        self.state = self.kept / "state.json"
        self.shown = folder / "published" / origin_digest(LOG.origin) / "checkpoint"

    def ask(self, request: AddCheckpoint | bytes) -> Answer:
        data = request if isinstance(request, bytes) else request.encode()
        return Witness(self.folder.states, self.folder.signers, self.clock).answer(data)

    def known(self) -> Known:
        return self.folder.states.read(LOG.origin)

    def check(self, request: AddCheckpoint) -> int:
        """The status; what is cosigned is verified."""
        answer = self.ask(request)
        if answer.status == 200:
            assert accepted(request, answer, *own_keys(self.folder))
        return answer.status


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "w")


def test_a_growing_log_is_cosigned_and_remembered(site: Site) -> None:
    assert [site.check(LOG.request(old, size)) for old, size in ((0, 3), (3, 3), (3, 8), (8, 9))] == [200] * 4
    assert site.known().head == LOG.head(9)
    signed = open_checkpoint(
        site.shown.read_bytes(), LOG.origin, [LOG.signer.verifier], witnesses=own_keys(site.folder)
    )
    assert signed.checkpoint == LOG.checkpoint(9)
    assert [cosigned_at(line) for line in signed.verified[1:]] == [START_US // SECOND]


def test_a_witness_with_both_keys_answers_with_both_lines(tmp_path: Path) -> None:
    site = Site(tmp_path / "w", post_quantum=True)
    request = LOG.request(0, 3)
    ed25519, ml_dsa = own_keys(site.folder)
    assert len(accepted(request, site.ask(request), ed25519, ml_dsa)) == 2
    assert len(site.folder.about().vkeys) == 2


def test_what_is_refused_leaves_state_and_publication_as_they_were(site: Site) -> None:
    site.check(LOG.request(0, 5))
    before = (site.state.read_bytes(), site.shown.read_bytes())
    statuses = [
        site.ask(b"old 5\n").status,
        site.check(OTHER.request(0, 5)),
        site.check(LOG.request(5, 7, OTHER.signer)),
        site.check(LOG.request(9, 7)),
        site.check(LOG.request(4, 7)),
        site.check(LOG.request(5, 7, fork=(4, "x"))),
        site.check(LOG.request(5, 5, fork=(4, "x"))),
    ]
    assert statuses == [400, 404, 403, 400, 409, 422, 422]
    assert (site.state.read_bytes(), site.shown.read_bytes()) == before
    assert site.ask(LOG.request(4, 7)).body == b"5\n"


def test_a_fork_is_kept_as_evidence(site: Site) -> None:
    site.check(LOG.request(0, 5))
    fork = LOG.request(3, 5, fork=(3, "x"))
    assert site.check(fork) == 409
    assert site.check(LOG.request(5, 5, fork=(3, "x"))) == 422
    kept = [AddCheckpoint.parse(path.read_bytes()) for path in site.folder.states.conflicts(LOG.origin)]
    assert {request.checkpoint for request in kept} == {fork.checkpoint}
    assert len(kept) == 2
    grown = LOG.request(5, 8, fork=(3, "x"))
    assert site.check(grown) == 422
    assert grown.encode() in [path.read_bytes() for path in site.folder.states.conflicts(LOG.origin)]
    for number in range(MAX_CONFLICTS + 5):
        site.check(LOG.request(5, 5, fork=(3, f"{number}")))
    assert len(site.folder.states.conflicts(LOG.origin)) == MAX_CONFLICTS


def test_a_log_that_remembers_more_than_the_witness_is_told_of(site: Site) -> None:
    site.check(LOG.request(0, 5))
    with capture_logs() as logged:
        statuses = [site.check(LOG.request(old, 9)) for old in (3, 7)]
    assert statuses == [409, 409]
    told = {"log": LOG.origin, "size": 5, "old": 7, "log_level": "warning"}
    assert logged == [{"event": "the log says that more was cosigned", **told}]


def test_nothing_is_signed_that_is_not_remembered_before(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = site.folder.signers[0]
    seen: list[tuple[Head, list[str]]] = []
    synced: list[str] = []
    sign, fsync = signer.sign, os.fsync

    def looking(checkpoint: Checkpoint, time: int) -> object:
        seen.append((site.folder.states.read_locked(LOG.origin).head, synced.copy()))
        return sign(checkpoint, time)

    def syncing(descriptor: int) -> None:
        fsync(descriptor)
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))

    monkeypatch.setattr(signer, "sign", looking)
    monkeypatch.setattr(os, "fsync", syncing)
    assert site.check(LOG.request(0, 5)) == 200
    assert seen == [(LOG.head(5), [str(site.state.with_name("state.json.new")), str(site.kept)])]


def test_a_reader_waits_for_state_and_publication_to_agree(site: Site) -> None:
    for old, size in ((0, 5), (5, 7)):
        site.check(LOG.request(old, size))
    published = site.shown.read_bytes()
    states = site.folder.states
    with ThreadPoolExecutor(1) as pool:
        with states.locked(LOG.origin):
            site.shown.unlink()
            reading = pool.submit(WitnessFolder(site.path).states.read, LOG.origin)
            assert not wait([reading], 0.1).done
            site.shown.write_bytes(published)
        assert reading.result(20).head == LOG.head(7)
    with pytest.raises(NotFound):
        states.read(OTHER.origin)


def test_a_disk_without_room_gets_nothing_cosigned(site: Site) -> None:
    """In a process of its own, whose files cannot grow: what a write meets on a full disk."""
    site.check(LOG.request(0, 4))
    before = site.state.read_bytes()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8, 8))
        structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
        os._exit(site.ask(LOG.request(4, 9)).status == 503)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert site.state.read_bytes() == before
    assert site.check(LOG.request(4, 9)) == 200


def test_of_many_views_at_once_one_is_cosigned(site: Site) -> None:
    """Each thread has its own files and its own witness on them, as another process has."""
    site.check(LOG.request(0, 4))
    requests = [LOG.request(4, 9, fork=(6, f"view {number}")) for number in range(16)]
    begin = threading.Barrier(len(requests))
    answers: list[int] = []

    def ask(request: AddCheckpoint) -> None:
        own = WitnessFolder(site.path)
        begin.wait()
        answers.append(Witness(own.states, own.signers, site.clock).answer(request.encode()).status)

    threads = [threading.Thread(target=ask, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [409] * 15


def test_a_disk_that_takes_nothing_gets_nothing_cosigned(site: Site) -> None:
    site.check(LOG.request(0, 4))
    before = site.state.read_bytes()
    blocked = site.state.with_name("state.json.new")
    blocked.mkdir()
    answer = site.ask(LOG.request(4, 9))
    assert (answer.status, answer.body) == (503, b"this witness is not able to keep what it cosigns\n")
    assert site.state.read_bytes() == before
    blocked.rmdir()
    assert site.check(LOG.request(4, 9)) == 200


def test_what_could_not_be_shown_is_not_given_out_either(site: Site) -> None:
    blocked = site.shown.with_name("checkpoint.new")
    blocked.mkdir(parents=True)
    assert site.check(LOG.request(0, 4)) == 503
    assert site.known().head == LOG.head(4), "remembered, so no other root of this size can follow"
    assert site.check(LOG.request(0, 4, fork=(1, "x"))) == 409
    assert site.check(LOG.request(4, 4, fork=(1, "x"))) == 422
    blocked.rmdir()
    assert site.check(LOG.request(4, 4)) == 200


def test_a_crash_after_remembering_is_finished_by_the_next_request(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(site.folder.signers[0], "sign", crash)
        with pytest.raises(KeyboardInterrupt):
            site.ask(LOG.request(0, 5))
    assert site.ask(LOG.request(0, 5)).body == b"5\n"
    assert site.check(LOG.request(5, 5)) == 200


def _rewrite(path: Path, **changes: str) -> None:
    """Changes a kept file as one could who knows how it is written."""
    data = json.dumps({**json.loads(path.read_bytes().partition(b"\n")[0]), **changes}, separators=(",", ":"))
    path.write_text(f"{data}\n{sha256(data.encode()).hexdigest()}\n")


@pytest.mark.parametrize(
    "what", ["older", "another root", "missing", "cut", "no state", "another log's", "no log file"]
)
def test_a_state_that_is_not_sound_is_refused_with_the_way_out(site: Site, what: str) -> None:
    site.check(LOG.request(0, 4))
    older = site.state.read_bytes()
    site.check(LOG.request(4, 9))
    match what:
        case "older":
            site.state.write_bytes(older)
        case "another root":
            _rewrite(site.state, root=b64(bytes(32)))
        case "missing":
            site.state.unlink()
        case "cut":
            site.state.write_bytes(older[:-3])
        case "no state":
            _rewrite(site.state, root="AAAA")
        case "another log's":
            _rewrite(site.state, origin=OTHER.origin)
        case "no log file":
            (site.kept / "log.json").write_text("{}")
    assert site.check(LOG.request(9, 12)) == 503
    assert site.check(LOG.request(4, 12)) == 503
    with pytest.raises((ConfigError, RolledBack)) as told:
        site.known()
    assert "witness add-log --checkpoint" in told.value.advice
    with pytest.raises((ConfigError, RolledBack)):
        WitnessServer(site.folder, site.clock)
    keys = [LOG.signer.verifier]
    for head in (LOG.head(4), LOG.head(9, fork=(2, "x"))):
        with pytest.raises(RolledBack):
            site.folder.states.add(LOG.origin, keys, head)
    site.folder.states.add(LOG.origin, keys, LOG.head(9))
    assert site.check(LOG.request(9, 12)) == 200


def test_nothing_but_publications_is_shown(site: Site) -> None:
    (site.path / "checkpoint").write_text("beside the publications")
    (site.path / "published" / "x").mkdir(parents=True)
    (site.path / "published" / "x" / "checkpoint").write_text("under no digest")
    for digest in ("..", "x", "", "../published/x"):
        assert site.folder.states.published(digest) is None


def test_a_damaged_publication_stops_the_log_too(site: Site) -> None:
    site.check(LOG.request(0, 4))
    site.shown.write_bytes(b"no note")
    assert site.check(LOG.request(4, 9)) == 503
    with pytest.raises(ConfigError, match="published"):
        site.known()


def _rotten(path: Path) -> Iterator[None]:
    """One bit after another, of each byte of a file; it is whole again at the end."""
    right = path.read_bytes()
    for place in range(len(right)):
        path.write_bytes(right[:place] + bytes([right[place] ^ 1 << place % 8]) + right[place + 1 :])
        yield
    path.write_bytes(right)


def test_a_bit_that_rots_is_never_taken_for_what_was_remembered(site: Site) -> None:
    for old, size in ((0, 2), (2, 3)):
        site.check(LOG.request(old, size))
    known, states = site.known(), site.folder.states
    for path in (site.state, site.kept / "log.json"):
        for _ in _rotten(path):
            with pytest.raises(ConfigError):
                states.read(LOG.origin)
    with capture_logs():
        for number, _ in enumerate(_rotten(site.shown)):
            with suppress(ConfigError, RolledBack):
                assert states.read(LOG.origin) == known
            if not number % 20:
                fork = LOG.request(3, 7, fork=(2, "x"))
                assert site.ask(fork).status in (422, 503)
    assert site.check(LOG.request(3, 7)) == 200


def test_a_bit_that_rots_never_leads_to_another_key_or_another_place(site: Site) -> None:
    for old, size in ((0, 2), (2, 3)):
        site.check(LOG.request(old, size))
    for path in (site.path / "witness.json", site.path / "keys" / "ed25519.key"):
        for _ in _rotten(path):
            with suppress(ConfigError, RolledBack):
                folder = WitnessFolder(site.path)
                assert own_keys(folder) == own_keys(site.folder)
                assert folder.states.read(LOG.origin) == site.known()


def test_a_publication_that_is_gone_or_older_stops_the_log(site: Site) -> None:
    site.check(LOG.request(0, 2))
    older = site.shown.read_bytes()
    for old, size in ((2, 3), (3, 4)):
        site.check(LOG.request(old, size))
    site.shown.write_bytes(older)
    assert site.check(LOG.request(4, 5)) == 503
    site.shown.unlink()
    with pytest.raises(RolledBack, match="older than size 3"):
        site.known()


def test_a_log_that_was_forgotten_cannot_be_made_known_at_an_earlier_tree(site: Site) -> None:
    site.check(LOG.request(0, 9))
    (site.kept / "log.json").unlink()
    shutil.rmtree(site.path / "published")
    assert site.check(LOG.request(9, 12)) == 404
    with pytest.raises(RolledBack):
        site.folder.states.add(LOG.origin, [LOG.signer.verifier], LOG.head(4))


def test_one_log_that_is_not_sound_does_not_stop_the_others(tmp_path: Path) -> None:
    site = Site(tmp_path / "w", LOG, OTHER)
    site.state.unlink()
    server = WitnessServer(site.folder, site.clock)
    assert list(server.troubles) == [LOG.origin]
    with server:
        pass
    assert site.check(OTHER.request(0, 3)) == 200
    assert site.check(LOG.request(0, 3)) == 503


def test_a_witness_never_begins_with_nothing(tmp_path: Path) -> None:
    folder = made_witness(tmp_path / "w")
    with pytest.raises(ConfigError, match="knows no log"):
        WitnessServer(folder, MovableClock())


def test_time_in_cosignatures_never_goes_back(site: Site) -> None:
    def time_of(request: AddCheckpoint) -> int | None:
        answer = site.ask(request)
        if answer.status != 200:
            assert (answer.status, answer.body) == (503, b"the clock of this witness has gone back\n")
            return None
        return cosigned_at(accepted(request, answer, *own_keys(site.folder))[0])

    first = time_of(LOG.request(0, 3))
    assert first == START_US // SECOND
    site.clock.at_us -= CLOCK_SLACK_S * SECOND
    assert time_of(LOG.request(3, 4)) == first
    site.clock.at_us -= SECOND
    assert time_of(LOG.request(4, 5)) is None
    assert site.known().head == LOG.head(4)
    site.clock.at_us = START_US + SECOND
    assert time_of(LOG.request(4, 5)) == first + 1


def test_keys_of_a_log_are_added_by_hand(site: Site) -> None:
    following = NoteSigner(LOG.origin, bytes(range(32)))
    request = LOG.request(0, 3, following)
    assert site.check(request) == 403
    site.folder.states.add_key(LOG.origin, following.verifier)
    assert site.check(request) == 200
    assert site.check(LOG.request(3, 5)) == 200
    both = LOG.request(5, 6, LOG.signer, following)
    assert site.check(both) == 200
    assert len(open_note(site.shown.read_bytes(), [LOG.signer.verifier, following.verifier]).verified) == 2
    with pytest.raises(NotFound):
        site.folder.states.add_key("log.example/unknown", following.verifier)
    site.folder.states.remove_key(LOG.origin, LOG.signer.verifier)
    assert [site.check(LOG.request(6, 7)), site.check(LOG.request(6, 7, following))] == [403, 200]


def test_what_can_be_no_log_is_not_made_known(site: Site) -> None:
    states, own = site.folder.states, own_keys(site.folder)
    key = OTHER.signer.verifier
    with pytest.raises(Conflict):
        states.add(LOG.origin, [LOG.signer.verifier], LOG.head(3))
    with pytest.raises(ConfigError, match="size 0"):
        states.add(OTHER.origin, [key], Head(size=0, root=bytes(32)))
    for origin in ("o" * 256, "", "log\nexample"):
        with pytest.raises(ConfigError, match="no log has this origin"):
            states.add(origin, [key], NEW)
    with pytest.raises(ConfigError, match="at least one"):
        states.add(OTHER.origin, [], NEW)
    with pytest.raises(ConfigError, match="of a witness"):
        states.add(OTHER.origin, own, NEW)
    assert not states.knows(OTHER.origin)


def test_keys_that_others_can_read_are_not_used(site: Site) -> None:
    key = site.path / "keys" / "ed25519.key"
    secret = key.read_text().strip()
    for path, mode in ((key, 0o640), (key.parent, 0o755)):
        right = path.stat().st_mode
        path.chmod(mode)
        with pytest.raises(ConfigError, match="read by others"):
            WitnessFolder(site.path)
        path.chmod(right)
    for content in ("", secret[:-2], "AAAA"):
        key.write_text(content)
        with pytest.raises(ConfigError) as told:
            WitnessFolder(site.path)
        assert secret[:8] not in str(told.value) + told.value.advice
    key.unlink()
    with pytest.raises(ConfigError, match="not there"):
        WitnessFolder(site.path)


def test_sealed_keys_open_by_their_passphrase_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WITNESS_PASSPHRASE", "correct horse battery")
    settings = Settings(name=NAME, statement=STATEMENT, passphrase_env="WITNESS_PASSPHRASE")
    made = WitnessFolder.create(tmp_path / "w", settings, post_quantum=True)
    assert sorted(path.name for path in (tmp_path / "w" / "keys").glob("*")) == ["sealed.keys", "sealed.lock"]
    assert len(made.signers) == 2, "which it opened the file for"
    for passphrase in ("correct horse batter", ""):
        monkeypatch.setenv("WITNESS_PASSPHRASE", passphrase)
        with pytest.raises(ConfigError, match="passphrase"):
            WitnessFolder(tmp_path / "w")
    both = msgspec.structs.replace(settings, passphrase_file="x")
    with pytest.raises(ConfigError, match="not in both"):
        WitnessFolder.create(tmp_path / "v", both)


def test_a_folder_is_one_witness_for_ever(site: Site, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="holds a witness already"):
        made_witness(site.path)
    with pytest.raises(ConfigError, match="no witness's folder"):
        WitnessFolder(tmp_path)
