"""What grants allow where, and which roles exclude each other."""

from itertools import combinations

import pytest

from ledger.core.authority import Authority
from ledger.core.errors import AccessDenied
from ledger.people.access import Caller, Right, Scope, every_site
from ledger.people.roles import ADMINISTRATIVE, GMP, SCOPES, Role, conflict

AUTHORITY = Authority(actor="owner1", authenticated=True)


def caller(*rights: Right) -> Caller:
    return Caller(account="owner1", authority=AUTHORITY, rights=rights)


def test_a_grant_for_a_site_reaches_no_other_and_the_ledgers_own_affairs() -> None:
    here = caller(Right(scopes=frozenset({Scope.READ}), sites=frozenset({"line1"})))
    assert here.allows(Scope.READ, "line1")
    assert not here.allows(Scope.READ, "line2")
    assert here.allows(Scope.READ)
    assert not here.allows(Scope.EXPORT, "line1")
    assert here.sees(["line1", "line2"]) == ["line1"]


def test_a_grant_for_a_source_configures_that_one_and_nothing_of_the_site() -> None:
    own = caller(Right(scopes=SCOPES[Role.SOURCE_OWNER], sources=frozenset({"dcs"}), role=Role.SOURCE_OWNER.value))
    assert own.allows(Scope.CONFIGURE, "line1", "dcs")
    assert not own.allows(Scope.CONFIGURE, "line1", "erp")
    assert not own.allows(Scope.CONFIGURE, "line1")
    assert own.allows(Scope.READ, "line1", "erp")


def test_scope_and_site_have_to_come_from_one_grant() -> None:
    both = caller(
        Right(scopes=frozenset({Scope.READ}), sites=frozenset({"line1"}), role="auditor"),
        Right(scopes=frozenset({Scope.APPROVE}), sites=frozenset({"line2"}), role="approver"),
    )
    assert not both.allows(Scope.APPROVE, "line1")
    assert not both.allows(Scope.READ, "line2")
    assert both.roles == ("approver", "auditor")


def test_a_collectors_source_has_to_be_named_by_its_grant() -> None:
    (right,) = every_site([Scope.INGEST], ["dcs"])
    caller(right).require_source("dcs")
    with pytest.raises(AccessDenied, match="erp"):
        caller(right).require_source("erp")
    with pytest.raises(AccessDenied):
        caller(*every_site([Scope.INGEST])).require_source("dcs")


@pytest.mark.requirement("R47", "R67")
def test_administration_and_interest_in_records_are_never_in_one_person() -> None:
    for one, other in combinations(Role, 2):
        apart = {one, other} & GMP and {one, other} & ADMINISTRATIVE
        assert (conflict([one, other]) is not None) == bool(apart or Role.INSPECTOR in (one, other)), (one, other)
    assert conflict(GMP) is None
    assert conflict(ADMINISTRATIVE) is None


@pytest.mark.requirement("R72")
def test_no_administrative_role_reads_records_and_no_gmp_role_administers() -> None:
    for role in ADMINISTRATIVE:
        assert not SCOPES[role] & {Scope.READ, Scope.EXPORT, Scope.REVIEW, Scope.APPROVE, Scope.INGEST}
    for role in GMP | {Role.INSPECTOR}:
        assert not SCOPES[role] & {Scope.ADMIN, Scope.OPERATE}
