import json
from hashlib import sha256

import pytest

from ledger.core.checkpoint import Checkpoint
from ledger.core.cosignature import CosignatureSigner, MldsaSigner, cosigned_at, parse_verifier
from ledger.core.errors import MalformedNote
from ledger.core.hashing import EMPTY_ROOT, b64, leaf_hash
from ledger.core.merkle import consistency_proof, root_of
from ledger.core.note import Note, NoteSignature, NoteSigner, VerifierKey, open_note, sign_note
from ledger.core.tiles import Tile, TileReader
from ledger.core.witnessing import (
    MAX_HASHES,
    MAX_REQUEST,
    AddCheckpoint,
    Answer,
    Cosign,
    Head,
    Refusal,
    Status,
    WitnessConflict,
    WitnessElsewhere,
    WitnessRefused,
    WitnessUnreachable,
    accepted,
    judge,
    monitoring_path,
    note_of,
)
from tests.shared import format_examples, shared_path

ORIGIN = "log.example/a"
LOG = NoteSigner(ORIGIN, bytes(range(32)))
NEXT = NoteSigner(ORIGIN, bytes(range(1, 33)))
STRANGER = NoteSigner("other.example/a", bytes(range(32)))
WITNESS = CosignatureSigner("witness.example/a", bytes(range(2, 34)))
PQ = MldsaSigner("witness.example/a", bytes(range(3, 35)))
LEAVES = [leaf_hash(b"%d" % number) for number in range(9)]
OTHER = [*LEAVES[:2], *(leaf_hash(b"other %d" % number) for number in range(7))]
READER = TileReader(9, lambda _level, _n, _width: b"".join(LEAVES))
TIME = 1764052864
KEYS = (LOG.verifier,)


def _head(size: int, leaves: list[bytes] = LEAVES) -> Head:
    return Head(size=size, root=root_of(leaves[:size]))


def _note(size: int, *signers: NoteSigner, leaves: list[bytes] = LEAVES) -> bytes:
    head = Checkpoint(origin=ORIGIN, size=size, root=root_of(leaves[:size]))
    return sign_note(head.text(), signers or (LOG,))


def _request(old: int, size: int, *signers: NoteSigner, leaves: list[bytes] = LEAVES) -> AddCheckpoint:
    proof = tuple(consistency_proof(old, size, READER)) if 0 < old < size else ()
    return AddCheckpoint(old=old, proof=proof, note=_note(size, *signers, leaves=leaves))


def _changed(note: bytes) -> bytes:
    """The note with the last line's signature of another text."""
    text, _, _ = note.decode().rpartition("\n\n")
    return Note(text=f"{text}\n", signatures=(LOG.sign("other\n"),)).encode()


def _refused(request: AddCheckpoint, last: Head, keys: tuple[VerifierKey, ...] = KEYS) -> Refusal:
    outcome = judge(request, keys, last)
    assert isinstance(outcome, Refusal)
    return outcome


def test_the_example_request_is_read_and_written_byte_for_byte() -> None:
    data = format_examples()["req"].encode()
    request = AddCheckpoint.parse(data)
    assert (request.old, len(request.proof)) == (3, 4)
    assert request.encode() == data
    assert request.note == format_examples()["note"].encode()
    assert monitoring_path(request.checkpoint.origin) == f"{_stated_path()}/checkpoint"


def test_the_example_is_judged_and_answered_byte_for_byte() -> None:
    request = AddCheckpoint.parse(format_examples()["req"].encode())
    keys = (NoteSigner("ledger.example/site-a", sha256(b"example log key 1").digest()).verifier,)
    roots = dict(line.split(" ") for line in format_examples()["roots"].splitlines())
    outcome = judge(request, keys, Head(size=3, root=bytes.fromhex(roots["3"])))
    assert isinstance(outcome, Cosign)
    assert outcome.head == Head(size=5, root=bytes.fromhex(roots["5"]))
    witness = CosignatureSigner("witness.example/qa", sha256(b"example witness key").digest())
    answer = Answer.of_lines([witness.sign(outcome.checkpoint, TIME)])
    assert answer.body.decode() == format_examples()["resp"]
    assert accepted(request, answer, witness.verifier) == (witness.sign(outcome.checkpoint, TIME),)
    shown = note_of(outcome, [witness.sign(outcome.checkpoint, TIME)])
    assert len(open_note(shown, [*keys, witness.verifier]).verified) == 2


def _stated_path() -> str:
    text = shared_path("formats.md").read_text(encoding="utf-8")
    return text.partition("Here the path part is `")[2].partition("`")[0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"old 3",
        b"old 3\n",
        b"old 3\n\n",
        b"old 03\n\n" + _note(3),
        b"old -1\n\n" + _note(3),
        b"old 9223372036854775808\n\n" + _note(3),
        b"Old 3\n\n" + _note(3),
        b"old  3\n\n" + _note(3),
        b"old 3 \n\n" + _note(3),
        b"old 3\r\n\n" + _note(3),
        b"\nold 3\n\n" + _note(3),
        b"old \xc2\xb3\n\n" + _note(3),
        b"old 3\n" + _note(3),
        b"old 2\nAAAA\n\n" + _note(3),
        b"old 2\n" + b64(bytes(32)).encode()[:-1] + b"\n\n" + _note(3),
        b"old 2\n\n\n" + _note(3),
        b"old 2\n" + (b64(bytes(32)) + "\n").encode() * (MAX_HASHES + 1) + b"\n" + _note(3),
        b"old 3\n\n" + _note(3)[:-1],
        b"old 3\n\n" + _note(3) + b"\n",
        b"old 3\n\n" + _note(3).replace(b"\n3\n", b"\n3.0\n"),
        b"old 3\n\n" + sign_note("no checkpoint\n", [LOG]),
    ],
)
def test_what_is_no_request_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedNote):
        AddCheckpoint.parse(data)


def test_a_request_is_bounded_where_it_is_made_and_where_it_is_read() -> None:
    head = Checkpoint(origin=ORIGIN, size=3, root=bytes(32), extensions=("x" * MAX_REQUEST,))
    long = sign_note(head.text(), [LOG])
    with pytest.raises(MalformedNote, match="more than 16384 bytes"):
        AddCheckpoint(old=0, proof=(), note=long)
    with pytest.raises(MalformedNote, match="more than 16384 bytes"):
        AddCheckpoint.parse(b"old 0\n\n" + long)
    with pytest.raises(MalformedNote):
        AddCheckpoint(old=3, proof=(bytes(31),), note=_note(3))
    with pytest.raises(MalformedNote):
        AddCheckpoint(old=-1, proof=(), note=_note(3))
    most = AddCheckpoint(old=3, proof=(bytes(32),) * MAX_HASHES, note=_note(3))
    assert AddCheckpoint.parse(most.encode()) == most


def test_a_request_leaves_out_what_other_witnesses_said() -> None:
    head = _request(3, 5).checkpoint
    said = tuple(MldsaSigner(f"witness.example/{number}", bytes(32)).sign(head, TIME) for number in range(6))
    note = Note(text=head.text(), signatures=(LOG.sign(head.text()), *said, NEXT.sign(head.text()))).encode()
    with pytest.raises(MalformedNote, match="more than 16384 bytes"):
        AddCheckpoint(old=3, proof=_request(3, 5).proof, note=note)
    assert AddCheckpoint.of_log(3, _request(3, 5).proof, note) == _request(3, 5, LOG, NEXT)


def test_each_check_of_the_table_refuses_with_its_status() -> None:
    assert _refused(_request(3, 5), _head(3), ()).status == Status.UNKNOWN_LOG
    assert _refused(_request(3, 5, STRANGER), _head(3)).status == Status.NOT_SIGNED
    assert _refused(_request(3, 5, NEXT), _head(3)).status == Status.NOT_SIGNED
    changed = AddCheckpoint(old=3, proof=_request(3, 5).proof, note=_changed(_note(5)))
    assert _refused(changed, _head(3)).status == Status.NOT_SIGNED
    assert _refused(_request(6, 5), _head(6)).status == Status.MALFORMED
    behind = _refused(_request(3, 5), _head(4))
    assert (behind.status, behind.size, behind.forked) == (Status.OTHER_SIZE, 4, False)
    assert _refused(_request(3, 5), Head(size=0, root=EMPTY_ROOT)).size == 0
    empty = AddCheckpoint(
        old=0, proof=(), note=sign_note(Checkpoint(origin=ORIGIN, size=0, root=bytes(32)).text(), [LOG])
    )
    assert _refused(empty, Head(size=0, root=EMPTY_ROOT)).status == Status.NOT_PROVEN
    needless = AddCheckpoint(old=0, proof=(bytes(32),), note=_note(5))
    assert _refused(needless, Head(size=0, root=EMPTY_ROOT)).status == Status.NOT_PROVEN
    for proof in ((), _request(4, 5).proof, _request(3, 5).proof[:-1], (*_request(3, 5).proof, bytes(32))):
        wrong = AddCheckpoint(old=3, proof=proof, note=_note(5))
        assert _refused(wrong, _head(3)).status == Status.NOT_PROVEN
    assert _refused(_request(3, 5, leaves=OTHER), _head(3)).status == Status.NOT_PROVEN
    forked = _refused(_request(5, 5, leaves=OTHER), _head(5))
    assert (forked.status, forked.forked) == (Status.NOT_PROVEN, True)


@pytest.mark.parametrize(
    ("request_", "last"),
    [
        (_request(0, 5), Head(size=0, root=EMPTY_ROOT)),
        (_request(0, 0), Head(size=0, root=EMPTY_ROOT)),
        (_request(3, 5), _head(3)),
        (_request(5, 5), _head(5)),
        (_request(4, 9, STRANGER, LOG, NEXT), _head(4)),
    ],
)
def test_what_continues_the_last_tree_is_to_be_stored_and_cosigned(request_: AddCheckpoint, last: Head) -> None:
    outcome = judge(request_, KEYS, last)
    assert isinstance(outcome, Cosign)
    assert outcome.head == _head(request_.checkpoint.size)
    assert [(line.name, line.key_id) for line in outcome.lines] == [(ORIGIN, LOG.verifier.key_id)]


def test_the_first_check_that_fails_decides() -> None:
    """Each of these fails several checks; the table's order says which is told."""
    nobody = AddCheckpoint(old=9, proof=(bytes(32),), note=_changed(_note(5)))
    assert _refused(nobody, _head(3), ()).status == Status.UNKNOWN_LOG
    assert _refused(nobody, _head(3)).status == Status.NOT_SIGNED
    beyond = AddCheckpoint(old=9, proof=(bytes(32),), note=_note(5))
    assert _refused(beyond, _head(3)).status == Status.MALFORMED
    behind = AddCheckpoint(old=2, proof=(bytes(32),), note=_note(5, leaves=OTHER))
    assert _refused(behind, _head(3)).status == Status.OTHER_SIZE


def test_a_key_in_rotation_is_one_of_several() -> None:
    both = (LOG.verifier, NEXT.verifier)
    for signers in ((LOG,), (NEXT,), (LOG, NEXT)):
        outcome = judge(_request(3, 5, *signers), both, _head(3))
        assert isinstance(outcome, Cosign)
        assert len(outcome.lines) == len(signers)
    half = _note(5, NEXT) + _changed(_note(5)).rpartition(b"\n\n")[2]
    assert _refused(AddCheckpoint(old=3, proof=_request(3, 5).proof, note=half), _head(3), both).status == 403


def test_another_root_for_a_size_that_was_cosigned_is_seen_even_where_the_old_size_is_wrong() -> None:
    outcome = _refused(_request(3, 5, leaves=OTHER), _head(5))
    assert (outcome.status, outcome.size, outcome.forked) == (Status.OTHER_SIZE, 5, True)
    assert not _refused(_request(3, 5), _head(5)).forked


@pytest.mark.parametrize(
    ("refusal", "body", "media_type"),
    [
        (Refusal(status=Status.OTHER_SIZE, why="x", size=7), b"7\n", "text/x.tlog.size"),
        (Refusal(status=Status.NOT_SIGNED, why="no line"), b"no line\n", "text/plain; charset=utf-8"),
    ],
)
def test_an_answer_is_the_same_by_hand(refusal: Refusal, body: bytes, media_type: str) -> None:
    answer = Answer.of_refusal(refusal)
    assert (answer.status, answer.body, answer.media_type) == (refusal.status, body, media_type)
    assert Answer.parse(answer.encode()) == answer


@pytest.mark.parametrize(
    "data", [b"", b"200\n\n", b"status 200\n", b"status 999\n\n", b" status 200\n\n", b"status 200\n\n" + b"x" * 65536]
)
def test_what_is_no_answer_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedNote):
        Answer.parse(data)


def test_only_lines_that_verify_over_the_checkpoint_are_kept() -> None:
    request = _request(3, 5)
    head = request.checkpoint
    stranger = CosignatureSigner("witness.example/b", bytes(32))
    line, foreign, post_quantum = (signer.sign(head, TIME) for signer in (WITNESS, stranger, PQ))
    answer = Answer.of_lines([foreign, line, post_quantum])
    assert accepted(request, answer, WITNESS.verifier) == (line,)
    assert accepted(request, answer, WITNESS.verifier, PQ.verifier) == (line, post_quantum)
    other = _request(3, 4).checkpoint
    broken = NoteSignature(name=line.name, key_id=line.key_id, signature=bytes(72))
    for lines in ([foreign], [WITNESS.sign(other, TIME)], [line, broken], []):
        with pytest.raises(WitnessRefused):
            accepted(request, Answer.of_lines(lines), WITNESS.verifier)
    with pytest.raises(WitnessRefused, match="without a line of its key"):
        accepted(request, Answer.of_lines([post_quantum]), WITNESS.verifier, PQ.verifier)
    with pytest.raises(WitnessRefused):
        accepted(request, Answer(status=200, body=b"<html>"), WITNESS.verifier)


def test_a_line_that_the_request_carried_already_is_no_answer() -> None:
    head = _request(3, 5).checkpoint
    carried = Note(text=head.text(), signatures=(LOG.sign(head.text()), WITNESS.sign(head, TIME)))
    request = AddCheckpoint(old=3, proof=_request(3, 5).proof, note=carried.encode())
    with pytest.raises(WitnessRefused):
        accepted(request, Answer(status=200, body=b""), WITNESS.verifier)


def test_refusals_are_told_apart() -> None:
    proven, same = _request(3, 5), _request(5, 5)

    def ask(request: AddCheckpoint, status: int, body: bytes) -> None:
        accepted(request, Answer(status=status, body=body), WITNESS.verifier)

    with pytest.raises(WitnessElsewhere) as elsewhere:
        ask(proven, 409, b"4\n")
    assert elsewhere.value.size == 4
    for request, status in ((same, 422), (proven, 422), (same, 409), (proven, 409)):
        with pytest.raises(WitnessConflict):
            ask(request, status, b"" if status == 409 else b"roots differ\n")
    for status in (400, 403, 404):
        with pytest.raises(WitnessRefused) as refused:
            ask(proven, status, b"why\n")
        assert refused.value.status == status
        assert refused.value.message.endswith("why")
    for body in (b"3\n", b"three\n", b"3\n\n", b"\xff"):
        with pytest.raises(WitnessRefused):
            ask(proven, 409, body)
    for status in (302, 429, 500, 502, 503, 504):
        with pytest.raises(WitnessUnreachable):
            ask(proven, status, b"")


def test_the_published_mirrored_log_is_judged_from_every_size() -> None:
    """Sunlight's test log of 300 leaves, with proofs from its published tiles; its cosignature is made again."""
    folder = shared_path("vectors/tlog-sunlight-mirror/witness/mirror")
    (log,) = folder.glob("0*")
    note = (log / "checkpoint").read_bytes()
    head = Checkpoint.parse(note.decode().partition("\n\n")[0] + "\n")
    assert monitoring_path(head.origin) == f"{log.name}/checkpoint"

    def tile(level: int, n: int, width: int) -> bytes:
        return (log / Tile(level=level, n=n, width=width).path).read_bytes()

    own = NoteSigner(head.origin, bytes(32))
    signed = sign_note(head.text(), [own])
    leaves = [leaf_hash(b"record %d" % number) for number in range(300)]
    for old in (1, 44, 255, 256, 257, 299, 300):
        proof = tuple(consistency_proof(old, head.size, TileReader(head.size, tile)))
        request = AddCheckpoint(old=old, proof=proof, note=signed)
        outcome = judge(request, (own.verifier,), Head(size=old, root=root_of(leaves[:old])))
        assert isinstance(outcome, Cosign)
        mirror = CosignatureSigner("mirror.example.org", sha256(b"skylight test mirror key").digest())
        line = mirror.sign(outcome.checkpoint, 1767139200)
        assert Answer.of_lines([line]).body == note.partition(b"\n\n")[2]


@pytest.mark.parametrize("name", ["witness", "witness2"])
def test_published_cosignatures_are_accepted_as_answers(name: str) -> None:
    folder = shared_path(f"vectors/tlog-sunlight-mirror/{name}")
    key = parse_verifier(json.loads((folder / "witness.v0.json").read_bytes())["verifier_keys"][0])
    (file,) = (path for path in folder.glob("*/checkpoint") if path.parent.name != "mirror")
    text, _, lines = file.read_text(encoding="utf-8").rpartition("\n\n")
    head = Checkpoint.parse(text + "\n")
    request = AddCheckpoint(old=0, proof=(), note=sign_note(head.text(), [NoteSigner(head.origin, bytes(32))]))
    (line,) = accepted(request, Answer(status=200, body=lines.encode()), key)
    assert cosigned_at(line) == 1767139200
    assert monitoring_path(head.origin) == f"{file.parent.name}/checkpoint"
