"""One witness, killed again and again while two askers show it differing views of a log, and looked at each time."""

import random
import re
import threading
import time
from pathlib import Path

from ledger.core.checkpoint import Checkpoint
from ledger.core.note import sign_note
from ledger.core.witnessing import AddCheckpoint, WitnessElsewhere, WitnessError, WitnessUnreachable
from ledger.trust.witness.client import WitnessClient
from ledger.trust.witness.folder import WitnessFolder
from tests.property.core.naive import consistency, root
from tests.support.serving import START_SECONDS, Command, CommandFailed
from tests.support.witnessing import ShownLog, made_witness, own_keys

ASKERS = 2
MOST = 20
"""Cosignatures before a kill, and seconds that they may take."""
LONGEST = 0.02
"""Seconds from the last of them to the kill: within them are several requests."""
_ADDRESS = re.compile(rb"^Witness \S+ at (http://\S+)$", re.MULTILINE)
_History = list[bytes]


class Campaign:
    """Everything that was sent, and everything that the witness put its name to."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._log = ShownLog()
        self._path = folder / "w"
        self._output = folder / "witness.log"
        self._printed = 0
        self.witness = made_witness(self._path, self._log)
        self.dice = random.Random(seed)
        self.sent: dict[bytes, _History] = {root([]): []}
        self.cosigned: list[tuple[int, bytes]] = []
        self.refused = 0
        self._lock = threading.Lock()
        self._over = threading.Event()

    def round(self) -> None:
        """Starts the witness, asks, kills it, and looks at what it remembers."""
        command = self._begin()
        try:
            address = self._address(command)
            self._over.clear()
            seeds = [self.dice.getrandbits(31) for _ in range(ASKERS)]
            askers = [threading.Thread(target=self._ask, args=(address, seed)) for seed in seeds]
            for asker in askers:
                asker.start()
            enough = len(self.cosigned) + self.dice.randint(1, MOST)
            until = time.monotonic() + MOST
            while len(self.cosigned) < enough and time.monotonic() < until:
                time.sleep(0.001)
            time.sleep(self.dice.uniform(0.0, LONGEST))
        finally:
            command.kill()
            self._over.set()
        for asker in askers:
            asker.join()
        self.check()

    def end(self) -> int:
        """Starts it once more and ends it as an operator would; returns the exit code."""
        command = self._begin()
        self._address(command)
        return command.end()

    def _begin(self) -> Command:
        # A witness loads so little that a process that has loaded everything would take longer to come about.
        return Command(["witness", "serve", str(self._path), "--port", "0"], self._output, warm=False)

    def check(self) -> None:
        """What was cosigned is one growing history, and the witness remembers all of it."""
        held = self._held()
        for size, signed_root in self.cosigned:
            assert len(held) >= size, f"it remembers size {len(held)}, but cosigned {size}"
            assert root(held[:size]) == signed_root, f"it remembers another history than it cosigned at size {size}"

    def _held(self) -> _History:
        head = WitnessFolder(self._path).states.read(self._log.origin).head
        history = self.sent[head.root]
        assert len(history) == head.size
        return history

    def _ask(self, address: str, seed: int) -> None:
        dice = random.Random(seed)
        client = WitnessClient(address, own_keys(self.witness)[0], 10)
        held = self._held()
        while not self._over.is_set():
            request, history = self._request(held, dice)
            try:
                client.add_checkpoint(request)
            except WitnessElsewhere:
                held = self._held()
            except WitnessUnreachable:
                break
            except WitnessError:
                self.refused += 1
            else:
                held = history
                with self._lock:
                    self.cosigned.append((len(history), root(history)))
        client.close()

    def _request(self, held: _History, dice: random.Random) -> tuple[AddCheckpoint, _History]:
        """Mostly what goes on from `held`, each time differently; now and then what leaves it earlier."""
        kept = len(held) if dice.random() < 0.8 else dice.randint(0, len(held))
        added = dice.randint(0, 3) + len(held) - kept
        history = [*held[:kept], *(dice.randbytes(32) for _ in range(added))]
        with self._lock:
            self.sent[root(history)] = history
        checkpoint = Checkpoint(origin=self._log.origin, size=len(history), root=root(history))
        proof = tuple(consistency(len(held), history)) if held else ()
        note = sign_note(checkpoint.text(), [self._log.signer])
        return AddCheckpoint(old=len(held), proof=proof, note=note), history

    def _address(self, command: Command) -> str:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and command.exit_code is None:
            found = _ADDRESS.search(command.printed()[self._printed :])
            if found:
                self._printed = len(command.printed())
                return found[1].decode()
            time.sleep(0.005)
        raise CommandFailed(f"the witness did not start:\n{command.tail()}")


def run(kills: int, seed: int, folder: Path) -> Campaign:
    """A witness killed so often; raises AssertionError where it cosigned two views, or forgot one."""
    campaign = Campaign(folder, seed)
    for _ in range(kills):
        campaign.round()
    return campaign


def says(campaign: Campaign) -> str:
    """One line for a report."""
    return f"{len(campaign.cosigned)} checkpoints cosigned, {campaign.refused} views refused"
