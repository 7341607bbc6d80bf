"""A notice is due once its entry stands, arrives by SMTP or as a signed webhook, and what came of it is entered."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from collectors.demo.process import free_port
from ledger.core.address import parse_address
from ledger.core.entry import draft
from ledger.core.errors import LedgerError, SchemaViolation, SignatureInvalid
from ledger.core.note import VerifierKey
from ledger.core.notice import HEADER, open_notice
from ledger.people.kinds import AccountEntry, AccountSort, AccountState
from ledger.people.notice_kinds import Channel, NoticeState, Subject
from ledger.people.notice_tables import notice_cursor
from ledger.people.notices import GIVE_UP_US
from ledger.people.person_kinds import CredentialEntry, CredentialSort, CredentialState, Purpose
from ledger.people.profile import Profiles
from ledger.people.reset_kinds import ResetEntry, ResetEvent
from ledger.people.webhook import check_webhook
from ledger.server import Server
from ledger.store.logs import SYSTEM_LOG
from tests.api.world import ORIGIN, World
from tests.support.certificates import Authority
from tests.support.mailbox import Mailbox, Receiver, mail_server

SYSTEM = f"{ORIGIN}/system"


def person(world: World, account: str, email: str | None, title: str = "Somebody") -> None:
    entry = AccountEntry(
        account=account,
        sort=AccountSort.PERSON,
        state=AccountState.ACTIVE,
        title=title,
        reason="joins",
        authority=world.root,
        email=email,
    )
    world.service.store.append_one(SYSTEM_LOG, draft(entry))


def use(world: World, item: str, value: object) -> None:
    Profiles(world.service.store).set(item, value, "set up", world.root)


def mail(world: World, port: int, **more: object) -> None:
    use(
        world,
        "mail",
        {"host": "127.0.0.1", "port": port, "sender": "trailseal@plant.example", "security": "none"} | more,
    )


def states(world: World) -> list[tuple[str, str, NoticeState]]:
    return [(one.to, one.channel.value, one.state) for one in world.service.notices.outgoing()]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.mark.requirement("R30")
def test_a_locked_account_reaches_those_responsible_by_mail_within_seconds_and_both_are_entries(
    any_world: World,
) -> None:
    world = any_world
    person(world, "security1", "security1@plant.example", "Security One")
    use(world, "alert_accounts", ["security1"])
    notices = world.service.notices
    with mail_server(Mailbox()) as box:
        mail(world, box.port)
        with Server(world.service, world.root, port=0):
            began = time.monotonic()
            for _ in range(5):
                world.service.entrance.attempts.refused("operator1", Purpose.SIGN_IN, "password", "127.0.0.1")
            (arrived,) = box.wait(1, 15)
            took = time.monotonic() - began
            deadline = time.monotonic() + 10
            while states(world) != [("security1", "email", NoticeState.SENT)] and time.monotonic() < deadline:
                time.sleep(0.05)
    assert took < 10, f"the alert took {took:.1f} s"
    assert arrived["Subject"] == "Account operator1 is locked"
    assert arrived["To"] == "Security One <security1@plant.example>"
    notice = world.system_entries("notice")[0]
    assert notice["about"] in arrived.get_content()
    with world.service.store.reader(SYSTEM_LOG) as reader:
        locked = msgspec.json.decode(reader.entry(parse_address(notice["about"]).index).body or b"")
    assert (locked["schema"], locked["event"], notice["event"]) == ("sign-in/1", "locked", "told")
    assert [one["event"] for one in world.system_entries("sign-in")] == ["failed"] * 5 + ["locked", "alerted"]
    assert states(world) == [("security1", "email", NoticeState.SENT)]
    assert [(one.title, one.about) for one in notices.mine("security1")] == [
        ("Account operator1 is locked", notice["about"])
    ]


def test_a_notice_waits_for_a_mail_server_that_is_down_and_goes_when_it_is_back(world: World) -> None:
    port = free_port()
    person(world, "reviewer1", "reviewer1@plant.example")
    mail(world, port)
    notices = world.service.notices
    notices.tell(["reviewer1"], Subject.TASK_DUE, title="Review B-42", due="tomorrow")
    assert notices.work() == 0
    (waiting,) = notices.outgoing()
    assert (waiting.state, waiting.attempts) == (NoticeState.TOLD, 1)
    assert "refused" in waiting.error
    with mail_server(Mailbox(), port) as box:
        assert notices.work() == 0, "not before its time"
        world.clock.pass_seconds(3)
        assert notices.work() == 1
        assert notices.work() == 0, "once"
    assert len(box.arrived) == 1
    assert world.system_entries("notice")[-1]["attempts"] == 2


def test_a_day_without_success_is_entered_as_a_failure(world: World) -> None:
    person(world, "reviewer1", "reviewer1@plant.example")
    mail(world, free_port())
    notices = world.service.notices
    notices.tell(["reviewer1"], Subject.TEST)
    tries = 0
    while states(world)[0][2] is NoticeState.TOLD:
        notices.work()
        tries += 1
        world.clock.pass_seconds(1900)
    assert tries <= GIVE_UP_US // 1_900_000_000 + 2
    last = world.system_entries("notice")[-1]
    assert (last["event"], last["deliveries"]) == ("failed", [{"channel": "email", "to": "reviewer1"}])
    assert "mail server" in last["detail"]


def test_mail_goes_by_starttls_with_a_password_and_to_no_server_that_cannot_prove_itself(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    person(world, "reviewer1", "reviewer1@plant.example")
    notices = world.service.notices
    with mail_server(Mailbox(), certificate=authority.issue("mail.plant.example"), password="right") as box:
        mail(world, box.port, security="starttls", user="trailseal")
        notices.tell(["reviewer1"], Subject.TEST)
        monkeypatch.setenv("TRAILSEAL_MAIL_PASSWORD", "right")
        assert notices.work() == 0
        assert "certificate" in notices.outgoing()[0].error.lower()
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        monkeypatch.delenv("TRAILSEAL_MAIL_PASSWORD")
        secret = world.folder / "keys" / "mail.password"
        secret.write_text("wrong\n")
        world.clock.pass_seconds(60)
        assert notices.work() == 0
        assert "535" in notices.outgoing()[0].error
        secret.write_text("right\n")
        world.clock.pass_seconds(60)
        assert notices.work() == 1
    assert len(box.arrived) == 1
    with world.service.store.reader(0) as reader:
        bodies = b"".join(one.body or b"" for one in reader.entries(0, reader.head().size))
    assert b"right" not in bodies


def test_a_server_elsewhere_is_never_reached_without_tls(world: World) -> None:
    person(world, "reviewer1", "reviewer1@plant.example")
    mail(world, 25, host="203.0.113.9")
    world.service.notices.tell(["reviewer1"], Subject.TEST)
    assert world.service.notices.work() == 0
    assert "over TLS alone" in world.service.notices.outgoing()[0].error


def test_no_name_text_or_address_adds_a_header_or_an_addressee(world: World) -> None:
    person(world, "evil1", "evil1@plant.example", "Eve\r\nBcc: all@plant.example\r\n\r\nHello")
    person(world, "evil2", "evil2@plant.example\r\nBcc: all@plant.example")
    person(world, "evil3", "evil3@plant.example, all@plant.example")
    notices = world.service.notices
    with mail_server(Mailbox()) as box:
        mail(world, box.port)
        title = "x\r\nBcc: all@plant.example\r\n\r\nbody \u202egnp.exe"
        notices.tell(["evil1", "evil2", "evil3"], Subject.TASK_ASSIGNED, title=title, due="now")
        notices.work()
    ((_, addressees),) = box.envelopes
    (arrived,) = box.arrived
    assert addressees == ["evil1@plant.example"]
    assert arrived["Bcc"] is None
    assert [name for name in arrived if name.lower() in ("cc", "bcc", "reply-to")] == []
    assert "\u202e" not in arrived["Subject"] + arrived.get_content()
    assert sorted(states(world))[1:] == [
        ("evil2", "email", NoticeState.FAILED),
        ("evil3", "email", NoticeState.FAILED),
    ]


def test_an_address_that_is_refused_for_good_fails_alone(world: World) -> None:
    for name in ("one", "two", "three"):
        person(world, name, f"{name}@plant.example")
    box = Mailbox()
    box.refusing = {"one@plant.example": "550 no such person", "two@plant.example": "450 try later"}
    notices = world.service.notices
    with mail_server(box):
        mail(world, box.port)
        notices.tell(["one", "two", "three"], Subject.TEST)
        assert notices.work() == 1
    assert {to: state for to, _, state in states(world)} == {
        "one": NoticeState.FAILED,
        "two": NoticeState.TOLD,
        "three": NoticeState.SENT,
    }


def test_a_notice_of_the_same_id_is_told_once_and_a_deactivated_account_is_not_told(world: World) -> None:
    person(world, "reviewer1", None)
    notices = world.service.notices
    due: dict[str, Any] = {"title": "Review", "due": "today"}
    assert notices.tell(["reviewer1"], Subject.TASK_DUE, once="task-7/due", **due) == "task-7/due"
    assert notices.tell(["reviewer1"], Subject.TASK_DUE, once="task-7/due", **due) is None
    world.people.deactivate("reviewer1", "left", world.root)
    assert notices.tell(["reviewer1", "nobody"], Subject.TASK_DUE, **due) is None
    assert len(notices.mine("reviewer1")) == 1
    assert notices.mine("nobody") == []
    with pytest.raises(SchemaViolation, match="places"):
        notices.tell(["reviewer1"], Subject.TASK_DUE, title="Review")


def test_a_webhook_is_signed_by_a_key_of_that_purpose_and_verifies_without_a_secret(
    world: World, receiver: Receiver
) -> None:
    use(world, "webhooks", [receiver.url])
    notices = world.service.notices
    notices.tell([], Subject.TASK_OVERDUE, about=f"{SYSTEM}#1", title="Review", due="today")
    assert notices.work() == 1
    (posted,) = receiver.posted
    events = [one for one in world.system_entries("key-event") if one["purpose"] == "notice"]
    assert len(events) == 1
    key = VerifierKey.parse(events[0]["key"])
    now = world.clock.now_us()
    opened = open_notice(posted.body, posted.headers[HEADER], key, SYSTEM, now)
    assert (opened["subject"], opened["about"]) == ("task-overdue", f"{SYSTEM}#1")
    other = VerifierKey(name=key.name, public_key=bytes(31) + b"\x01")
    for body, signer, origin, at in (
        (posted.body.replace(b"Review", b"Nothing"), key, SYSTEM, now),
        (posted.body, other, SYSTEM, now),
        (posted.body, key, "other.example/system", now),
        (posted.body, key, SYSTEM, now + 301_000_000),
    ):
        with pytest.raises(SignatureInvalid):
            open_notice(body, posted.headers[HEADER], signer, origin, at)
    notices.tell([], Subject.TEST)
    notices.work()
    assert len([one for one in world.system_entries("key-event") if one["purpose"] == "notice"]) == 1


def test_a_redirect_of_a_webhook_is_not_followed(world: World, receiver: Receiver) -> None:
    elsewhere = Receiver()
    receiver.status, receiver.location = 307, elsewhere.url
    use(world, "webhooks", [receiver.url])
    world.service.notices.tell([], Subject.TEST)
    assert world.service.notices.work() == 0
    elsewhere.close()
    assert (len(receiver.posted), elsewhere.posted) == (1, [])
    assert "307" in world.service.notices.outgoing()[0].error


def test_a_webhook_that_the_profile_names_no_more_is_not_called(world: World, receiver: Receiver) -> None:
    use(world, "webhooks", [receiver.url])
    world.service.notices.tell([], Subject.TEST)
    use(world, "webhooks", [])
    assert world.service.notices.work() == 0
    assert receiver.posted == []
    assert states(world) == [(receiver.url, Channel.WEBHOOK.value, NoticeState.FAILED)]


@pytest.mark.parametrize(
    "url",
    [
        "http://plant.example/hook",
        "http://169.254.169.254/latest/meta-data",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "https://user:secret@plant.example/",
        "https://plant.example/#part",
        "https:///nohost",
        "https://plant.example:99999/",
        "https://plant.example/a\r\nX: y",
        "http://localhost.plant.example/",
        "http://127.0.0.1.plant.example/",
        "//plant.example/hook",
        "",
    ],
)
def test_notices_are_posted_to_https_or_this_machine_alone(world: World, url: str) -> None:
    with pytest.raises(LedgerError):
        check_webhook(url)
    with pytest.raises(LedgerError):
        use(world, "webhooks", [url])


def test_a_lock_that_nobody_could_be_told_of_is_told_when_somebody_can_be(world: World) -> None:
    service = world.service
    for _ in range(5):
        service.entrance.attempts.refused("operator1", Purpose.SIGN_IN, "password", None)
    service.telling.work()
    assert world.system_entries("notice") == []
    person(world, "security1", None)
    use(world, "alert_accounts", ["security1"])
    service.telling.work()
    service.telling.work()
    assert [one.subject for one in service.notices.mine("security1")] == [Subject.ACCOUNT_LOCKED]
    assert world.system_entries("sign-in")[-1]["event"] == "alerted"


def test_people_are_told_of_what_happens_to_their_account_once(world: World) -> None:
    person(world, "reviewer1", None)
    person(world, "security1", None)
    use(world, "alert_accounts", ["security1"])
    service = world.service
    service.telling.work()
    component = CredentialEntry(
        credential="c1",
        account="reviewer1",
        sort=CredentialSort.PASSWORD,
        state=CredentialState.SET,
        reason="set by the person",
        authority=world.root,
    )
    asked = ResetEntry(
        reset="r1",
        account="reviewer1",
        event=ResetEvent.ASKED,
        password=True,
        lapses_at="2027-01-01T00:00:00.000000Z",
        reason="lost",
        authority=world.root,
    )
    for body in (component, msgspec.structs.replace(component, credential="c2", sort=CredentialSort.ENROLMENT), asked):
        service.store.append_one(SYSTEM_LOG, draft(body))
    for _ in range(5):
        service.entrance.attempts.refused("reviewer1", Purpose.SIGN_IN, "password", None)
    service.entrance.attempts.unlock("reviewer1", "was the person", world.root)
    service.telling.work()
    service.telling.work()
    assert [one.subject for one in service.notices.mine("reviewer1")] == [
        Subject.ACCOUNT_UNLOCKED,
        Subject.RESET_REQUESTED,
        Subject.COMPONENT_CHANGED,
    ]
    assert {one.subject for one in service.notices.mine("security1")} == {
        Subject.ACCOUNT_LOCKED,
        Subject.RESET_REQUESTED,
    }


def test_nobody_is_told_again_after_a_start_that_forgot_how_far_it_was(world: World) -> None:
    person(world, "reviewer1", None)
    service = world.service
    for _ in range(5):
        service.entrance.attempts.refused("reviewer1", Purpose.SIGN_IN, "password", None)
    service.telling.work()
    service.entrance.attempts.unlock("reviewer1", "was the person", world.root)
    service.telling.work()
    with service.store.writing() as connection:
        connection.execute(update(notice_cursor).values(next_index=0))
    service.telling.work()
    assert len(service.notices.mine("reviewer1")) == 1
