"""The demo's people: two who found the ledger and a reviewer, each with components of their own, who sign a batch off.

Their passwords, signing secrets and devices are made anew for each demo, shown at its start, and good for it alone; no
other ledger has an account that nobody asked for. All goes through the doors that any plant's people go through.
"""

import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Final

from ledger.core.address import parse_address
from ledger.core.authority import Authority
from ledger.people.access import Caller
from ledger.people.door import Begun, Visit
from ledger.people.enrolment import Set
from ledger.people.roles import Role
from ledger.people.second import Proof
from ledger.people.totp import STEP_S, WINDOW, code_at
from ledger.service import Service
from ledger.signing.factors import SECOND, SIGNING_SECRET, Shown
from ledger.signing.lists import ACCOUNTABILITY
from ledger.signing.signatures import Asked

PEER: Final = "127.0.0.1"
OFFICER, QUALITY, REVIEWER = "officer", "quality", "reviewer"
ROLES: Final = {OFFICER: Role.SECURITY_OFFICER, QUALITY: Role.APPROVER, REVIEWER: Role.REVIEWER}
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_WHY: Final = "part of the demo"


class Member:
    """One of the demo's people: what they know, what they have, and the session that they are in."""

    def __init__(self, service: Service, account: str, wait: Callable[[], object] | None = None) -> None:
        """`wait` lets a second pass, or more; by default a second of everybody's time."""
        self._service = service
        self._wait = wait or (lambda: threading.Event().wait(1.0))
        self.account = account
        self.role = ROLES[account]
        self.password = _phrase()
        self.signing_secret = _phrase()
        self.device = ""
        self._last_step = 0
        self._session = ""

    @property
    def caller(self) -> Caller:
        """Who a request in this person's session comes from."""
        return self._service.people.sessions.find(self._session)

    def shown(self) -> dict[str, str]:
        """What somebody needs to act as this person."""
        return {
            "role": self.role.value,
            "password": self.password,
            "signing_secret": self.signing_secret,
            "device": self.device,
        }

    def know(self, shown: Mapping[str, str]) -> None:
        """Takes over what `shown` gave: somebody else acts as this person."""
        self.password, self.signing_secret, self.device = (
            shown["password"],
            shown["signing_secret"],
            shown["device"],
        )

    def enrol(self, by: Authority) -> None:
        """Uses a one-time code to set password and device."""
        enrolment = self._service.entrance.enrolment
        begun = enrolment.begin(enrolment.issue(self.account, _WHY, by).code)
        self.device = begun.secret or ""
        enrolment.finish(begun.state, Set(password=self.password, code=self._code(), title="demo device"), PEER)

    def sign_in(self) -> Caller:
        """Begins a session with password and device."""
        door, visit = self._service.entrance.door, Visit(peer=PEER)
        asked = door.show_password(self.account, self.password, visit)
        begun = asked if isinstance(asked, Begun) else door.show_second(asked.state, Proof(code=self._code()), visit)
        self._session = begun.session
        return self.caller

    def sign(self, asked: Asked) -> str:
        """Signs, with the components that it takes; returns the signature's address."""
        signatures = self._service.signing.signatures
        put = signatures.prepare(self.caller, asked, PEER)
        shown = Shown(
            code=self._code() if SECOND in put.needed else None,
            secret=self.signing_secret if SIGNING_SECRET in put.needed else None,
        )
        return signatures.complete(put.id, put.digest, shown, caller=self.caller, network=PEER).address

    def _code(self) -> str:
        """The device's next code: each is good once, so a third within a minute is waited for."""
        now = self._now_step()
        step = max(now - WINDOW, self._last_step + 1)
        while step > self._now_step() + WINDOW:
            self._wait()
        self._last_step = step
        return code_at(self.device, step)

    def _now_step(self) -> int:
        return self._service.clock.now_us() // 1_000_000 // STEP_S


class Staff:
    """The first start of the demo's ledger, and the sign-off of its batch."""

    def __init__(
        self,
        service: Service,
        publish: Callable[[], object] | None = None,
        wait: Callable[[], object] | None = None,
    ) -> None:
        """`publish` has all checkpoints published, by default the service's own way; `wait` as a member has it."""
        self._service = service
        self._publish = publish or service.publisher.publish_all
        self.members = {account: Member(service, account, wait) for account in ROLES}
        self.fingerprint = ""

    def found(self, today: str) -> None:
        """Officer and quality begin; `today`: the day on which their identities count as checked (2026-11-25)."""
        local = self._service.people.local("demo")
        founders = [self._join(account, today, local) for account in (OFFICER, QUALITY)]
        for one in founders:
            self._make_key(one)
        ceremony = self._service.signing.ceremony
        put = ceremony.prepare(founders[0].caller, OFFICER, QUALITY)
        shown = {one.account: one.signing_secret for one in founders}
        self.fingerprint = ceremony.complete(founders[0].caller, put.id, shown, PEER).fingerprint
        self._publish()
        for one in founders:
            self._answer_for_it(one)
        reviewer = self._join(REVIEWER, today, founders[0].caller.authority)
        key = self._make_key(reviewer)
        for one in founders:
            asked = self._service.signing.vouching.to_attest(one.caller, key, _WHY)
            self._service.signing.vouching.attest(
                one.caller, asked.id, _WHY, Shown(secret=one.signing_secret), network=PEER
            )
        self._publish()
        self._answer_for_it(reviewer)

    def sign_off(self, log: str, entries: tuple[int, ...], name: str) -> list[str]:
        """The reviewer reviews these entries and quality approves them; returns the signatures' addresses."""
        return [
            self.members[account].sign(
                Asked(log=log, entries=entries, action="record", meaning=meaning, reason="routine", name=name)
            )
            for account, meaning in ((REVIEWER, "reviewed"), (QUALITY, "approved"))
        ]

    def _join(self, account: str, today: str, by: Authority) -> Member:
        member, people = self.members[account], self._service.people
        people.persons.create(account, f"Demo {member.role.value}", _WHY, by)
        people.qualifications.identity(account, "made up for the demo", today, _WHY, by)
        member.enrol(by)
        people.role_grants.grant(account, member.role, _WHY, by)
        member.sign_in()
        return member

    def _make_key(self, member: Member) -> str:
        bindings = self._service.signing.bindings
        bindings.request(member.caller, member.signing_secret, _WHY)
        return bindings.all(member.account)[-1].key_id

    def _answer_for_it(self, member: Member) -> None:
        """The first signature of each person: that they answer for what they sign."""
        key = self._service.signing.bindings.all(member.account)[-1]
        asked = Asked(
            log=self._service.system.name,
            entries=(parse_address(key.request).index,),
            action=ACCOUNTABILITY,
            meaning=ACCOUNTABILITY,
            reason="routine",
            name="accountability statement",
        )
        member.sign(asked)


def _phrase() -> str:
    """A secret of 80 random bits that can be typed."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
