"""The AB store: nothing read there is trusted, nothing written there is seen half."""

import errno
import os
from pathlib import Path

import fsspec
import pytest

from phoenix_core.ab import store
from phoenix_core.ab.store import ab_folder, put, remove
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import ConfigError

DATE = "2094-04-14"


def ab(name, text="x"):
    return AssociationBlock.create({"AB_NAME": name, "RECIPE": text})


@pytest.fixture(params=["disk", "memory"])
def folder(request, tmp_path):
    """A date of a branch, on a disk and in a store that knows no renaming."""
    if request.param == "disk":
        yield ab_folder(str(tmp_path / "store"), "BRANCH", DATE)
        return
    yield ab_folder(f"memory://{tmp_path.name}", "BRANCH", DATE)
    memory = fsspec.filesystem("memory")
    if memory.exists(f"/{tmp_path.name}"):
        memory.rm(f"/{tmp_path.name}", recursive=True)


@pytest.fixture
def disk(tmp_path):
    return ab_folder(str(tmp_path / "store"), "BRANCH", DATE)


def there(disk):
    return sorted(p.name for p in Path(disk.root).iterdir())


def test_what_is_put_is_read_again(folder):
    assert folder.names() == ()
    assert folder.read("a.ab") is None
    put(folder, [ab("b.ab"), ab("a.ab")])
    assert folder.names() == ("a.ab", "b.ab")
    block = folder.read("a.ab")
    assert block == ab("a.ab")
    assert block.source.name == "a.ab"


def test_what_is_removed_is_gone_and_gone_is_no_error(folder):
    put(folder, [ab("a.ab"), ab("b.ab")])
    remove(folder, ["a.ab", "a.ab", "never.ab"])
    assert folder.names() == ("b.ab",)


def test_what_is_to_be_replaced_is_replaced(folder):
    put(folder, [ab("a.ab")])
    put(folder, [ab("a.ab", "new"), ab("b.ab")], replaced=["a.ab"])
    assert folder.read("a.ab").recipe == "new"


def test_bytes_survive_as_they_are(folder):
    block = AssociationBlock.parse("AB_NAME a.ab\r\nODD \udcff\n")
    put(folder, [block])
    assert folder.content("a.ab") == b"AB_NAME a.ab\r\nODD \xff\n"


def test_what_others_wrote_meanwhile_is_not_overwritten(disk):
    put(disk, [ab("b.ab", "theirs")])
    with pytest.raises(ConfigError, match=r"b\.ab was written by somebody else"):
        put(disk, [ab("a.ab"), ab("b.ab"), ab("z.ab")])
    assert disk.read("b.ab").recipe == "theirs"
    assert there(disk) == ["a.ab", "b.ab"]


def test_a_full_disk_leaves_nothing_to_be_seen(disk, monkeypatch):
    write = Path.write_bytes

    def full(path, content):
        if "c.ab" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ConfigError, match=r"c\.ab cannot be written: .*No space left"):
        put(disk, [ab("a.ab"), ab("b.ab"), ab("c.ab")])
    assert there(disk) == []


def test_what_a_killed_call_left_is_cleared_and_that_of_others_is_not(disk):
    put(disk, [ab("a.ab")])
    suffix = f".{os.uname().nodename}-{os.getuid()}.tmp"
    mine, other = f".b.ab{suffix}", ".b.ab.elsewhere-7.tmp"
    for name in (mine, other):
        (Path(disk.root) / name).write_text("half")
    assert disk.names() == ("a.ab",)
    put(disk, [ab("c.ab")])
    assert there(disk) == [other, "a.ab", "c.ab"]


def test_a_disk_without_links_will_do(disk, monkeypatch):
    def no_links(*_):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    put(disk, [ab("a.ab"), ab("b.ab")])
    assert there(disk) == ["a.ab", "b.ab"]
    with pytest.raises(ConfigError, match="somebody else"):
        put(disk, [ab("a.ab", "new")])
    assert disk.read("a.ab").recipe == "x"


def test_what_is_no_ab_is_not_read(disk):
    folder = Path(disk.root)
    (folder / "dir.ab").mkdir(parents=True)
    with pytest.raises(ConfigError, match="is no AB: a directory"):
        disk.read("dir.ab")
    huge = folder / "huge.ab"
    with huge.open("wb") as file:
        file.truncate(store.LARGEST + 1)
    with pytest.raises(ConfigError, match="too large"):
        disk.read("huge.ab")
    os.mkfifo(folder / "pipe.ab")
    with pytest.raises(ConfigError, match="is no AB"):
        disk.read("pipe.ab")


@pytest.mark.parametrize("is_link", [False, True])
def test_what_is_in_place_of_the_folder_is_told_as_what_it_is(disk, is_link):
    place = Path(disk.root)
    place.parent.mkdir(parents=True)
    if is_link:
        place.symlink_to("nowhere")
    else:
        place.write_text("x")
    with pytest.raises(ConfigError, match="in place of the folder") as told:
        put(disk, [ab("a.ab")])
    assert str(place) in str(told.value)
    assert "somebody else" not in str(told.value)


def test_files_that_are_no_abs_are_not_seen(disk):
    put(disk, [ab("a.ab")])
    (Path(disk.root) / "notes.txt").write_text("x")
    (Path(disk.root) / ".a.ab.tmp").write_text("x")
    assert disk.names() == ("a.ab",)


def test_a_file_that_is_taken_away_meanwhile_does_not_hide_the_others(
    disk, monkeypatch
):
    put(disk, [ab("a.ab")])
    listed = disk.system.ls
    calls = []

    def ls(path, **more):
        calls.append(path)
        if len(calls) == 1:
            raise FileNotFoundError(f"{path}/gone.ab")
        return listed(path, **more)

    monkeypatch.setattr(disk.system, "ls", ls)
    assert disk.names() == ("a.ab",)


def test_an_address_that_is_none_is_told_with_the_configuration():
    with pytest.raises(ConfigError, match=r"^my\.toml: ab_store: odd://x/B/2094"):
        ab_folder("odd://x", "B", DATE, "my.toml")


def test_a_store_that_takes_nothing_is_told():
    folder = ab_folder("data:,x", "", "")
    with pytest.raises(ConfigError, match="cannot be written"):
        put(folder, [ab("a.ab")])


def test_passwords_are_not_shown():
    told = store.AbFolder("sftp://me:secret@host/store", None)
    assert told.shown == "host/store"
    assert "secret" not in str(told.failed("read", OSError("no")))
