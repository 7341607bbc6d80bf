"""Which files a package has, what its description says, and what its seal covers."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ledger.core import canonical
from ledger.core.errors import NotCanonical
from ledger.core.proof import SUFFIX
from ledger.core.record import Digest
from reports import bag
from reports.bag import Digests
from reports.lines import Index

DESCRIPTION: Final = "data/package.json"
CHECKPOINT: Final = "data/checkpoint"
KEYS: Final = "data/keys.txt"
RECORDS: Final = "data/records.jsonl"
TABLE: Final = "data/records.csv"
ORIGINALS: Final = "data/originals.jsonl"
ENTRIES: Final = "data/entries.jsonl"
RUNS: Final = "data/runs.jsonl"
SIGNATURES: Final = "data/signatures.jsonl"
SETS: Final = "data/signed-sets.jsonl"
"""The leaf hashes of the sets that signatures are over by their roots; of a package that has such ones."""
SIGNATURES_TABLE: Final = "data/signatures.csv"
KEY_LIFE: Final = "data/key-life.jsonl"
"""What happened to the log's keys; of a package whose log has key events."""
COPIES: Final = "data/copies.jsonl"
"""What there is of the files that entries of the system log commit to: letters and scans; and where."""
COPIES_FOLDER: Final = "data/copies"
STAMPS: Final = "data/timestamps.jsonl"
"""What there is of time-stamps: tokens, the checkpoints they are over, and what the ledger pinned of who made them."""
RENEWALS: Final = "data/timestamp-renewals.jsonl"
"""What carries the time-stamps beyond what they rest on: newer ones over the tree of them; of a package with such."""
STAMPS_FOLDER: Final = "data/timestamps"
SYSTEM: Final = "data/system-checkpoint"
REPORT: Final = "data/report.pdf"
WORKBOOK: Final = "data/records.xlsx"
DICTIONARY: Final = "data/data-dictionary.csv"
PROOF_OF_ALL: Final = "data/records.multi-proof"
"""One proof of all records; of a package of more records than have files of their own."""
PROOFS_FOLDER: Final = "data/proofs"
HELP: Final = "data/HOW-TO-VERIFY.txt"
PAGE: Final = "data/verify.html"
"""The verifier for people; of a package from before there was one, none."""
SEAL: Final = "seal.note"

PAYLOAD: Final = frozenset({DESCRIPTION, CHECKPOINT, KEYS, RECORDS, TABLE, ORIGINALS, ENTRIES, RUNS, REPORT, HELP})
SIGNED: Final = frozenset({SIGNATURES, SIGNATURES_TABLE, SYSTEM})
"""Files of a package that has signatures, or of whose scope records were disposed of; all of them, or none."""
TAGS: Final = frozenset({bag.DECLARATION, bag.INFO, *bag.MANIFESTS, *bag.TAG_MANIFESTS, SEAL})
TAGGED: Final = frozenset({bag.DECLARATION, bag.INFO, *bag.MANIFESTS, SEAL})
"""What the tag manifests list."""
MAX_COPIES: Final = 900
"""Files of letters and scans of one package: a zip has at most a thousand."""
MAX_PROOFS: Final = 60
"""Records of a package that has a file with the proof of each; of more, one file has that of all."""
_ENDINGS: Final = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg", "text/plain": "txt"}
_COPY = re.compile(r"data/copies/[0-9]{1,16}\.(pdf|png|jpg|txt|bin)")
_STAMP = re.compile(r"data/timestamps/[0-9]{1,16}\.(tsr|checkpoint|pem)")
_PROOF = re.compile(r"data/proofs/(0|[1-9][0-9]{0,15})\.tlog-proof")
_VOLUME = re.compile(r"data/report-[0-9]{3}\.pdf")
STANDALONE: Final = (
    *map(re.escape, (KEY_LIFE, STAMPS, RENEWALS, WORKBOOK, DICTIONARY, PROOF_OF_ALL, PAGE)),
    *(_VOLUME.pattern, _STAMP.pattern, _PROOF.pattern),
)
"""Patterns of the files that a package may have besides, whatever else it has; the seal says whether it does."""
BESIDE_SIGNED: Final = (*map(re.escape, (SETS, COPIES)), _COPY.pattern)
"""Patterns of those that one with signatures may have besides."""


def volume(number: int) -> str:
    """The name of a report's further volume, from 2 on."""
    return f"data/report-{number:03d}.pdf"


def copy(index: int, media_type: str) -> str:
    """The name of the file that entry `index` of the system log commits to."""
    return f"data/copies/{index}.{_ENDINGS.get(media_type, 'bin')}"


def known(name: str, signed: bool) -> bool:
    """Whether a package may have a file of this name; `signed`: one that has signatures."""
    if name in PAYLOAD | TAGS | SIGNED:
        return True
    return any(re.fullmatch(one, name) for one in (*STANDALONE, *(BESIDE_SIGNED if signed else ())))


def is_copy(name: str) -> bool:
    """Whether a file is the copy of a letter, or a scan."""
    return _COPY.fullmatch(name) is not None


def stamp(number: int, ending: str) -> str:
    """The name of a time-stamp's file (`tsr`), of its checkpoint's text (`checkpoint`), of its authority's (`pem`)."""
    return f"{STAMPS_FOLDER}/{number}.{ending}"


def is_stamp(name: str) -> bool:
    """Whether a file belongs to a time-stamp."""
    return _STAMP.fullmatch(name) is not None


def proof(index: int) -> str:
    """The name of the file with the proof of a record."""
    return f"{PROOFS_FOLDER}/{index}{SUFFIX}"


def is_proof(name: str) -> bool:
    """Whether a file is the proof of a record."""
    return _PROOF.fullmatch(name) is not None


class Description(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the package says that it is; the verifier compares each number with what it counts itself.

    `selection` is what was asked for. `undated`: records of occupied equipment that name no instant, `unmatched`: start
    and stop records that bound no interval; whether those belong cannot be judged. `possible`: records that happened
    between two looks and in the occupation only in part. `papers`: signatures by hand that are on file. `imported`:
    records of old audit trails, `imports`: entries about their imports, statements included; `marked`: records that
    were collected while their source was to be validated anew, `lives`: entries about what happened to the sources,
    `marks`: entries that say that records were entered by hand, checked or excluded. `deferrals`: entries by which
    findings about a batch were deferred, `answers`: by which was answered whether its review is complete.
    `copies`: of how many letters and scans `copies.jsonl` tells; None: of a package from before there were any.
    `time_stamps`: of how many `timestamps.jsonl` tells, `renewals` of how many `timestamp-renewals.jsonl` does.
    `proofs`: records of which it has a file with the proof, `proof_of_all`: it has one of all. `asked_by`, `asked_why`:
    who asked for the package, and why, as far as it was told; `asked_authenticated`: they had proven who they are.
    `rules`: so many rules, by which records are derived to belong, it holds; None: it is from before packages held any.
    `disposed`: records of the selection that were disposed of, `disposed_elsewhere`: others of the log, of which nobody
    can tell whether they belonged.
    """

    schema: str
    package: str
    product: str
    origin: str
    size: Index
    root: Digest
    gathered_at: str
    selection: dict[str, Any]
    disclosed: bool
    records: Index
    read: Index
    derived: Index
    uncertain: Index
    undated: Index
    unmatched: tuple[Index, ...]
    originals: Index
    originals_withheld: Index
    runs: Index
    sources: tuple[str, ...]
    verification: Index | None
    possible: Index = 0
    signatures: Index = 0
    papers: Index = 0
    imported: Index = 0
    imports: Index = 0
    marked: Index = 0
    lives: Index = 0
    marks: Index = 0
    deferrals: Index = 0
    answers: Index = 0
    copies: Index | None = None
    time_stamps: Index = 0
    renewals: Index = 0
    rules: Index | None = None
    proofs: Index = 0
    proof_of_all: bool = False
    asked_by: str = ""
    asked_authenticated: bool = False
    asked_why: str = ""
    disposed: Index = 0
    disposed_elsewhere: Index = 0


SCHEMA: Final = "evidence-package/1"


def encode_description(description: Description) -> bytes:
    """The file `package.json`: canonical JSON and a line feed."""
    return canonical.dumps(msgspec.to_builtins(description)) + b"\n"


def decode_description(data: bytes) -> Description:
    """Reads `package.json` strictly; raises NotCanonical."""
    value = canonical.require_canonical(data.removesuffix(b"\n"))
    try:
        found = msgspec.convert(value, Description)
    except msgspec.ValidationError as error:
        raise NotCanonical(f"not a package's description: {error}") from None
    if found.schema != SCHEMA or not data.endswith(b"\n"):
        raise NotCanonical(f"not a description of schema {SCHEMA}")
    return found


def keys_text(log_key: str, report_key: str) -> bytes:
    """The file `keys.txt`: for reading and comparing. A key from inside a package authenticates nothing."""
    return f"log {log_key}\nreport {report_key}\n".encode()


def seal_payload(description: Description, files: Mapping[str, Digests]) -> dict[str, object]:
    """What the report key signs: the digests of both bag manifests, and that of every file, so that it can be named."""
    covered = {name: found.sha256 for name, found in files.items() if name not in (SEAL, *bag.TAG_MANIFESTS)}
    return {
        "package": description.package,
        "size": description.size,
        "root": description.root,
        "manifests": {name: covered.pop(name) for name in bag.MANIFESTS},
        "files": covered,
    }
