"""The explorer page as files and from its server."""

import threading
import urllib.error
import urllib.request

import pytest
from typer.testing import CliRunner

import bridgevec as bv
from bridgevec.cli import app
from bridgevec.explorer.build import search_source
from bridgevec.explorer.site import export_site, make_server

DEAL = "N:93.KJ5.Q54.AT975 AQ5.T4.KJT72.KJ8 K87642.AQ763.6.4 JT.982.A983.Q632"


def test_export_writes_the_page_with_the_boards(tmp_path):
    run = CliRunner().invoke(app, ["explore", DEAL, "--export", str(tmp_path / "site")])
    assert run.exit_code == 0, run.output
    size = sum(p.stat().st_size for p in (tmp_path / "site").rglob("*") if p.is_file())
    assert f"{size:,} bytes" in run.output
    assert size < 10_000_000
    (board,) = bv.read_boards(tmp_path / "site" / "given.pbn")
    assert board.deal == bv.Deal(DEAL)
    assert (tmp_path / "site" / "weights" / "hand2vec-8.safetensors").exists()


def test_export_overwrites_nothing(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="not an empty folder"):
        export_site(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_the_server_gives_the_files_of_the_page_alone():
    with make_server([bv.Board(bv.Deal(DEAL))]) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        with urllib.request.urlopen(f"{address}/solver.wasm") as answer:
            assert answer.headers["content-type"] == "application/wasm"
            assert answer.read(4) == b"\0asm"
        with urllib.request.urlopen(f"{address}/given.pbn") as answer:
            assert b"K87642.AQ763.6.4" in answer.read()
        for path in ("/../site.py", "/..%2fsite.py", "/none.html"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(address + path)
        server.shutdown()


def test_packaged_boards_are_read(tmp_path):
    export_site(tmp_path / "site")
    boards = list(bv.read_boards(tmp_path / "site" / "examples.pbn"))
    assert len(boards) == 26
    assert (tmp_path / "site" / "given.pbn").read_bytes() == b""


def test_a_change_of_the_c_that_the_build_cannot_follow_is_named():
    with pytest.raises(ValueError, match="lacks"):
        search_source("int main(void) { return 0; }")
