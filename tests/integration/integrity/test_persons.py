"""What level 2 says of entries that persons cause: who signed in, with which grants, at that size of the log."""

import msgspec
import pytest

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import Entry
from ledger.integrity.authority import Rights
from ledger.people.access import Scope
from ledger.people.kinds import (
    AccountEntry,
    AccountSort,
    AccountState,
    GrantEntry,
    GrantState,
    SessionEntry,
    SessionEvent,
)
from ledger.people.person_kinds import CredentialEntry, CredentialSort, CredentialState
from ledger.people.roles import SCOPES, Role
from tests.support.ledgers import AUTHORITY

ORIGIN = "plant.example/site-a/system"
AT = 1_764_000_000_000_000
LATER = utc_text(AT + 3_600_000_000)
EARLIER = utc_text(AT - 3_600_000_000)

ACCOUNT = AccountEntry(
    account="reviewer1",
    sort=AccountSort.PERSON,
    state=AccountState.ACTIVE,
    title="Reviewer One",
    reason="joins",
    authority=AUTHORITY,
)
GRANT = GrantEntry(
    grant="g1",
    account="reviewer1",
    state=GrantState.GRANTED,
    scopes=tuple(sorted(SCOPES[Role.REVIEWER])),
    role=Role.REVIEWER,
    reason="trained",
    authority=AUTHORITY,
    from_at=EARLIER,
    expires_at=LATER,
)
PASSWORD = CredentialEntry(
    credential="p1",
    account="reviewer1",
    sort=CredentialSort.PASSWORD,
    state=CredentialState.SET,
    reason="set",
    authority=AUTHORITY,
)
SESSION = SessionEntry(
    session="s1",
    event=SessionEvent.STARTED,
    account="reviewer1",
    scopes=(),
    methods=("password", "totp"),
    reason="signed in",
    authority=AUTHORITY,
    expires_at=LATER,
)


def refusal(*bodies: msgspec.Struct, named: tuple[int, ...] = (0, 1, 3), scope: Scope | None = Scope.REVIEW) -> str:
    """What is said of an entry under these bodies as the system log, of which it names some."""
    rights = Rights()
    for index, body in enumerate(bodies):
        rights.enter(Entry(log=0, index=index, kind="account", logged_us=AT, body=body))
    entries = tuple(f"{ORIGIN}#{index}" for index in named)
    authority = Authority(actor="reviewer1", authenticated=True, entries=entries)
    return rights.refusal(authority, len(bodies), scope, None, AT)


def test_a_person_in_a_session_is_allowed_what_a_grant_of_theirs_holds() -> None:
    assert refusal(ACCOUNT, GRANT, PASSWORD, SESSION) == ""
    assert "holds scope 'approve'" in refusal(ACCOUNT, GRANT, PASSWORD, SESSION, scope=Scope.APPROVE)


@pytest.mark.parametrize(
    ("which", "change", "said"),
    [
        (0, {"state": AccountState.DEACTIVATED}, "was deactivated"),
        (0, {"account": "approver1"}, "not all those of"),
        (1, {"state": GrantState.REVOKED}, "was revoked"),
        (1, {"from_at": LATER}, "begins at"),
        (1, {"expires_at": EARLIER}, "had expired"),
        (1, {"account": "approver1"}, "not all those of"),
        (3, {"event": SessionEvent.ENDED}, "had ended"),
        (3, {"expires_at": EARLIER}, "had expired"),
        (3, {"account": "approver1"}, "not all those of"),
        (3, {"methods": ()}, "somebody signed in to"),
    ],
)
def test_a_person_is_refused(which: int, change: dict[str, object], said: str) -> None:
    bodies: list[msgspec.Struct] = [ACCOUNT, GRANT, PASSWORD, SESSION]
    bodies[which] = msgspec.structs.replace(bodies[which], **change)
    assert said in refusal(*bodies)


def test_components_alone_allow_to_sign_in_and_nothing_else() -> None:
    assert refusal(ACCOUNT, GRANT, PASSWORD, named=(0, 2), scope=None) == ""
    assert "nothing but to sign in" in refusal(ACCOUNT, GRANT, PASSWORD, named=(0, 2))
    retired = msgspec.structs.replace(PASSWORD, state=CredentialState.RETIRED)
    assert "was retired" in refusal(ACCOUNT, GRANT, retired, named=(0, 2), scope=None)
    assert "superseded" in refusal(ACCOUNT, GRANT, PASSWORD, retired, named=(0, 2), scope=None)
