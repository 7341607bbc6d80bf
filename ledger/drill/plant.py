"""What is attacked: a ledger with an origin, keys, people and witnesses of its own, and a sample of real records.

The attacker has all of its folder; the witnesses and the policy that names them lie outside.
"""

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.hashing import EMPTY_ROOT
from ledger.core.note import NoteSignature, Verifier
from ledger.core.policy import Policy
from ledger.core.record import Record, Submission
from ledger.core.run import RunBatch
from ledger.core.source import PUSH, SourceConfig
from ledger.core.witness_policy import RunBy, WitnessAbout, WitnessRole
from ledger.core.witnessing import AddCheckpoint, Head, accepted, origin_digest
from ledger.creating import create
from ledger.demo_staff import Staff
from ledger.drill.clock import DrillClock
from ledger.people.passwords import Effort
from ledger.people.totp import STEP_S
from ledger.service import Service
from ledger.settings import Settings
from ledger.signing.person_keys import Sealing
from ledger.trust.kept import Kept
from ledger.trust.publisher import Publisher
from ledger.trust.rollback import Rollback
from ledger.trust.signed import SignedState
from ledger.trust.signer import Signer
from ledger.trust.witness.acting import Witness
from ledger.trust.witness.folder import Settings as WitnessSettings
from ledger.trust.witness.folder import WitnessFolder
from ledger.trust.witness.statement import Statement
from ledger.trust.witnesses import Witnesses

SOURCE: Final = "drill"
WITNESSES: Final = {"qa": WitnessRole.QA, "customer": WitnessRole.CUSTOMER}
A_RUN: Final = 12
"""Records between two checkpoints."""
_NOWHERE: Final = "http://127.0.0.1:9"
"""The address in the policy: these witnesses are asked in this process, and by no network."""
_QUICK: Final = Sealing(memory_kib=8, time=1)
"""The copy's secrets are good for nothing: no time is spent on guessing them being slow."""
_LIGHT: Final = Effort(rounds=1, memory_kib=8, refusal_s=0.0)


class Outside:
    """The witnesses, in folders that the attacker does not have, and the policy as quality keeps it."""

    def __init__(self, folder: Path, clock: DrillClock) -> None:
        self._folder = folder
        self._clock = clock
        self.pinned: tuple[str, ...] = ()
        for name in WITNESSES:
            if not (folder / name).exists():
                about = Statement(operator=name, administrator=name, host=name, identity_provider="none")
                WitnessFolder.create(folder / name, WitnessSettings(name=f"drill.example/{name}", statement=about))
        self._made = {name: WitnessFolder(folder / name) for name in WITNESSES}

    def know(self, service: Service) -> None:
        """Makes the ledger's logs known to the witnesses, and pins its keys."""
        keys = {log.origin: service.verifiers(log) for log in service.logs.values()}
        for made in self._made.values():
            for origin, known in keys.items():
                made.states.add(origin, known, Head(size=0, root=EMPTY_ROOT))
        self.pinned = tuple(str(key) for known in keys.values() for key in known)

    @property
    def lines(self) -> str:
        """The witnesses and their quorum, in the words of C2SP tlog-policy."""
        named = [f"witness {name} {made.signers[0].verifier} {_NOWHERE}" for name, made in self._made.items()]
        return "\n".join([*named, f"group both all {' '.join(WITNESSES)}", "quorum both", ""])

    @property
    def policy(self) -> Policy:
        """What quality keeps: keys and witnesses."""
        return Policy.parse("".join(f"log {key}\n" for key in self.pinned) + self.lines)

    def ask(self, _url: str, key: Verifier, _timeout: float) -> "_Asked":
        """The witness of a key."""
        made = next(one for one in self._made.values() if str(one.signers[0].verifier) == str(key))
        return _Asked(made, self._clock)

    def copied(self, folder: Path) -> "Outside":
        """The same witnesses with what they remember now, for one attack."""
        shutil.copytree(self._folder, folder)
        made = Outside(folder, self._clock)
        made.pinned = self.pinned
        return made

    def stolen(self, folder: Path) -> "Outside":
        """Witnesses with the same keys and no memory, as a thief has them."""
        for name in WITNESSES:
            (folder / name).mkdir(parents=True, mode=0o700)
            shutil.copy(self._folder / name / "witness.json", folder / name)
            shutil.copytree(self._folder / name / "keys", folder / name / "keys")
            (folder / name / "logs").mkdir(mode=0o700)
        made = Outside(folder, self._clock)
        made.pinned = self.pinned
        return made


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """What came of building: the indices of the record entries, and what the drill's people know and have."""

    entries: tuple[int, ...]
    secrets: Mapping[str, Mapping[str, str]]


class _Asked:
    """A witness asked without a network: what it answers is what it would answer over HTTP."""

    def __init__(self, made: WitnessFolder, clock: DrillClock) -> None:
        self._made = made
        self._witness = Witness(made.states, made.signers, clock)

    def add_checkpoint(self, request: AddCheckpoint) -> tuple[NoteSignature, ...]:
        return accepted(request, self._witness.answer(request.encode()), self._made.signers[0].verifier)

    def checkpoint(self, origin: str) -> bytes | None:
        return self._made.states.published(origin_digest(origin))


class Trust:
    """A ledger's publisher and judge of rollback, with the witnesses outside."""

    def __init__(self, service: Service, outside: Outside) -> None:
        state, kept = SignedState(service.folder / "signed"), Kept(service.folder / "kept")
        self.witnesses = Witnesses(service.store, kept, service.verifiers, outside.ask)
        self.rollback = Rollback(self.witnesses, state, kept, service.verifiers)
        signer = Signer(service.store, service.keys, state, self.witnesses, self.rollback)
        self.publisher = Publisher(service.store, signer, state, self.witnesses)


def open_ledger(folder: Path, clock: DrillClock) -> Service:
    """The copy, opened."""
    return Service(folder, clock, effort=_LIGHT, sealing=_QUICK)


def build(
    folder: Path,
    origin: str,
    records: Sequence[Record],
    clock: DrillClock,
    outside: Outside,
    *,
    stolen: bool = False,
    asks: bool = True,
    halfway: Callable[[], None] = lambda: None,
) -> Built:
    """Makes the ledger: people, records with a checkpoint every few, and signatures over the first of them.

    `stolen`: the logs' keys lie in the folder already. `asks`: witnesses are asked. `halfway` is called when half of
    the records are in, while nothing is open.
    """
    begun = Authority(actor="local:drill", authenticated=False)
    with closing(create(folder, Settings(origin=origin), begun, clock, _LIGHT, _QUICK, take_keys=stolen)) as service:
        publisher = service.publisher
        if asks:
            outside.know(service)
            about = [
                WitnessAbout(witness=name, role=role, run_by=RunBy(operator=name, administrator=name, host=name))
                for name, role in WITNESSES.items()
            ]
            here = RunBy(operator="drill", administrator="drill", host="drill")
            trust = Trust(service, outside)
            trust.witnesses.set_policy(outside.lines, here, about, "drill", begun)
            publisher = trust.publisher
        publisher.publish_all()
        staff = Staff(service, publisher.publish_all, lambda: clock.pass_over(STEP_S))
        staff.found(utc_text(clock.now_us())[:10])
        service.sources.register(SourceConfig(id=SOURCE, type=PUSH, title="Drill"), begun)
        half = len(records) // 2
        entries = _submit(service, publisher, records, 0, half)
        staff.sign_off(service.log().name, tuple(entries[:A_RUN]), "drill")
        publisher.publish_all()
        secrets = {account: member.shown() for account, member in staff.members.items()}
    halfway()
    with closing(open_ledger(folder, clock)) as service:
        publisher = Trust(service, outside).publisher if asks else service.publisher
        entries += _submit(service, publisher, records, half, len(records))
    return Built(entries=tuple(entries), secrets=secrets)


def _submit(service: Service, publisher: Publisher, records: Sequence[Record], low: int, high: int) -> list[int]:
    found = []
    for at in range(low, high, A_RUN):
        now = utc_text(service.clock.now_us())
        batch = RunBatch(
            source=SOURCE,
            submissions=tuple(Submission(record=one, received_at=now) for one in records[at : min(high, at + A_RUN)]),
            started_at=now,
            ended_at=now,
            cursor_from=service.ingest.state(SOURCE).cursor,
            cursor_to=str(at),
        )
        receipt = service.ingest.submit(batch, service.people.local("drill"))
        found += [one.index for one in receipt.outcomes]
        publisher.publish_all()
    return found


def drilled(records: Iterable[Record]) -> list[Record]:
    """Records as the drill's own source gives them, each with an id of its own."""
    return [msgspec.structs.replace(one, source=SOURCE, source_record_id=f"{at}") for at, one in enumerate(records)]
