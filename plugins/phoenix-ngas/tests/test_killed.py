"""SIGKILL after any line, of phoenix or of the server: no file twice, none lost."""

import itertools
import os
import random
import signal
import sys
from pathlib import Path

import fake_ngas
import phoenix_ngas
import pytest
from phoenix_ngas import archive, local_file

PACKAGE = str(Path(phoenix_ngas.__file__).parent)
KILLS = 20
LINES = 1150  # of a dataset that goes from end to end; 800 where it is there already
SEED = 6


@pytest.fixture
def program(tmp_path):
    program = fake_ngas.Program(tmp_path / "ngas")
    program.start()
    yield program
    program.kill()


def killed_after(lines, run, idp):
    """Archive a dataset in a process that dies at its n-th line; whether it ended."""
    child = os.fork()
    if child == 0:
        left = itertools.count(lines, -1)

        def count(frame, event, _):
            if not frame.f_code.co_filename.startswith(PACKAGE):
                return None
            if event == "line" and next(left) == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return count

        sys.settrace(count)
        try:
            archive.ingest_products_archive(run, idp)
        except BaseException as error:  # noqa: BLE001, nothing may leave the child
            os.write(2, f"{error!r}\n".encode())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0
    return True


def assert_once(database, idp):
    for path in (idp.path, *idp.files):
        assert database.versions(path.name) == [1]
        assert database.path(path.name).read_bytes() == path.read_bytes()


def test_killed_after_any_line_the_next_call_ends_it(tmp_path, site):
    program = fake_ngas.Program(tmp_path / "ngas", settle=0.02)
    program.start()
    try:
        run = site.run(program.url, pause=0.2)
        some = random.Random(SEED)  # noqa: S311, to be the same each time
        kills = 0
        for number in itertools.count():
            idp = site.idp(f"cube{number}.fits", f"r{number}.log", size=150_000)
            while not killed_after(some.randrange(LINES), run, idp):
                kills += 1
            assert_once(program.database, idp)
            if kills >= KILLS:
                break
    finally:
        program.kill()
    assert list((site.root / "monitor" / ".ngas").iterdir()) == []


def test_a_server_killed_in_mid_upload_gets_it_once(program, site, monkeypatch):
    idp = site.idp(size=1_000_000)
    blocks = local_file.LocalFile.blocks
    uploads = itertools.count()

    def killing(self):
        is_first = next(uploads) == 0
        for number, block in enumerate(blocks(self)):
            if is_first and number == 3:
                program.kill()
                program.start()
            yield block

    monkeypatch.setattr(local_file.LocalFile, "blocks", killing)
    site.archive(program, idp)
    assert next(uploads) == 2
    assert_once(program.database, idp)


def test_a_server_that_comes_back_later_is_waited_for(program, site, monkeypatch):
    idp = site.idp()
    sleep = archive.store.__globals__["time"].sleep
    pauses = []

    def starting(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            program.start()
        sleep(seconds)

    program.kill()
    monkeypatch.setattr("phoenix_ngas.store.time.sleep", starting)
    site.archive(program, idp, pause=0.02)
    assert pauses == [0.02, 0.04, 0.08]
    assert_once(program.database, idp)
