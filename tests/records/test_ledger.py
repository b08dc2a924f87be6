"""The ledger: pseudo-dates, attempts, sums of files."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phoenix_core.errors import ConfigError
from phoenix_core.files.sums import FileState
from phoenix_core.model import AbStatus, Outcome, Stored
from phoenix_core.records.ledger import open_ledger
from phoenix_core.records.ledger import receipts as receipt_rows
from phoenix_core.records.receipts import Held, KeptReceipt
from phoenix_core.run_id import RunId, parse_run_id

# All of them want one of two days.
rivals = st.builds(
    RunId,
    period=st.just(94),
    programme_type=st.integers(0, 2),
    category=st.just("D"),
    number=st.sampled_from([14, 114, 15, 215]),
    letter=st.sampled_from("ABC"),
)


@pytest.fixture
def url(database_url):
    return database_url


@pytest.fixture
def ledger(url):
    with open_ledger(url) as ledger:
        yield ledger


@given(st.lists(rivals, max_size=12))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=15,
)
def test_every_run_has_one_pseudo_date_that_leads_back_to_it(ledger, run_ids):
    dates = {run_id: ledger.date_of(run_id) for run_id in run_ids}
    assert len(set(dates.values())) == len(set(run_ids))
    for run_id, date in dates.items():
        assert ledger.run_of(date) == run_id
        assert ledger.date_of(run_id) == date
        assert ledger.known_date_of(run_id) == date


def test_both_spellings_have_the_same_pseudo_date(ledger):
    first = ledger.date_of(parse_run_id("094.D-0114(B)"))
    assert ledger.date_of(parse_run_id("94.D-0114B")) == first == "2094-04-14"


def test_a_pseudo_date_is_registered_only_when_it_is_asked_for(ledger):
    run_id = parse_run_id("094.D-0114B")
    assert ledger.known_date_of(run_id) is None
    assert ledger.next_date_of(run_id) == "2094-04-14"
    assert ledger.run_of("2094-04-14") is None


def test_a_pseudo_date_is_remembered(url):
    with open_ledger(url) as ledger:
        ledger.date_of(parse_run_id("094.D-0114A"))
        second = ledger.date_of(parse_run_id("094.D-0114B"))
    with open_ledger(url) as ledger:
        assert ledger.known_date_of(parse_run_id("094.D-0114B")) == second
        assert second == "2094-04-15"


REGISTER = """
import sys
from phoenix_core.records.ledger import open_ledger
from phoenix_core.run_id import parse_run_id
print("ready", flush=True)
sys.stdin.readline()
for run in sys.argv[2:]:
    with open_ledger(sys.argv[1]) as ledger:
        print(run, ledger.date_of(parse_run_id(run)), flush=True)
"""


def test_processes_that_register_at_once_get_different_dates(url):
    """The database, its tables and the dates all come into being in this moment."""
    letters = "ABCDE"
    runs = [[f"094.D-0{n}14{letter}" for letter in letters] for n in range(4)]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", REGISTER, url, *mine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for mine in runs
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("\n")
        process.stdin.flush()
    told = [process.communicate() for process in started]
    assert [err for _, err in told if err] == []
    dates = dict(line.split() for out, _ in told for line in out.splitlines())
    assert sorted(dates) == sorted(run for mine in runs for run in mine)
    assert len(set(dates.values())) == len(dates)


def test_threads_that_register_the_same_run_get_the_same_date(ledger):
    run_ids = [parse_run_id("094.D-0114B")] * 16
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ledger.date_of, run_ids)) == {"2094-04-14"}


def test_every_attempt_at_an_ab_is_told_the_first_one_first(ledger):
    with ledger.attempts_of("2094-04-14"):
        pass
    with ledger.attempts_of("2094-04-14") as keep:
        keep(Outcome("a.ab", AbStatus.FAILED, "no room", 1.5, 7_000_000_000))
        keep(Outcome("b.ab", AbStatus.SUCCESSFUL))
    with ledger.attempts_of("2094-04-14") as keep:
        keep(Outcome("a.ab", AbStatus.SUCCESSFUL))
    with ledger.attempts_of("2094-04-15") as keep:
        keep(Outcome("a.ab", AbStatus.SKIPPED))
    first, second = ledger.attempts("2094-04-14", "a.ab")
    assert (first.status, first.cause) == (AbStatus.FAILED, "no room")
    assert (first.seconds, first.memory) == (1.5, 7_000_000_000)
    assert second.status is AbStatus.SUCCESSFUL
    assert ledger.attempts("2094-04-14", "c.ab") == ()


def test_sums_of_files_are_remembered_and_replaced(url, tmp_path):
    path = tmp_path / "a.fits"
    with open_ledger(url) as ledger:
        ledger.keep_sums({path: (FileState(1, 2, 3), "old")})
        ledger.keep_sums({path: (FileState(3, 4, 5), "new")})
        ledger.keep_sums({})
    with open_ledger(url) as ledger:
        assert ledger.file_sums().known == {path: (FileState(3, 4, 5), "new")}


def test_sums_of_an_older_phoenix_are_forgotten_and_the_rest_is_kept(tmp_path):
    url, path = f"sqlite:///{tmp_path}/old.db", tmp_path / "a.fits"
    with open_ledger(url) as ledger:
        date = ledger.date_of(parse_run_id("094.D-0114(B)"))
        ledger.keep_sums({path: (FileState(1, 2, 3), "old")})
        with ledger.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE files DROP COLUMN ctime_ns")
    with open_ledger(url) as ledger:
        assert ledger.file_sums().known == {}
        assert ledger.known_date_of(parse_run_id("094.D-0114(B)")) == date
        ledger.keep_sums({path: (FileState(3, 4, 5), "new")})
        assert ledger.file_sums().known == {path: (FileState(3, 4, 5), "new")}


@pytest.mark.parametrize(
    "url",
    ["nonsense", "nosuchdb://x", "sqlite:////proc/none/x.db", "sqlite:///DIR"],
)
def test_a_database_that_cannot_be_used_is_one_line(url, tmp_path):
    url = url.replace("DIR", str(tmp_path))
    with pytest.raises(ConfigError) as refused, open_ledger(url):
        pass
    assert str(refused.value).startswith(f"the database {url} cannot be used: ")
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_database_is_one_line(tmp_path):
    path = tmp_path / "phoenix.db"
    path.write_text("not a database " * 100)
    with (
        pytest.raises(ConfigError, match=r"phoenix\.db cannot be used: .*database"),
        open_ledger(f"sqlite:///{path}"),
    ):
        pass


def test_what_fails_later_is_one_line_too(url):
    def lose(ledger):
        with ledger.engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE attempts"))
        with ledger.attempts_of("2094-04-14") as keep:
            keep(Outcome("a.ab", AbStatus.FAILED))

    missing = r"no such table|relation .* does not exist"
    failed = pytest.raises(ConfigError, match=f"failed: .*({missing})")
    with failed, open_ledger(url) as ledger:
        lose(ledger)


def test_what_ended_before_an_interruption_is_recorded(ledger):
    def interrupted():
        with ledger.attempts_of("2094-04-14") as keep:
            keep(Outcome("a.ab", AbStatus.FAILED))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(ledger.attempts("2094-04-14", "a.ab")) == 1


def test_receipts_of_a_run_are_those_of_its_file_and_of_no_other_run(ledger):
    def receipt(name, at):
        held = Held(Stored(name, "id", 1 << 40, "md5:00"), "0" * 64, "SCIENCE.IMAGE")
        return KeptReceipt(f"{name}.ab", "id", "NGC 300", "toy", at, (held,))

    ledger.keep_receipts("2094-01-01", [receipt("a", "1"), receipt("b", "1")])
    ledger.keep_receipts("2094-01-02", [receipt("a", "1")])
    ledger.keep_receipts("2094-01-01", [receipt("a", "2"), receipt("a", "3")])
    ledger.keep_receipts("2094-01-03", [])
    columns = (receipt_rows.c.date, receipt_rows.c.name, receipt_rows.c.at)
    with ledger.engine.connect() as connection:
        found = connection.execute(sa.select(*columns, receipt_rows.c.size)).all()
    size = 1 << 40
    assert sorted(tuple(row) for row in found) == [
        ("2094-01-01", "a", "3", size),
        ("2094-01-02", "a", "1", size),
    ]
