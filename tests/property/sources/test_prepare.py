"""A body made in pieces, for speed, is byte for byte the body of the definition."""

import re

import hypothesis.strategies as st
import msgspec
from hypothesis import example, given

from ledger.core import canonical
from ledger.core.digests import Digests
from ledger.core.entry import Draft
from ledger.core.hashing import b64
from ledger.core.kinds import RECORD
from ledger.core.record import Original, RecordBody
from ledger.core.run import Rejected
from ledger.core.times import Clock
from ledger.sources.prepare import REPLACEMENT, Preparer
from tests.support.ledgers import SOURCE, record, submission

TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
NAME = TEXT.filter(bool)


DIGESTS = Digests([bytes(32)])
CLOCK = Clock(offset_us=-5, uncertainty_us=9, measured_at="2026-09-21T14:13:21.000000Z", method="test")


@given(
    NAME,
    TEXT,
    TEXT,
    st.booleans(),
    st.booleans(),
    st.frozensets(st.sampled_from(["actor.name", "reason", "changes.Value"])),
)
def test_every_draft_holds_the_canonical_bytes_of_its_body(
    number: str, reason: str, value: str, with_clock: bool, with_original: bool, sealed: frozenset[str]
) -> None:
    change = msgspec.structs.replace(record(1).changes[0], new=value)
    given_one = submission(number, reason=reason, changes=(change,), data=b"bytes" if with_original else None)
    given_one = msgspec.structs.replace(given_one, clock=CLOCK if with_clock else None)
    draft = Preparer(SOURCE, sealed, DIGESTS).prepare(given_one)
    assert isinstance(draft, Draft)
    assert draft.body_bytes == canonical.encode_struct(draft.body)
    assert canonical.dumps(canonical.require_canonical(draft.body_bytes)) == draft.body_bytes
    assert RECORD.decode(draft.body_bytes) == draft.body
    assert isinstance(draft.body, RecordBody)
    assert draft.key is not None
    assert draft.body.digest.hmac == b64(draft.key.digest)


def joined(pair: re.Match[str]) -> str:
    """The character that two surrogates in a row stand for (Unicode 3.9, D91)."""
    high, low = pair[0][0], pair[0][1]
    return chr(0x10000 + (ord(high) - 0xD800) * 0x400 + ord(low) - 0xDC00)


@given(TEXT)
@example("\ud83e\uddea \udc00\ud800")
def test_only_what_a_database_refuses_is_replaced_and_once(text: str) -> None:
    draft = Preparer(SOURCE, frozenset(), DIGESTS).prepare(submission(1, reason=text))
    assert isinstance(draft, Draft)
    assert isinstance(draft.body, RecordBody)
    text = re.sub("[\ud800-\udbff][\udc00-\udfff]", joined, text)
    expected = "".join(REPLACEMENT if one == "\0" or "\ud800" <= one <= "\udfff" else one for one in text)
    assert draft.body.record.reason == expected


@given(TEXT, NAME)
def test_a_name_of_an_original_is_in_the_body_as_given_or_its_input_is_rejected(media_type: str, parser: str) -> None:
    original = Original(data=b"bytes", media_type=media_type, parser=parser, parser_version="1")
    made = msgspec.structs.replace(submission(1), original=original)
    draft = Preparer(SOURCE, frozenset(), DIGESTS).prepare(made)
    if isinstance(draft, Rejected):
        assert draft.data == b"bytes"
        return
    body = RECORD.decode(draft.body_bytes)
    assert isinstance(body, RecordBody)
    assert body.original is not None
    assert (body.original.media_type, body.original.parser) == (media_type, parser)
