"""A one-time code goes by mail or is shown, never both; the entry says how, and a code that no mail took is over."""

import re
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient

from collectors.demo.process import free_port
from ledger.core.errors import NotAuthenticated
from ledger.people.access import Scope
from ledger.people.enrolment import Set
from ledger.people.person_kinds import CodeWay, CredentialEntry, CredentialState
from ledger.people.roles import Role
from ledger.present.sentences import entry_sentence
from ledger.store.logs import SYSTEM_LOG
from tests.api.test_notices import mail, person, use
from tests.api.world import World
from tests.support.application import app_of
from tests.support.certificates import Authority
from tests.support.mailbox import Mailbox, mail_server
from tests.support.people import PASSWORD, Device
from tests.support.people import person as enrolled_person

ADDRESS = "rita@plant.example"


@pytest.fixture
def box(world: World) -> Iterator[Mailbox]:
    """A mail server that the site's profile names, and a person with an address."""
    person(world, "rita", ADDRESS)
    with mail_server(Mailbox()) as made:
        mail(world, made.port)
        use(world, "address", "https://trailseal.plant.example")
        yield made


@pytest.fixture
def issue(world: World) -> Iterator[Callable[..., Any]]:
    with TestClient(app_of(world.service)) as client:

        def ask(account: str = "rita", **more: Any) -> Any:
            headers = world.headers(Scope.ADMIN)
            return client.post(
                f"/api/v1/accounts/{account}/enrolment", json={"reason": "joins", **more}, headers=headers
            )

        yield ask


def code_in(message: EmailMessage) -> str:
    """The code that stands in a line of its own."""
    (found,) = re.findall(r"^(se_[0-9a-f_]+)\s*$", message.get_content(), re.MULTILINE)
    return str(found)


def stored(world: World) -> bytes:
    """All bytes of the database's files."""
    return b"".join(path.read_bytes() for path in world.folder.glob("ledger.sqlite*"))


@pytest.mark.requirement("R25", "R43")
def test_a_code_that_is_mailed_is_in_no_answer_and_opens_the_account_for_its_person(
    world: World, box: Mailbox, issue: Callable[..., Any]
) -> None:
    answer = issue(mailed=True)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert (found["mailed"], found["code"]) == (True, None)
    (message,) = box.wait(1, 5)
    assert box.envelopes == [("trailseal@plant.example", [ADDRESS])]
    code = code_in(message)
    text = message.get_content()
    assert code not in answer.text
    assert code.encode() not in stored(world), "it is kept as a digest alone"
    assert "https://trailseal.plant.example/enrol" in text
    assert found["expires_at"] in text
    assert code not in str(message["Subject"])
    enrolment = world.service.entrance.enrolment
    begun = enrolment.begin(code)
    device = Device(str(begun.secret), world.clock)
    assert enrolment.finish(begun.state, Set(password=PASSWORD, code=device.code())) == "rita"


@pytest.mark.requirement("R06", "R49")
def test_the_entry_says_how_the_code_went_out(world: World, box: Mailbox, issue: Callable[..., Any]) -> None:
    shown = issue()
    assert shown.json()["mailed"] is False
    assert world.service.entrance.enrolment.begin(shown.json()["code"]).account == "rita"
    assert box.arrived == []
    issue(mailed=True)
    with world.service.store.reader(SYSTEM_LOG) as reader:
        bodies = [
            world.service.store.kinds["credential"].decode(one.body or b"")
            for one in reader.entries(0, reader.head().size)
            if b'"kind":"credential"' in one.leaf
        ]
    codes = [one for one in bodies if isinstance(one, CredentialEntry) and one.went is not None]
    assert [one.went for one in codes if one.state is CredentialState.SET] == [CodeWay.SHOWN, CodeWay.MAILED]
    codes = [one for one in codes if one.state is CredentialState.SET]
    said = ["".join(piece.text for piece in entry_sentence(one)) for one in codes]
    assert "by hand" in said[0]
    assert "to their own address" in said[1]
    assert msgspec.to_builtins(codes[1])["went"] == "mailed"


def test_a_code_is_not_mailed_where_the_person_has_no_address_or_the_site_no_server(
    world: World, issue: Callable[..., Any]
) -> None:
    person(world, "anna", None)
    person(world, "rita", ADDRESS)
    answer = issue(mailed=True)
    assert (answer.status_code, "no mail server" in answer.json()["detail"]) == (409, True)
    mail(world, free_port())
    answer = issue("anna", mailed=True)
    assert (answer.status_code, "no e-mail address" in answer.json()["detail"]) == (409, True)
    answer = issue(mailed=True)
    assert (answer.status_code, "was not issued" in answer.json()["detail"]) == (409, True)
    assert issue("nobody", mailed=True).status_code == 404
    assert world.system_entries("credential") == [], "nothing was entered"


def test_a_code_that_the_mail_server_does_not_take_is_over_and_was_seen_by_nobody(
    world: World, box: Mailbox, issue: Callable[..., Any]
) -> None:
    box.refusing[ADDRESS] = "550 no such person"
    answer = issue(mailed=True)
    assert (answer.status_code, "good no longer" in answer.json()["detail"]) == (409, True)
    assert box.arrived == []
    first, last = world.system_entries("credential")
    assert (first["state"], first["went"]) == ("set", "mailed")
    assert (last["state"], last["reason"], last["credential"]) == ("retired", "not mailed", first["credential"])
    box.refusing.clear()
    assert issue(mailed=True).status_code == 201
    (message,) = box.wait(1, 5)
    assert world.service.entrance.enrolment.begin(code_in(message)).account == "rita"


def test_a_server_that_cannot_prove_itself_is_shown_no_code(
    world: World, issue: Callable[..., Any], tmp_path: Path
) -> None:
    person(world, "rita", ADDRESS)
    authority = Authority(tmp_path)
    with mail_server(Mailbox(), certificate=authority.issue("other.plant.example")) as box:
        mail(world, box.port, security="starttls")
        assert issue(mailed=True).status_code == 409
        assert box.arrived == []
    assert world.system_entries("credential") == []


@pytest.mark.requirement("R25")
def test_the_code_of_a_reset_can_go_by_mail_too(world: World, box: Mailbox) -> None:
    officers = [enrolled_person(world, name, [Role.SECURITY_OFFICER]) for name in ("officer1", "officer2")]
    ours, theirs = (world.people.sessions.find(one.begin()).authority for one in officers)
    resets, enrolment = world.service.entrance.resets, world.service.entrance.enrolment
    enrolment.mail("rita", "joins", ours)
    begun = enrolment.begin(code_in(box.wait(1, 5)[0]))
    enrolment.finish(begun.state, Set(password=PASSWORD, code=Device(str(begun.secret), world.clock).code()))
    waiting = resets.ask("rita", True, "lost the phone", ours)
    done = resets.confirm_by_mail(waiting.reset, "spoke to them", theirs)
    assert done.account == "rita"
    again = enrolment.begin(code_in(box.wait(2, 5)[1]))
    assert (again.account, again.show) == ("rita", ())
    with pytest.raises(NotAuthenticated):
        enrolment.begin("nonsense")
