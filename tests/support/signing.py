"""A plant whose people sign in workflows: persons with roles and sessions, records of a source, a real key each."""

import secrets
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec

from ledger.core.address import Address, LogId
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.hashing import b64
from ledger.core.note import ed25519_sign
from ledger.core.record import Actor, ActorKind, Change, Submission
from ledger.core.signature import (
    Continuity,
    KeyProof,
    Mode,
    Seen,
    SignatureEntry,
    Signer,
    Statement,
    Target,
    TargetSort,
    Words,
    members,
    signed_message,
)
from ledger.core.workflow import RouteEntry, Stage, Step
from ledger.integrity.fault import Fault
from ledger.integrity.requests import requests_fault
from ledger.people.access import Caller
from ledger.people.roles import Role
from ledger.service import Service
from ledger.signing.decisions import Signed
from ledger.signing.requests import Opened, Opening, Running, read_running
from ledger.signing.shown import ShownRequest, show
from ledger.signing.targets import of_entries
from ledger.signing.workflows import Workflows
from ledger.sources.map_kinds import IdentityMapped
from ledger.store.logs import SYSTEM_LOG
from tests.support.ledgers import AUTHORITY, SOURCE, START_US, Ledger, MovableClock, new_ledger, submission
from tests.support.postgres import PgDatabase
from tests.support.staff import Staff

HOUR_US = 3_600_000_000
PEOPLE: dict[str, tuple[Role, ...]] = {
    "anna": (Role.REVIEWER,),
    "ben": (Role.REVIEWER,),
    "carla": (Role.REVIEWER, Role.APPROVER),
    "dora": (Role.APPROVER,),
    "emil": (Role.QUALIFIED_PERSON,),
    "olga": (Role.OPERATOR,),
    "paul": (Role.REVIEWER, Role.APPROVER),
}
"""Paul is who performed the work; his account at the source is `operator1`."""


class Plant:
    """One ledger with its people; every action goes through the workflows as a surface would call them."""

    def __init__(self, folder: Path, postgres: PgDatabase | None = None) -> None:
        self.clock = MovableClock()
        self.ledger: Ledger = new_ledger(folder, postgres, self.clock)
        self.service: Service = self.ledger.service
        self.staff = Staff(self.service)
        for account, roles in PEOPLE.items():
            self.staff.person(account, *roles)
        self.flows = Workflows(self.service.store, self.service.notices.tell)
        self._sessions: dict[str, str] = {}
        self._keys: dict[str, bytes] = defaultdict(lambda: secrets.token_bytes(32))
        self._records: list[Submission] = []
        self._entries: dict[int, int] = {}
        self.map("operator1", "paul")

    def map(self, account: str, person: str) -> None:
        """From here on the map of identities says whose an account of the source is."""
        entry = IdentityMapped(
            source=SOURCE,
            account=account,
            person=person,
            kind=ActorKind.PERSON,
            valid_from=utc_text(START_US - HOUR_US),
            valid_to=None,
            reason="list of accounts",
            authority=AUTHORITY,
        )
        self.service.record_log().maps.put([entry])

    def collect(self, count: int = 1, account: str = "operator1", **members: Any) -> list[int]:
        """New records of that account of the source; returns their entries."""
        actor = Actor(account=account, kind=ActorKind.PERSON)
        first, low = len(self._records), self.size("records")
        self._records += [submission(first + at, actor=actor, **members) for at in range(count)]
        self.ledger.submit(self._records[first:])
        self._entries |= {low + at: first + at for at in range(count)}
        return list(range(low, low + count))

    def resubmit(self, entry: int, **members: Any) -> None:
        """The source gives the record of an entry again, with these members."""
        before = self._records[self._entries[entry]]
        self.ledger.submit([msgspec.structs.replace(before, record=msgspec.structs.replace(before.record, **members))])

    def change(self, entry: int) -> int:
        """The source gives the record of an entry once more, with another value; returns the new entry."""
        low = self.size("records")
        self.resubmit(entry, changes=(Change(attribute="Value", old="50.0", new=f"{low}.5", unit="degC"),))
        return low

    def forget(self) -> None:
        """Sessions began too long ago: everybody signs in anew."""
        self._sessions.clear()
        self.service.people.directory.forget()

    def fault(self) -> Fault | None:
        """What level 4 says of the workflows."""
        with self.service.store.reading() as connection:
            return requests_fault(connection, self.service.store.kinds, lambda done: None)

    def system(self) -> list[dict[str, Any]]:
        """The bodies of the system log."""
        with self.service.store.reader(0) as reader:
            return [msgspec.json.decode(one.body or b"{}") for one in reader.entries(0, reader.head().size)]

    def last_statement(self) -> dict[str, Any]:
        """What was signed last."""
        found = [body for body in self.system() if body["schema"] == "signature/1"]
        statement: dict[str, Any] = found[-1]["statement"]
        return statement

    def events_seen(self) -> set[str]:
        """All that happened in requests."""
        return {body["event"] for body in self.system() if body["schema"] == "decision/1"}

    def size(self, log: str) -> int:
        with self.service.store.reader(self.service.log(log).number) as reader:
            return reader.head().size

    def caller(self, account: str) -> Caller:
        """Who a request of this person comes from, in the session that they began first."""
        if account not in self._sessions:
            self._sessions[account] = self.staff.session(account)
        return self.staff.caller(self._sessions[account])

    def route(self, name: str, *stages: tuple[Step, ...], by: str = "dora") -> int:
        """The entry of a route that one approver proposed and another signed."""
        made = RouteEntry(
            route=name,
            title=f"Route {name}",
            stages=tuple(Stage(steps=steps) for steps in stages),
            reason="as the SOP says",
            authority=AUTHORITY,
        )
        quality, system = self.service.quality, self.service.system
        by_whom = self.caller(by).authority
        proposed = quality.proposals.propose(system, [made], "CR-0042", "as the SOP says", by_whom)
        address = self.approve(system, proposed.index, "carla" if by == "dora" else "dora")
        return quality.effects.bring(system, proposed.change, address, "approved", by_whom) + 1

    def approve(self, log: LogId, entry: int, account: str, meaning: str = "approved") -> str:
        """The address of this approver's signature over an entry."""
        sort = TargetSort.DOCUMENT if log.number == SYSTEM_LOG else TargetSort.ENTRIES
        with self.service.store.reading() as connection:
            target = of_entries(connection, log, [entry], sort=sort)
        signed = self._signed(account, target, "approver", meaning, request=None)
        index = self.service.store.append_one(SYSTEM_LOG, draft(signed)).index
        return str(Address(self.service.system.origin, index))

    def open(self, route: str, entries: list[int], by: str = "anna", **more: Any) -> Opened:
        opening = Opening(title="Batch B-1", route=route, reason="batch is done", entries=tuple(entries), **more)
        return self.flows.requests.open(opening, self.caller(by).authority)

    def running(self, request: str) -> Running:
        return self.flows.requests.get(request)

    def shown(self, request: str) -> ShownRequest:
        """A request as the surfaces show it."""
        store = self.service.store
        with store.reading() as connection:
            running = read_running(store, connection, request)
            return show(store, connection, self.flows.decisions, running, AUTHORITY)

    def signature(
        self,
        request: str,
        step: str,
        account: str,
        on_behalf_of: str | None = None,
        declined: bool = False,
        **more: Any,
    ) -> Signed:
        """What this person signs for a step: a statement under their own key; `more` replaces members of it."""
        running = self.running(request)
        found = running.progress.step(step)
        role, meaning = ("approver", "approved") if found is None else (found.step.role, found.step.meaning)
        target = more.pop("target", running.request.target)
        usual: dict[str, Any] = {"request": running.address, "on_behalf_of": on_behalf_of}
        code = "declined" if declined else meaning
        return Signed(draft=draft(self._signed(account, target, role, code, **(usual | more))))

    def _signed(self, account: str, target: Target, role: str, meaning: str, **more: Any) -> SignatureEntry:
        """This person's signature over something; `more` replaces members of its statement."""
        usual: dict[str, Any] = {
            "origin": self.service.system.origin,
            "target": target,
            "seen": Seen(origin=target.origin, size=members(target).last + 1, root=target.root),
            "meaning": Words(code=meaning, text=meaning, language="en", version="1"),
            "reason": Words(code="complete", text="complete and right", language="en", version="1"),
            "signer": Signer(account=account, name=f"Name of {account}", role=role),
            "signed_at": utc_text(self.clock.now_us()),
            "zone": "UTC",
            "nonce": b64(secrets.token_bytes(32)),
            "mode": Mode.SEALED_KEY,
            "continuity": Continuity.SINGLE,
            "components": ("totp", "signing-secret"),
            "class_text": "an electronic signature",
        }
        statement = Statement(**(usual | more))
        proof = KeyProof(key_id=account, signature=b64(ed25519_sign(self._keys[account], signed_message(statement))))
        return SignatureEntry(statement=statement, proof=proof, authority=self.caller(account).authority)

    def sign(self, request: str, step: str, account: str, on_behalf_of: str | None = None) -> int:
        """Signs a step as that person."""
        made = self.signature(request, step, account, on_behalf_of)
        return self.flows.decisions.sign(request, step, made, "looked at in full", on_behalf_of)

    def look(self, request: str, account: str) -> None:
        """This person opens every entry of the set."""
        items = self.running(request).request.target.entries
        self.flows.decisions.open_items(request, items, self.caller(account).authority)

    def decisions(self, request: str) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(one.decision) for one in self.running(request).decided]

    def close(self) -> None:
        self.ledger.close()
