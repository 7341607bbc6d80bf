"""`trailseal …` in processes of its own, and the service among them: started, awaited, stopped and killed.

Most of what a command's start costs is the loading of modules, and making the server's routes. A *warm* command is
forked off a process that has done that and nothing else; a cold one is a new interpreter, as the shell starts it.
"""

import ctypes
import multiprocessing
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from collectors.demo.process import NO_TLS
from ledger.core.authority import Authority
from ledger.people.access import Scope
from ledger.service import Service

START_SECONDS = 60.0
INTERRUPTIBLE = ("env", "--default-signal=INT")
"""Before a command that is to hear Ctrl-C: what starts in the background of a shell is born deaf to it."""
END_SECONDS = 30.0
_ADDRESS = re.compile(rb"^Trailseal at (http://\S+)$", re.MULTILINE)
_PR_SET_PDEATHSIG = 1
_CLONE_NEWNET = 0x40000000
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(
    ["ledger.cli.app", "collectors.agent.run", "collectors.infra.tail", "tests.support.warmed", __name__]
)


class CommandFailed(RuntimeError):
    """A command did not do what it was started for; the message holds the end of what it printed."""


class StillRunning(CommandFailed):
    """A command did not end in the time it was given."""


class Command:
    """One `trailseal` process. What it prints, errors too, is added to `output`. It never outlives this process.

    A warm one may run in a network namespace of that name, and with so much address space (MiB) and no more `beyond`
    what it has before it begins.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        output: Path,
        *,
        warm: bool = True,
        namespace: str | None = None,
        beyond: int | None = None,
    ) -> None:
        assert warm or (namespace is None and beyond is None)
        self.output = output
        self._process: BaseProcess | subprocess.Popen[bytes]
        if warm:
            self._process = _forks.Process(target=_run, args=(list(arguments), str(output), namespace, beyond))
            self._process.start()
        else:
            command = [sys.executable, "-c", "from ledger.cli import main; main()", *arguments]
            with output.open("ab") as printed:
                self._process = subprocess.Popen(
                    ["setpriv", "--pdeathsig", "KILL", *command],
                    stdin=subprocess.DEVNULL,
                    stdout=printed,
                    stderr=printed,
                )

    @property
    def pid(self) -> int:
        pid = self._process.pid
        assert pid is not None
        return pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative when a signal ended it."""
        if isinstance(self._process, subprocess.Popen):
            return self._process.poll()
        return self._process.exitcode

    def printed(self) -> bytes:
        """All that this command, and any before it with the same output, has printed."""
        return self.output.read_bytes() if self.output.exists() else b""

    def wait(self, seconds: float = END_SECONDS) -> int:
        """The exit code, once the process has ended; raises StillRunning if it takes longer."""
        deadline = time.monotonic() + seconds
        while (code := self.exit_code) is None:
            if time.monotonic() > deadline:
                raise StillRunning(f"process {self.pid} does not end:\n{self.tail()}")
            time.sleep(0.002)
        return code

    def kill(self) -> None:
        """SIGKILL; returns once the process is gone. Without effect on one that has ended."""
        if self.exit_code is None:
            os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def end(self) -> int:
        """SIGTERM; the exit code once the process has ended by itself."""
        if self.exit_code is None:
            os.kill(self.pid, signal.SIGTERM)
        return self.wait()

    def tail(self) -> str:
        """The last lines printed."""
        return "\n".join(self.printed().decode(errors="replace").splitlines()[-25:])


class Serving:
    """`trailseal serve` on the ledger in a folder, one process after another, each on a free port of loopback."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._output = folder / "serve.log"
        self._printed = 0
        self._command: Command | None = None
        self.address = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._command is not None:
            self._command.kill()

    @property
    def command(self) -> Command:
        """The process that was begun last."""
        assert self._command is not None
        return self._command

    def begin(self, *, warm: bool = True) -> None:
        """Starts the process and returns at once; `ready` waits for it."""
        self.address = ""
        self._printed = self._output.stat().st_size if self._output.exists() else 0
        self._command = Command(["serve", "--ledger", str(self._folder), "--port", "0"], self._output, warm=warm)

    def ready(self) -> float:
        """Returns the seconds it took from now until the service was healthy; raises CommandFailed if it ends first."""
        began = time.monotonic()
        while time.monotonic() < began + START_SECONDS:
            if not self.address:
                found = _ADDRESS.search(self.command.printed()[self._printed :])
                self.address = found[1].decode() if found else ""
            if self.address and self._healthy():
                return time.monotonic() - began
            if self.command.exit_code is not None:
                break
            time.sleep(0.005)
        raise CommandFailed(f"the service did not become healthy:\n{self.command.tail()}")

    def start(self, *, warm: bool = True) -> float:
        """Starts the service; returns the seconds until it was healthy."""
        began = time.monotonic()
        self.begin(warm=warm)
        self.ready()
        return time.monotonic() - began

    def kill(self) -> None:
        """SIGKILLs the service."""
        self.command.kill()

    def stop(self) -> None:
        """Ends the service as an operator would; raises CommandFailed unless it ends well."""
        code = self.command.end()
        if code:
            raise CommandFailed(f"the service ended with {code}:\n{self.command.tail()}")

    def _healthy(self) -> bool:
        try:
            return httpx.get(f"{self.address}/api/v1/health", timeout=5, trust_env=False, verify=NO_TLS).is_success
        except httpx.HTTPError:
            return False


def token(service: Service, account: str, authority: Authority, sources: Sequence[str] = ()) -> str:
    """A new account's token: a collector's for those sources, else one that reads."""
    service.people.create_account(account, account, "test", authority)
    scopes = [Scope.INGEST] if sources else [Scope.READ, Scope.TILES, Scope.VERIFY]
    return service.people.grant(account, scopes, "test", authority, sources=list(sources)).token


def limit_memory(pid: int, beyond: int) -> None:
    """From now on a process gets no more address space than it has, and so many MiB; nothing for one that ended."""
    found = re.search(r"^VmSize:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    if found:
        size = int(found[1]) * 1024 + (beyond << 20)
        resource.prlimit(pid, resource.RLIMIT_AS, (size, size))


def _run(arguments: list[str], output: str, namespace: str | None, beyond: int | None) -> None:
    """In the forked process: the command, its output in a file, its life bound to the process that forked it."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if namespace is not None:
        with Path("/run/netns", namespace).open() as place:
            if libc.setns(place.fileno(), _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"cannot enter network namespace {namespace}")
    printed = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(printed, sys.stdout.fileno())
    os.dup2(printed, sys.stderr.fileno())
    sys.argv = ["trailseal", *arguments]
    from ledger.cli import main

    if beyond is not None:
        limit_memory(os.getpid(), beyond)
    main()
