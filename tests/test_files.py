"""Writing files: whole or not at all, whatever stands at the path, one writer at a time."""

import contextlib
import errno
import os
import signal
import stat
import subprocess
import sys
import threading

import pytest
from matplotlib.figure import Figure

from bridgevec.files import locked, replacing, write_figure, write_text

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX files")
as_root = pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root may do this")


def test_a_failure_leaves_what_was_there(tmp_path):
    path = write_text(tmp_path / "x.txt", "old")
    with contextlib.suppress(RuntimeError), replacing(path) as file:
        file.write(b"new")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_a_symbolic_link_stays_and_its_target_changes(tmp_path):
    (tmp_path / "folder").mkdir()
    target = write_text(tmp_path / "folder" / "target.txt", "old")
    link = tmp_path / "link.txt"
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    dangling = tmp_path / "dangling.txt"
    dangling.symlink_to(tmp_path / "folder" / "later.txt")
    write_text(dangling, "late")
    assert dangling.is_symlink()
    assert (tmp_path / "folder" / "later.txt").read_text() == "late"
    assert sorted(os.listdir(tmp_path / "folder")) == ["later.txt", "target.txt"]


@posix
def test_mode_is_kept_and_new_files_obey_the_umask(tmp_path):
    path = write_text(tmp_path / "x.txt", "old")
    path.chmod(0o640)
    write_text(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    before = os.umask(0o027)
    try:
        new = write_text(tmp_path / "y.txt", "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE(new.stat().st_mode) == 0o640


@as_root
def test_the_owner_is_kept(tmp_path):
    path = write_text(tmp_path / "x.txt", "old")
    os.chown(path, 65534, 65534)
    write_text(path, "new")
    assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534)


@posix
def test_a_pipe_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_text(pipe, "through")
    reader.join(10)
    assert read == [b"through"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@as_root
def test_a_device_stays_a_device(tmp_path):
    null = tmp_path / "null"
    try:
        os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        null.write_bytes(b"")
    except PermissionError:
        pytest.skip("devices cannot be made here")
    write_text(null, "nothing")
    write_figure(null, Figure())
    assert stat.S_ISCHR(null.stat().st_mode)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(IsADirectoryError, match=str(tmp_path.name)):
        write_text(tmp_path, "x")


@posix
def test_a_write_protected_file_is_not_replaced(tmp_path):
    path = write_text(tmp_path / "x.txt", "old")
    path.chmod(0o444)
    tmp_path.chmod(0o777)
    for folder in tmp_path.parents[:3]:  # so that whoever we become may go there
        with contextlib.suppress(PermissionError):
            folder.chmod(folder.stat().st_mode | 0o055)
    mine = os.getuid()
    if mine == 0:  # who may write everything
        os.setresuid(65534, 65534, 0)
    try:
        with pytest.raises(PermissionError, match=f"Permission denied: '{path}'"):
            write_text(path, "new")
    finally:
        if mine == 0:
            os.setresuid(0, 0, 0)
    assert path.read_text() == "old"


@posix
def test_a_full_disk_is_reported_by_name_and_leaves_nothing(tmp_path):
    """The process may write no more than 4096 bytes to a file: to it, the disk is full."""
    import resource

    path = write_text(tmp_path / "x.txt", "old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    kept = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OSError, match=f"{os.strerror(errno.EFBIG)}: '{path}'"):
            write_text(path, "x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, kept)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
@as_root
def test_a_full_tmpfs_is_reported_by_name(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        path = disk / "map.png"
        for write in (
            lambda: write_text(path, "x" * 1_000_000),
            lambda: write_figure(path, Figure(figsize=(100, 100))),
        ):
            with pytest.raises(OSError, match=r"No space left on device: '.*map.png'"):
                write()
            assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_two_writers_at_once_do_not_mix(tmp_path):
    path = tmp_path / "x.txt"
    with replacing(path) as first, replacing(path) as second:
        first.write(b"first")
        second.write(b"second")
    # The inner one was there first, and then the outer one took its place.
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_a_lock_names_who_has_it_and_ends_with_the_process(tmp_path):
    path = tmp_path / "deals.parquet"
    code = (
        "import sys, time\n"
        "from bridgevec.files import locked\n"
        "with locked(sys.argv[1]):\n"
        "    print('locked', flush=True)\n"
        "    time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"locked\n"
        expected = f"deals.parquet is being written by process {other.pid}; wait for it or"
        with pytest.raises(BlockingIOError, match=expected), locked(path):
            pass
    finally:
        other.kill()
        other.wait()
        other.stdout.close()
    with locked(path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_picture_has_the_format_of_its_suffix(tmp_path):
    for suffix, start in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")):
        path = write_figure(tmp_path / f"x{suffix}", Figure())
        assert path.read_bytes().startswith(start)
    with pytest.raises(ValueError, match=r"x\.abc: no picture format 'abc', expected one of"):
        write_figure(tmp_path / "x.abc", Figure())
