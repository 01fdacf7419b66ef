"""The explorer page as files: served to a browser of this machine, or written to a folder."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from bridgevec.board import Board
from bridgevec.records import write_boards
from bridgevec.weights import WEIGHTS

SITE = Path(__file__).parent / "site"
NETWORKS = ("hand2vec-8", "opening-21gf", "opening-experts", "bidder-default")
"""Whose weights the page loads, each when it is first wanted."""
ROOT = frozenset({"icon.svg", "index.html", "manifest.webmanifest", "sw.js"})
"""What stands at the root of the page; all else in a folder with the name of its version."""
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".lin": "text/plain",
    ".pbn": "text/plain",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}


def site_files() -> Iterator[tuple[str, Path]]:
    """List the files of the page: where each stands, and the file."""
    for path in sorted(SITE.rglob("*")):
        if path.is_file():
            yield path.relative_to(SITE).as_posix(), path
    for name in NETWORKS:
        for suffix in (".safetensors", ".json"):
            yield f"weights/{name}{suffix}", WEIGHTS / f"{name}{suffix}"


@cache
def _digest(files: tuple[tuple[str, Path, int, int], ...]) -> str:
    """Digest the contents of files: the digest is their version."""
    digest = hashlib.blake2b(digest_size=8)
    for name, path, *_ in files:
        digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest()


def site_version() -> str:
    """Return the name of the folder of the page's files; it changes when one of them does."""
    files = tuple((*one, one[1].stat().st_mtime_ns, one[1].stat().st_size) for one in site_files())
    return f"v-{_digest(files)}"


def _page_file(name: str, path: Path, version: str, boards: str) -> bytes:
    """Return a file of the page, with what is known only now; boards are PBN."""
    body = path.read_bytes()
    if name == "index.html":
        body = re.sub(rb'(href|src)="(?=js/|\w+\.css")', rb'\1="' + version.encode() + b"/", body)
        # Text of the boards must not end the element that holds it.
        given = json.dumps(boards).replace("<", "\\u003c")
        return body.replace(b'id="given">""', f'id="given">{given}'.encode())
    if name == "sw.js":
        kept = [f"{version}/{other}" for other, _ in site_files() if other not in ROOT]
        kept += sorted(ROOT - {"sw.js", "index.html"})
        body = body.replace(b'VERSION = ""', f'VERSION = "{version}"'.encode())
        return body.replace(b"FILES = []", f"FILES = {json.dumps(kept)}".encode())
    return body


def export_site(folder: Path, boards: Sequence[Board] = ()) -> int:
    """Write the page to a folder, for any web space.

    Parameters
    ----------
    folder : Path
        New or empty.
    boards : sequence of Board
        What the page opens with; a random board if there are none.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    FileExistsError
        If there is something in the folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} exists and is not an empty folder")
    total, version, given = 0, site_version(), _pbn(boards)
    for name, source in site_files():
        path = folder / ("" if name in ROOT else version) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        total += path.write_bytes(_page_file(name, source, version, given))
    return total


def _pbn(boards: Sequence[Board]) -> str:
    if not boards:
        return ""
    text = io.StringIO()
    write_boards(text, boards, format="pbn")
    return text.getvalue()


class _Handler(http.server.BaseHTTPRequestHandler):
    """Serve the files of the page and nothing else."""

    protocol_version = "HTTP/1.1"

    def __init__(
        self, *arguments: Any, files: dict[str, Path], latest: dict[str, str], given: str
    ) -> None:
        self._files, self._latest, self._given = files, latest, given
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer a request."""
        asked = self.path.partition("?")[0].removeprefix("/") or "index.html"
        version, _, name = asked.partition("/") if asked.startswith("v-") else ("", "", asked)
        if name not in self._files or (name in ROOT) != (version == ""):
            self.send_error(404)
            return
        if name == "index.html":
            self._latest["version"] = site_version()
        latest = self._latest["version"]
        body = _page_file(name, self._files[name], latest, self._given)
        self.send_response(200)
        kind = TYPES.get(Path(name).suffix, "application/octet-stream")
        text = kind.startswith("text/")
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if text else kind)
        self.send_header("Content-Length", str(len(body)))
        # A page that was open when files changed gets what there is, but not for good.
        kept = "max-age=31536000, immutable" if version == latest else "no-cache"
        self.send_header("Cache-Control", kept)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    """A server that is quiet about browsers that leave before they have read an answer."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report an error, unless it is that the browser has left."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def make_server(boards: Sequence[Board] = (), port: int = 0) -> http.server.ThreadingHTTPServer:
    """Make a server of the page on 127.0.0.1, to be run by its ``serve_forever``.

    Parameters
    ----------
    boards : sequence of Board
        What the page opens with; a random board if there are none.
    port : int, default 0
        0 for any that is free; see ``server_address``.

    Raises
    ------
    OSError
        If the port is in use.
    """
    latest = {"version": site_version()}
    handler = partial(_Handler, files=dict(site_files()), latest=latest, given=_pbn(boards))
    return _Server(("127.0.0.1", port), handler)
