"""Which ends of signing keys are refusals, that take no administrator, and which are not."""

import msgspec
import pytest

from ledger.core.binding import BindingEvent, KeyBindingEntry
from ledger.core.entry import Entry
from ledger.core.signature import Mode
from ledger.integrity.refusing import Refusing
from tests.unit.test_stored_examples import EXAMPLES

REQUEST = msgspec.json.decode((EXAMPLES / "key-binding-1.json").read_bytes(), type=KeyBindingEntry)


def bind(event: BindingEvent, account: str, by: str = "v1", mode: Mode = Mode.SEALED_KEY) -> KeyBindingEntry:
    said = REQUEST.statement
    assert said is not None
    said = msgspec.structs.replace(said, key=msgspec.structs.replace(said.key, mode=mode))
    authority = msgspec.structs.replace(REQUEST.authority, actor=by)
    return msgspec.structs.replace(
        REQUEST, binding=f"key of {account}", event=event, account=account, authority=authority, statement=said
    )


def refused(*bodies: KeyBindingEntry) -> bool:
    """Whether the last of these entries is a refusal."""
    refusing = Refusing()
    entries = [Entry(log=0, index=at, kind="key-binding", logged_us=0, body=body) for at, body in enumerate(bodies)]
    for entry in entries:
        refusing.enter(entry)
    # What comes later changes nothing of what was.
    later = bind(BindingEvent.REVOKED, "v1", "v1")
    refusing.enter(Entry(log=0, index=len(bodies), kind="key-binding", logged_us=0, body=later))
    in_another_log = msgspec.structs.replace(entries[-1], log=1)
    assert not refusing.refused(in_another_log)
    return refusing.refused(entries[-1])


ASKED, ATTESTED, BOUND, ENDED = (
    bind(event, "rita")
    for event in (BindingEvent.REQUESTED, BindingEvent.ATTESTED, BindingEvent.BOUND, BindingEvent.REVOKED)
)
VOUCHER = (bind(BindingEvent.REQUESTED, "v1", "v1"), bind(BindingEvent.BOUND, "v1", "v2"))


@pytest.mark.requirement("R20")
def test_a_key_that_waits_is_refused_by_whoever_could_vouch_for_it() -> None:
    assert refused(*VOUCHER, ASKED, ENDED)
    assert refused(*VOUCHER, ASKED, ATTESTED, ENDED)


@pytest.mark.requirement("R20")
def test_any_other_end_of_a_key_takes_its_person_or_an_administrator() -> None:
    elsewhere = (bind(BindingEvent.REQUESTED, "v1", "v1", Mode.EXTERNAL), VOUCHER[1])
    for before in (
        (*VOUCHER, ASKED, ATTESTED, BOUND),
        (ASKED,),
        (VOUCHER[0], ASKED),
        (*elsewhere, ASKED),
        (*VOUCHER, bind(BindingEvent.REVOKED, "v1"), ASKED),
        (*VOUCHER, ASKED, ENDED),
    ):
        assert not refused(*before, ENDED), [(one.account, one.event) for one in before]
