"""`python -m tests.oracle LOG --vkey KEY`: exit code 0 when all of it verifies, 1 with what does not."""

import argparse
import sys
from pathlib import Path

from tests.oracle.audit import audit
from tests.oracle.errors import NotVerified
from tests.oracle.note import VerifierKey
from tests.oracle.proof import check_proof
from tests.oracle.source import Folder, Http


def main(arguments: list[str] | None = None) -> int:
    """Audits a log, or checks one proof bundle."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracle", description="An independent C2SP client.")
    parser.add_argument("log", help="folder or http:// prefix of a log; with --entry: a .tlog-proof file")
    parser.add_argument("--vkey", action="append", required=True, help="a trusted key of the log or a witness")
    parser.add_argument("--origin", help="the log's origin, if it is not the name of its key")
    parser.add_argument("--entry", type=Path, help="check that this file's content is the proven entry")
    parser.add_argument("--quorum", type=int, default=0, help="witnesses that a proof has to carry (default: 0)")
    given = parser.parse_args(arguments)
    try:
        keys = [VerifierKey.parse(text) for text in given.vkey]
        if given.entry:
            proof, entry = Path(given.log).read_bytes(), given.entry.read_bytes()
            checkpoint = check_proof(proof, entry, keys, given.origin, given.quorum)
        else:
            source = Http(given.log) if given.log.startswith(("http://", "https://")) else Folder(Path(given.log))
            checkpoint = audit(source, keys, given.origin)
    except NotVerified as error:
        print(f"not verified: {error}", file=sys.stderr)
        return 1
    signers = ", ".join(signature.key.name for signature in checkpoint.signatures)
    print(
        f"verified: {checkpoint.origin}, {checkpoint.size} entries, root {checkpoint.root.hex()}, signed by {signers}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
