"""The life of a log's keys by its entries alone: what could not have come then is named, and taken in by nobody."""

from typing import Any

import msgspec
import pytest

from ledger.core.authority import Authority
from ledger.core.checkpoint import Checkpoint, open_checkpoint
from ledger.core.cosignature import MldsaSigner
from ledger.core.errors import IntegrityError, MalformedNote, SignatureInvalid
from ledger.core.key_events import (
    Compromise,
    KeyEvent,
    KeyEvent1,
    KeyEventSort,
    KeyPurpose,
    key_digest,
    key_statement,
)
from ledger.core.log_keys import LogKeyHistory, follow
from ledger.core.note import NoteSigner, sign_note

ORIGIN = "log.example/a"
FIRST, SECOND, THIRD, THIEF = (NoteSigner(ORIGIN, bytes([n]) * 32) for n in range(1, 5))
PQ = MldsaSigner(ORIGIN, bytes(32))
ONE, TWO = (Authority(actor=name, authenticated=True) for name in ("admin1", "admin2"))
SAID = Compromise(
    reported_at="2026-11-25T08:00:00.000000Z", doubtful_from="2026-11-20T00:00:00.000000Z", meaning="rotate, ask again"
)


def digest(signer: NoteSigner) -> str:
    return key_digest(str(signer.verifier))


def event(sort: KeyEventSort, key: Any, *signers: NoteSigner, **more: Any) -> KeyEvent:
    made = KeyEvent(
        **{
            "event": sort,
            "purpose": KeyPurpose.LOG,
            "key": str(key.verifier),
            "reason": "it is time",
            "authority": ONE,
            **more,
        }
    )
    text = key_statement(ORIGIN, made)
    return msgspec.structs.replace(made, lines=tuple(one.sign(text).line for one in signers))


def rotation(old: NoteSigner, new: NoteSigner, then: NoteSigner, previous: int | None = 0, **more: Any) -> KeyEvent:
    signers = more.pop("signers", (old, new))
    said = {"replaces": str(old.verifier), "next": digest(then), "previous": previous, **more}
    return event(KeyEventSort.ROTATED, new, *signers, **said)


def rotated() -> LogKeyHistory:
    """The second key since entry 5, the first revoked by entry 9."""
    history = LogKeyHistory(ORIGIN, str(FIRST.verifier), digest(SECOND))
    history.enter(5, rotation(FIRST, SECOND, THIRD))
    history.enter(9, event(KeyEventSort.REVOKED, FIRST, SECOND, previous=5))
    return history


def refused(history: LogKeyHistory, index: int, said: KeyEvent1) -> str:
    before = [(one.vkey, one.state) for one in history.keys], history.promise, history.last
    with pytest.raises(IntegrityError) as found:
        history.enter(index, said)
    assert ([(one.vkey, one.state) for one in history.keys], history.promise, history.last) == before
    return found.value.message


def checked(history: LogKeyHistory, size: int, before: int, *signers: NoteSigner) -> None:
    note = sign_note(Checkpoint(origin=ORIGIN, size=size, root=bytes(32)).text(), signers)
    history.check(size, before, open_checkpoint(note, ORIGIN, history.verifiers).verified)


def test_the_promised_key_takes_over_and_the_old_one_ends() -> None:
    history = rotated()
    assert [(one.vkey, one.state) for one in history.keys] == [
        (str(FIRST.verifier), "revoked"),
        (str(SECOND.verifier), "present"),
    ]
    assert [(one.index, one.promised) for one in history.rotations] == [(5, 0)]
    assert (history.promise, history.promised) == (digest(THIRD), 5)
    assert [[one.vkey for one in history.at(size)] for size in (5, 6, 9, 10)] == [
        [str(FIRST.verifier)],
        [str(SECOND.verifier), str(FIRST.verifier)],
        [str(SECOND.verifier), str(FIRST.verifier)],
        [str(SECOND.verifier)],
    ]


def test_each_checkpoint_is_signed_by_the_keys_of_its_size() -> None:
    history = rotated()
    for size, before, signers in (
        (4, 0, (FIRST,)),
        (5, 4, (FIRST,)),
        (7, 5, (FIRST, SECOND)),
        (9, 7, (FIRST, SECOND)),
        (9, 7, (SECOND,)),
        (10, 9, (SECOND,)),
    ):
        checked(history, size, before, *signers)
    for size, before, signers, why in (
        (5, 0, (FIRST, SECOND), "before entry 5 began with it"),
        (7, 5, (FIRST,), "was the log's at size 7, and did not sign"),
        (7, 5, (SECOND,), "did not sign the first checkpoint that holds its rotation"),
        (10, 9, (SECOND, FIRST), "entry 9 had revoked it"),
    ):
        with pytest.raises(SignatureInvalid, match=why):
            checked(history, size, before, *signers)


def test_a_rotation_that_was_not_promised_so_is_refused() -> None:
    def history() -> LogKeyHistory:
        return LogKeyHistory(ORIGIN, str(FIRST.verifier), digest(SECOND))

    assert "than the one that entry 0 committed to" in refused(history(), 5, rotation(FIRST, THIEF, THIRD))
    none = LogKeyHistory(ORIGIN, str(FIRST.verifier))
    assert "no entry had promised" in refused(none, 5, rotation(FIRST, SECOND, THIRD))
    for signers in ((FIRST,), (SECOND,), (THIEF, SECOND), (FIRST, SECOND, THIEF)):
        assert "is not signed by" in refused(history(), 5, rotation(FIRST, SECOND, THIRD, signers=signers))
    good = rotation(FIRST, SECOND, THIRD)
    assert "is not signed by" in refused(history(), 5, msgspec.structs.replace(good, next=digest(THIEF)))
    assert "is not signed by" in refused(history(), 5, msgspec.structs.replace(good, reason="another"))
    assert "promises no key after" in refused(history(), 5, rotation(FIRST, SECOND, SECOND))
    assert "promises no key after" in refused(history(), 5, rotation(FIRST, SECOND, THIRD, next=None))
    assert "another key than the log's present" in refused(
        history(), 5, rotation(FIRST, SECOND, THIRD, replaces=str(THIEF.verifier))
    )
    other = NoteSigner("log.example/b", bytes(32))
    elsewhere = LogKeyHistory(ORIGIN, str(FIRST.verifier), digest(other))
    assert "cannot sign checkpoints of" in refused(elsewhere, 5, rotation(FIRST, other, THIRD))


def test_key_events_out_of_order_or_left_out_are_named() -> None:
    history = rotated()
    later = event(KeyEventSort.PRE_ROTATED, SECOND, SECOND, previous=9, next=digest(THIEF))
    assert "which entry 5 had done already" in refused(history, 12, later)
    for index, previous in ((12, 5), (12, None), (9, 9), (12, 11)):
        said = rotation(SECOND, THIRD, THIEF, previous=previous)
        assert "as the key event before it, which is 9" in refused(history, index, said)
    history.enter(12, rotation(SECOND, THIRD, THIEF, previous=9))
    assert history.present.vkey == str(THIRD.verifier)


def test_a_log_without_a_promise_makes_one_once() -> None:
    history = LogKeyHistory(ORIGIN, str(FIRST.verifier))
    promise = event(KeyEventSort.PRE_ROTATED, FIRST, FIRST, previous=0, next=digest(SECOND))
    assert "is not signed by" in refused(history, 3, msgspec.structs.replace(promise, next=digest(THIEF)))
    history.enter(3, promise)
    again = event(KeyEventSort.PRE_ROTATED, FIRST, FIRST, previous=3, next=digest(THIEF))
    assert "which entry 3 had done already" in refused(history, 4, again)
    history.enter(6, rotation(FIRST, SECOND, THIRD, previous=3))
    assert history.rotations[0].promised == 3


def test_the_present_key_is_not_revoked_and_none_twice() -> None:
    history = rotated()
    assert "has to be rotated away before" in refused(
        history, 12, event(KeyEventSort.REVOKED, SECOND, SECOND, previous=9)
    )
    assert "none of the log's" in refused(history, 12, event(KeyEventSort.REVOKED, THIEF, SECOND, previous=9))
    assert "entry 9 had revoked" in refused(history, 12, event(KeyEventSort.REVOKED, FIRST, SECOND, previous=9))
    fresh = LogKeyHistory(ORIGIN, str(FIRST.verifier), digest(SECOND))
    fresh.enter(5, rotation(FIRST, SECOND, THIRD))
    assert "is not signed by" in refused(fresh, 6, event(KeyEventSort.REVOKED, FIRST, FIRST, previous=5))


def test_what_the_first_form_says_of_a_logs_key_counts_for_nothing() -> None:
    history = LogKeyHistory(ORIGIN, str(FIRST.verifier))
    old = KeyEvent1(event=KeyEventSort.CREATED, purpose=KeyPurpose.LOG, key=str(THIEF.verifier), authority=ONE)
    assert "only its creation can" in refused(history, 3, old)
    assert "which happens to none" in refused(history, 3, event(KeyEventSort.CREATED, THIEF, previous=0))
    history.enter(3, msgspec.structs.replace(old, purpose=KeyPurpose.REPORT))
    assert history.last == 0


def test_a_key_of_another_algorithm_signs_beside_from_its_entry_on() -> None:
    history = LogKeyHistory(ORIGIN, str(FIRST.verifier))
    history.enter(4, event(KeyEventSort.ACTIVATED, PQ, FIRST, previous=0))
    assert [one.vkey for one in history.at(5)] == [str(FIRST.verifier), str(PQ.verifier)]
    assert history.present.vkey == str(FIRST.verifier)
    with pytest.raises(SignatureInvalid, match="was the log's at size 5, and did not sign"):
        checked(history, 5, 4, FIRST)
    checked(history, 4, 0, FIRST)
    assert "cannot sign beside" in refused(history, 6, event(KeyEventSort.ACTIVATED, THIEF, FIRST, previous=4))
    history.enter(8, event(KeyEventSort.REVOKED, PQ, FIRST, previous=4))
    checked(history, 9, 8, FIRST)


def test_a_compromise_takes_two_people_who_are_known() -> None:
    def reported() -> LogKeyHistory:
        history = LogKeyHistory(ORIGIN, str(FIRST.verifier))
        history.enter(3, event(KeyEventSort.COMPROMISE_REPORTED, FIRST, previous=0, compromise=SAID))
        return history

    def confirmed(**more: Any) -> KeyEvent:
        said = msgspec.structs.replace(SAID, report=more.pop("report", 3), **more.pop("said", {}))
        key = more.pop("key", FIRST)
        return event(
            KeyEventSort.COMPROMISE_CONFIRMED, key, **{"previous": 3, "compromise": said, "authority": TWO, **more}
        )

    history = reported()
    history.enter(4, confirmed())
    assert [index for index, _ in history.compromised] == [4]
    assert "confirms no compromise" in refused(history, 5, confirmed(previous=4))
    assert "'admin1' alone, where a compromise takes two" in refused(reported(), 4, confirmed(authority=ONE))
    unknown = Authority(actor="local:root", authenticated=False)
    assert "somebody who is known" in refused(reported(), 4, confirmed(authority=unknown))
    assert "confirms no compromise" in refused(reported(), 4, confirmed(report=2))
    later = {"doubtful_from": "2026-11-24T00:00:00.000000Z"}
    assert "confirms no compromise" in refused(reported(), 4, confirmed(said=later))
    assert "none of the log's" in refused(reported(), 4, confirmed(key=THIEF))
    fresh = LogKeyHistory(ORIGIN, str(FIRST.verifier))
    for compromise in (None, msgspec.structs.replace(SAID, meaning=" ")):
        said = event(KeyEventSort.COMPROMISE_REPORTED, FIRST, previous=0, compromise=compromise)
        assert "does not say since when" in refused(fresh, 3, said)


def announced(said: KeyEvent) -> str:
    return f"{key_statement(ORIGIN, said)}\n{''.join(said.lines)}"


def test_who_knows_an_old_key_is_led_to_the_present_one_by_both_keys_word() -> None:
    first, second = rotation(FIRST, SECOND, THIRD), rotation(SECOND, THIRD, THIEF, previous=5)
    notes = [announced(first), announced(second)]
    for known in (FIRST, SECOND, THIRD):
        assert follow(ORIGIN, known.verifier, notes) == THIRD.verifier
    assert follow(ORIGIN, FIRST.verifier, []) == FIRST.verifier
    assert follow(ORIGIN, FIRST.verifier, notes[1:]) == FIRST.verifier, (
        "what does not begin at the known key leads nowhere"
    )
    for signers in ((SECOND,), (THIEF, SECOND), (FIRST,)):
        with pytest.raises(SignatureInvalid):
            follow(ORIGIN, FIRST.verifier, [announced(rotation(FIRST, SECOND, THIRD, signers=signers))])
    with pytest.raises(MalformedNote):
        follow("log.example/b", FIRST.verifier, notes)
    checkpoint = sign_note(Checkpoint(origin=ORIGIN, size=1, root=bytes(32)).text(), [FIRST, SECOND]).decode()
    with pytest.raises(MalformedNote):
        follow(ORIGIN, FIRST.verifier, [checkpoint])
