"""A run's datasets in NGAS: one line of the configuration, and no kill makes two."""

import itertools
import os
import random
import signal
import sys
from pathlib import Path

import fake_ngas
import phoenix_ngas
import pytest
from attrs import evolve

import phoenix_core

TRACED = (
    str(Path(phoenix_ngas.__file__).parent),
    *(
        str(Path(phoenix_core.__file__).parent / name)
        for name in (
            "archive/ingest_products.py",
            "records/receipts.py",
            "records/lines.py",
        )
    ),
)
KILLS = 8
SEED = 20


@pytest.fixture
def ngas(tmp_path):
    """A toy of a server, which takes a moment to know what it has got."""
    program = fake_ngas.Program(tmp_path / "ngas", settle=0.01)
    program.start()
    yield program
    program.kill()


@pytest.fixture
def far(world, ngas):
    """The world, with NGAS as its archive."""
    options = {"archive_ngas": {"url": ngas.url, "pause": 0.2}}
    return evolve(world.with_slot("ARCHIVE", "archive_ngas"), options=options)


def names_of(world):
    return sorted(path.name for path in world.conv.iterdir() if path.name[0] in "Mr")


def assert_once(world, database):
    """Each file that was made is there, whole, and in one version."""
    assert sorted(row["file_id"] for row in database.rows) == names_of(world)
    for name in names_of(world):
        assert database.versions(name) == [1]
        assert database.path(name).read_bytes() == (world.conv / name).read_bytes()


def test_datasets_go_to_ngas_and_headers_stay(far, ngas):
    done = far.ingest()
    assert done.is_complete
    assert [one.why for one in done.datasets] == [(), ()]
    assert done.datasets[0].where.startswith(f"{ngas.url}/RETRIEVE?file_id=MU_r.one")
    assert_once(far, ngas.database)
    assert far.states() == {"ONE": "ingested before", "TWO": "ingested before"}
    cleaned = far.clean_up()
    assert cleaned.kept == ()
    assert len(cleaned.headers) == 4


def test_what_ngas_does_not_prove_stays(far, ngas):
    far.ingest()
    copy = ngas.database.path("MU_r.one.fits")
    copy.write_bytes(copy.read_bytes()[:-1] + b"?")
    cleaned = far.clean_up()
    assert [kept.target for kept in cleaned.kept] == ["ONE"]
    assert (far.conv / "MU_r.one.fits").is_file()
    assert not (far.conv / "MU_r.two.fits").exists()


def test_killed_after_any_line_nothing_is_there_twice(far, ngas, without_sync):
    lines = itertools.count()
    sys.settrace(counting(lambda: next(lines)))
    far.ingest()
    sys.settrace(None)
    some = random.Random(SEED)  # noqa: S311, the same each time
    most = next(lines) // 2  # of one dataset
    kills = 0
    for number in itertools.count():
        far.certify(f"more{number}")
        while not survives(far, some.randrange(most)):
            kills += 1
        assert_once(far, ngas.database)
        if kills >= KILLS:
            break
    blocks = [receipt["block"] for receipt in far.receipts()]
    assert len(set(blocks)) == len(blocks) == number + 3
    assert far.clean_up().kept == ()


def survives(world, last):
    """Whether an ingestion ends before its process is killed, at a line of it."""
    child = os.fork()
    if child == 0:
        left = itertools.count(last, -1)
        sys.settrace(counting(lambda: next(left) or os.kill(os.getpid(), 9)))
        try:
            is_complete = world.ingest().is_complete
        except BaseException as error:  # noqa: BLE001, nothing may leave the child
            os.write(2, f"{error!r}\n".encode())
            os._exit(2)
        os._exit(0 if is_complete else 1)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert status == 0
    return True


def counting(at_line):
    """A trace that is called at each line of what is looked at."""

    def trace(frame, event, _):
        if not frame.f_code.co_filename.startswith(TRACED):
            return None
        if event == "line":
            at_line()
        return trace

    return trace
