"""`trailseal show`: one entry at the terminal."""

from typing import Annotated

import typer

from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.searching import mark_lines, told
from ledger.core.address import Address
from ledger.core.entry import decode_leaf
from ledger.core.hashing import b64, leaf_hash
from ledger.integrity.doubts import Doubts
from ledger.present.doubts import doubt_sentence
from ledger.present.messages import message
from ledger.sources.hand_marks import marks_of
from ledger.sources.imports import archives
from ledger.sources.life_kinds import LifeState
from ledger.sources.marks import state_when_collected
from ledger.sources.resolved import resolve, resolved_person, resolved_place
from ledger.store import checkpoints
from ledger.store.disposed import state_of


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("show")(show)


def show(
    ledger: LedgerOption,
    index: Annotated[int, typer.Argument(help="The entry's index.", min=0)],
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """One entry: sentence, body, leaf data, and its proof under the latest checkpoint that covers it."""
    with opened(ledger) as service:
        chosen = service.log(log)
        with service.store.reader(chosen.number) as reader:
            stored = reader.entry(index)
            leaf = decode_leaf(stored.leaf)
            sentence, imported = told(service, reader, index, archives(reader.connection, chosen.number))
            covering = checkpoints.covering(reader.connection, chosen.number, index)
            state, gone = state_of(reader.connection, chosen.number, index, stored.body)
            proof = [] if covering is None else reader.inclusion(index, covering.size)
            body = None if stored.body is None else service.store.kinds[leaf.kind].decode(stored.body)
            resolved = resolve(reader.connection, chosen.number, index, body)
            source_state = state_when_collected(reader.connection, chosen.number, index, body)
            marks = marks_of(reader.connection, chosen, [index]).get(index)
            doubted = Doubts(reader.connection, service.store.kinds).of_entry(chosen, index, body)
        answer = {
            "address": str(Address(chosen.origin, index)),
            "kind": leaf.kind,
            "state": state.value,
            "disposed_by": None if gone is None else str(Address(service.system.origin, gone.entry)),
            "sentence": sentence,
            "imported": imported,
            "source_state": source_state,
            "resolved": resolved,
            "marks": marks,
            "logged_at": leaf.logged_at,
            "leaf": stored.leaf.decode(),
            "leaf_hash": b64(leaf_hash(stored.leaf)),
            "salt": None if stored.salt is None else b64(stored.salt),
            "body": None if stored.body is None else stored.body.decode(),
            "checkpoint": None if covering is None else covering.note.decode(),
            "inclusion_proof": [b64(node) for node in proof],
            "doubts": doubted,
        }
    if as_json:
        say_json(answer)
        return
    say(sentence)
    if imported:
        say("This record was imported from an old audit trail; it was not collected live (`trailseal imports list`).")
    if source_state is LifeState.REVALIDATE:
        say(message("entry.waiting"))
    for line in mark_lines(marks):
        say(line)
    for one in doubted:
        say(doubt_sentence(one))
    for key, value in (*resolved_person(resolved), *resolved_place(resolved)):
        say(f"{message(key)}: {value}")
    for name in ("address", "kind", "state", "logged_at", "leaf_hash", "leaf", "salt", "body"):
        say(f"{name:10} {answer[name]}")
    if covering is None:
        say("No checkpoint covers this entry yet.")
    else:
        say(f"Under the checkpoint of size {covering.size}; inclusion proof:")
        for node in proof:
            say(f"  {b64(node)}")
