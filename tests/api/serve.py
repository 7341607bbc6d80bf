"""Serves the ledger in a folder on a free port of loopback, in a process of its own; prints the address first."""

import socket
import sys
from pathlib import Path

import uvicorn

from ledger.api.app import create_app
from ledger.service import Service


def main(folder: str) -> None:
    service = Service(Path(folder))
    listening = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(create_app(service), log_level="warning", access_log=False)).run([listening])
    service.close()


if __name__ == "__main__":
    main(sys.argv[1])
