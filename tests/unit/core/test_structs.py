"""Threads that begin together may all decode the same struct, first of all."""

import subprocess
import sys
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING

import msgspec

from ledger.core.structs import make_ready

if TYPE_CHECKING:
    from decimal import Decimal

ROUNDS = 100
"""Structs of their own; without `make_ready` the process dies in the first few."""
PROGRAM = f"""
import sys, threading, types
import msgspec
from ledger.core.structs import make_ready

sys.setswitchinterval(1e-6)
fields = "".join(f"    f{{k}}: Annotated[int, msgspec.Meta(ge=0)]\\n" for k in range(20))
nested = "".join(f"    b{{k}}: Inner | None\\n" for k in range(20))
source = (
    "from __future__ import annotations\\nfrom typing import Annotated\\nimport msgspec\\n"
    f"class Inner(msgspec.Struct):\\n{{fields}}class Outer(msgspec.Struct):\\n{{nested}}"
)
value = {{f"b{{k}}": {{f"f{{k}}": k for k in range(20)}} for k in range(20)}}
text = msgspec.json.encode(value)

def use(outer, start, how):
    start.wait()
    if how:
        msgspec.convert(value, outer)
    else:
        msgspec.json.decode(text, type=outer)

for number in range({ROUNDS}):
    module = types.ModuleType(f"structs_{{number}}")
    sys.modules[module.__name__] = module
    exec(source, module.__dict__)
    make_ready()
    start = threading.Barrier(4)
    threads = [threading.Thread(target=use, args=(module.Outer, start, one % 2)) for one in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_structs_that_were_made_ready_are_used_by_threads_at_once() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, timeout=60)
    assert ended.returncode == 0, ended.stderr.decode()


class _OnlyMade(msgspec.Struct):
    """Never decoded: the name stands for a type that is not loaded."""

    price: "Decimal"


class _OnlyMadeToo(msgspec.Struct):
    """Nor is this: msgspec has no way to tell one type from the other."""

    networks: tuple[IPv4Network | IPv6Network, ...]


def test_a_struct_that_cannot_be_decoded_keeps_no_other_from_being_made_ready() -> None:
    make_ready()
    assert _OnlyMade(price=0).price == 0  # type: ignore[arg-type]
    assert _OnlyMadeToo(networks=()).networks == ()
