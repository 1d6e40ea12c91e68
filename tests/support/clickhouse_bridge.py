"""Serves chdb, the ClickHouse engine as a library, over ClickHouse's HTTP interface. A program.

    python clickhouse_bridge.py PORT FOLDER

What a test sees is the real engine and the real driver; the server between them is this one.
"""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Handler(BaseHTTPRequestHandler):
    """One statement per request, in the order in which they come."""

    protocol_version = "HTTP/1.1"
    session: Any = None

    def do_POST(self) -> None:
        """Run the statement of the address, or of the body."""
        given = parse_qs(urlsplit(self.path).query)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        statement = " ".join([*given.get("query", []), body]).strip()
        database = given.get("database", ["default"])[0].replace("`", "")
        try:
            self.session.query(f"USE `{database}`")
            answer = self.session.query(statement, "TabSeparated")
            self._send(200, answer.bytes() if answer is not None else b"")
        except Exception as error:  # whatever the engine says goes to the driver
            self._send(500, str(error).encode())

    do_GET = do_POST

    def _send(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Connection", "close")  # one after the other: none may keep the only line
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def main(port: str, folder: str) -> None:
    """Serve until the end."""
    here = str(Path(__file__).parent)
    sys.path[:] = [path for path in sys.path if path != here]  # nothing beside this file is meant
    from chdb import session

    Handler.session = session.Session(folder)
    HTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
