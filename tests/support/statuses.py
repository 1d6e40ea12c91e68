"""Tells the pack's replay.py what the catalog knows of a run, as `fleet status --json` does.

A server in the process of the tests: a program's start for each of a thousand questions would cost
minutes. Used by tests.support.replaying.
"""

import json
import re
import shlex
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine

from catalog import runs
from dispatcher import status_text

_RUN = re.compile(r"^run ([2-9a-z]{5}) · ", re.MULTILINE)
_ASK = (
    "import socket, sys\n"
    "server = socket.socket(socket.AF_UNIX)\n"
    "server.connect(sys.argv[1])\n"
    "server.sendall(sys.argv[3].encode() + b'\\n')\n"
    "sys.stdout.write(server.makefile(encoding='utf-8').read())\n"
)


@contextmanager
def told(engine: Engine, path: Path) -> Iterator[str]:
    """A command that, given ROOT and OUTPUT_FILE, prints the states of that output's run.

    It asks at the socket `path`. What goes wrong here leaves its answer empty, which is no JSON.
    """

    class Answer(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            output = Path(self.rfile.readline().decode().rstrip("\n"))
            self.wfile.write(json.dumps(_states(engine, output)).encode())

    with socketserver.ThreadingUnixStreamServer(str(path), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield shlex.join([sys.executable, "-I", "-S", "-c", _ASK, str(path)])
        finally:
            server.shutdown()


def _states(engine: Engine, output: Path) -> dict[str, object]:
    found = _RUN.search(output.read_text(encoding="utf-8", errors="replace"))
    if not found:  # nothing was run
        return {"assets": {}, "checks": {}}
    document = json.loads(status_text.document(engine, runs.get(engine, found[1])))
    assets = {asset["asset"]: asset["main"] for asset in document["assets"]}
    return {"assets": assets, "checks": document["checks"]}
