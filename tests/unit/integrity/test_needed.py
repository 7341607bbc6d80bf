"""What a role may cause, by the bodies that the ledger knows."""

from pathlib import Path

from ledger.domains import assembly
from ledger.integrity.needed import needed
from ledger.people.access import OF_SERVICES, Scope
from ledger.people.roles import ADMINISTRATIVE, GMP, SCOPES, SIGNING, Role, conflict

EXAMPLES = Path(__file__).parents[2] / "examples"
KINDS, _ = assembly("sqlite")


def kinds_of(*scopes: Scope) -> set[str]:
    """The kinds of entries that these scopes alone let somebody cause, by the stored examples."""
    found = set()
    for kind in KINDS:
        for number in range(1, len(kind.versions) + 1):
            body = kind.decode((EXAMPLES / f"{kind.name}-{number}.json").read_bytes())
            if needed(body)[0] in scopes:
                found.add(kind.name)
    return found


def test_maps_and_parameters_are_set_by_who_configures() -> None:
    assert {"identity", "asset", "calendar", "parameter"} <= kinds_of(Scope.CONFIGURE)


def test_who_records_by_hand_enters_that_and_nothing_else_but_what_a_reader_does() -> None:
    assert SCOPES[Role.RECORDER] == {Scope.READ, Scope.ENTER}
    assert kinds_of(*SCOPES[Role.RECORDER]) == kinds_of(Scope.READ) | {"by-hand"}
    assert not kinds_of(Scope.READ) & {
        "parameter",
        "identity",
        "asset",
        "mapping",
        "account",
        "grant",
        "retention-rule",
    }


def test_only_people_enter_by_hand_and_nobody_who_administers() -> None:
    assert Scope.ENTER not in OF_SERVICES
    assert {role for role, scopes in SCOPES.items() if Scope.ENTER in scopes} == {
        Role.RECORDER,
        Role.REVIEWER,
        Role.SOURCE_OWNER,
    }
    assert Role.RECORDER in GMP
    assert Role.RECORDER not in SIGNING
    assert all(conflict([Role.RECORDER, role]) for role in (*ADMINISTRATIVE, Role.INSPECTOR))
