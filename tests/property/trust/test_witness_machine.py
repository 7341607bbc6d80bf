"""Random sequences of requests and of mishaps to a witness's folder, against a model that keeps every leaf.

Whatever befalls state *or* publication, and whatever the log's key signs: what was cosigned is one growing history, and
its times do not go back. (Both lost at once, and nothing carried in by hand, is what no witness can notice.)
"""

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger.core.checkpoint import Checkpoint
from ledger.core.cosignature import cosigned_at
from ledger.core.errors import LedgerError
from ledger.core.note import sign_note
from ledger.core.witnessing import AddCheckpoint, Head, accepted, origin_digest
from ledger.trust.witness.acting import CLOCK_SLACK_S, Witness
from ledger.trust.witness.folder import WitnessFolder
from tests.property.core.naive import consistency, leaves, root
from tests.support.ledgers import MovableClock
from tests.support.witnessing import ShownLog, made_witness, own_keys

LOG = ShownLog()
SECOND = 1_000_000
EXAMPLES = 300 if "TRAILSEAL_SOAK" in os.environ else 12
_LEAVES = leaves(2000)


class WitnessMachine(RuleBasedStateMachine):
    """One witness, which is opened anew for each request, as after a restart."""

    @initialize()
    def begin(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="trailseal-witness-"))
        self.clock = MovableClock()
        made_witness(self.path / "w", LOG)
        self.fresh = iter(_LEAVES)
        self.held: list[bytes] = []
        self.cosigned: list[tuple[list[bytes], int]] = []
        self.states: list[bytes] = []
        self.shown: list[bytes] = []
        self.sound = True

    def teardown(self) -> None:
        if hasattr(self, "path"):
            shutil.rmtree(self.path)

    @property
    def state(self) -> Path:
        return self.path / "w" / "logs" / origin_digest(LOG.origin) / "state.json"

    @property
    def published(self) -> Path:
        return self.path / "w" / "published" / origin_digest(LOG.origin) / "checkpoint"

    def ask(self, old: int, history: list[bytes]) -> int:
        """The status; what is cosigned is verified and kept."""
        head = Checkpoint(origin=LOG.origin, size=len(history), root=root(history))
        proof = tuple(consistency(old, history)) if 0 < old <= len(history) else ()
        request = AddCheckpoint(old=old, proof=proof, note=sign_note(head.text(), [LOG.signer]))
        witness = WitnessFolder(self.path / "w")
        answer = Witness(witness.states, witness.signers, self.clock).answer(request.encode())
        if answer.status == 200:
            (line,) = accepted(request, answer, *own_keys(witness))
            self.cosigned.append((history, cosigned_at(line)))
            self.held = history
            self.states.append(self.state.read_bytes())
            self.shown.append(self.published.read_bytes())
        return answer.status

    def late(self) -> bool:
        last = self.cosigned[-1][1] if self.cosigned else 0
        return self.clock.at_us // SECOND < last - CLOCK_SLACK_S

    def grown(self, kept: int, added: int) -> list[bytes]:
        return [*self.held[:kept], *(next(self.fresh) for _ in range(added))]

    @rule(added=st.integers(0, 4))
    def the_log_grows(self, added: int) -> None:
        expected = 503 if self.late() or not self.sound else 200
        assert self.ask(len(self.held), self.grown(len(self.held), added)) == expected

    @precondition(lambda self: self.held)
    @rule(data=st.data(), added=st.integers(1, 4))
    def the_log_shows_another_past(self, data: st.DataObject, added: int) -> None:
        kept = data.draw(st.integers(0, len(self.held) - 1))
        claimed = data.draw(st.sampled_from([len(self.held), kept]))
        history = self.grown(kept, len(self.held) - kept + added)
        assert self.ask(claimed, history) == (503 if not self.sound else 422 if claimed == len(self.held) else 409)

    @precondition(lambda self: self.cosigned)
    @rule(data=st.data())
    def the_log_shows_an_earlier_tree(self, data: st.DataObject) -> None:
        history, _ = data.draw(st.sampled_from(self.cosigned))
        if len(history) < len(self.held):
            assert self.ask(len(history), history) == (409 if self.sound else 503)

    @rule(seconds=st.integers(-200, 200))
    def the_clock_is_set(self, seconds: int) -> None:
        self.clock.at_us += seconds * SECOND

    @precondition(lambda self: self.sound and self.states)
    @rule(data=st.data())
    def an_earlier_state_is_restored(self, data: st.DataObject) -> None:
        state = data.draw(st.sampled_from([None, b"", *self.states]))
        if state is None:
            self.state.unlink()
        else:
            self.state.write_bytes(state)
        self.judge()

    @precondition(lambda self: self.sound and self.shown)
    @rule(data=st.data())
    def an_earlier_publication_is_restored(self, data: st.DataObject) -> None:
        shown = data.draw(st.sampled_from([b"", *self.shown]))
        newest = self.published.read_bytes()
        self.published.write_bytes(shown)
        self.judge()
        if self.sound:
            self.published.write_bytes(newest)

    @precondition(lambda self: not self.sound)
    @rule(data=st.data())
    def somebody_sets_it_right_by_hand(self, data: st.DataObject) -> None:
        """With the newest checkpoint; an earlier one is refused, or what the files hold says no more than it."""
        self.published.write_bytes(self.shown[-1])
        earlier = data.draw(st.sampled_from([history for history, _ in self.cosigned]))
        for history in (earlier, self.held):
            witness = WitnessFolder(self.path / "w")
            head = Head(size=len(history), root=root(history))
            try:
                witness.states.add(LOG.origin, [LOG.signer.verifier], head)
            except LedgerError:
                assert len(history) < len(self.held) or self.readable()
        self.sound = True
        assert self.readable()

    def readable(self) -> bool:
        try:
            return WitnessFolder(self.path / "w").states.read(LOG.origin).head.root == root(self.held)
        except LedgerError:
            return False

    def judge(self) -> None:
        """Whether what befell the folder changed what it remembers."""
        self.sound = self.readable()

    @invariant()
    def what_was_cosigned_is_one_growing_history(self) -> None:
        for (before, earlier), (after, later) in zip(
            getattr(self, "cosigned", []), getattr(self, "cosigned", [])[1:], strict=False
        ):
            assert after[: len(before)] == before
            assert later >= earlier


TestWitnessMachine = WitnessMachine.TestCase
TestWitnessMachine.settings = settings(parent=settings.default, max_examples=EXAMPLES, stateful_step_count=20)
