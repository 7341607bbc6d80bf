"""A published log whose key is rotated, for tests of who follows it from outside."""

from pathlib import Path

from ledger.core.note import NoteSigner
from ledger.trust.next_keys import load_next, prepare_next
from tests.support.published import AUTHORITY, Log


class Rotating:
    """A log with a next key at hand, one rotation after the other. It keeps every key, as a thief would have them."""

    def __init__(self, made: Log, folder: Path) -> None:
        self.log = made
        self._folder = folder
        self._next = folder / "next-0"
        self.signers = [made.service.keys.log_signer(made.id.name, made.id.origin)]
        digest = prepare_next(self._next, made.id.origin)
        made.service.key_life.pre_rotate(made.id, digest, "a next key", AUTHORITY)

    @property
    def keys(self) -> list[str]:
        """The verifier keys that the log had, in their order."""
        return [str(one.verifier) for one in self.signers]

    def rotate(self, revoke: bool = True) -> None:
        """Puts the promised key in place and, as it goes, revokes the one before."""
        made, seed = self.log, load_next(self._next, self.log.id.origin)
        self.signers.append(NoteSigner(made.id.origin, seed))
        self._next = self._folder / f"next-{len(self.signers)}"
        digest = prepare_next(self._next, made.id.origin)
        made.service.key_life.rotate(made.id, seed, digest, "due", AUTHORITY)
        if revoke:
            made.service.key_life.revoke(made.id, self.keys[-2], "over", AUTHORITY)

    def export(self, out: Path) -> Path:
        """Publishes the log as it is now to a folder."""
        self.log.export(self.log.service.publisher.publish(self.log.id), out)
        return out
