"""What errors of the interpreter, the system and libraries say of want of memory."""

import errno
import re
from typing import Final

_SAID: Final = re.compile(r"can't start new thread|failed to map segment|cannot allocate memory", re.IGNORECASE)


def out_of_memory(error: BaseException) -> bool:
    """Whether want of memory is behind an error, or behind the one that it came up in dealing with."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, MemoryError) or (isinstance(cause, OSError) and cause.errno == errno.ENOMEM):
            return True
        # A thread has a stack of its own, and a library its place in memory.
        if isinstance(cause, RuntimeError | ImportError) and _SAID.search(str(cause)):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
