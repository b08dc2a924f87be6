"""Part 2: what is due is processed, and nothing else."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from phoenix_core.association_block import AbStatus
from phoenix_core.errors import PgiError
from phoenix_core.jobs.due import what_is_due
from phoenix_core.run import create as create_module
from phoenix_core.run.process import process

DATE = "2094-01-01"
NIGHT = "EXAMPLE.2014-10-22T"
DARK, FLAT = f"{NIGHT}18:00:00.ab", f"{NIGHT}18:30:00.ab"
FIRST, SECOND, THIRD = (f"{NIGHT}21:{n}0:00.ab" for n in range(3))
BETA = f"{NIGHT}21:00:00_stk.ab"
ALPHA = f"{NIGHT}20:00:00_stk.ab"
GAMMA = "EXAMPLE.2014-10-23T23:00:00_stk.ab"
OF_BETA = {DARK, FLAT, FIRST, SECOND, THIRD, BETA}
TO_MEAN = ("RECIPE_PARAM      --combine=median", "RECIPE_PARAM      --combine=mean")
EXPOSURES = {FIRST, SECOND, THIRD}


def outcomes(done):
    """The names of the ABs that were processed, by what became of them."""
    found = {}
    for outcome in done.outcomes:
        found.setdefault(outcome.status.value, set()).add(outcome.block)
    return found


def leftovers(root):
    """What a run must not leave: temporaries, and working directories of ABs."""
    return [*root.rglob("*.tmp"), *root.glob("product/.work/*/*")]


def clean(products):
    """Without the histories, which tell of time and version."""
    return {path: content for path, content in products.items() if "STACK" in str(path)}


@pytest.fixture
def beta(example):
    """The run with the target BETA processed."""
    done = example.process(select=BETA)
    assert outcomes(done) == {"SUCCESSFUL": OF_BETA}
    return example


def test_a_run_processes_every_ab_and_makes_the_reports(example):
    done = example.process()
    assert len(outcomes(done)["SUCCESSFUL"]) == 19
    assert {report.block for report in done.reports} == {ALPHA, BETA, GAMMA}
    assert done.cover.is_file()
    for name in (ALPHA, BETA, GAMMA):
        assert example.block(name).status is AbStatus.SUCCESSFUL
        assert np.isfinite(np.load(example.product(name, "STACK"))).mean() > 0.99
    assert leftovers(example.root) == []


def test_what_is_finished_is_not_run_again(beta):
    before = beta.products()
    abs_before = {name: beta.ab(name).read_bytes() for name in OF_BETA}
    done = beta.process(select=BETA)
    assert done.outcomes == ()
    assert set(done.up_to_date) == OF_BETA
    assert {report.block for report in done.reports} == {BETA}
    assert beta.products() == before
    assert {name: beta.ab(name).read_bytes() for name in OF_BETA} == abs_before


def test_another_target_runs_only_what_the_first_did_not(beta):
    done = beta.process()
    assert len(done.outcomes) == 19 - len(OF_BETA)
    assert set(done.up_to_date) == OF_BETA


# What makes an AB due ---------------------------------------------------------------


def test_a_changed_raw_input_makes_exactly_what_depends_on_it_due(beta, frame):
    frame(beta.raw("EXAMPLE.2014-10-22T21:10:00.npy"), 170.0)
    done = beta.process(select=BETA)
    # The others' frames are interim and gone: the stack needs them once more.
    assert outcomes(done) == {"SUCCESSFUL": {*EXPOSURES, BETA}}
    assert set(done.up_to_date) == {DARK, FLAT}


def test_a_changed_dark_makes_all_due_that_was_made_with_it(example, frame):
    example.process()
    for name in ("00", "01", "02"):
        frame(example.raw(f"EXAMPLE.2014-10-22T18:00:{name}.npy"), 101.0)
    done = example.process()
    redone = outcomes(done)["SUCCESSFUL"]
    assert {DARK, FLAT, ALPHA, BETA, *EXPOSURES} <= redone
    assert GAMMA in done.up_to_date
    assert "EXAMPLE.2014-10-23T18:00:00.ab" in done.up_to_date


def test_a_raw_file_that_was_only_touched_makes_nothing_due(beta):
    raw = beta.raw("EXAMPLE.2014-10-22T21:10:00.npy")
    os.utime(raw, ns=(1, 1))
    assert beta.process(select=BETA).outcomes == ()


def test_a_raw_file_changed_within_its_size_is_seen(beta):
    raw = beta.raw("EXAMPLE.2014-10-22T21:10:00.npy")
    content = bytearray(raw.read_bytes())
    content[-1] ^= 1
    raw.write_bytes(content)
    assert SECOND in outcomes(beta.process(select=BETA))["SUCCESSFUL"]


def test_a_changed_calibration_makes_its_takers_due(beta, frame):
    frame(beta.root / "calib" / "EXAMPLE_BADPIX.npy", 0.0)
    assert outcomes(beta.process(select=BETA))["SUCCESSFUL"] == {*EXPOSURES, BETA}


def test_a_changed_parameter_makes_its_ab_due_and_the_reason_is_told(beta):
    beta.edit(beta.ab(BETA), *TO_MEAN)
    with beta.session(select=BETA) as session:
        plan = create_module.create(session)
        due = what_is_due(session, plan.cascade.blocks)
    told = "the parameters were --combine=median and are --combine=mean"
    assert due[BETA] == (told,)
    done = beta.process(select=BETA)
    assert BETA in outcomes(done)["SUCCESSFUL"]
    assert beta.block(BETA).values("CALL_PARAM") == ("--combine=mean",)
    assert done.plan.notes == (f"{BETA} was edited by hand and is taken as it is",)
    events = (beta.root / "monitor" / DATE / "events.jsonl").read_text()
    assert f"{told}" in events


def test_an_edit_that_fresh_takes_back_makes_the_first_product_again(beta):
    before = clean(beta.products())
    beta.edit(beta.ab(BETA), *TO_MEAN)
    beta.process(select=BETA)
    assert clean(beta.products()) != before
    beta.process(select=BETA, fresh=True)
    assert clean(beta.products()) == before


def test_a_changed_definition_in_the_store_makes_the_ab_due(beta):
    with beta.store(FLAT).open("a") as file:
        file.write("RECIPE_PARAM  --combine=mean\n")
    done = beta.process(select=BETA)
    assert outcomes(done)["SUCCESSFUL"] == OF_BETA - {DARK}
    assert beta.block(FLAT).params == ("--combine=mean",)
    assert done.plan.notes == ()


def test_a_definition_that_no_product_depends_on_makes_nothing_due(beta):
    with beta.store(FLAT).open("a") as file:
        file.write("MY_OWN  a remark\n")
    assert beta.process(select=BETA).outcomes == ()
    assert beta.block(FLAT).value("MY_OWN") == "a remark"


def test_a_new_version_makes_everything_due(beta, monkeypatch):
    monkeypatch.setattr("phoenix_example.drs.VERSION", "2.0")
    assert outcomes(beta.process(select=BETA)) == {"SUCCESSFUL": OF_BETA}
    assert beta.block(BETA).value("RECIPE_VERSION").startswith("example 2.0, ")


@pytest.mark.parametrize("harm", ["delete", "truncate"])
def test_a_product_that_is_deleted_or_truncated_is_made_again(beta, harm):
    before = clean(beta.products())
    product = beta.product(BETA, "STACK")
    if harm == "delete":
        product.unlink()
    else:
        product.write_bytes(product.read_bytes()[:-100])
    done = beta.process(select=BETA)
    assert outcomes(done)["SUCCESSFUL"] == {*EXPOSURES, BETA}
    assert clean(beta.products()) == before


def test_a_calibration_product_made_again_makes_nothing_else_due(beta):
    before = clean(beta.products())
    beta.product(FLAT, "MASTER_FLAT").unlink()
    assert outcomes(beta.process(select=BETA)) == {"SUCCESSFUL": {FLAT}}
    assert clean(beta.products()) == before


def test_a_product_changed_within_its_size_is_refused_as_an_input(beta):
    product = beta.product(FLAT, "MASTER_FLAT")
    content = bytearray(product.read_bytes())
    content[-1] ^= 1
    product.write_bytes(content)
    done = beta.process()  # ALPHA takes it too
    (told,) = {o.cause for o in done.failures if o.status is AbStatus.FAILED}
    assert f"{product} is not what {FLAT} made; remove it" in told
    product.unlink()
    assert not beta.process().failures


# Interim products -------------------------------------------------------------------


def states(example, names):
    return {product.state for name in names for product in example.block(name).products}


def test_interim_products_go_when_every_taker_succeeded(beta):
    assert states(beta, EXPOSURES) == {"DELETED"}
    assert not [path for path in beta.products() if "REDUCED" in path.name]
    assert states(beta, {DARK, FLAT, BETA}) == {"KEPT"}


def test_interim_products_stay_while_a_taker_has_not_succeeded(example, frame):
    frame(example.raw("EXAMPLE.2014-10-22T21:10:00.npy"), np.nan)
    done = example.process(select=BETA)
    assert outcomes(done) == {
        "SUCCESSFUL": OF_BETA - {SECOND, BETA},
        "FAILED": {SECOND},
        "SKIPPED": {BETA},
    }
    assert states(example, {FIRST, THIRD}) == {"INTERIM"}
    assert example.product(FIRST, "REDUCED").is_file()


def test_interim_products_that_something_needs_later_are_made_again(beta):
    before = clean(beta.products())
    beta.edit(beta.ab(BETA), *TO_MEAN)
    beta.process(select=BETA)
    beta.edit(beta.ab(BETA), *TO_MEAN[::-1])
    done = beta.process(select=BETA)
    assert outcomes(done)["SUCCESSFUL"] == {*EXPOSURES, BETA}
    assert clean(beta.products()) == before
    assert states(beta, EXPOSURES) == {"DELETED"}


@pytest.fixture
def killed_at_deletion(example, monkeypatch):
    """The run whose phoenix was killed when it deleted the first interim product."""

    class Killed(BaseException):
        pass

    unlink = Path.unlink

    def kill(path, missing_ok=False):  # noqa: FBT002
        if path.name.endswith("_REDUCED.npy"):
            raise Killed
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", kill)
        with pytest.raises(Killed):
            example.process(select=BETA)
    return example


def test_interim_products_left_by_a_killed_phoenix_go_and_nothing_is_run(
    killed_at_deletion,
):
    example = killed_at_deletion
    assert [path for path in example.products() if "REDUCED" in path.name]
    done = example.process(select=BETA)
    assert done.outcomes == ()
    assert not [path for path in example.products() if "REDUCED" in path.name]
    assert states(example, EXPOSURES) == {"DELETED"}


# What fails -------------------------------------------------------------------------


def test_a_failed_ab_stops_only_what_needs_it(example):
    example.raw("EXAMPLE.2014-10-22T21:10:00.npy").write_text("no frame")
    done = example.process()
    assert outcomes(done)["FAILED"] == {SECOND}
    assert outcomes(done)["SKIPPED"] == {BETA}
    assert len(outcomes(done)["SUCCESSFUL"]) == 17
    assert "21:10:00.npy is no frame" in example.block(SECOND).cause
    assert example.block(BETA).cause == f"it needs {SECOND}, which is FAILED"
    assert {report.block for report in done.reports} == {ALPHA, GAMMA}
    assert leftovers(example.root) == []


def test_after_mending_only_the_rest_is_done(example):
    raw = example.raw("EXAMPLE.2014-10-22T21:10:00.npy")
    content = raw.read_bytes()
    raw.write_text("no frame")
    example.process()
    again = example.process()
    assert outcomes(again) == {"FAILED": {SECOND}, "SKIPPED": {BETA}}
    raw.write_bytes(content)
    mended = example.process()
    assert outcomes(mended) == {"SUCCESSFUL": {SECOND, BETA}}
    assert not mended.failures
    for name in (SECOND, BETA):
        assert example.block(name).cause == ""
        assert example.block(name).status is AbStatus.SUCCESSFUL


def test_an_ab_that_fails_later_takes_its_takers_and_their_reports_along(beta):
    raw = beta.raw("EXAMPLE.2014-10-22T18:30:00.npy")
    raw.write_text("no frame")
    done = beta.process(select=BETA)
    assert outcomes(done)["FAILED"] == {FLAT}
    assert outcomes(done)["SKIPPED"] == {*EXPOSURES, BETA}
    assert {report.block for report in done.reports} == set()


def test_every_attempt_is_in_the_ledger(example):
    raw = example.raw("EXAMPLE.2014-10-22T21:10:00.npy")
    content = raw.read_bytes()
    raw.write_text("no frame")
    example.process(select=BETA)
    raw.write_bytes(content)
    example.process(select=BETA)
    with example.session() as session:
        tries = session.ledger.attempts(DATE, SECOND)
    assert [str(one.status) for one in tries] == ["FAILED", "SUCCESSFUL"]
    assert "is no frame" in tries[0].cause


def test_an_error_in_part_1_stops_part_2(example):
    example.raw("EXAMPLE.2014-10-22T21:10:00.npy").unlink()
    done = example.process()
    assert done.plan.errors
    assert done.outcomes == ()
    assert not example.products()


FLAKY_QC = """
from pathlib import Path
from phoenix_core import hookimpl
from phoenix_core.model import QcReport

@hookimpl
def process_qc_procedure(run, block, products):
    if (run.config.path.parent / "broken").exists():
        raise ZeroDivisionError("no pixel")
    return QcReport(block.name)
"""


def test_qc_that_fails_is_told_and_done_by_the_next_call(example, pgi_package):
    name = pgi_package("flaky_qc", FLAKY_QC)
    text = example.config.read_text().split("[pgi_phoenix_EXAMPLE_QC]")[0]
    example.config.write_text(text.replace('pgi_phoenix_EXAMPLE_QC"]', f'{name}"]'))
    broken = example.config.parent / "broken"
    broken.touch()
    done = example.process(select=BETA)
    assert outcomes(done) == {"SUCCESSFUL": OF_BETA}
    assert {failure.block for failure in done.qc_failures} == OF_BETA
    assert "flaky_qc failed in process_qc_procedure" in done.qc_failures[0].cause
    assert done.failures == done.qc_failures
    broken.unlink()
    done = example.process(select=BETA)
    assert done.outcomes == ()
    assert {report.block for report in done.reports} == OF_BETA


WRONG_BQS = """
from phoenix_core import hookimpl
from phoenix_core.model import AbStatus, Outcome

@hookimpl
def bqs(run, jobs, process):
    return iter(ANSWER)
"""


@pytest.fixture
def toy_bqs(example, pgi_package):
    """A function that gives the run a BQS that answers so."""

    def build(answer):
        name = pgi_package("toy_bqs", WRONG_BQS.replace("ANSWER", answer))
        example.edit(example.config, 'BQS        = "local"', f'BQS = "{name}"')

    return build


def test_a_job_that_the_bqs_forgot_is_told(example, toy_bqs):
    toy_bqs("[]")
    (failure,) = example.process(select=DARK).failures
    assert (failure.block, failure.status) == (DARK, AbStatus.SKIPPED)
    assert failure.cause == "toy_bqs did not run it"
    assert example.block(DARK).cause == "toy_bqs did not run it"


def test_an_outcome_that_nobody_waits_for_blames_the_bqs(example, toy_bqs):
    toy_bqs('[Outcome("x.ab", AbStatus.FAILED)]')
    with pytest.raises(PgiError, match=r"toy_bqs: .* nobody waits for: x\.ab"):
        example.process(select=DARK)


# A full disk ------------------------------------------------------------------------


def mount(directory, options):
    if os.geteuid():
        pytest.skip("only root mounts disks")
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", directory]
    subprocess.run(command, check=True)


@pytest.fixture
def small_disk(example):
    """The products on a disk of their own, of 24 kB; a frame takes 4."""
    product = example.root / "product"
    product.mkdir()
    mount(product, "size=24k")
    yield product
    subprocess.run(["umount", "-l", product], check=True)


def test_a_full_disk_ends_in_a_clear_state_and_a_clear_line(small_disk, example):
    done = example.process()
    assert done.failures
    told = {o.cause for o in done.failures if o.status is AbStatus.FAILED}
    assert told
    assert [c for c in told if f"the disk of {small_disk} is full" not in c] == []
    for path in example.ab(DARK).parent.glob("*.ab"):
        block = example.block(path.name)
        for record in block.products:
            if block.status is AbStatus.SUCCESSFUL and not record.is_deleted:
                product = small_disk / block.raw_type / DATE / record.file
                assert product.stat().st_size == record.size
    assert leftovers(example.root) == []
    mount(small_disk, "remount,size=9m")
    good = {o.block for o in done.outcomes if o.status is AbStatus.SUCCESSFUL}
    again = example.process()
    assert not again.failures
    assert good <= set(again.up_to_date)


@pytest.mark.parametrize("room", [60_000, 140_000, 260_000])
def test_a_full_disk_under_abs_and_database_loses_nothing_finished(
    example, tmp_path, room
):
    """Everything on the small disk, where not even the failure can be written."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount(disk, "size=9m")
    try:
        full = type(example)(example.config, disk / "data")
        shutil.copytree(example.root, full.root)
        text = example.config.read_text()
        full.config.write_text(text.replace(str(example.root), str(full.root)))
        used = shutil.disk_usage(disk).used
        mount(disk, f"remount,size={used + room}")
        ended = full.command("-r", "094.A-0001A", "-P")
        assert ended.returncode == (4 if room > 200_000 else ended.returncode) != 0
        told = ended.stderr + ended.stdout
        assert "Traceback" not in told
        assert "is full" in told or "No space left" in told
        mount(disk, "remount,size=9m")
        assert not full.process().failures
        assert leftovers(full.root) == []
        made = clean(full.products())
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
    example.config.write_text(text)
    assert example.process().failures == ()
    assert made == clean(example.products())


def test_process_leaves_the_session_usable(example):
    with example.session(select=BETA) as session:
        assert process(session).outcomes
        assert process(session).outcomes == ()
