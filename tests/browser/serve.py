"""A real service on a real ledger, as a process of its own: `python -m tests.browser.serve FOLDER`.

Prints one JSON line with its address, then serves until its standard input closes. Each line that comes in there is
answered with a new sign-in link.
"""

import asyncio
import json
import sys
import threading
from pathlib import Path

import uvicorn
from litestar import Litestar

from ledger import service as assembly
from ledger.api.gate import Gate, require_declared
from ledger.api.lanes import Lanes
from ledger.service import Service
from ledger.settings import Settings
from ledger.web.handlers import handlers
from tests.browser.records import fill


def application(service: Service) -> Litestar:
    """The pages behind the application's own guard."""
    app = Litestar(
        route_handlers=handlers(service, zone="Europe/Berlin"),
        guards=[Gate(service.people, Lanes(service.settings.readers), publish_tiles=False)],
        openapi_config=None,
    )
    require_declared(app)
    return app


async def serve(folder: Path) -> None:
    """Makes the ledger and serves it on a free port of the loopback interface."""
    authority = assembly.Authority(actor="local:tester", authenticated=False)
    service = assembly.create(folder, Settings(origin="ledger.example/site-a"), authority)
    fill(service, service.people.local("tester"))
    server = uvicorn.Server(uvicorn.Config(application(service), host="127.0.0.1", port=0, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    print(json.dumps({"address": f"http://127.0.0.1:{port}"}), flush=True)

    def answer() -> None:
        for _ in sys.stdin:
            code = service.people.sessions.issue_link(service.people.local("auditor1"))
            print(json.dumps({"link": f"http://127.0.0.1:{port}/sign-in/{code}"}), flush=True)
        server.should_exit = True

    threading.Thread(target=answer, daemon=True).start()
    await serving
    service.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
