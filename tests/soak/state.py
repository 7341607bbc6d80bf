"""What a soak run has done, kept in a file so that a run that was broken off goes on where it stopped."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]
_CODE = ("ledger", "collectors", "reports", "deploy", "tests")


class StepResult(msgspec.Struct, frozen=True, kw_only=True):
    """One finished step: how much it did, how long it took, and what failed (empty: nothing)."""

    done: int
    seconds: float
    says: str
    error: str


class State(msgspec.Struct, kw_only=True):
    """A run: of which code, from which seed, and the results of its steps by part and step."""

    code: str
    seed: int
    parts: dict[str, dict[str, StepResult]] = {}

    def result(self, part: str, step: str) -> StepResult | None:
        return self.parts.get(part, {}).get(step)

    def add(self, file: Path, part: str, step: str, result: StepResult) -> None:
        """Takes a step's result; durable once it returns."""
        self.parts.setdefault(part, {})[step] = result
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        with new.open("wb") as out:
            out.write(msgspec.json.format(msgspec.json.encode(self), indent=1))
            out.flush()
            os.fsync(out.fileno())
        new.replace(file)


def resumed(file: Path) -> State | None:
    """The run in a file, if it was of this very code; None where there is nothing to go on from."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=State)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return found if found.code == code_digest() else None


def code_digest() -> str:
    """SHA-256 over all code that a run exercises: results of other code say nothing of this one."""
    total = sha256()
    for path in _files():
        total.update(f"{path.relative_to(ROOT)}\n".encode() + sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _files() -> Iterator[Path]:
    for folder in _CODE:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path
