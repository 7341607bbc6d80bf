"""A witness without a network: the rules of the core over a state in memory, asked as one over HTTP is."""

import contextlib
from hashlib import sha256

from ledger.core.clock import MICROSECONDS, WallClock
from ledger.core.cosignature import CosignatureSigner
from ledger.core.hashing import EMPTY_ROOT
from ledger.core.note import NoteSignature, Verifier
from ledger.core.outside import NOTHING, FromOutside
from ledger.core.policy import Policy
from ledger.core.witness_policy import RunBy, WitnessAbout, WitnessRole
from ledger.core.witnessing import (
    AddCheckpoint,
    Answer,
    Cosign,
    Head,
    WitnessUnreachable,
    accepted,
    judge,
    note_of,
)
from ledger.domains import assembly
from ledger.integrity.verifier import VerificationReport
from ledger.integrity.verifier import Verifier as LedgerVerifier
from ledger.trust.kept import Kept
from ledger.trust.publisher import Publisher
from ledger.trust.rollback import Rollback
from ledger.trust.signed import SignedState
from ledger.trust.signer import Signer
from ledger.trust.witnesses import Witnesses
from tests.support.ledgers import AUTHORITY, Ledger

NOWHERE = "http://127.0.0.1:9"
"""Where nobody listens: these witnesses are asked without a network."""
NOBODY = Head(size=0, root=EMPTY_ROOT)


class HandWitness:
    """Cosigns what continues what it saw; `down`: it does not answer; `ahead_s`: its clock is off by so much."""

    def __init__(self, name: str, log_keys: tuple[Verifier, ...], clock: WallClock) -> None:
        self.signer = CosignatureSigner(name, sha256(name.encode()).digest())
        self.keys = {key.name: [key] for key in log_keys}
        self.heads: dict[str, Head] = {}
        self.notes: dict[str, bytes] = {}
        self.clock = clock
        self.ahead_s = 0
        self.down = False

    @property
    def vkey(self) -> str:
        return str(self.signer.verifier)

    def answer(self, request: AddCheckpoint) -> Answer:
        """What it says of a request, and remembers."""
        origin = request.checkpoint.origin
        found = judge(request, self.keys.get(origin, []), self.heads.get(origin, NOBODY))
        if not isinstance(found, Cosign):
            return Answer.of_refusal(found)
        line = self.signer.sign(found.checkpoint, self.clock.now_us() // MICROSECONDS + self.ahead_s)
        self.heads[origin], self.notes[origin] = found.head, note_of(found, [line])
        return Answer.of_lines([line])

    def add_checkpoint(self, request: AddCheckpoint) -> tuple[NoteSignature, ...]:
        self._require_up()
        return accepted(request, self.answer(request), self.signer.verifier)

    def checkpoint(self, origin: str) -> bytes | None:
        self._require_up()
        return self.notes.get(origin)

    def _require_up(self) -> None:
        if self.down:
            raise WitnessUnreachable(f"witness {self.signer.verifier.name} does not answer")


class Trust:
    """A ledger's publisher with witnesses that need no network; `policy` makes their policy that of the ledger."""

    def __init__(self, ledger: Ledger, *witnesses: HandWitness) -> None:
        self.ledger = ledger
        self.by_name = {one.signer.verifier.name: one for one in witnesses}
        service = ledger.service
        self.state, self.kept = SignedState(service.folder / "signed"), Kept(service.folder / "kept")
        self.witnesses = Witnesses(service.store, self.kept, service.verifiers, self._client)
        self.rollback = Rollback(self.witnesses, self.state, self.kept, service.verifiers)
        self.publisher = self.begin()

    def begin(self) -> Publisher:
        """A publisher as another process would have it."""
        service = self.ledger.service
        signer = Signer(service.store, service.keys, self.state, self.witnesses, self.rollback)
        self.publisher = Publisher(service.store, signer, self.state, self.witnesses)
        return self.publisher

    def policy(self, text: str | None = None, reachable: bool = True) -> int:
        """Enters a policy; without a text all witnesses have to cosign."""
        lines = [f"witness {name} {one.vkey}{f' {NOWHERE}' if reachable else ''}" for name, one in self._all()]
        members = " ".join(name for name, _ in self._all())
        chosen = text or "\n".join([*lines, f"group every all {members}", "quorum every"])
        run_by = RunBy(operator="site", administrator="site IT", host="server 1")
        about = tuple(
            WitnessAbout(
                witness=name,
                role=WitnessRole.QA,
                run_by=RunBy(operator=f"operator of {name}", administrator=f"people of {name}", host=f"host of {name}"),
            )
            for name in Policy.parse(chosen).witnesses
        )
        return self.witnesses.set_policy(chosen, run_by, about, "asked for by quality", AUTHORITY)

    def verify(self, log: int, *levels: int, outside: FromOutside = NOTHING) -> VerificationReport:
        """What a run over a log finds, by these witnesses and by what is brought along."""
        service = self.ledger.service
        verifier = LedgerVerifier(service.store, assembly, lambda data: data, 1, self.rollback.judge)
        with contextlib.closing(verifier):
            return verifier.run(self.ledger.store.logs()[log], levels=levels, outside=outside)

    def _all(self) -> list[tuple[str, HandWitness]]:
        return sorted(self.by_name.items())

    def _client(self, url: str, key: Verifier, timeout: float) -> HandWitness:
        return self.by_name[key.name]


def two_witnesses(ledger: Ledger) -> tuple[HandWitness, HandWitness]:
    """Witnesses of quality and of the customer that know the ledger's logs."""
    keys = tuple(key for log in ledger.store.logs() for key in ledger.service.verifiers(log))
    return HandWitness("qa", keys, ledger.clock), HandWitness("customer", keys, ledger.clock)
