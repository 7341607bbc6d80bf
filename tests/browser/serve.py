"""A real service on a real ledger, as a process of its own: `python -m tests.browser.serve FOLDER`.

Prints one JSON line with its address, then serves until its standard input closes. Each line that comes in there is
answered with a new sign-in link.
"""

import asyncio
import json
import socket
import sys
import threading
from pathlib import Path

import uvicorn

from ledger.api.app import create_app
from ledger.core.authority import Authority
from ledger.creating import create
from ledger.settings import Settings
from ledger.web.handlers import handlers
from tests.browser.records import fill
from tests.browser.site import describe


async def serve(folder: Path) -> None:
    """Makes the ledger and serves it on a free port of the loopback interface."""
    authority = Authority(actor="local:tester", authenticated=False)
    service = create(folder, Settings(origin="ledger.example/site-a"), authority)
    fill(service, service.people.local("tester"))
    describe(service, service.people.local("tester"))
    app = create_app(service, web_handlers=handlers("Europe/Berlin"))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    print(json.dumps({"address": f"http://127.0.0.1:{port}"}), flush=True)

    def answer() -> None:
        for _ in sys.stdin:
            code = service.people.sessions.issue_link(service.people.local("auditor1"))
            print(json.dumps({"link": f"http://127.0.0.1:{port}/sign-in/{code}"}), flush=True)
        server.should_exit = True

    threading.Thread(target=answer, daemon=True).start()
    await server.serve(sockets=[listener])
    service.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
