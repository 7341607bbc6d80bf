"""A forger with keys of their own: puts a package's entries into another log that is whole in itself."""

import io
import json
from typing import Any

from ledger.core import canonical
from ledger.core.checkpoint import Checkpoint
from ledger.core.entry import decode_leaf, encode_leaf
from ledger.core.hashing import ZERO_HASH, b64, body_commitment, leaf_hash, run_chain, unb64
from ledger.core.merkle import inclusion_proof, root_of
from ledger.core.note import NoteSigner, Signer, sign_note
from reports import layout
from reports.lines import RecordLine, decode_line
from reports.proof_of_all import ProofOfAll
from reports.tables import csv_chunks, row
from tests.integration.reports.repack import Files


class _Tree:
    def __init__(self, hashes: list[bytes]) -> None:
        self._hashes = hashes

    def subtree(self, level: int, index: int) -> bytes:
        return root_of(self._hashes[index << level : (index + 1) << level])


def rebuild(files: Files, log: Signer, report: NoteSigner) -> Files:
    """The files with every entry in a new tree, one run for all records of a source, and the forger's keys."""
    records = [json.loads(line) for line in files[layout.RECORDS].splitlines()]
    entries = [json.loads(line) for line in files[layout.ENTRIES].splitlines()]
    entries = [entry for entry in entries if entry["role"] in ("log", "report-key", "source")]
    entries[0]["body"]["key"] = str(log.verifier)
    entries[1]["body"]["key"] = str(report.verifier)
    renumbered = {record["index"]: at for at, record in enumerate(records, start=len(entries))}
    for record in records:
        why = record.get("why")
        if why is not None:
            for name in ("started_by", "stopped_by"):
                why[name] = renumbered[why[name]]
    runs: list[dict[str, Any]] = []
    hashes: list[bytes] = []
    for at, entry in enumerate([*entries, *records]):
        hashes.append(_place(entry, at, hashes[-1] if hashes else ZERO_HASH))
    chain = ZERO_HASH
    for leaf in hashes[len(entries) :]:
        chain = run_chain(chain, leaf)
    body = {"schema": "collection-run/1", "source": "dcs", "started_at": "", "ended_at": "", "first": len(entries)}
    body |= {"records": len(records), "previous": None, "chain": b64(chain), "cursor_from": None, "cursor_to": None}
    salt = b64(bytes(32))
    kind = {"leaf": {"kind": "collection-run", "logged_at": records[-1]["leaf"]["logged_at"]}}
    run: dict[str, Any] = {"role": "run", "body": body, "salt": salt, **kind}
    hashes.append(_place(run, len(hashes), hashes[-1]))
    runs.append({"run": run["index"], "leaves": [b64(leaf) for leaf in hashes[len(entries) : -1]]})
    entries.append(run)
    size, root = len(hashes), root_of(hashes)
    for entry in (*entries, *records):
        entry["proof"] = [b64(item) for item in inclusion_proof(entry["index"], size, _Tree(hashes))]
    description = json.loads(files[layout.DESCRIPTION])
    description |= {"size": size, "root": b64(root), "runs": 1, "verification": None}
    text = Checkpoint(origin=description["origin"], size=size, root=root).text()
    lines = b"".join(canonical.dumps(record) + b"\n" for record in records)
    rows = []
    for data in lines.splitlines():
        line = decode_line(data, RecordLine)
        rows.append(row(line, decode_leaf(bytes(line.leaf)), leaf_hash(bytes(line.leaf))))
    of_all = io.BytesIO()
    proof = ProofOfAll(of_all, size, len(rows))
    for one in rows:
        proof.record(one.line, one.leaf_hash)
    proof.finish()
    return {
        **files,
        **({layout.PROOF_OF_ALL: of_all.getvalue()} if layout.PROOF_OF_ALL in files else {}),
        layout.RECORDS: lines,
        layout.TABLE: b"".join(csv_chunks(rows)),
        layout.ENTRIES: b"".join(canonical.dumps(entry) + b"\n" for entry in entries),
        layout.RUNS: b"".join(canonical.dumps(one) + b"\n" for one in runs),
        layout.DESCRIPTION: canonical.dumps(description) + b"\n",
        layout.CHECKPOINT: sign_note(text, [log]),
        layout.KEYS: layout.keys_text(str(log.verifier), str(report.verifier)),
    }


def _place(entry: dict[str, Any], index: int, prev: bytes) -> bytes:
    commitment = b64(body_commitment(unb64(entry["salt"], 32), canonical.dumps(entry["body"])))
    leaf = encode_leaf(commitment, index, entry["leaf"]["kind"], entry["leaf"]["logged_at"], b64(prev))
    entry["index"], entry["leaf"] = index, json.loads(leaf)
    return leaf_hash(leaf)
