"""The exchange with another site: whole files, or one line of why not."""

import logging
import os
import subprocess
import sys

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem

from muse_deep_plugin.preparation.other_site import fetch, send
from phoenix_core.errors import ConfigError


@pytest.fixture(params=["directory", "memory"])
def site(request, tmp_path):
    """A place of the other site, of two kinds that fsspec knows."""
    if request.param == "directory":
        yield str(tmp_path / "there")
    else:
        store = fsspec.filesystem("memory")
        yield "memory://there"
        store.rm("/there", recursive=True) if store.exists("/there") else None


def content(site, name):
    with fsspec.open(f"{site}/{name}", "rb") as file:
        return file.read()


def test_a_file_is_sent_whole_and_only_when_it_changed(tmp_path, site):
    path = tmp_path / "RUN_TYPE.txt"
    assert send(path, site) is False
    path.write_text("094.D-0114(B) 94 deep YES\n", "utf-8")
    assert send(path, site) is True
    assert content(site, "RUN_TYPE.txt") == path.read_bytes()
    assert send(path, site) is False
    path.write_text("other\n", "utf-8")
    assert send(path, site) is True
    assert content(site, "RUN_TYPE.txt") == b"other\n"
    store, root = fsspec.core.url_to_fs(site)
    assert [name.rpartition("/")[2] for name in store.ls(root, detail=False)] == [
        "RUN_TYPE.txt"
    ]


def test_a_file_is_fetched_where_it_is_there_and_differs(tmp_path, site):
    path = tmp_path / "DEEP_MODE.txt"
    assert fetch(path, site) is False
    assert not path.exists()
    with fsspec.open(f"{site}/DEEP_MODE.txt", "wb", auto_mkdir=True) as file:
        file.write(b"094.D-0114(B) done 3\n")
    assert fetch(path, site) is True
    assert path.read_bytes() == b"094.D-0114(B) done 3\n"
    assert fetch(path, site) is False


def test_a_site_that_is_not_there_is_one_line_without_password(tmp_path):
    path = tmp_path / "RUN_TYPE.txt"
    path.write_text("x\n", "utf-8")
    (tmp_path / "file").write_text("in the way")
    for url in ("nosuch://user:secret@host/x", f"{tmp_path}/file/below"):
        with pytest.raises(ConfigError, match=r"RUN_TYPE\.txt cannot be sent") as error:
            send(path, url)
        assert "secret" not in str(error.value)
        assert "\n" not in str(error.value)


def test_a_pipe_of_the_other_site_is_told_of_and_not_waited_for(tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    for name in ("RUN_TYPE.txt", "DEEP_MODE.txt"):
        os.mkfifo(there / name)
    path = tmp_path / "RUN_TYPE.txt"
    path.write_text("x\n", "utf-8")
    with pytest.raises(ConfigError, match="is no file"):
        send(path, str(there))
    with pytest.raises(ConfigError, match="is no file"):
        fetch(tmp_path / "DEEP_MODE.txt", str(there))


class Moody(LocalFileSystem):
    """A site whose driver logs as paramiko does, and raises errors of its own."""

    protocol = "moody"

    def info(self, path, **_options):
        logging.getLogger("paramiko.transport").error("Exception (client): %s", path)
        raise MoodyError("No existing session\nSSH")


class MoodyError(Exception):
    """As SSHException of paramiko: of no kind that Python knows."""


def test_whatever_the_driver_of_a_site_raises_is_one_line(tmp_path):
    fsspec.register_implementation("moody", Moody, clobber=True)
    path = tmp_path / "RUN_TYPE.txt"
    path.write_text("x\n", "utf-8")
    for move in (send, fetch):
        with pytest.raises(ConfigError, match=r"existing session SSH$"):
            move(path, "moody:///there")


TALKATIVE = """
import logging, sys
from pathlib import Path
from muse_deep_plugin.preparation.other_site import fetch
fetch(Path("DEEP_MODE.txt"), sys.argv[1])
logging.getLogger("paramiko.transport").error("Exception (client): no banner")
"""


def test_nothing_is_told_beside_that_line(tmp_path):
    command = [sys.executable, "-c", TALKATIVE, tmp_path / "there"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n \n",
        b"<!DOCTYPE html>\n<p>Please log in</p>\n",
        b"# DEEP_MODE\0\n",
        b"094.D-0114(B) done 3\n095.B-0934(A) do",
        b"\x1f\x8b\x08\xff",
    ],
)
def test_what_is_no_such_table_replaces_none(tmp_path, site, content):
    path = tmp_path / "DEEP_MODE.txt"
    path.write_text("094.D-0114(B) done 2\n", "utf-8")
    with fsspec.open(f"{site}/DEEP_MODE.txt", "wb", auto_mkdir=True) as file:
        file.write(content)
    with pytest.raises(ConfigError, match="is not taken from") as error:
        fetch(path, site)
    assert "\n" not in str(error.value)
    assert path.read_text() == "094.D-0114(B) done 2\n"
