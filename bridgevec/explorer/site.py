"""The explorer page as files: served to a browser of this machine, or written to a folder."""

from __future__ import annotations

import http.server
import io
import shutil
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bridgevec.board import Board
from bridgevec.records import write_boards
from bridgevec.weights import WEIGHTS

SITE = Path(__file__).parent / "site"
NETWORKS = ("hand2vec-8", "opening-21gf", "opening-experts", "bidder-default")
"""Whose weights the page loads, each when it is first wanted."""
GIVEN = "given.pbn"
"""The boards that the page opens with."""
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
    total = 0
    for name, source in site_files():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name == GIVEN:
            path.write_bytes(_pbn(boards))
        else:
            shutil.copyfile(source, path)
        total += path.stat().st_size
    return total


def _pbn(boards: Sequence[Board]) -> bytes:
    if not boards:
        return b""
    text = io.StringIO()
    write_boards(text, boards, format="pbn")
    return text.getvalue().encode()


class _Handler(http.server.BaseHTTPRequestHandler):
    """Serve the files of the page and nothing else."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: Any, files: dict[str, Path], given: bytes) -> None:
        self._files, self._given = files, given
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer a request."""
        name = self.path.partition("?")[0].removeprefix("/") or "index.html"
        if name not in self._files:
            self.send_error(404)
            return
        body = self._given if name == GIVEN else self._files[name].read_bytes()
        self.send_response(200)
        kind = TYPES.get(Path(name).suffix, "application/octet-stream")
        text = kind.startswith("text/")
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if text else kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-cache")
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
    handler = partial(_Handler, files=dict(site_files()), given=_pbn(boards))
    return _Server(("127.0.0.1", port), handler)
