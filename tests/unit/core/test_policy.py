import msgspec
import pytest

from ledger.core.checkpoint import Checkpoint
from ledger.core.cosignature import CosignatureSigner, MldsaSigner
from ledger.core.errors import ConfigError, MalformedNote, SignatureInvalid
from ledger.core.note import Note, NoteSigner
from ledger.core.policy import Policy

HEAD = Checkpoint(origin="log.example/a", size=5, root=bytes(range(32)))
LOG = NoteSigner("log.example/a", bytes(32))
NEXT = NoteSigner("log.example/a", bytes([9]) * 32)
FOREIGN = NoteSigner("log.example/b", bytes([8]) * 32)
WITNESSES = {name: CosignatureSigner(f"{name}.example", bytes([number]) * 32) for number, name in enumerate("abcd", 1)}
PQ = MldsaSigner("pq.example", bytes([7]) * 32)
KEYS = "".join(f"witness {name} {signer.verifier}\n" for name, signer in WITNESSES.items())
LOGS = f"log {LOG.verifier} https://log.example/a\nlog {FOREIGN.verifier}\n"


def _signed(*names: str, log: NoteSigner = LOG) -> bytes:
    lines = [log.sign(HEAD.text()), *(WITNESSES[name].sign(HEAD, 7) for name in names)]
    return Note(text=HEAD.text(), signatures=tuple(lines)).encode()


@pytest.mark.parametrize(
    ("rules", "enough", "short"),
    [
        ("quorum none", ["", "a"], []),
        ("quorum a", ["a", "ab"], ["", "b", "bcd"]),
        ("group g any a b\nquorum g", ["a", "b"], ["", "c"]),
        ("group g all a b c\nquorum g", ["abc", "abcd"], ["ab", "bcd"]),
        ("group g 2 a b c\nquorum g", ["ab", "bc", "abc"], ["a", "cd"]),
        ("group g any a b\ngroup h all g c\nquorum h", ["ac", "bc"], ["ab", "c", "cd"]),
        ("quorum a\ngroup g all b c", ["a"], ["bc"]),
    ],
)
def test_a_checkpoint_opens_exactly_when_the_quorum_is_met(rules: str, enough: list[str], short: list[str]) -> None:
    policy = Policy.parse(LOGS + KEYS + rules + "\n")
    for names in enough:
        signed = policy.open(_signed(*names))
        assert signed.checkpoint == HEAD
        assert policy.missing(signed) is None
    for names in short:
        with pytest.raises(SignatureInvalid, match="quorum"):
            policy.open(_signed(*names))


def test_where_both_kinds_are_asked_for_a_stripped_line_fails() -> None:
    pq, other = MldsaSigner("log.example/a", bytes([6]) * 32), MldsaSigner("log.example/a", bytes([5]) * 32)
    policy = Policy.parse(f"{LOGS}log {pq.verifier}\n{KEYS}quorum none\n")
    asking = policy.with_post_quantum()
    lines = {"01": LOG.sign(HEAD.text()), "06": pq.sign(HEAD, 7), "other 06": other.sign(HEAD, 7)}

    def note(*kinds: str) -> bytes:
        return Note(text=HEAD.text(), signatures=tuple(lines[kind] for kind in kinds)).encode()

    assert asking.open(note("01", "06")).checkpoint == HEAD
    assert asking.open(note("06", "01")).checkpoint == HEAD
    for kinds, lacking in ((("01",), "ML-DSA-44"), (("06",), "Ed25519"), (("01", "other 06"), "ML-DSA-44")):
        assert policy.open(note(*kinds)).checkpoint == HEAD
        with pytest.raises(SignatureInvalid, match=f"has no {lacking} line"):
            asking.open(note(*kinds))
    forged = msgspec.structs.replace(lines["06"], signature=bytes([1]) + lines["06"].signature[1:])
    for one in (policy, asking):
        with pytest.raises(SignatureInvalid, match="does not verify"):
            one.open(Note(text=HEAD.text(), signatures=(lines["01"], forged)).encode())


def test_both_kinds_are_not_asked_for_where_no_log_has_both() -> None:
    pq = MldsaSigner("log.example/c", bytes([6]) * 32)
    for text in (LOGS, f"{LOGS}log {pq.verifier}\n"):
        with pytest.raises(ConfigError, match="post-quantum"):
            Policy.parse(f"{text}quorum none\n").with_post_quantum()


def test_a_repeated_cosignature_counts_once() -> None:
    policy = Policy.parse(f"{LOGS}{KEYS}group g 2 a b\nquorum g\n")
    with pytest.raises(SignatureInvalid, match="quorum"):
        policy.open(_signed("a", "a"))


def test_the_log_key_itself_must_have_signed() -> None:
    policy = Policy.parse(f"{LOGS}{KEYS}quorum a\n")
    with pytest.raises(SignatureInvalid, match="log"):
        policy.open(_signed("a", log=NEXT))
    with pytest.raises(SignatureInvalid, match="log"):
        policy.open(_signed("a", log=FOREIGN))


def test_a_log_that_the_policy_does_not_name_is_not_trusted() -> None:
    with pytest.raises(SignatureInvalid, match="no key"):
        Policy.parse(f"log {FOREIGN.verifier}\nquorum none\n").open(_signed())


def test_a_failing_witness_line_rejects_the_checkpoint() -> None:
    policy = Policy.parse(f"{LOGS}{KEYS}quorum none\n")
    other = Checkpoint(origin="log.example/a", size=6, root=HEAD.root)
    lines = (LOG.sign(HEAD.text()), WITNESSES["a"].sign(other, 7))
    with pytest.raises(SignatureInvalid):
        policy.open(Note(text=HEAD.text(), signatures=lines).encode())


def test_old_and_new_key_of_a_log_are_both_trusted_while_both_are_named() -> None:
    policy = Policy.parse(f"log {LOG.verifier}\nlog {NEXT.verifier}\nquorum none\n")
    assert policy.log_keys("log.example/a") == (LOG.verifier, NEXT.verifier)
    for log in (LOG, NEXT):
        assert policy.open(_signed(log=log)).checkpoint == HEAD


def test_an_ml_dsa_witness_counts() -> None:
    policy = Policy.parse(f"{LOGS}witness pq {PQ.verifier}\nquorum pq\n")
    lines = (LOG.sign(HEAD.text()), PQ.sign(HEAD, 7))
    assert policy.open(Note(text=HEAD.text(), signatures=lines).encode()).checkpoint == HEAD


def test_a_policy_of_log_keys_alone_asks_for_no_witness() -> None:
    policy = Policy.of_log_keys([LOG.verifier])
    assert policy.open(_signed()).checkpoint == HEAD
    with pytest.raises(MalformedNote):
        policy.open(b"no note")


def test_a_key_takes_the_place_of_its_logs_others_of_its_kind_alone() -> None:
    beside = MldsaSigner("log.example/a", bytes([6]) * 32)
    policy = Policy.of_log_keys([LOG.verifier, beside.verifier, FOREIGN.verifier]).with_log_key(NEXT.verifier)
    assert policy.log_keys("log.example/a") == (beside.verifier, NEXT.verifier)
    assert policy.log_keys("log.example/b") == (FOREIGN.verifier,)
    with pytest.raises(SignatureInvalid):
        policy.open(_signed())
    assert policy.open(_signed(log=NEXT)).checkpoint == HEAD


def test_comments_tabs_blank_lines_and_addresses_are_read() -> None:
    text = f"# mine\n\n\tlog\t{LOG.verifier}  https://log.example/a \n  # more\nquorum none"
    policy = Policy.parse(text)
    assert [(str(log.key), log.url) for log in policy.logs] == [
        (str(LOG.verifier), "https://log.example/a"),
    ]


A = str(WITNESSES["a"].verifier)
B = str(WITNESSES["b"].verifier)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", None),
        (f"witness a {A}\n", None),
        (f"witness a {A}\nquorum none\nquorum none\n", 3),
        (f"witness a {A}\nquorum b\n", 2),
        (f"quorum a\nwitness a {A}\n", 1),
        (f"witness a {A}\nwitness b {A}\nquorum none\n", 2),
        (f"witness a {A}\nwitness a {B}\nquorum none\n", 2),
        (f"witness none {A}\nquorum none\n", 1),
        (f"witness a {A}\ngroup a any a\nquorum none\n", 2),
        (f"witness a {A}\ngroup g any a\ngroup h any a\nquorum none\n", 3),
        (f"witness a {A}\ngroup g all a a\nquorum none\n", 2),
        (f"witness a {A}\ngroup g any g\nquorum none\n", 2),
        (f"witness a {A}\ngroup g any b\nquorum none\n", 2),
        (f"witness a {A}\ngroup g 2 a\nquorum none\n", 2),
        (f"witness a {A}\ngroup g 0 a\nquorum none\n", 2),
        (f"witness a {A}\ngroup g 01 a\nquorum none\n", 2),
        (f"witness a {A}\ngroup g some a\nquorum none\n", 2),
        ("group g all\nquorum none\n", 1),
        ("witness a\nquorum none\n", 1),
        (f"witness a {A[:-1]}\nquorum none\n", 1),
        (f"witness a {LOG.verifier}\nquorum none\n", 1),
        (f"log {LOG.verifier} one two\nquorum none\n", 1),
        (f"log {LOG.verifier}\nlog {LOG.verifier}\nquorum none\n", 2),
        ("trust everybody\nquorum none\n", 1),
        ("quorum\n", 1),
    ],
)
def test_a_policy_that_is_wrong_is_refused_naming_the_line(text: str, line: int | None) -> None:
    with pytest.raises(ConfigError, match="no quorum" if line is None else f"line {line}:"):
        Policy.parse(text)
