"""The modules of ASN.1 structures, `rfc5652` and the like, each loaded when it is first asked for.

Together they take a fifth of the time in which a process starts, and only signatures made elsewhere need them.
"""

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    if not name.startswith("rfc"):
        raise AttributeError(name)
    module = importlib.import_module(f"pyasn1_modules.{name}")
    globals()[name] = module
    return module
