"""Refusals in a row (21 CFR 11.300(d)); devices whose test is overdue (11.300(e)); what changes as somebody signs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import msgspec
import pytest

from ledger.core.binding import BindingEvent, KeyBindingEntry
from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, LedgerError, NotAuthenticated, NotSignatory
from ledger.core.hashing import unb64
from ledger.core.signature import Mode
from ledger.integrity.authority import authority_fault
from ledger.people.credentials import read_entry
from ledger.people.door import Visit
from ledger.people.person_kinds import CredentialSort
from ledger.people.roles import Role
from ledger.people.terminal_kinds import TerminalEvent
from ledger.signing.factors import Shown
from ledger.signing.history import read_history
from ledger.signing.signatures import Completed
from ledger.store.append import Batch, Placed
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store
from tests.support.signers import HERE, Signer
from tests.support.signing_authenticator import SigningAuthenticator
from tests.unit.signing.conftest import Site
from tests.unit.signing.test_passkeys import SIGNING, bind

pytestmark = pytest.mark.sampled

DAY_S = 86_400


def fail_to_sign(site: Site, who: Signer, times: int = 1) -> None:
    for entry in site.fresh(times):
        put = who.prepare(entry, meaning="reviewed")
        shown = Shown(
            password=who.password if "password" in put.needed else None,
            code=who.code() if "second-factor" in put.needed else None,
            secret="not the secret of this person",
        )
        with pytest.raises(NotAuthenticated):
            who.complete(put, shown=shown)


def fail_to_come_in(site: Site, who: Signer, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(NotAuthenticated):
            site.plant.service.entrance.door.show_password(who.account, "wrong", Visit(peer=HERE))


def failures(site: Site, who: Signer) -> tuple[int, int]:
    found = site.plant.service.entrance.attempts.standing(who.account)
    return found.failures, found.signing


@pytest.mark.requirement("R30")
def test_a_valid_signature_makes_the_count_at_signing_begin_anew(any_site: Site) -> None:
    who = any_site.reviewer
    who.sign_in()
    fail_to_sign(any_site, who, 3)
    assert failures(any_site, who) == (3, 3)
    who.sign(*any_site.fresh(), meaning="reviewed")
    assert failures(any_site, who) == (0, 0)
    fail_to_sign(any_site, who, 4)
    assert not any_site.plant.service.entrance.attempts.standing(who.account).locked
    who.sign(*any_site.fresh(), meaning="reviewed")
    report = any_site.plant.service.verifier.run(any_site.plant.service.system, full=True, levels=(1, 2))
    assert report.holds, report.summary


@pytest.mark.requirement("R30", "R25")
def test_signing_in_forgets_no_refusal_at_signing_and_signing_none_at_the_door(site: Site) -> None:
    """Else who has somebody's password and device could guess at the signing secret for ever."""
    who = site.approver
    who.sign_in()
    fail_to_sign(site, who, 2)
    who.sign_in()
    assert failures(site, who) == (2, 2)
    fail_to_come_in(site, who)
    assert failures(site, who) == (3, 2)
    who.sign(*site.fresh(), meaning="approved")
    assert failures(site, who) == (1, 0)
    who.sign_in()
    assert failures(site, who) == (0, 0)
    fail_to_sign(site, who, 4)
    fail_to_come_in(site, who)
    assert site.plant.service.entrance.attempts.standing(who.account).locked
    site.plant.service.entrance.attempts.unlock(who.account, "told in person", site.plant.officer.sign_in().authority)
    assert failures(site, who) == (0, 0)


@pytest.mark.requirement("R31")
def test_a_device_whose_test_is_overdue_signs_nothing_until_it_was_tested(site: Site) -> None:
    who, people = site.reviewer, site.plant.service.people
    people.profiles.set("device_test_days", 30, "as the SOP says", site.plant.officer.sign_in().authority)
    try:
        who.sign_in()
        who.sign(*site.fresh(), meaning="reviewed")
        site.plant.clock.pass_seconds(32 * DAY_S)
        who.sign_in()
        with pytest.raises(NotSignatory, match="overdue"):
            who.sign(*site.fresh(), meaning="reviewed")
        assert failures(site, who) == (0, 0), "the device was right: nothing is counted"
        own = site.plant.service.entrance.own.components(who.caller)
        device = next(one.component for one in own if one.sort is CredentialSort.TOTP)
        officer, today = site.plant.officer.sign_in().authority, utc_text(site.plant.clock.now_us())[:10]
        people.qualifications.device(who.account, device, "no code", today, "monthly", officer, passed=False)
        with pytest.raises(NotSignatory, match="overdue"):
            who.sign(*site.fresh(), meaning="reviewed")
        people.qualifications.device(who.account, device, "shows the right codes", today, "monthly", officer)
        who.sign(*site.fresh(), meaning="reviewed")
    finally:
        people.profiles.set("device_test_days", 0, "end of the test", site.plant.officer.sign_in().authority)


class OneCommit:
    """Batches that are ready at the same moment: made one after the other, and committed as one group."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self._store, self._usual, self._patch = store, store.append, monkeypatch
        self._batches: list[Batch] = []

    def hold(self, work: Callable[[], object]) -> None:
        with self._patch.context() as patched:
            patched.setattr(self._store, "append", self._keep)
            with pytest.raises(_Held):
                work()

    def commit(self) -> list[str]:
        """What became of each: `entered`, or the code of the error that it was refused with."""
        batches, self._batches = self._batches, []
        answers = self._store._sequencer(SYSTEM_LOG)._appender.commit(batches)
        return [one.code if isinstance(one, LedgerError) else "entered" for one in answers]

    def together(self, *works: Callable[[], object]) -> list[str]:
        for work in works:
            self.hold(work)
        return self.commit()

    def _keep(self, log: int, batch: Batch) -> list[Placed]:
        """Of what enters nothing, as a look at the door's count, each goes its own way."""
        if not batch.drafts:
            return self._usual(log, batch)
        assert log == SYSTEM_LOG
        self._batches.append(batch)
        raise _Held


class _Held(Exception):
    """The batch is kept, and not appended yet."""


@pytest.fixture
def commit(any_site: Site, monkeypatch: pytest.MonkeyPatch) -> OneCommit:
    return OneCommit(any_site.plant.service.store, monkeypatch)


def setting(site: Site, item: str, value: object) -> Callable[[], int]:
    """Sets an item of the profile, by an officer who signs in now."""
    by = site.plant.officer.sign_in().authority
    return lambda: site.plant.service.people.profiles.set(item, value, "as agreed", by)


@contextmanager
def signing_at(site: Site, terminals: list[str]) -> Iterator[None]:
    """Meanwhile the site lets people sign at these terminals alone."""
    setting(site, "places", [{"scope": "sign", "terminals": terminals}])()
    try:
        yield
    finally:
        setting(site, "places", [])()
        setting(site, "terminal_test_days", 365)()


def signing(site: Site) -> Callable[[], Completed]:
    """Signs what was prepared now."""
    put = site.reviewer.prepare(*site.fresh(), meaning="reviewed")
    return lambda: site.reviewer.complete(put)


def holds(site: Site) -> bool:
    return site.plant.service.verifier.run(site.plant.service.system, full=True, levels=(1, 2)).holds


@pytest.mark.requirement("R31")
def test_of_a_rule_of_places_and_a_signature_in_one_group_commit_the_earlier_decides(
    any_site: Site, commit: OneCommit
) -> None:
    any_site.reviewer.sign_in()
    elsewhere = [{"scope": "sign", "networks": ["203.0.113.0/24"]}]
    assert commit.together(signing(any_site), setting(any_site, "places", elsewhere)) == ["entered", "entered"]
    late = signing(any_site)
    assert commit.together(setting(any_site, "places", []), late) == ["entered", "conflict"]
    late()
    late = signing(any_site)
    assert commit.together(setting(any_site, "places", elsewhere), late) == ["entered", "conflict"]
    with pytest.raises(AccessDenied, match="does not let this be signed from there"):
        late()
    assert commit.together(late, setting(any_site, "places", [])) == ["access_denied", "entered"]
    late()
    assert holds(any_site)


@pytest.mark.requirement("R31")
def test_vouching_takes_a_place_from_which_the_site_lets_people_sign(any_site: Site, commit: OneCommit) -> None:
    plant, who = any_site.plant, any_site.reviewer
    store, vouching = plant.service.store, plant.signing.vouching
    nils = plant.person("nils1", "Nils Newcomer", Role.AUDITOR, plant.officer.sign_in().authority)
    for one in (nils, who):
        one.sign_in()
    nils.make_key()
    put = vouching.to_attest(who.caller, nils.key_id, "we share an office", Mode.SEALED_KEY)
    vouch = partial(vouching.attest, who.caller, put.id, "known to me", Shown(secret=who.secret), network=HERE)
    forbid = setting(any_site, "places", [{"scope": "sign", "networks": ["203.0.113.0/24"]}])
    assert commit.together(forbid, vouch) == ["entered", "conflict"]
    with pytest.raises(AccessDenied, match="does not let this be signed from there"):
        vouch()
    setting(any_site, "places", [{"scope": "sign", "networks": [HERE]}])()
    index = vouch()
    with store.reading() as connection:
        body = read_entry(store, connection, index, KeyBindingEntry)[0]
        history = read_history(store, connection)
    assert (body.network, body.terminal, history.at(put.statement.request).vouchers) == (HERE, None, (who.account,))
    assert holds(any_site)
    setting(any_site, "places", [])()


@pytest.mark.requirement("R31")
def test_of_a_terminal_s_end_and_what_happens_there_in_one_group_commit_the_earlier_decides(
    any_site: Site, commit: OneCommit
) -> None:
    plant, who = any_site.plant, any_site.reviewer
    terminals = plant.service.people.terminals

    def ending(terminal: str, event: TerminalEvent = TerminalEvent.RETIRED) -> Callable[[], int]:
        by = plant.officer.sign_in().authority
        return lambda: terminals.ended(terminal, event, "no longer in order", "as seen", by)

    by = plant.officer.sign_in().authority
    made = [terminals.enrol(f"room {number}", "in order", "set up", by) for number in range(4)]
    names = [one.terminal for one in made]
    with signing_at(any_site, names):
        who.sign_in(terminal=made[0].secret)
        assert commit.together(signing(any_site), ending(names[0])) == ["entered", "entered"]
        who.sign_in(terminal=made[1].secret)
        late = signing(any_site)
        assert commit.together(setting(any_site, "terminal_test_days", 1), late) == ["entered", "conflict"]
        late()
        late = signing(any_site)
        assert commit.together(ending(names[1], TerminalEvent.FAILED), late) == ["entered", "conflict"]
        with pytest.raises(AccessDenied, match="does not let this be signed from there"):
            late()
        begins = lambda: who.sign_in(terminal=made[2].secret)  # noqa: E731
        assert commit.together(begins, ending(names[2])) == ["entered", "entered"]
    assert holds(any_site)


@pytest.mark.requirement("R31")
def test_no_session_begins_at_a_terminal_that_was_taken_out_of_use_at_this_moment(
    any_site: Site, commit: OneCommit
) -> None:
    plant, who = any_site.plant, any_site.reviewer
    terminals, by = plant.service.people.terminals, plant.officer.sign_in().authority
    one, other = (terminals.enrol(f"room {number}", "in order", "set up", by) for number in range(2))

    def ended(terminal: str) -> Callable[[], int]:
        return lambda: terminals.ended(terminal, TerminalEvent.RETIRED, "retired", "replaced", by)

    assert commit.together(ended(one.terminal), lambda: who.sign_in(terminal=one.secret)) == ["entered", "conflict"]
    commit.hold(lambda: who.sign_in(terminal=other.secret))
    ended(other.terminal)()
    assert commit.commit() == ["conflict"]
    assert holds(any_site)


@pytest.mark.requirement("R31")
def test_a_terminal_s_test_is_overdue_by_the_moment_that_the_entry_says(any_site: Site) -> None:
    """The clock may lag behind the log for a while; who signs then signs at the log's last moment."""
    plant, who = any_site.plant, any_site.reviewer
    terminals = plant.service.people.terminals
    made = terminals.enrol("room", "in order", "set up", plant.officer.sign_in().authority)
    with signing_at(any_site, [made.terminal]):
        setting(any_site, "terminal_test_days", 1)()
        (due_at,) = (one.due_at for one in terminals.all() if one.terminal == made.terminal)
        due_us, clock = parse_utc(due_at or ""), plant.clock
        clock.pass_seconds((due_us - clock.now_us()) / 1_000_000 - 300)
        by = plant.officer.sign_in().authority
        who.sign_in(terminal=made.secret)
        signing(any_site)()
        late = signing(any_site)
        clock.pass_seconds((due_us - clock.now_us()) / 1_000_000 + 2)
        plant.service.people.profiles.set("access_review_days", 180, "as before", by)
        clock.pass_seconds((due_us - clock.now_us()) / 1_000_000 - 20)
        with pytest.raises(AccessDenied, match="does not let this be signed from there"):
            late()
        clock.pass_seconds(30)
    assert holds(any_site)


@pytest.mark.requirement("R31")
def test_what_an_overdue_passkey_signed_past_the_server_is_named_and_what_it_signed_before_holds(
    any_site: Site, commit: OneCommit
) -> None:
    """Whoever leaves the check out of the server, or appends to the log itself, is found by level 2."""
    plant, who = any_site.plant, any_site.reviewer
    store, vouching, system = plant.service.store, plant.signing.vouching, plant.service.system
    device = SigningAuthenticator(SIGNING.origin, SIGNING.rp_id)
    who.sign_in()
    bind(plant, who, device)
    who.sign_in()
    put = who.prepare(*any_site.fresh(), meaning="reviewed", mode=Mode.PASSKEY)
    sign = partial(who.complete, put, proof=device.sign(unb64(put.challenge, 32)))
    assert commit.together(setting(any_site, "device_test_days", 1), sign) == ["entered", "conflict"]
    due = next(one.test_due for one in plant.signing.bindings.all(who.account) if one.mode is Mode.PASSKEY)
    last = parse_utc(f"{due}T23:50:00.000000Z")
    plant.clock.pass_seconds((last - plant.clock.now_us()) / 1_000_000)
    nina = plant.person("nina1", "Nina Newcomer", Role.AUDITOR, plant.officer.sign_in().authority)
    for one in (nina, who):
        one.sign_in()
    nina.make_key()
    first, put = (who.prepare(*any_site.fresh(), meaning="reviewed", mode=Mode.PASSKEY) for _ in range(2))
    vouched = vouching.to_attest(who.caller, nina.key_id, "we share an office", Mode.PASSKEY)
    who.complete(first, proof=device.sign(unb64(first.challenge, 32)))
    answer = device.sign(unb64(vouched.challenge, 32))
    vouch = partial(vouching.attest, who.caller, vouched.id, "known to me", passkey=answer, network=HERE)
    by, today = plant.officer.sign_in().authority, utc_text(plant.clock.now_us())[:10]
    test = partial(
        plant.service.people.qualifications.device, who.account, "another-device", "in order", today, "monthly", by
    )
    assert commit.together(test, vouch) == ["entered", "conflict"]
    assert plant.service.verifier.run(system, levels=(1, 2)).holds

    plant.clock.pass_seconds((last - plant.clock.now_us()) / 1_000_000 + 601)
    shown = Shown(password=who.password, code=who.code())
    made = plant.signing.signatures.make(
        put.id, put.digest, shown, device.sign(unb64(put.challenge, 32)), who.caller, HERE
    )
    with pytest.raises(NotSignatory, match="was good until"):
        store.append(SYSTEM_LOG, Batch([made.draft], before=made.before))
    forged = store.append_one(SYSTEM_LOG, made.draft).index
    attested = KeyBindingEntry(
        binding=nina.key_id,
        event=BindingEvent.ATTESTED,
        account=nina.account,
        reason="known to me",
        authority=who.caller.authority,
        attestation=vouched.statement,
        proof=device.sign(unb64(vouched.challenge, 32)),
    )
    also = store.append_one(SYSTEM_LOG, draft(attested)).index
    report = plant.service.verifier.run(system, full=True, levels=(1, 2))
    (fault,) = [one.fault for one in report.result.levels if one.fault is not None]
    assert (fault.log, fault.index, fault.column) == (SYSTEM_LOG, forged, "authority")
    assert f"whose test was good until {due} and overdue then" in fault.what
    setting(any_site, "places", [{"scope": "sign", "networks": ["203.0.113.0/24"]}])()
    nowhere = msgspec.structs.replace(attested.authority, entries=("nowhere",))
    lies = (
        msgspec.structs.replace(attested, network=HERE),
        msgspec.structs.replace(attested, network="203.0.113.9", terminal="0" * 16, authority=nowhere),
    )
    indices = [also, *(store.append_one(SYSTEM_LOG, draft(one)).index for one in lies)]
    with store.reading() as connection:
        found = [
            authority_fault(connection, SYSTEM_LOG, index, index + 1, store.kinds, lambda _: None) for index in indices
        ]
    assert [None if one_fault is None else one_fault.index for one_fault in found] == indices
    words = ("it was vouched by passkey", f"it was vouched from {HERE}", "is not an address")
    for said, one_fault in zip(words, found, strict=True):
        assert one_fault is not None
        assert said in one_fault.what
