"""A web site on this machine."""

import hashlib
import http.server
import threading

import pytest


class Site:
    """A web site with one file; counts requests, and breaks off where it is told."""

    def __init__(self):
        self.content, self.breaks_at, self.requests, self.announces = b"", None, 0, True

    def address(self, content=None):
        digest = hashlib.sha256(self.content if content is None else content).hexdigest()
        return f"http://127.0.0.1:{self.port}/mine.zip#sha256={digest}"


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setenv("EFFSPINE_CACHE", str(tmp_path / "cache"))
    site = Site()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            site.requests += 1
            self.send_response(200)
            if site.announces:
                self.send_header("Content-Length", str(len(site.content)))
            self.end_headers()
            self.wfile.write(site.content[: site.breaks_at])

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
    thread.start()
    yield site
    server.shutdown()
    server.server_close()
    thread.join()


def kept(tmp_path):
    """Names of all that lies in the cache."""
    return [p.name for p in (tmp_path / "cache").rglob("*") if p.name != "presets"]
