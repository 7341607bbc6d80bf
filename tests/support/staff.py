"""Persons of a test's ledger, with roles and sessions: made as an administrator makes them, but for the door.

`Staff.session` enters what signing in enters, without any component having been shown.
"""

from typing import Any

import msgspec
from argon2 import PasswordHasher

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.people import secrets
from ledger.people.access import Caller, Scope
from ledger.people.credentials import current
from ledger.people.kinds import SessionEntry, SessionEvent
from ledger.people.person_kinds import CredentialEntry, CredentialSort, CredentialState
from ledger.people.role_grants import Granted
from ledger.people.roles import Role
from ledger.people.secrets import SESSION
from ledger.people.sessions import ABSOLUTE_US
from ledger.people.tables import account as account_table
from ledger.service import Service
from ledger.store.append import Batch
from ledger.store.logs import SYSTEM_LOG

ADMINISTRATOR = "staff-office"


class Staff:
    """Makes persons by a service account's token with scope admin."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.people = service.people
        local = self.people.local("root")
        self.people.create_account(ADMINISTRATOR, "Office", "for the test", local)
        self._hash = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("correct horse battery staple")
        self._passwords: dict[str, int] = {}
        self._token = self.people.grant(ADMINISTRATOR, [Scope.ADMIN], "for the test", local).token

    @property
    def admin(self) -> Authority:
        """The administrator's authority, as the system log is now."""
        return self.people.directory.find(self._token).caller.authority

    def person(self, account: str, *roles: Role, **where: Any) -> list[Granted]:
        """A new person who holds these roles; `where`: what `RoleGrants.grant` takes."""
        self.people.persons.create(account, f"Name of {account}", "joins", self.admin)
        return [self.grant(account, role, **where) for role in roles]

    def inspector(self, account: str, days: float = 10.0, **where: Any) -> Granted:
        """A new inspector, for so many days from now."""
        until = utc_text(self.service.clock.now_us() + int(days * 86_400_000_000))
        self.people.persons.create(account, f"Name of {account}", "inspection", self.admin, inspector_until=until)
        return self.grant(account, Role.INSPECTOR, **where)

    def grant(self, account: str, role: Role, **where: Any) -> Granted:
        return self.people.role_grants.grant(account, role, "for the test", self.admin, **where)

    def session(self, account: str) -> str:
        """The secret of a new session of this person, as the cookie has it."""
        store, shown = self.service.store, self._component(account)
        issued = secrets.issue(SESSION, "session")
        started = SessionEntry(
            session=issued.id,
            event=SessionEvent.STARTED,
            account=account,
            scopes=(),
            methods=("password",),
            network="testclient",
            reason="signed in",
            authority=self._by(account, shown),
            expires_at=utc_text(self.service.clock.now_us() + ABSOLUTE_US),
            secrets=(issued.ref,),
        )
        store.append_one(SYSTEM_LOG, draft(started, (issued.item,)))
        self.people.directory.forget()
        return issued.text

    def _component(self, account: str) -> int:
        """The entry of the person's password, which they set with a code of the administrator's."""
        if account in self._passwords:
            return self._passwords[account]
        store = self.service.store
        code = CredentialEntry(
            credential=f"code-{account}",
            account=account,
            sort=CredentialSort.ENROLMENT,
            state=CredentialState.SET,
            reason="for the test",
            authority=self.admin,
        )
        given = store.append_one(SYSTEM_LOG, draft(code)).index
        ref, item = secrets.keep("password", {"argon2": self._hash})
        own = self._by(account, given)
        password = msgspec.structs.replace(
            code, credential=f"password-{account}", sort=CredentialSort.PASSWORD, authority=own, secrets=(ref,)
        )
        used = msgspec.structs.replace(code, state=CredentialState.RETIRED, authority=own)
        placed = store.append(SYSTEM_LOG, Batch([draft(password, (item,)), draft(used)]))
        self._passwords[account] = placed[0].index
        return placed[0].index

    def _by(self, account: str, component: int) -> Authority:
        """The authority of who shows this component."""
        with self.service.store.reading() as connection:
            index = current(connection, account_table, account)
        assert index is not None
        return self.people.directory.seen().authority(account, True, (index, component))

    def caller(self, session: str) -> Caller:
        """Who a request with this session comes from."""
        return self.people.directory.find(session).caller

    def acting(self, account: str) -> Authority:
        """The authority of this person, in a session of their own."""
        return self.caller(self.session(account)).authority
