"""Part 1: ABs, checks and the plan; nothing is executed."""

import shutil
import subprocess

import pytest
from phoenix_example.simulate import simulate

from phoenix_core.association_block import AbStatus
from phoenix_core.errors import ConfigError, PgiError
from phoenix_core.model import Finding

DATE = "2094-01-01"
RUN = "094.A-0001A"
BETA = "EXAMPLE.2014-10-22T21:00:00_stk.ab"
EXPOSURE = "EXAMPLE.2014-10-22T21:10:00.ab"
DARK = "EXAMPLE.2014-10-22T18:00:00.ab"
OF_BETA = {
    *(DARK, "EXAMPLE.2014-10-22T18:30:00.ab"),
    *("EXAMPLE.2014-10-22T21:00:00.ab", EXPOSURE, "EXAMPLE.2014-10-22T21:20:00.ab"),
    BETA,
}


def names(plan):
    return {block.name for block in plan.cascade.blocks}


def test_part_1_executes_nothing(example):
    plan = example.create()
    assert len(plan.jobs) == len(plan.cascade.blocks) == 19
    assert not (example.root / "product").exists()
    assert {block.status for block in plan.cascade.blocks} == {AbStatus.CREATED}


def test_every_ab_of_the_cascade_lies_in_the_ab_directory(example):
    plan = example.create()
    assert {path.name for path in example.ab(BETA).parent.glob("*.ab")} == names(plan)
    for block in plan.cascade.blocks:
        assert example.block(block.name) == block


def test_an_ab_keeps_the_lines_of_the_store(example):
    store = example.store(EXPOSURE)
    store.write_bytes(b"# \xe9toile\n" + store.read_bytes() + b"MY_OWN\tyes  # \xff\n")
    example.create()
    written = example.ab(EXPOSURE).read_bytes()
    for line in store.read_bytes().splitlines():
        assert line in written.splitlines()


def test_the_lines_of_the_job_file_make_the_same_products_as_part_2(example, tmp_path):
    simulate(tmp_path / "other")
    text = example.config.read_text().replace(
        str(example.root), str(tmp_path / "other")
    )
    plan = example.create(select=BETA)
    called = plan.job_file.read_text().splitlines()
    assert sum(line.startswith("processAB -a ") for line in called) == len(OF_BETA)
    bin_dir = shutil.which("processAB", path=str(example.bin))
    subprocess.run(
        ["sh", "-e", plan.job_file],
        check=True,
        cwd=tmp_path,
        env={"PATH": f"{example.bin}:/usr/bin:/bin"},
    )
    assert bin_dir
    by_hand = example.products()
    example.config.write_text(text)
    other = type(example)(example.config, tmp_path / "other")
    other.process(select=BETA)
    made = other.products()
    # One after the other has no interim products to delete: that is phoenix's.
    assert made == {path: by_hand[path] for path in made}
    assert {path.name for path in by_hand} - {path.name for path in made} == {
        f"r.{name.removesuffix('.ab')}_REDUCED.npy"
        for name in OF_BETA
        if name > "EXAMPLE.2014-10-22T20" and name != BETA
    }


def test_a_selected_ab_comes_with_what_it_needs(example):
    plan = example.create(select=BETA)
    assert names(plan) == OF_BETA
    assert {path.name for path in example.ab(BETA).parent.glob("*.ab")} == OF_BETA


def test_a_misspelt_ab_gets_the_nearest_name(example):
    with pytest.raises(ConfigError, match=f"094.A-0001A has no AB .*mean '{BETA}'"):
        example.create(select=BETA.replace("_stk", "_stck"))


def test_an_ab_of_another_run_is_an_error_that_names_both(example):
    example.edit(
        example.store(EXPOSURE),
        "RUN_ID            094.A-0001(A)",
        "RUN_ID            094.A-0101(A)",
    )
    with pytest.raises(ConfigError) as refused:
        example.create()
    message = str(refused.value)
    assert message.startswith(f"{example.store(EXPOSURE)}, line ")
    assert "RUN_ID is '094.A-0101(A)'; expected 094.A-0001(A)" in message
    assert not (example.root / "ab").exists() or not list(example.root.glob("ab/*/*"))


def test_a_run_id_in_the_other_spelling_is_the_same_run(example):
    text = example.store(EXPOSURE).read_text()
    name, after = text.split("RUN_ID", 1)
    example.store(EXPOSURE).write_text(
        f"{name}RUN_ID{after.replace('094.A-0001(A)', '94.A-0001A', 1)}"
    )
    assert len(example.create().jobs) == 19


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("EXAMPLE.2014-10-22T21:10:00.npy", "../../etc/passwd", "RAWFILE is"),
        (f"AB_NAME           {EXPOSURE}", "AB_NAME  ../x.ab", "AB_NAME is '../x.ab'"),
        (f"AB_NAME           {EXPOSURE}", "AB_NAME  x.ab", "AB_NAME is 'x.ab'"),
        ("RAW_TYPE          OBJECT", "RAW_TYPE  ../..", "RAW_TYPE is"),
        ("example_science", "", "RECIPE is missing"),
        ("MASTER_FLAT", "", "expected REAL|VIRTUAL <file> <tag>"),
    ],
)
def test_an_ab_that_cannot_be_trusted_stops_part_1(example, old, new, told):
    example.edit(example.store(EXPOSURE), old, new)
    with pytest.raises(ConfigError) as refused:
        example.create()
    assert str(example.store(EXPOSURE)) in str(refused.value)
    assert told in str(refused.value)


def test_two_abs_whose_products_would_have_one_name_are_refused(example):
    other = "EXAMPLE.2014-10-22T21:20:00.ab"
    for name in (EXPOSURE, other):
        with example.store(name).open("a") as file:
            file.write("PROD_ROOT_NAME  r.same\n")
    with pytest.raises(ConfigError, match=f"PROD_ROOT_NAME is 'r.same'.*{EXPOSURE}"):
        example.create()


def test_a_store_without_the_run_says_where_it_looked(example):
    with pytest.raises(ConfigError, match=r"no ABs of 094\.A-0002A in .*/2094-01-02"):
        example.create(run="094.A-0002A")


# What a person edited ---------------------------------------------------------------


def test_an_ab_edited_by_hand_is_taken_as_it_is_and_it_is_said(example):
    example.create()
    example.edit(example.ab(BETA), "--combine=median", "--combine=mean  # mine")
    edited = example.ab(BETA).read_bytes()
    for select in ("", BETA):
        plan = example.create(select=select)
        assert plan.notes == (f"{BETA} was edited by hand and is taken as it is",)
    assert example.create(select=DARK).notes == ()
    assert example.ab(BETA).read_bytes() == edited


def test_an_ab_made_by_hand_is_taken_as_it_is(example):
    example.create()
    text = example.ab(BETA).read_text().replace("=median", "=mean")
    lines = [line for line in text.splitlines() if not line.startswith("AB_SUM")]
    example.ab(BETA).write_text("\n".join(lines) + "\n")
    plan = example.create()
    assert plan.notes == (f"{BETA} was edited by hand and is taken as it is",)
    assert example.block(BETA).params == ("--combine=mean",)


def test_what_is_no_ab_any_more_goes_and_it_is_said(example):
    example.create()
    example.store(EXPOSURE).unlink()
    plan = example.create()
    assert plan.notes == (
        f"{EXPOSURE} is not an AB of 094.A-0001A any more and was removed",
    )
    assert not example.ab(EXPOSURE).exists()


def test_what_is_no_ab_any_more_is_kept_if_edited_or_with_products(
    example,
):
    example.process(select=BETA)
    example.create()
    gamma = "EXAMPLE.2014-10-23T23:10:00.ab"
    example.edit(example.ab(gamma), "RECIPE ", "# mine\nRECIPE_PARAM --a=b\nRECIPE ")
    kept = {name: example.ab(name).read_bytes() for name in (EXPOSURE, gamma)}
    for name in kept:
        example.store(name).unlink()
    told = [note for note in example.create().notes if "any more" in note]
    place = example.ab("superseded") / EXPOSURE
    assert [note.split("; ")[1] for note in told] == [
        f"{place} says where its products are",
        f"remove {example.ab(gamma)} if it is not wanted",
    ]
    kept_now = [path.read_bytes() for path in (place, example.ab(gamma))]
    assert kept_now == list(kept.values())


def test_an_edited_ab_is_made_anew_with_fresh(example):
    example.create()
    before = example.ab(BETA).read_bytes()
    example.edit(example.ab(BETA), "--combine=median", "--combine=mean")
    assert example.create(fresh=True).notes == ()
    assert example.ab(BETA).read_bytes() == before


def test_an_edit_that_takes_an_input_out_takes_it_out_of_the_jobs_needs(example):
    example.create()
    line = f"MCALIB            VIRTUAL {EXPOSURE} REDUCED\n"
    example.edit(example.ab(BETA), line, "")
    plan = example.create(select=BETA)
    assert names(plan) == OF_BETA - {EXPOSURE}
    assert all(EXPOSURE not in job.needs for job in plan.jobs)


def test_an_edit_that_needs_an_ab_nobody_knows_is_told_with_its_line(example):
    example.create()
    example.edit(example.ab(BETA), f"VIRTUAL {EXPOSURE}", "VIRTUAL EXAMPEL.ab")
    with pytest.raises(ConfigError) as refused:
        example.create()
    assert str(refused.value).startswith(f"{example.ab(BETA)}, line ")
    assert "EXAMPEL.ab" in str(refused.value)


def test_an_edit_that_makes_a_circle_is_told(example):
    example.create()
    with example.ab(DARK).open("a") as file:
        file.write(f"MCALIB  VIRTUAL {BETA} STACK\n")
    with pytest.raises(ConfigError, match=f"in a circle: .*{DARK}"):
        example.create()


def test_a_misspelt_status_gets_the_nearest_right_word(example):
    example.create()
    example.edit(example.ab(BETA), "CREATED", "CRETED")
    with pytest.raises(ConfigError, match=r"_stk\.ab, line \d+: .*mean 'CREATED'"):
        example.create()


def test_an_ab_that_nobody_changed_is_not_written_again(example):
    example.create()
    before = {
        path: path.stat().st_mtime_ns for path in example.ab(BETA).parent.iterdir()
    }
    example.create()
    after = {
        path: path.stat().st_mtime_ns for path in example.ab(BETA).parent.iterdir()
    }
    assert after == before


# Checks and plan --------------------------------------------------------------------


def test_an_error_finding_stops_before_the_jobs(example):
    example.create()
    job_file = example.root / "jobs" / f"execAB_{DATE}"
    job_file.unlink()
    example.raw("EXAMPLE.2014-10-22T21:10:00.npy").unlink()
    plan = example.create()
    (finding,) = plan.errors
    assert finding.block == EXPOSURE
    assert "EXAMPLE.2014-10-22T21:10:00.npy" in finding.message
    assert plan.job_file is None
    assert not job_file.exists()


def test_a_former_job_file_does_not_outlive_an_error(example):
    job_file = example.create().job_file
    example.raw("EXAMPLE.2014-10-22T21:10:00.npy").unlink()
    assert example.create().errors
    assert not job_file.exists()


def test_an_error_about_an_ab_that_the_cascade_leaves_out_is_not_lost(example):
    example.edit(example.store(EXPOSURE), "example_science", "example_magic")
    assert example.create().errors == (
        Finding("EXAMPLE has no recipe example_magic", EXPOSURE, is_error=True),
    )


def test_a_plan_that_cannot_fit_is_refused_saying_what_would(example):
    example.config.write_text(example.config.read_text() + "\n[local]\nmemory = 0.04\n")
    plan = example.create()
    assert len(plan.errors) == 19
    assert "needs about 50.0 MB of memory, the budget is 40.0 MB" in str(plan.errors[0])
    assert plan.job_file is None


def test_the_plan_counts_the_jobs_by_recipe(example):
    rows = {row.recipe: row for row in example.create().rows}
    assert {recipe: row.number for recipe, row in rows.items()} == {
        "example_dark": 2,
        "example_flat": 2,
        "example_science": 12,
        "example_stack": 3,
    }
    assert rows["example_science"].limit == 2
    assert rows["example_science"].seconds == pytest.approx(1.2)


BAD_AB_PGI = """
from attrs import evolve
from phoenix_core import hookimpl
from phoenix_core.model import Cascade

@hookimpl
def ab_pgi(run, blocks):
    blocks = sorted(blocks, key=lambda block: block.name, reverse=True)
    return Cascade(tuple(blocks))
"""
BAD_JOB_PGI = """
from phoenix_core import hookimpl
from phoenix_core.model import Job

@hookimpl
def job_pgi(run, cascade):
    return [Job(block.name) for block in cascade.blocks]
"""


@pytest.mark.parametrize(
    ("slot", "source", "told"),
    [
        ("AB", BAD_AB_PGI, "toy_AB: .* stands before .*, its input"),
        ("JOB", BAD_JOB_PGI, "toy_JOB: the job of .* does not wait for"),
    ],
)
def test_a_wrong_answer_of_a_pgi_stops_part_1(example, pgi_package, slot, source, told):
    name = pgi_package(f"toy_{slot}", source)
    example.edit(example.config, f'"pgi_phoenix_EXAMPLE_{slot}"', f'"{name}"')
    text = example.config.read_text().split("[pgi_phoenix_EXAMPLE_AB]")[0]
    example.config.write_text(text)
    with pytest.raises(PgiError, match=told):
        example.create()


def test_what_happened_is_in_the_event_log(example):
    example.create()
    (line,) = (
        (example.root / "monitor" / DATE / "events.jsonl").read_text().splitlines()
    )
    assert '"event": "created"' in line
    assert '"jobs": 19' in line


def test_a_mistyped_run_gets_no_pseudo_date(example):
    done = example.command("-r", "094.A-0002A", "-C")
    assert done.returncode == 2
    assert "there are no ABs of 094.A-0002A" in done.stderr
    shown = example.command("pseudo-date", "094.A-0002A")
    assert "not registered yet" in shown.stdout


def test_a_misspelt_qualifier_is_named_with_what_was_meant(example):
    example.create(select=BETA)
    example.edit(example.ab(BETA), "RECIPE_PARAM", "RECIPE_PARM")
    plan = example.create(select=BETA)
    (line,) = (
        number
        for number, text in enumerate(example.ab(BETA).read_text().splitlines(), 1)
        if "RECIPE_PARM" in text
    )
    (told,) = (f.message for f in plan.findings if f.block == BETA)
    assert told == (
        f"line {line}: unknown qualifier RECIPE_PARM; did you mean RECIPE_PARAM?"
    )
    example.edit(example.ab(BETA), "RECIPE  ", "RECIPPE ")
    done = example.command("-r", "094.A-0001A", "-C")
    assert done.returncode == 2
    assert "RECIPE is missing (line " in done.stderr
    assert "has RECIPPE)" in done.stderr
