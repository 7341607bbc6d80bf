"""A step is answered as everything is signed: prepared and shown, then completed; with the decision in one transaction.

Who may not sign is told before anything is prepared, and the attempt is entered; under the head lock all is judged
again.
"""

from typing import Final

import msgspec

from ledger.core.address import Address
from ledger.core.authority import Authority
from ledger.core.errors import AccessDenied, NotFound
from ledger.core.progress import DECLINED
from ledger.core.signature import ExternalProof, Mode, PasskeyProof, ProviderProof
from ledger.core.workflow import DecisionEvent
from ledger.people.access import Caller
from ledger.signing.decisions import Decisions, Signed
from ledger.signing.factors import Shown
from ledger.signing.lists import ENGLISH, REQUEST
from ledger.signing.requests import Requests
from ledger.signing.signatures import Asked, Signatures, ToSign
from ledger.store.logs import choose
from ledger.store.store import Store

_NOBODY: Final = NotFound("nothing of that id is waiting to be signed", advice="It may be over: begin again.")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody answers a step: `decline`, or sign with the step's meaning; for which reason of the site's list, and
    in what words of their own. `on_behalf_of`: in whose place. `mode`: by which sort of key.
    """

    reason: str
    added: str | None = None
    decline: bool = False
    on_behalf_of: str | None = None
    language: str = ENGLISH
    mode: Mode | None = None


class Answering:
    """Safe to use from any number of threads; completing by a sealed key takes Argon2's time."""

    def __init__(self, store: Store, requests: Requests, decisions: Decisions, signatures: Signatures) -> None:
        self._store = store
        self._requests = requests
        self._decisions = decisions
        self._signatures = signatures

    def prepare(
        self,
        request: str,
        step: str,
        answer: Answer,
        caller: Caller | None,
        network: str | None = None,
        signer: str | None = None,
        asking: Authority | None = None,
    ) -> ToSign:
        """What would be signed for a step, put before the signer.

        `signer`: another person at the caller's terminal; without a caller `asking` is who has the ledger's folder.
        Raises NotFound, and as `Decisions.sign` for who may not, which is entered; and as `Signatures.prepare`.
        """
        event = DecisionEvent.DECLINED if answer.decline else DecisionEvent.SIGNED
        asks = asking if caller is None else caller.authority
        if asks is None or (caller is None and signer is None):
            raise AccessDenied("only a person signs", advice="Sign in as yourself.")
        actor = msgspec.structs.replace(asks, actor=signer or asks.actor, authenticated=True)
        delegation = self._decisions.require(event, request, step, actor, answer.on_behalf_of, asks)
        running = self._requests.get(request)
        standing = running.progress.step(step)
        if standing is None:
            raise NotFound(f"the route has no step {step!r}")
        target = running.request.target
        system = choose(self._store.logs(), running.address.rpartition("#")[0])
        return self._signatures.prepare(
            caller,
            Asked(
                log=choose(self._store.logs(), target.origin).name,
                entries=target.entries,
                runs=target.runs,
                action=REQUEST,
                meaning=DECLINED if answer.decline else standing.step.meaning,
                reason=answer.reason,
                added=answer.added,
                language=answer.language,
                role=standing.step.role,
                mode=answer.mode,
                name=target.id,
                sort=target.sort,
                request=running.address,
                on_behalf_of=answer.on_behalf_of,
                delegation=None if delegation is None else str(Address(system.origin, delegation)),
                task=(request, step),
            ),
            network,
            signer,
        )

    def complete(
        self,
        request: str,
        step: str,
        ident: str,
        digest: str,
        shown: Shown,
        proof: PasskeyProof | ProviderProof | ExternalProof | None = None,
        caller: Caller | None = None,
        network: str | None = None,
    ) -> int:
        """Enters signature and decision together; returns the decision's entry. Raises as `Signatures.make`, and as
        `Decisions.sign`; a signature that was prepared for something else is not completed here.
        """
        running = self._requests.get(request)
        if self._signatures.waiting(ident).statement.request != running.address:
            raise _NOBODY
        made = self._signatures.make(ident, digest, shown, proof, caller, network)
        said = made.entry.statement
        signed = Signed(draft=made.draft, before=made.before)
        reason = said.reason.text if said.reason.added is None else f"{said.reason.text}: {said.reason.added}"
        enter = self._decisions.decline if said.meaning.code == DECLINED else self._decisions.sign
        return enter(request, step, signed, reason, said.on_behalf_of)
