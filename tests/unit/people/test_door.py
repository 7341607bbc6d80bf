"""Signing in: what the door lets in, what it counts, and what no order of tries gets around."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.core.errors import AccessDenied, Conflict, LedgerError, NotAuthenticated, SchemaViolation, SelfApproval
from ledger.integrity.authority import authority_fault
from ledger.integrity.fault import Fault
from ledger.people.door import Asked, Visit
from ledger.people.enrolment import Set
from ledger.people.kinds import AccountSort
from ledger.people.passwords import Effort, Passwords, require_strong
from ledger.people.person_kinds import Purpose
from ledger.people.roles import Role
from ledger.people.second import Proof
from ledger.people.totp import STEP_S, code_at, new_secret, step_of
from ledger.people.uses import forget_spent
from ledger.service import Service
from ledger.store.logs import SYSTEM_LOG
from tests.api.world import World
from tests.support.people import PASSWORD, Device, Person, administrator, enrolled, make_account, person

HERE = Visit(peer="192.0.2.7")
WRONG = "not at all the right thing"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "ledger")
    yield made
    made.close()


def entrance(world: World) -> Any:
    return world.service.entrance


def signed_in(world: World, session: str) -> str:
    return world.people.sessions.find(session).account


def fault(service: Service) -> Fault | None:
    """What level 2 says of the authority of every entry of the system log."""
    with service.store.reader(SYSTEM_LOG) as reader:
        size = reader.head().size
        return authority_fault(reader.connection, SYSTEM_LOG, 0, size, service.store.kinds, lambda _: None)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(NotAuthenticated) as caught:
        call()
    return caught.value.message + caught.value.advice


@pytest.mark.requirement("R22")
def test_a_session_takes_two_components_and_says_which(world: World) -> None:
    one = person(world, "reviewer1", [Role.REVIEWER])
    asked = entrance(world).door.show_password("reviewer1", PASSWORD, HERE)
    assert isinstance(asked, Asked)
    assert asked.second == ("totp",)
    begun = entrance(world).door.show_second(asked.state, Proof(code=one.device.code()), HERE)
    caller = world.people.sessions.find(begun.session)
    assert (caller.account, caller.person, caller.roles) == ("reviewer1", True, ("reviewer",))
    body = world.system_entries("session-event")[-1]
    assert (body["methods"], body["network"]) == (["password", "totp"], "192.0.2.7")
    assert len(body["authority"]["entries"]) == 3
    assert fault(world.service) is None


@pytest.mark.requirement("R46")
def test_whatever_was_wrong_the_answer_is_the_same(world: World) -> None:
    one = person(world, "reviewer1")
    person(world, "gone1")
    world.people.deactivate("gone1", "left", administrator(world))
    make_account(world.service, "new1", administrator(world))
    door = entrance(world).door
    answers = {
        refused(lambda name=name: door.show_password(name, WRONG, HERE))  # type: ignore[misc]
        for name in ("reviewer1", "nobody", "gone1", "new1", "Reviewer1", "", "read-0")
    }
    asked = door.show_password("reviewer1", PASSWORD, HERE)
    answers.add(refused(lambda: door.show_second(asked.state, Proof(code="000000"), HERE)))
    for _ in range(5):
        answers.add(refused(lambda: door.show_password("reviewer1", WRONG, HERE)))
    answers.add(refused(lambda: door.show_password("reviewer1", PASSWORD, HERE)))
    assert len(answers) == 1
    assert one.password == PASSWORD


@pytest.mark.requirement("R30")
def test_an_account_is_locked_at_the_limit_even_for_the_right_components(world: World) -> None:
    one = person(world, "reviewer1")
    told: list[tuple[str, int]] = []

    def tell(account: str, index: int) -> list[str]:
        told.append((account, index))
        return ["officer1"]

    entrance(world).alerts.listen(tell)
    for _ in range(5):
        refused(lambda: entrance(world).door.show_password("reviewer1", WRONG, HERE))
    refused(one.begin)
    entries = [(body["event"], body["count"]) for body in world.system_entries("sign-in")]
    assert [one for one in entries if one[0] != "alerted"] == [("failed", at) for at in (1, 2, 3, 4, 5)] + [
        ("locked", 5)
    ]
    assert [account for account, _ in told] == ["reviewer1"]
    assert "alerted" in {event for event, _ in entries}
    assert fault(world.service) is None


@pytest.mark.requirement("R30")
def test_many_tries_at_once_are_no_more_tries_than_one_by_one(world: World) -> None:
    one = person(world, "reviewer1")
    guesses = [WRONG + str(at) for at in range(40)]
    guesses.insert(30, PASSWORD)
    let_in = []
    start = threading.Barrier(len(guesses))

    def attempt(guess: str) -> None:
        start.wait()
        with contextlib.suppress(LedgerError):
            let_in.append(entrance(world).door.show_password("reviewer1", guess, HERE))

    threads = [threading.Thread(target=attempt, args=(guess,)) for guess in guesses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = [body["event"] for body in world.system_entries("sign-in")]
    assert (events.count("failed"), events.count("locked")) == (5, 1)
    refused(one.begin)
    for asked in let_in:
        refused(lambda asked=asked: entrance(world).door.show_second(asked.state, Proof(code=one.device.code()), HERE))  # type: ignore[misc]
    assert fault(world.service) is None


@pytest.mark.requirement("R30")
def test_a_success_begins_the_count_anew_and_signing_counts_too(world: World) -> None:
    one = person(world, "reviewer1")
    attempts = entrance(world).attempts
    for _ in range(4):
        refused(lambda: entrance(world).door.show_password("reviewer1", WRONG, HERE))
    one.begin()
    assert attempts.standing("reviewer1").failures == 0
    for at in range(1, 6):
        assert attempts.refused("reviewer1", Purpose.SIGNING, "signing-secret", None).failures == at
    assert attempts.standing("reviewer1").locked
    attempts.refused("reviewer1", Purpose.SIGNING, "signing-secret", None)
    assert len(world.system_entries("sign-in")) == 4 + 5 + 1, "what comes at a locked account is counted apart"


@pytest.mark.requirement("R45")
def test_only_another_administrator_unlocks_and_says_why(world: World) -> None:
    one = person(world, "reviewer1")
    officer = person(world, "officer1", [Role.SECURITY_OFFICER])
    for _ in range(5):
        refused(lambda: entrance(world).door.show_password("reviewer1", WRONG, HERE))
    by = world.people.sessions.find(officer.begin()).authority
    own = world.people.directory.find(world.tokens[next(iter(world.tokens))].token).caller.authority
    unlock = entrance(world).attempts.unlock
    with pytest.raises(AccessDenied):
        unlock("reviewer1", "please", own)
    with pytest.raises(AccessDenied, match="own account"):
        unlock("officer1", "me", by)
    unlock("reviewer1", "called back, and known by voice", by)
    with pytest.raises(Conflict):
        unlock("reviewer1", "again", by)
    assert signed_in(world, one.begin()) == "reviewer1"
    assert world.system_entries("sign-in")[-1]["reason"] == "called back, and known by voice"
    assert fault(world.service) is None


def test_a_code_is_good_once_and_so_is_a_half_finished_sign_in(world: World) -> None:
    one = person(world, "reviewer1")
    door, code = entrance(world).door, one.device.code()
    first, second = (door.show_password("reviewer1", PASSWORD, HERE) for _ in range(2))
    door.show_second(first.state, Proof(code=code), HERE)
    refused(lambda: door.show_second(second.state, Proof(code=code), HERE))
    refused(lambda: door.show_second(first.state, Proof(code=one.device.code()), HERE))
    assert len([body for body in world.system_entries("session-event") if body["event"] == "started"]) == 1


def test_a_half_finished_sign_in_is_nobody_elses_and_ends_soon(world: World) -> None:
    one = person(world, "reviewer1")
    other = person(world, "reviewer2")
    door = entrance(world).door
    asked = door.show_password("reviewer1", PASSWORD, HERE)
    refused(lambda: door.show_second(asked.state, Proof(code=other.device.code()), HERE))
    refused(lambda: door.show_second(asked.state[:-4] + "AAAA", Proof(code=one.device.code()), HERE))
    begun = entrance(world).enrolment
    with pytest.raises(NotAuthenticated):
        begun.finish(asked.state, Set(password=PASSWORD))
    world.clock.pass_seconds(301)
    refused(lambda: door.show_second(asked.state, Proof(code=one.device.code()), HERE))


def test_a_revoked_device_ends_sessions_at_once_and_begins_none(world: World) -> None:
    one = person(world, "reviewer1")
    session = one.begin()
    asked = entrance(world).door.show_password("reviewer1", PASSWORD, HERE)
    caller = world.people.sessions.find(session)
    device = next(found.component for found in entrance(world).own.components(caller) if found.sort == "totp")
    entrance(world).own.revoke(caller, device, "lost on the train")
    refused(lambda: world.people.sessions.find(session))
    refused(lambda: entrance(world).door.show_second(asked.state, Proof(code=one.device.code()), HERE))
    with pytest.raises(AccessDenied, match="takes a second factor"):
        entrance(world).door.show_password("reviewer1", PASSWORD, HERE)
    assert fault(world.service) is None


@pytest.mark.requirement("R25", "R28", "R43")
def test_an_administrator_who_resets_a_password_cannot_sign_in_with_the_code(world: World) -> None:
    one = person(world, "reviewer1")
    officer = person(world, "officer1", [Role.SECURITY_OFFICER])
    session = one.begin()
    by = world.people.sessions.find(officer.begin()).authority
    enrolment = entrance(world).enrolment
    code = enrolment.issue("reviewer1", "forgot the password", by)
    refused(lambda: world.people.sessions.find(session))
    refused(one.begin)
    begun = enrolment.begin(code.code)
    assert (begun.show, begun.set, begun.secret) == (("totp",), ("password",), None)
    refused(lambda: enrolment.finish(begun.state, Set(password="known to the officer only")))
    refused(
        lambda: enrolment.finish(begun.state, Set(password="known to the officer only", shown=Proof(code="000000")))
    )
    with pytest.raises(AccessDenied, match="for themselves"):
        enrolment.issue("officer1", "for me", by)
    mine = Set(password="three brass lanterns by a slow canal", shown=Proof(code=one.device.code()))
    enrolment.finish(begun.state, mine)
    one.password = "three brass lanterns by a slow canal"
    assert signed_in(world, one.begin()) == "reviewer1"
    refused(lambda: enrolment.begin(code.code))
    assert fault(world.service) is None


@pytest.mark.requirement("R25", "R29")
def test_a_second_factor_is_reset_by_two_others(world: World) -> None:
    one = person(world, "reviewer1")
    first, second = (person(world, name, [Role.SECURITY_OFFICER]) for name in ("officer1", "officer2"))
    session = one.begin()
    ours, theirs = (world.people.sessions.find(officer.begin()).authority for officer in (first, second))
    mine = world.people.sessions.find(session).authority
    resets = entrance(world).resets
    with pytest.raises(AccessDenied):
        resets.ask("officer1", False, "my own", ours)
    waiting = resets.ask("reviewer1", True, "lost the phone", ours)
    with pytest.raises(SelfApproval):
        resets.confirm(waiting.reset, "sure", ours)
    with pytest.raises(AccessDenied):
        resets.confirm(waiting.reset, "sure", mine)
    with pytest.raises(AccessDenied):
        resets.confirm(waiting.reset, "sure", world.root)
    assert signed_in(world, session) == "reviewer1"
    code = resets.confirm(waiting.reset, "spoke to them", theirs)
    refused(lambda: world.people.sessions.find(session))
    refused(one.begin)
    again = enrolled(world, code, "new words for a quiet evening")
    assert signed_in(world, again.begin()) == "reviewer1"
    assert [body["event"] for body in world.system_entries("reset")] == ["asked", "confirmed"]
    assert fault(world.service) is None


def test_a_reset_lapses_is_decided_once_and_can_be_withdrawn(world: World) -> None:
    person(world, "reviewer1")
    first, second = (person(world, name, [Role.SECURITY_OFFICER]) for name in ("officer1", "officer2"))
    ours, theirs = (world.people.sessions.find(officer.begin()).authority for officer in (first, second))
    resets = entrance(world).resets
    waiting = resets.ask("reviewer1", False, "lost the phone", ours)
    resets.withdraw(waiting.reset, "found it", ours)
    with pytest.raises(LedgerError, match="waits"):
        resets.confirm(waiting.reset, "sure", theirs)
    late = resets.ask("reviewer1", False, "lost it again", ours)
    assert [one.reset for one in resets.waiting()] == [late.reset]
    world.clock.pass_seconds(24 * 3600 + 1)
    assert resets.waiting() == []
    with pytest.raises(LedgerError):
        resets.confirm(late.reset, "sure", theirs)


def test_nobody_but_an_administrator_gives_codes_once_two_have_components(world: World) -> None:
    person(world, "officer1", [Role.SECURITY_OFFICER])
    make_account(world.service, "quality1", administrator(world))
    enrolled(world, entrance(world).enrolment.issue("quality1", "first start", world.root))
    make_account(world.service, "reviewer1", administrator(world))
    with pytest.raises(AccessDenied, match="first start is over"):
        entrance(world).enrolment.issue("reviewer1", "joins", world.root)
    one = person(world, "reviewer2", [Role.REVIEWER])
    with pytest.raises(AccessDenied):
        entrance(world).enrolment.issue("reviewer1", "joins", world.people.sessions.find(one.begin()).authority)


@pytest.mark.requirement("R25")
def test_one_person_alone_opens_no_account_that_was_used(world: World) -> None:
    one = person(world, "reviewer1")
    caller = world.people.sessions.find(one.begin())
    device = next(found.component for found in entrance(world).own.components(caller) if found.sort == "totp")
    entrance(world).own.revoke(caller, device, "lost")
    with pytest.raises(Conflict, match="second factor"):
        entrance(world).enrolment.issue("reviewer1", "lost all", administrator(world))


@pytest.mark.requirement("R27")
def test_a_code_to_begin_is_of_one_account_is_good_once_and_for_a_day(world: World) -> None:
    make_account(world.service, "reviewer1", administrator(world))
    enrolment = entrance(world).enrolment
    first = enrolment.issue("reviewer1", "joins", administrator(world))
    code = enrolment.issue("reviewer1", "the first was not received", administrator(world))
    refused(lambda: enrolment.begin(first.code))
    begun = enrolment.begin(code.code)
    device = Device(str(begun.secret), world.clock)
    enrolment.finish(begun.state, Set(password=PASSWORD, code=device.code()))
    refused(lambda: enrolment.begin(code.code))
    refused(lambda: enrolment.finish(begun.state, Set(password=PASSWORD, code=device.code())))
    make_account(world.service, "reviewer2", administrator(world))
    late = enrolment.issue("reviewer2", "joins", administrator(world))
    world.clock.pass_seconds(24 * 3600 + 1)
    refused(lambda: enrolment.begin(late.code))


@pytest.mark.requirement("R31")
def test_a_device_is_tried_out_when_it_is_enrolled(world: World) -> None:
    make_account(world.service, "reviewer1", administrator(world))
    enrolment = entrance(world).enrolment
    begun = enrolment.begin(enrolment.issue("reviewer1", "joins", administrator(world)).code)
    other = Device(new_secret(), world.clock)
    with pytest.raises(SchemaViolation, match="not the new device's code"):
        enrolment.finish(begun.state, Set(password=PASSWORD, code=other.code()))
    assert [body for body in world.system_entries("credential") if body["sort"] != "enrolment"] == []
    assert begun.svg is not None
    assert begun.svg.startswith("<svg")


@pytest.mark.requirement("R43")
def test_the_least_length_of_a_password_is_the_site_s_wherever_one_is_set(world: World) -> None:
    one, short = person(world, "reviewer1"), "six copper kettles"
    world.people.profiles.set("password_length", len(short) + 1, "site rule", administrator(world))
    enrolment = entrance(world).enrolment
    begun = enrolment.begin(enrolment.issue("reviewer1", "forgot the password", administrator(world)).code)
    assert begun.password_length == len(short) + 1
    with pytest.raises(SchemaViolation, match="short"):
        enrolment.finish(begun.state, Set(password=short, shown=Proof(code=one.device.code())))
    begun = enrolment.begin(enrolment.issue("reviewer1", "once more", administrator(world)).code)
    one.password = short + "s"
    enrolment.finish(begun.state, Set(password=one.password, shown=Proof(code=one.device.code())))
    caller = world.people.sessions.find(one.begin())
    with pytest.raises(SchemaViolation, match="short"):
        entrance(world).own.change_password(caller, one.password, "ten green bottles!", HERE.peer)


@pytest.mark.requirement("R28")
def test_a_changed_password_ends_other_sessions_and_the_old_one(world: World) -> None:
    one = person(world, "reviewer1")
    here, elsewhere = one.begin(), one.begin()
    caller = world.people.sessions.find(here)
    own = entrance(world).own
    refused(lambda: own.change_password(caller, WRONG, "six copper kettles and a violin", HERE.peer))
    with pytest.raises(SchemaViolation):
        own.change_password(caller, PASSWORD, "reviewer1 reviewer1", HERE.peer)
    own.change_password(caller, PASSWORD, "six copper kettles and a violin", HERE.peer)
    refused(lambda: world.people.sessions.find(elsewhere))
    assert signed_in(world, here) == "reviewer1"
    refused(one.begin)
    one.password = "six copper kettles and a violin"
    assert signed_in(world, one.begin()) == "reviewer1"
    with world.service.store.reading() as connection:
        rows = connection.exec_driver_sql("SELECT value FROM secret WHERE name = 'password'").all()
    assert len(rows) == 1, "of the earlier password nothing is kept"
    assert fault(world.service) is None


@pytest.mark.requirement("R28")
def test_an_aged_password_is_changed_with_the_second_step(world: World) -> None:
    one = person(world, "reviewer1")
    world.people.profiles.set("password_days", 90, "site rule", administrator(world))
    world.clock.pass_seconds(91 * 86_400)
    door = entrance(world).door
    asked = door.show_password("reviewer1", PASSWORD, HERE)
    assert asked.new_password
    with pytest.raises(Conflict, match="older than 90 days"):
        door.show_second(asked.state, Proof(code=one.device.code()), HERE)
    with pytest.raises(Conflict, match="has to be changed"):
        door.show_second(asked.state, Proof(code=one.device.code()), HERE, PASSWORD)
    begun = door.show_second(asked.state, Proof(code=one.device.code()), HERE, "nine tin soldiers crossing a bog")
    assert signed_in(world, begun.session) == "reviewer1"
    one.password = "nine tin soldiers crossing a bog"
    one.begin()
    assert fault(world.service) is None


@pytest.mark.requirement("R44")
def test_outside_the_perimeter_a_second_factor_is_always_asked_for(world: World) -> None:
    one = person(world, "reviewer1")
    world.people.profiles.set("second_factor", "outside", "site rule", administrator(world))
    world.people.profiles.set("perimeter", ["10.1.0.0/16"], "site rule", administrator(world))
    door = entrance(world).door
    inside = door.show_password("reviewer1", PASSWORD, Visit(peer="10.1.2.3"))
    assert signed_in(world, inside.session) == "reviewer1"
    for peer in ("10.2.2.3", "2001:db8::1", "local", "127.0.0.1"):
        assert isinstance(door.show_password("reviewer1", PASSWORD, Visit(peer=peer)), Asked)
    assert one.account == "reviewer1"
    assert fault(world.service) is None


@pytest.mark.requirement("R45")
def test_idle_time_and_length_of_a_session_are_the_profiles_and_not_the_users(world: World) -> None:
    one = person(world, "reviewer1")
    world.people.profiles.set("idle_minutes", 5, "site rule", administrator(world))
    world.people.profiles.set("absolute_minutes", 30, "site rule", administrator(world))
    session = one.begin()
    for _ in range(7):
        world.clock.pass_seconds(4 * 60)
        assert signed_in(world, session) == "reviewer1"
    world.clock.pass_seconds(3 * 60)
    refused(lambda: world.people.sessions.find(session))
    idle = one.begin()
    world.clock.pass_seconds(5 * 60 + 1)
    refused(lambda: world.people.sessions.find(idle))
    assert world.system_entries("session-event")[-1]["reason"] == "idle"


def test_a_weaker_hash_is_stored_anew_when_the_password_is_next_shown(world: World) -> None:
    one = person(world, "reviewer1")
    other = Service(world.folder, world.clock, effort=Effort(rounds=2, memory_kib=16, refusal_s=0.0))
    try:
        asked = other.entrance.door.show_password("reviewer1", PASSWORD, HERE)
        begun = other.entrance.door.show_second(asked.state, Proof(code=one.device.code()), HERE)  # type: ignore[union-attr]
        assert other.people.sessions.find(begun.session).account == "reviewer1"
    finally:
        other.close()
    with world.service.store.reading() as connection:
        rows = connection.exec_driver_sql("SELECT value FROM secret WHERE name = 'password'").all()
    assert [b"$m=16,t=2,p=1$" in bytes(row[0]) for row in rows] == [True]
    assert fault(world.service) is None


def test_a_service_account_has_no_way_through_the_door(world: World) -> None:
    account = next(one.account for one in world.people.accounts() if one.account.startswith("read-"))
    with pytest.raises(Conflict, match="person"):
        entrance(world).enrolment.issue(account, "a person?", administrator(world))


def test_an_inspectors_account_signs_in_like_any_other(world: World) -> None:
    one = person(world, "inspector1", [Role.INSPECTOR], sort=AccountSort.INSPECTOR)
    assert world.people.sessions.find(one.begin()).watched


def test_secrets_of_devices_are_worth_nothing_without_the_pepper(world: World) -> None:
    one = person(world, "reviewer1")
    database = (world.folder / "ledger.sqlite").read_bytes()
    assert one.device.secret.encode() not in database
    assert PASSWORD.encode() not in database
    (world.folder / "keys" / "pepper.key").write_bytes((world.folder / "keys" / "digest.key").read_bytes())
    with pytest.raises(LedgerError, match="pepper"):
        one.begin()


def test_real_parameters_are_argon2id_with_64_mib() -> None:
    kept = Passwords().keep("some words of a real length")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert Passwords().matches(kept, "some words of a real length")
    assert not Passwords().matches(kept, "some words of a real lengtH")


@pytest.mark.requirement("R43")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("short words", "shorter than 12"),
        ("x" * 129, "longer than 128"),
        ("passwordpassword", "lists of common"),
        ("qwertyuiop1234", "lists of common"),
        ("aaaaaaaaaaaaaaaa", "lists of common"),
        ("Example lives at sea 7", "name of its person"),
        ("my reviewer1 account is", "name of its person"),
    ],
)
def test_a_weak_password_is_refused_with_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(SchemaViolation, match=said):
        require_strong(text, 12, ("reviewer1", "Anna Example"))
    require_strong("violet anvil under seven", 12, ("reviewer1", "Anna Example"))


def test_the_same_characters_are_the_same_password_however_they_were_typed() -> None:
    light = Passwords(Effort(rounds=1, memory_kib=8))
    assert light.matches(light.keep("café am gr\u00fcnen Markt"), "cafe\u0301 am gru\u0308nen Markt")


def test_a_code_is_good_in_its_half_minute_and_the_two_beside_it() -> None:
    secret, now = new_secret(), 1_790_000_010_000_000
    step = now // 1_000_000 // STEP_S
    found = [step_of(secret, code_at(secret, step + off), now) for off in range(-2, 3)]
    assert found == [None, step - 1, step, step + 1, None]


def test_what_was_used_up_is_forgotten_once_it_is_over_and_counters_stay(world: World) -> None:
    one = person(world, "reviewer1")
    one.begin()
    forget_spent(world.service.store)
    with world.service.store.reading() as connection:
        before = sorted(row[0].split(":")[0] for row in connection.exec_driver_sql("SELECT key FROM door_use"))
    world.clock.pass_seconds(1000)
    forget_spent(world.service.store)
    with world.service.store.reading() as connection:
        after = [row[0].split(":")[0] for row in connection.exec_driver_sql("SELECT key FROM door_use")]
    assert (before, after) == (["component", "state", "state"], ["component"])


def test_persons_are_told_apart(world: World) -> None:
    ours: list[Person] = [person(world, name) for name in ("reviewer1", "reviewer2")]
    assert [signed_in(world, one.begin()) for one in ours] == ["reviewer1", "reviewer2"]
