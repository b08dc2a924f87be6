"""muse_deep: RUN_TYPE.txt says what is expected, DEEP_MODE.txt what became of it."""

import pytest

from muse_deep_plugin.monitor.project import expected_runs
from muse_deep_plugin.preparation.info_run import info_run
from muse_deep_plugin.preparation.run_tables import DeepStatus, read_deep_modes
from phoenix_core.association_block import AssociationBlock
from phoenix_core.config import read_config
from phoenix_core.monitors.history import entries_of
from phoenix_core.monitors.update import after_part, update
from phoenix_core.records.ledger import open_ledger
from phoenix_core.run_id import parse_run_id

RUN, MASTER, SLAVE = "094.D-0114(B)", "094.A-0116(B)", "095.A-0118(A)"
DATE = "2094-04-14"
TARGETS = ("NGC300", "NGC300_P2")


@pytest.fixture
def site(history):
    """The site, whose monitors know the project."""
    with history.config_path.open("a", encoding="utf-8") as file:
        file.write('[phoenixMonitor]\nPROJECT = "muse_deep"\nSCI_CLASS = "MUSE_DEEP"\n')
    return history


def monitor(site):
    return update(read_config(site.config_path))


def make_abs(site, folder, targets, status):
    """Lay down the dpc AB of each target, as it is after a part."""
    with open_ledger(site.config.database) as ledger:
        date = ledger.date_of(parse_run_id(RUN))
    for number, target in enumerate(targets):
        name = f"MUSE.2014-10-23T0{number}:10:32.123_dpc.ab"
        block = AssociationBlock.create(
            {
                "AB_NAME": name,
                "RECIPE": "muse_exp_combine",
                "RAW_TYPE": "MUSE_DEEP",
                "TARGET": target,
                "PROCESS_STATUS": status,
                "FINGERPRINT": "f" * 16,
            }
        )
        path = folder / date / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, "utf-8")


def modes(site):
    return read_deep_modes(site.folder)[0]


def status_of(site):
    """The line of the run in RUN_DATA.txt, as phoenix_getInfoRun writes it."""
    info_run(read_config(site.config_path), "")
    lines = (site.folder / "RUN_DATA.txt").read_text("utf-8").splitlines()
    return next(line.split()[-1] for line in lines if line.startswith(RUN))


def test_runs_to_combine_are_expected_and_wait_for_their_preparation(site):
    site.write("RUN_TYPE.txt", f'{RUN} 94 deep YES "two fields"\n{MASTER} 94 gto TBD\n')
    done = monitor(site)
    (entry,) = entries_of(done.site)
    assert (entry.label, entry.state.value) == (RUN, "expected")
    assert (entry.expected.kind, entry.expected.comment) == ("deep", "two fields")
    sections = {one.name: one.rows for one in done.waiting.sections}
    (row,) = sections["to_prepare"]
    assert row.command == f"phoenix_createDeep -r '{RUN}'"


def test_a_slave_is_not_expected_since_its_master_has_its_datacubes(site):
    site.write("RUN_TYPE.txt", f"{MASTER} 94 multi YES\n{SLAVE} 95 multi YES\n")
    site.write("RUN_MULTI.txt", f"{MASTER} M\n{SLAVE} S {MASTER}\n")
    told = expected_runs(site.config)
    assert list(told.wanted) == [MASTER]
    assert told.runs[SLAVE].word == f"YES, with {MASTER}"


def test_a_wrong_line_is_told_on_the_pages_and_the_others_count(site):
    site.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n{MASTER} 94 deep PERHAPS\n")
    done = monitor(site)
    assert [entry.label for entry in entries_of(done.site)] == [RUN]
    page = (site.folder.parent / "histoMonitor.html").read_text("utf-8")
    assert "RUN_TYPE.txt, line 2: COMBINE is" in page
    assert done.site.expected.mistakes


def test_what_is_written_for_the_preparation_is_what_it_reads(site):
    """The whole way and back: a decision, ABs, the move, and STATUS done."""
    site.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    assert status_of(site) == "open"
    directories = site.config.directories
    make_abs(site, directories.ab, TARGETS, "SUCCESSFUL")
    monitor(site)
    assert (modes(site)[RUN].status, modes(site)[RUN].n_deep) == (DeepStatus.OPEN, 0)
    assert status_of(site) == "open"
    for path in (directories.ab / DATE).iterdir():
        target = directories.logs / DATE / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    assert after_part(read_config(site.config_path), DATE) == ""
    mode = modes(site)[RUN]
    assert (mode.status, mode.n_deep) == (DeepStatus.DONE, 2)
    assert len(mode.updated) == 10
    assert status_of(site) == "done"


def test_what_the_processing_site_says_counts_more_than_rows_of_the_database(site):
    site.write("RUN_TYPE.txt", f"{RUN} 94 deep YES\n")
    site.write("DEEP_MODE.txt", f"{RUN} done 1 2026-02-03\n")
    info_run(site.config, "")  # the list is made: it selects one target
    assert status_of(site) == "open"  # two are selected
    site.write("DEEP_MODE.txt", f"{RUN} done 2 2026-02-03\n")
    assert status_of(site) == "done"
    site.write("DEEP_MODE.txt", f"{RUN} open 2 2026-02-03\n")
    assert status_of(site) == "open"


def test_deep_modes_are_written_only_where_they_say_something_else(site):
    make_abs(site, site.config.directories.logs, TARGETS, "SUCCESSFUL")
    monitor(site)
    path = site.folder / "DEEP_MODE.txt"
    before = path.stat().st_ino
    monitor(site)
    assert path.stat().st_ino == before
    path.write_text(f"{RUN} dnoe 1\n", "utf-8")
    assert "STATUS is 'dnoe'" in monitor(site).warnings[0]
    assert modes(site)[RUN].status is DeepStatus.DONE
    assert monitor(site).warnings == ()


def test_a_site_that_fetches_deep_modes_leaves_them_alone(site, tmp_path):
    with site.config_path.open("a", encoding="utf-8") as file:
        file.write(f'[phoenix_getInfoRun]\nother_site = "{tmp_path}"\n')
    make_abs(site, site.config.directories.logs, TARGETS, "SUCCESSFUL")
    monitor(site)
    assert not (site.folder / "DEEP_MODE.txt").exists()


def test_a_run_that_shall_not_be_combined_and_was_not_is_none(site):
    site.write("RUN_TYPE.txt", f"{RUN} 94 deep NO\n")
    make_abs(site, site.config.directories.ab, TARGETS, "CREATED")
    monitor(site)
    assert modes(site)[RUN].status is DeepStatus.NONE
