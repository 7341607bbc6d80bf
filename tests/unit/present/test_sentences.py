"""Every entry as one sentence that a person would say."""

from typing import Any

import pytest

from ledger.core.authority import Authority
from ledger.core.parameters import ParameterName
from ledger.core.record import (
    Action,
    Actor,
    ActorKind,
    Change,
    Interval,
    Link,
    LinkBasis,
    LinkKind,
    Outcome,
    Record,
    Target,
)
from ledger.core.times import parse_source_time
from ledger.findings.kinds import Finding, FindingSort
from ledger.people.kinds import AccountEntry, AccountSort, AccountState
from ledger.present.sentences import entry_sentence, record_sentence
from ledger.present.values import plain
from ledger.sources.kinds import CollectionRun
from ledger.sources.map_kinds import IdentityMapped2
from ledger.sources.parameter_kinds import Parameter
from ledger.store.append import ClockStep
from ledger.store.logs import LogCreated
from ledger.trust.kinds import KeyEvent, KeyEventSort, KeyPurpose

LOCAL = Authority(actor="local:admin", authenticated=False)
ACCOUNT: dict[str, Any] = {
    "source": "dcs", "account": "line2", "kind": ActorKind.PERSON, "valid_from": "2026", "valid_to": None,
    "reason": "list", "authority": LOCAL,
}  # fmt: skip
CHANGE = Change(attribute="Value", old="50.0", new="55.5", unit="°C")


def said(**members: Any) -> str:
    record = Record(
        **{
            "source": "dcs",
            "source_record_id": "1",
            "action": Action.UPDATE,
            "occurred_at": parse_source_time("2026-11-25T07:10:06+00:00"),
            "actor": Actor(account="operator1", kind=ActorKind.PERSON),
            "object": Target(type="tag", id="TIC101.SP"),
            **members,
        }
    )
    return plain(record_sentence(record))


def test_a_change_is_said_with_old_new_place_and_missing_reason() -> None:
    equipment = Link(kind=LinkKind.EQUIPMENT, id="REACTOR-1", basis=LinkBasis.READ)
    assert said(changes=(CHANGE,), links=(equipment,)) == (
        "operator1 changed TIC101.SP from 50.0 to 55.5 °C on REACTOR-1; reason not given by the source"
    )


def test_a_reason_is_quoted() -> None:
    assert said(changes=(CHANGE,), reason="step 4").endswith("; reason: “step 4”")


def test_an_attribute_that_is_not_the_value_itself_is_named() -> None:
    change = Change(attribute="quantity", old="1", new="2")
    named = Target(type="stock.move", id="404", name="Move 404 of L-7")
    assert said(changes=(change,), object=named).startswith(
        "operator1 changed quantity of Move 404 of L-7 (404) from 1 to 2"
    )
    assert said(changes=(change,), object=Target(type="stock.move", id="404")).startswith(
        "operator1 changed quantity of stock.move 404 from 1 to 2"
    )


def test_an_unknown_old_value_is_not_invented() -> None:
    assert said(changes=(Change(attribute="Value", new="5"),)).startswith("operator1 set TIC101.SP to 5;")
    assert said(changes=(Change(attribute="Value", old="5"),)).startswith("operator1 changed TIC101.SP;")


def test_what_two_looks_cannot_show_is_said() -> None:
    inferred = Change(attribute="Value", old="1", new="2", inferred=Interval(after="x", before="y"))
    gap = Change(attribute="Value", old="1", new="2", inferred=Interval(after="x", before="y"), gap=True)
    assert "; values inferred from two looks" in said(changes=(inferred,))
    assert "; more changes lie between than two looks can show" in said(changes=(gap,))


def test_what_was_refused_is_not_said_to_have_happened() -> None:
    assert said(changes=(CHANGE,), outcome=Outcome.DENIED).startswith("Refused attempt: operator1 changed")
    assert said(changes=(CHANGE,), outcome=Outcome.FAILURE).startswith("Failed attempt: operator1 changed")


def test_several_changes_are_counted_and_named() -> None:
    changes = tuple(Change(attribute=name, old="1", new="2") for name in "abcde")
    assert "changed 5 attributes of TIC101.SP: a, b, c and 2 more" in said(changes=changes)


def test_someone_without_a_name_is_said_to_be_unknown() -> None:
    assert said(actor=Actor(account=None, kind=ActorKind.UNKNOWN)).startswith("someone whom the source does not name")
    on_behalf = Actor(account="svc", kind=ActorKind.SERVICE, on_behalf_of="operator1")
    assert said(actor=on_behalf).startswith("svc on behalf of operator1 changed")


@pytest.mark.parametrize("action", list(Action))
def test_every_action_makes_a_sentence(action: Action) -> None:
    assert "TIC101.SP" in said(action=action)


def test_a_hostile_text_stays_in_one_line_and_inert() -> None:
    text = said(changes=(Change(attribute="Value", old="a\nb\u202e", new="x" * 100_000),))
    assert "\n" not in text
    assert "\u202e" not in text
    assert len(text) < 400


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            LogCreated(number=1, name="records", origin="ledger.example/records", key="k", product="p"),
            "Log records began with origin ledger.example/records",
        ),
        (
            ClockStep(clock_at="x", head_at="y", behind_us=2_500_000),
            "Our clock stood 2.500 s behind the log's head; entries go on at the head's time",
        ),
        (
            CollectionRun(
                source="erp",
                started_at="x",
                ended_at="y",
                cursor_from=None,
                cursor_to="1",
                first=3,
                records=12_000,
                previous=None,
                chain="A" * 44,
                authority=LOCAL,
                quarantined=(4, 5),
            ),
            "erp was collected: 12\u202f000 new, 0 known before, 2 quarantined",
        ),
        (
            KeyEvent(event=KeyEventSort.CREATED, purpose=KeyPurpose.REPORT, key="vk", authority=LOCAL),
            "local:admin created the report key vk",
        ),
        (
            Finding(sort=FindingSort.RECORD_CHANGED_AFTER_COLLECTION, source="erp", entries=(3, 9), detail="other"),
            "Finding about erp: other",
        ),
        (
            AccountEntry(
                account="svc",
                sort=AccountSort.SERVICE,
                state=AccountState.ACTIVE,
                title="Collector",
                reason="first",
                authority=LOCAL,
            ),
            "local:admin: account svc is active; reason: first",
        ),
        (
            IdentityMapped2(person="P-1", **ACCOUNT),
            "local:admin: from 2026 on account line2 of dcs is P-1; reason: list",
        ),
        (
            IdentityMapped2(person=None, shared=True, **ACCOUNT),
            "local:admin: from 2026 on account line2 of dcs is shared by several people, and nobody’s; reason: list",
        ),
        (
            Parameter(name=ParameterName.LIMITS, value='{"late_s":60}', reason="CR-0042", authority=LOCAL),
            'local:admin set parameter limits to {"late_s":60}; reason: CR-0042',
        ),
    ],
)
def test_entries_of_other_kinds_are_said_too(body: Any, sentence: str) -> None:
    assert plain(entry_sentence(body)) == sentence
