"""The real servers of the demo, started once: the OPC UA server takes two seconds, the ERP a dozen."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import pytest

from collectors.demo.erp import ErpServer
from collectors.demo.opcua import OpcUaServer
from tests.integration.demo.telling import Told
from tests.support.erp_template import seeded_erp_folder


class _Server(Protocol):
    @property
    def pid(self) -> int | None: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


@contextmanager
def running(server: _Server) -> Iterator[None]:
    server.start()
    pid = server.pid
    assert pid is not None
    try:
        yield
    finally:
        pid = server.pid or pid
        server.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.fixture(scope="session")
def dcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpcUaServer]:
    """The control system of the story; who writes there otherwise starts one of their own."""
    server = OpcUaServer(tmp_path_factory.mktemp("dcs"))
    with running(server):
        yield server


@pytest.fixture(scope="session")
def erp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ErpServer]:
    server = ErpServer(seeded_erp_folder(tmp_path_factory, "demo"))
    with running(server):
        yield server


@pytest.fixture(scope="session")
def told(erp: ErpServer, dcs: OpcUaServer) -> Told:
    """Told once for all that look at it: a telling takes the machine half a minute."""
    return Told(erp, dcs)
