"""A change is proposed, perhaps refused, then withdrawn or brought into effect, and nothing else happens to it."""

from typing import Any

import msgspec
import pytest

from ledger.core import canonical
from ledger.core.authority import Authority
from ledger.core.change import Altered, AlteredSort, ChangeEntry, ChangeEvent, Changes
from ledger.core.errors import IntegrityError
from ledger.core.record import OriginalRef

PROPOSER, OTHER = Authority(actor="engineer1", authenticated=True), Authority(actor="qa1", authenticated=True)
PAYLOAD = OriginalRef(
    commitment="A" * 43 + "=", media_type="application/jsonl", size=80, parser="change", parser_version="1"
)


def entry(event: ChangeEvent, change: str = "c0ffee", **members: Any) -> ChangeEntry:
    usual: dict[str, Any] = {
        "change": change,
        "event": event,
        "request": "CR-0042",
        "kinds": ("identity",),
        "count": 2,
        "reason": "list of accounts, January",
        "authority": PROPOSER if event is ChangeEvent.PROPOSED else OTHER,
    }
    if event is ChangeEvent.PROPOSED:
        usual["original"] = PAYLOAD
    if event is ChangeEvent.EFFECTIVE:
        usual |= {"signature": "plant.example/system#41", "first": 8}
    return ChangeEntry(**(usual | members))


def taken(*entries: tuple[int, ChangeEntry]) -> Changes:
    changes = Changes()
    for index, body in entries:
        changes.take(index, body)
    return changes


PROPOSED, REFUSED, WITHDRAWN, EFFECTIVE = (entry(event) for event in ChangeEvent)


@pytest.mark.requirement("R37")
def test_a_change_brings_its_entries_once_it_is_in_effect() -> None:
    changes = taken((5, PROPOSED), (6, REFUSED), (7, EFFECTIVE))
    found = changes.get("c0ffee")
    assert found is not None
    assert (found.proposer, found.proposed, found.state, found.ended) == ("engineer1", 5, ChangeEvent.EFFECTIVE, 7)
    assert (found.signature, found.first, found.refused) == ("plant.example/system#41", 8, [6])
    assert [changes.bringing(index) is found for index in (7, 8, 9, 10)] == [False, True, True, False]


def test_of_several_each_entry_is_that_of_its_own() -> None:
    later = entry(ChangeEvent.PROPOSED, "beef", count=3), entry(ChangeEvent.EFFECTIVE, "beef", count=3, first=21)
    changes = taken((5, PROPOSED), (6, later[0]), (7, EFFECTIVE), (20, later[1]))
    brought = [changes.bringing(index) for index in (0, 8, 12, 20, 21, 23, 24)]
    assert [one and one.body.change for one in brought] == [None, "c0ffee", None, None, "beef", "beef", None]
    assert [one.body.change for one in changes.all()] == ["c0ffee", "beef"]


def test_a_change_that_was_only_proposed_brings_nothing() -> None:
    changes = taken((5, PROPOSED), (6, entry(ChangeEvent.PROPOSED, "beef")), (7, WITHDRAWN))
    assert [(one.state, one.first) for one in changes.all()] == [
        (ChangeEvent.WITHDRAWN, None),
        (ChangeEvent.PROPOSED, None),
    ]
    assert changes.bringing(8) is None


@pytest.mark.parametrize(
    ("before", "body", "said"),
    [
        ([PROPOSED], PROPOSED, "already"),
        ([PROPOSED, WITHDRAWN], PROPOSED, "already"),
        ([], entry(ChangeEvent.PROPOSED, original=None), "does not hold"),
        ([], EFFECTIVE, "no proposed change"),
        ([], REFUSED, "no proposed change"),
        ([PROPOSED, WITHDRAWN], EFFECTIVE, "no proposed change"),
        ([PROPOSED, EFFECTIVE], WITHDRAWN, "no proposed change"),
        ([PROPOSED, EFFECTIVE], EFFECTIVE, "no proposed change"),
        ([PROPOSED], entry(ChangeEvent.EFFECTIVE, signature=None), "names no signature"),
        ([PROPOSED], entry(ChangeEvent.EFFECTIVE, first=None), "no entry after it"),
        ([PROPOSED], entry(ChangeEvent.EFFECTIVE, first=1), "no entry after it"),
        ([PROPOSED], entry(ChangeEvent.EFFECTIVE, count=3), "as it was proposed"),
        ([PROPOSED], entry(ChangeEvent.EFFECTIVE, request="CR-0043"), "as it was proposed"),
        ([PROPOSED], entry(ChangeEvent.EFFECTIVE, kinds=("asset",)), "as it was proposed"),
        (
            [],
            entry(ChangeEvent.PROPOSED, altered=(Altered(sort=AlteredSort.REVIEW, id="r", at="a"),), altered_count=1),
            "without a time",
        ),
        (
            [],
            entry(
                ChangeEvent.PROPOSED,
                altered=(Altered(sort=AlteredSort.REVIEW, id="r", at="a"),),
                back_to="2026-01-01T00:00:00.000000Z",
            ),
            "more than it counts",
        ),
    ],
)
def test_what_cannot_come_is_refused(before: list[ChangeEntry], body: ChangeEntry, said: str) -> None:
    changes = taken(*enumerate(before))
    with pytest.raises(IntegrityError, match=said):
        changes.take(len(before), body)


def test_an_entry_is_canonical_and_read_again() -> None:
    for body in (PROPOSED, EFFECTIVE):
        assert msgspec.json.decode(canonical.encode_struct(body), type=ChangeEntry) == body
