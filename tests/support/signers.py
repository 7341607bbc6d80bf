"""People who sign, in a ledger of a test: they enrol, sign in, make keys and vouch for each other as people do.

Only the cost of Argon2 is smaller; every component is real.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pyotp

from ledger.core.authority import Authority
from ledger.core.key_history import KeyHistory
from ledger.core.record import Submission
from ledger.core.run import RunBatch
from ledger.core.source import SourceConfig
from ledger.creating import create
from ledger.people.access import Caller
from ledger.people.door import Asked as AskedSecond
from ledger.people.door import Visit
from ledger.people.enrolment import Set
from ledger.people.passwords import Effort
from ledger.people.roles import Role
from ledger.people.second import Proof
from ledger.service import Service
from ledger.settings import FILE_NAME, Settings, Web
from ledger.signing.ceremony import Card
from ledger.signing.factors import Shown
from ledger.signing.history import read_history
from ledger.signing.lists import ACCOUNTABILITY
from ledger.signing.person_keys import Sealing
from ledger.signing.signatures import Asked, Completed, ToSign
from ledger.store.logs import SYSTEM_LOG
from tests.api.world import AT, MovableClock, submission
from tests.support.ledgers import put_schema
from tests.support.postgres import PgDatabase

ORIGIN = "plant.example/signed"
HERE, ELSEWHERE = "192.0.2.7", "198.51.100.9"
CHEAP = Effort(rounds=1, memory_kib=64, lanes=1, refusal_s=0.0)
LIGHT = Sealing(memory_kib=64, time=1, lanes=1)
STEP_S = 30.5


class Known(msgspec.Struct, frozen=True):
    """What a person has who once enrolled: their account and name, their device's secret, their key."""

    account: str
    name: str
    device: str
    key_id: str


class Signer:
    """A person with a password, a device with codes, a signing secret, and a session."""

    def __init__(self, plant: "Plant", account: str, name: str) -> None:
        self.plant = plant
        self.account = account
        self.name = name
        self.password = f"violet tram over nine hills {account[::-1]}z"
        self.secret = f"seven grey kettles hum at dawn {account[::-1]}q"
        self.device = ""
        self.session = ""
        self.key_id = ""

    def known(self) -> Known:
        return Known(self.account, self.name, self.device, self.key_id)

    @property
    def caller(self) -> Caller:
        """Who a request with this person's cookie comes from."""
        return self.plant.service.people.sessions.find(self.session)

    def code(self) -> str:
        """The device's next code: time passes until there is one that was not used yet."""
        self.plant.clock.pass_seconds(STEP_S)
        return pyotp.TOTP(self.device).at(self.plant.clock.now_us() // 1_000_000)

    def enrol(self, by: Authority) -> None:
        """Uses a one-time code to set password and device."""
        enrolment = self.plant.service.entrance.enrolment
        begun = enrolment.begin(enrolment.issue(self.account, "to begin", by).code)
        self.device = begun.secret or ""
        code = pyotp.TOTP(self.device).at(self.plant.clock.now_us() // 1_000_000)
        enrolment.finish(begun.state, Set(password=self.password, code=code), HERE)

    def sign_in(self, network: str = HERE, terminal: str | None = None) -> Caller:
        """`terminal`: the secret that the browser of one holds."""
        door = self.plant.service.entrance.door
        asked = door.show_password(self.account, self.password, Visit(peer=network))
        assert isinstance(asked, AskedSecond)
        visit = Visit(peer=network, terminal=terminal)
        self.session = door.show_second(asked.state, Proof(code=self.code()), visit).session
        return self.caller

    def make_key(self) -> str:
        signing = self.plant.signing
        signing.bindings.request(self.caller, self.secret, "first signing key")
        self.key_id = signing.bindings.all(self.account)[-1].key_id
        return self.key_id

    def vouch(self, other: "Signer", secret: str | None = None) -> int:
        signing = self.plant.signing
        put = signing.vouching.to_attest(self.caller, other.key_id, "we work side by side")
        return signing.vouching.attest(
            self.caller, put.id, "known to me", Shown(secret=secret or self.secret), network=HERE
        )

    def prepare(self, *entries: int, **more: Any) -> ToSign:
        members = {"log": "records", "action": "record", "meaning": "approved", "reason": "routine", **more}
        return self.plant.signing.signatures.prepare(self.caller, Asked(entries=entries, **members), HERE)

    def shown(self, put: ToSign) -> Shown:
        """What this signing takes, and no more."""
        needed = put.needed
        return Shown(
            password=self.password if "password" in needed else None,
            code=self.code() if "second-factor" in needed else None,
            secret=self.secret if "signing-secret" in needed else None,
        )

    def sign(self, *entries: int, **more: Any) -> Completed:
        put = self.prepare(*entries, **more)
        return self.complete(put)

    def complete(self, put: ToSign, **more: Any) -> Completed:
        members = {"shown": self.shown(put), "caller": self.caller, "network": HERE, **more}
        return self.plant.signing.signatures.complete(put.id, put.digest, **members)

    def answer_for_it(self) -> Completed:
        """The first signature: the accountability statement, over the person's own key."""
        keys = self.plant.history().of(self.account)
        request = next(one.requested for one in keys if one.key.key_id == self.key_id)
        return self.sign(
            request, log="system", action=ACCOUNTABILITY, meaning=ACCOUNTABILITY, name="accountability statement"
        )


class Plant:
    """A ledger after its first start: officer and quality founded it; reviewer, approver and operator came after."""

    def __init__(
        self,
        folder: Path,
        postgres: PgDatabase | None = None,
        sealing: Sealing = LIGHT,
        web: str | None = None,
        ahead_s: float = 0.0,
    ) -> None:
        """`web`: the origin of its pages, which passkeys are bound to. `ahead_s`: how far its clock goes ahead.

        Opens the ledger in the folder if there is one, whose people `know` names, and makes it otherwise.
        """
        self.clock = MovableClock()
        self.clock.pass_seconds(ahead_s)
        self.card: Card | None = None
        self.people: dict[str, Signer] = {}
        there = (folder / FILE_NAME).exists()
        self.service: Service = (
            Service(folder, self.clock, effort=CHEAP, sealing=sealing)
            if there
            else self._created(folder, settings_of(postgres, web), sealing)
        )
        self.signing = self.service.signing
        self.root = self.service.people.local("root")
        self.officer = self._founder("officer1", "Olga Officer", Role.SECURITY_OFFICER, there)
        self.quality = self._founder("quality1", "Quentin Quality", Role.APPROVER, there)

    def _created(self, folder: Path, chosen: Settings, sealing: Sealing) -> Service:
        put_schema(folder, chosen)
        founder = Authority(actor="local:root", authenticated=False)
        return create(folder, chosen, founder, self.clock, CHEAP, sealing)

    def _founder(self, account: str, name: str, role: Role, there: bool) -> Signer:
        if not there:
            return self.person(account, name, role)
        self.people[account] = Signer(self, account, name)
        return self.people[account]

    def know(self, people: Iterable[Known]) -> None:
        """Takes over who enrolled when the ledger was open elsewhere; each begins a session."""
        for one in people:
            signer = self.people.setdefault(one.account, Signer(self, one.account, one.name))
            signer.device, signer.key_id = one.device, one.key_id
            signer.sign_in()

    def person(self, account: str, name: str, role: Role, by: Authority | None = None) -> Signer:
        """A person with an account, a role, a check of identity and components; not signed in yet."""
        authority, people = by or self.root, self.service.people
        people.persons.create(account, name, "joins", authority)
        people.qualifications.identity(account, "passport, number seen", "2026-01-05", "before signing", authority)
        made = Signer(self, account, name)
        self.people[account] = made
        made.enrol(authority)
        people.role_grants.grant(account, role, "trained", authority)
        return made

    def found(self) -> None:
        """The first start: both make a key, and sign the keys of both."""
        for one in (self.officer, self.quality):
            one.sign_in()
            one.make_key()
        put = self.signing.ceremony.prepare(self.officer.caller, self.officer.account, self.quality.account)
        self.card = self.signing.ceremony.complete(
            self.officer.caller, put.id, {one.account: one.secret for one in (self.officer, self.quality)}, HERE
        )
        self.publish()
        for one in (self.officer, self.quality):
            one.answer_for_it()

    def join(self, account: str, name: str, role: Role) -> Signer:
        """A person whom the officer lets in, and for whose key both founders vouch."""
        made = self.person(account, name, role, self.officer.sign_in().authority)
        made.sign_in()
        made.make_key()
        self.officer.vouch(made)
        self.quality.sign_in()
        self.quality.vouch(made)
        self.publish()
        made.answer_for_it()
        return made

    def records(self, count: int = 4) -> list[int]:
        """Adds records to the only record log, under a checkpoint; returns their indices."""
        service = self.service
        if not any(one.id == "erp" for one in service.sources.list()):
            service.sources.register(SourceConfig(id="erp", type="test", title="ERP"), self.root)
        state = service.ingest.state("erp")
        with service.store.reader(1) as reader:
            first = reader.head().size
        batch = RunBatch(
            source="erp",
            started_at=AT,
            ended_at=AT,
            cursor_from=state.cursor,
            cursor_to=f"at {first}",
            submissions=tuple(msgspec.convert(submission(first + one), Submission) for one in range(count)),
        )
        service.ingest.submit(batch, self.root)
        self.publish()
        return list(range(first, first + count))

    def publish(self) -> None:
        self.service.publisher.publish_all()

    def signatures(self) -> int:
        """How many signatures stand in the system log."""
        with self.service.store.reader(SYSTEM_LOG) as reader:
            return sum(b'"kind":"signature"' in one.leaf for one in reader.entries(0, reader.head().size))

    def history(self) -> KeyHistory:
        with self.service.store.reading() as connection:
            return read_history(self.service.store, connection)

    def reopened(self) -> Service:
        """The same ledger, opened by a process that starts now; the caller's to close."""
        return Service(self.service.folder, self.clock, effort=CHEAP, sealing=LIGHT)

    def close(self) -> None:
        self.service.close()


def settings_of(postgres: PgDatabase | None, web: str | None) -> Settings:
    """The settings of a plant: its database, and the origin of its pages."""
    chosen = Settings(origin=ORIGIN, zone="Europe/Berlin", web=Web(origin=web))
    if postgres is None:
        return chosen
    return msgspec.structs.replace(chosen, database=postgres.runtime_url, owner_database=postgres.owner_url)
