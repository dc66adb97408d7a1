"""A small app with a database: each visit writes a row and says how many there are, and as whom it signed in."""

from pathlib import Path

import psycopg

_SERVER = """
import http.server, os, signal, sys
import psycopg
VERSION = {version!r}
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        try:
            with psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=10) as connection:
                connection.execute("INSERT INTO visits DEFAULT VALUES")
                visits = connection.execute("SELECT count(*) FROM visits").fetchone()[0]
                who = connection.execute("SELECT session_user").fetchone()[0]
            status, body = 200, f"{{VERSION}} {{visits}} visits as {{who}}"
        except Exception as error:
            status, body = 500, repr(error)
            print("failed:", repr(error), flush=True)
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *arguments):
        pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("with the password", os.environ.get("PGPASSWORD"), flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
_MIGRATION = """
import os, psycopg
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS visits (at timestamptz NOT NULL DEFAULT now())")
"""


def write_notes(folder: Path, version: str = "one", *, migration: str = "") -> Path:
    """Write the app. migration: Python that the release command runs after it has made the table."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.py").write_text(_SERVER.format(version=version))
    (folder / "migrate.py").write_text(_MIGRATION + migration)
    (folder / "requirements.txt").write_text(f"psycopg[binary]=={psycopg.__version__}\n")
    (folder / "Procfile").write_text("web: python main.py\nrelease: python migrate.py\n")
    return folder
