"""Files that are there whole or not at all."""

import os
import resource
import socket
import subprocess
import sys
import threading
import time

import pytest

from phoenix_core.files.atomic import (
    append_text,
    edit_text,
    link_file,
    remove_leftovers,
    write_bytes,
    write_text,
)


def test_a_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "A.ab"
    write_text(path, "old")
    with path.open() as reader:
        write_text(path, "new")
        assert reader.read() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_may_be_as_long_as_the_disk_takes_it(tmp_path):
    for name in ("a" * 255, "\N{TELESCOPE}" * 63):
        path = tmp_path / name
        write_text(path, "whole")
        assert path.read_text() == "whole"


def test_bytes_that_are_no_utf8_survive(tmp_path):
    path = tmp_path / "A.ab"
    write_text(path, b"\xe9\xff".decode("utf-8", "surrogateescape"))
    assert path.read_bytes() == b"\xe9\xff"


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "A.ab"
    write_text(path, "old")
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, old[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_bytes(path, b"x" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_writers_in_several_threads_never_mix(tmp_path):
    path = tmp_path / "A.ab"
    contents = {letter * 100_000 for letter in "abcdefgh"}

    def write(text):
        for _ in range(5):
            write_text(path, text)
            assert path.read_text() in contents

    threads = [threading.Thread(target=write, args=(text,)) for text in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in contents
    assert list(tmp_path.iterdir()) == [path]


KILLED = """
import os, signal, sys
from pathlib import Path
from phoenix_core.files.atomic import write_text
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
write_text(Path(sys.argv[1]), "new")
"""


def test_what_a_killed_writer_left_is_removed_and_a_living_ones_stays(tmp_path):
    path = tmp_path / "A.ab"
    write_text(path, "old")
    subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    assert len(list(tmp_path.iterdir())) == 2
    host = socket.gethostname()
    living = tmp_path / f".A.ab.phoenix-{host}-{os.getpid()}-1.tmp"
    living.write_text("half")
    strangers = {tmp_path / ".mine.tmp", tmp_path / ".my notes.2014.tmp"}
    for stranger in strangers:
        stranger.write_text("a person's")
    remove_leftovers(tmp_path)
    assert set(tmp_path.iterdir()) == {path, living, *strangers}
    assert path.read_text() == "old"


def test_what_another_machine_writes_stays_for_an_hour(tmp_path):
    names = (".A.ab.phoenix-node-7-4000000-1.tmp", ".B.ab.phoenix-node-7-4000000-1.tmp")
    new, old = (tmp_path / name for name in names)
    for path in (new, old):
        path.write_text("half")
    hours_ago = time.time() - 7200
    os.utime(old, (hours_ago, hours_ago))
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == [new]


def test_a_directory_that_is_not_there_has_no_leftovers(tmp_path):
    remove_leftovers(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_a_file_linked_twice_to_the_same_name_leaves_no_other_name(tmp_path):
    """As a product is that a killed phoenix published, and the next one again."""
    source, target = tmp_path / "made", tmp_path / "r.A_CUBE.fits"
    source.write_text("cube")
    target.write_text("former")
    for _ in range(2):
        link_file(source, target)
        assert target.read_text() == "cube"
        assert set(tmp_path.iterdir()) == {source, target}


def test_a_link_that_cannot_be_made_leaves_the_old_file_and_no_other(tmp_path):
    target = tmp_path / "r.A_CUBE.fits"
    target.write_text("former")
    with pytest.raises(FileNotFoundError):
        link_file(tmp_path / "nothing", target)
    assert target.read_text() == "former"
    assert list(tmp_path.iterdir()) == [target]


def test_an_edit_changes_a_file_in_one_step_and_keeps_its_mode(tmp_path):
    path = tmp_path / "JOBS"
    path.write_bytes(b"one\r\n\xff two")
    path.chmod(0o754)
    edit_text(path, lambda text: text.replace("one", "1"))
    assert path.read_bytes() == b"1\r\n\xff two"
    assert path.stat().st_mode & 0o777 == 0o754
    assert list(tmp_path.iterdir()) == [path]


def test_who_edits_and_who_appends_at_the_same_time_lose_nothing(tmp_path):
    path = tmp_path / "JOBS"
    path.write_text("begin\n")

    def append(who):
        for number in range(20):
            append_text(path, lambda _, line=f"line {who}.{number}\n": line)

    def edit():
        for _ in range(20):
            edit_text(path, lambda text: text.replace("line", "done", 1))

    threads = [threading.Thread(target=append, args=(who,)) for who in range(3)]
    threads += [threading.Thread(target=edit) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [line.split()[1] for line in path.read_text().splitlines()[1:]]
    assert sorted(lines) == sorted(f"{w}.{n}" for w in range(3) for n in range(20))
