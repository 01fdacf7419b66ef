"""The explorer page as files and from its server."""

import io
import json
import re
import socket
import struct
import threading
import urllib.error
import urllib.request

import pytest
from typer.testing import CliRunner

import bridgevec as bv
from bridgevec.cli import app
from bridgevec.explorer.build import search_source
from bridgevec.explorer.site import SITE, export_site, make_server, site_version

DEAL = "N:93.KJ5.Q54.AT975 AQ5.T4.KJT72.KJ8 K87642.AQ763.6.4 JT.982.A983.Q632"


def given(page):
    """The boards that a page opens with."""
    (text,) = re.findall(r'<script [^>]* id="given">(.*?)</script>', page.read_text("utf-8"))
    pbn = json.loads(text)
    return list(bv.read_boards(io.StringIO(pbn))) if pbn else []


def test_export_writes_the_page_with_the_boards(tmp_path):
    run = CliRunner().invoke(app, ["explore", DEAL, "--export", str(tmp_path / "site")])
    assert run.exit_code == 0, run.output
    size = sum(p.stat().st_size for p in (tmp_path / "site").rglob("*") if p.is_file())
    assert f"{size:,} bytes" in run.output
    assert size < 10_000_000
    (board,) = given(tmp_path / "site" / "index.html")
    assert board.deal == bv.Deal(DEAL)
    assert (tmp_path / "site" / site_version() / "weights" / "hand2vec-8.safetensors").exists()


def test_links_of_the_exported_page_lead_to_its_files(tmp_path):
    export_site(tmp_path)
    links = re.findall(r'(?:href|src)="([^"#]+)"', (tmp_path / "index.html").read_text("utf-8"))
    worker = (tmp_path / "sw.js").read_text("utf-8")
    kept = json.loads(re.search(r"FILES = (\[.*?\])", worker)[1])
    assert f'VERSION = "{site_version()}"' in worker
    assert set(links) <= set(kept)
    files = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert {*kept, "sw.js", "index.html"} == files


def test_text_of_a_board_does_not_end_the_element_that_holds_it(tmp_path):
    tags = {"Event": "</script><script>alert(1)</script>"}
    export_site(tmp_path, [bv.Board(bv.Deal(DEAL), tags=tags)])
    (board,) = given(tmp_path / "index.html")
    assert board.tags["Event"] == tags["Event"]


def test_export_overwrites_nothing(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not an empty folder"):
        export_site(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_the_server_gives_the_files_of_the_page_alone():
    with make_server([bv.Board(bv.Deal(DEAL))]) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        with urllib.request.urlopen(f"{address}/{site_version()}/solver.wasm") as answer:
            assert answer.headers["content-type"] == "application/wasm"
            assert "immutable" in answer.headers["cache-control"]
            assert answer.read(4) == b"\0asm"
        with urllib.request.urlopen(address) as answer:
            assert b"K87642.AQ763.6.4" in answer.read()
        with urllib.request.urlopen(f"{address}/v-0123/solver.wasm") as answer:
            assert answer.headers["cache-control"] == "no-cache"
        for path in ("/../site.py", "/..%2fsite.py", "/none.html", "/solver.wasm", "/v-1/sw.js"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(address + path)
        server.shutdown()


def test_the_page_loads_at_once_what_it_shows_first():
    """Modules that are named by others are found late, one after the other, unless listed."""
    needed, left = [], ["main.js", "view-board.js"]
    while left:
        name = left.pop(0)
        if name not in needed:
            needed.append(name)
            text = (SITE / "js" / name).read_text("utf-8")
            left += re.findall(r'^(?:import|export) [^;]*?from "\./([\w-]+\.js)"', text, re.M)
    page = (SITE / "index.html").read_text("utf-8")
    assert set(re.findall(r'"modulepreload" href="js/([^"]+)"', page)) == set(needed[1:])


def test_a_browser_that_leaves_is_no_error(capfd):
    with make_server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for _ in range(3):
            with socket.create_connection(server.server_address) as browser:
                browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                browser.sendall(b"GET / HTTP/1.1\r\n\r\nGET ")
        urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}/").close()
        server.shutdown()
    assert capfd.readouterr().err == ""


def test_packaged_boards_are_read(tmp_path):
    export_site(tmp_path / "site")
    folder = tmp_path / "site" / site_version()
    boards = list(bv.read_boards(folder / "examples.pbn"))
    assert len(boards) == 26
    match = list(bv.read_boards(folder / "robots.lin"))
    assert len(match) == 500
    assert all(board.result is not None for board in match if str(board.contract) != "Pass")
    assert given(tmp_path / "site" / "index.html") == []


def test_a_change_of_the_c_that_the_build_cannot_follow_is_named():
    with pytest.raises(ValueError, match="lacks"):
        search_source("int main(void) { return 0; }")
