"""processAB: one AB, from its inputs to published products."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from phoenix_core.association_block import AbStatus
from phoenix_core.files.run_lock import holding
from phoenix_core.files.sums import FileSums, sha256
from phoenix_core.loader.pgis import load
from phoenix_core.model import Job, Outcome
from phoenix_core.processing.process_ab import LOCK, ProcessAb

DATE = "2094-01-01"
NIGHT = "EXAMPLE.2014-10-22T"
DARK, FLAT = f"{NIGHT}18:00:00.ab", f"{NIGHT}18:30:00.ab"
EXPOSURE = f"{NIGHT}21:00:00.ab"
BETA = f"{NIGHT}21:00:00_stk.ab"


@pytest.fixture
def one(example):
    """A function that processes one AB of the created run."""
    example.create(select=BETA)

    def process_one(name, sums=None):
        with example.session() as session:
            work = ProcessAb(session.run, session.pgis, sums or session.sums)
            return work(Job(name))

    return process_one


def workdirs(example):
    return list(example.root.glob("product/.work/*/*"))


def test_an_ab_says_how_its_products_were_made(one, example):
    outcome = one(DARK)
    assert outcome.status is AbStatus.SUCCESSFUL
    assert outcome.is_new
    block = example.block(DARK)
    (record,) = block.products
    product = example.root / "product" / "DARK" / DATE / record.file
    assert record.file == f"r.{NIGHT}18:00:00_MASTER_DARK.npy"
    assert (record.category, record.state) == ("MASTER_DARK", "KEPT")
    assert (record.checksum, record.size) == (sha256(product), product.stat().st_size)
    assert [entry.file for entry in block.sof] == [
        f"{NIGHT}18:00:0{n}.npy" for n in range(3)
    ]
    assert block.value("PROD_PATH") == str(product.parent)
    assert float(block.value("PROCESS_SECONDS")) >= 0
    assert block.fingerprint
    assert (product.parent / block.log_name).read_text().startswith("example_dark")
    assert workdirs(example) == []


def test_what_the_ab_said_before_is_kept(one, example):
    with example.ab(DARK).open("a") as file:
        file.write("# a remark\nMY_OWN  x\n")
    one(DARK)
    assert example.ab(DARK).read_text().endswith("# a remark\nMY_OWN  x\n")


def test_what_a_person_writes_while_the_recipe_runs_is_kept_and_makes_it_due(
    example, pgi_package
):
    edited = example.ab(BETA)
    pgi_package(
        "pgi_slow_pre",
        f"""
        from pathlib import Path

        from phoenix_core import hookimpl

        @hookimpl
        def process_ab_pre_plugin(block):
            path = Path({str(edited)!r})
            if block.name == path.name:
                old = path.read_text()
                new = old.replace("--combine=median", "--combine=mean")
                path.write_text(new + "# by hand, meanwhile" + chr(10))
        """,
    )
    example.edit(example.config, '"pgi_phoenix_EXAMPLE_pre"', '"pgi_slow_pre"')
    done = example.process(select=BETA)
    assert done.failures == ()
    text = edited.read_text()
    assert "# by hand, meanwhile\n" in text
    block = example.block(BETA)
    assert block.params == ("--combine=mean",)
    assert block.values("CALL_PARAM") == ("--combine=median",)
    again = example.process(select=BETA)
    assert again.outcomes[-1].block == BETA
    assert example.block(BETA).values("CALL_PARAM") == ("--combine=mean",)


def test_an_ab_that_is_up_to_date_is_not_processed_again(one, example):
    one(DARK)
    before = example.ab(DARK).read_bytes(), example.products()
    assert one(DARK) == Outcome(DARK, AbStatus.SUCCESSFUL, is_new=False)
    assert (example.ab(DARK).read_bytes(), example.products()) == before
    assert workdirs(example) == []


def test_an_ab_before_what_it_needs_is_skipped_and_leaves_nothing(one, example):
    outcome = one(FLAT)
    assert outcome.status is AbStatus.SKIPPED
    assert outcome.cause == f"it needs {DARK}, which is CREATED"
    assert example.block(FLAT).status is AbStatus.SKIPPED
    assert example.block(FLAT).cause == outcome.cause
    assert workdirs(example) == []


def test_an_ab_whose_maker_is_gone_fails_and_says_so(one, example):
    example.ab(DARK).unlink()
    outcome = one(FLAT)
    assert outcome.status is AbStatus.FAILED
    assert f"{DARK}: No such file" in outcome.cause
    assert example.block(FLAT).cause == outcome.cause
    assert workdirs(example) == []


def test_an_ab_that_another_process_works_on_is_left_alone(one, example):
    before = example.ab(DARK).read_bytes()
    with example.session() as session:
        lock = session.run.work_dir(DARK) / LOCK
    with holding(lock, DARK):
        outcome = one(DARK)
    assert outcome.status is AbStatus.FAILED
    assert f"{DARK} is held by process {os.getpid()}" in outcome.cause
    assert example.ab(DARK).read_bytes() == before


def test_a_failed_recipe_leaves_its_cause_and_no_product(one, example):
    one(DARK)
    example.raw(f"{NIGHT}18:30:01.npy").write_text("no")
    outcome = one(FLAT)
    assert outcome.status is AbStatus.FAILED
    assert "18:30:01.npy is no frame" in outcome.cause
    block = example.block(FLAT)
    assert (block.status, block.cause) == (AbStatus.FAILED, outcome.cause)
    assert block.products == ()
    assert not [path for path in example.products() if "FLAT" in str(path)]
    assert workdirs(example) == []


def test_an_input_that_is_not_what_its_maker_made_fails_before_the_recipe(one, example):
    one(DARK)
    dark = example.product(DARK, "MASTER_DARK")
    dark.write_bytes(dark.read_bytes()[:-8])
    assert f"{dark} is not what {DARK} made" in one(FLAT).cause
    dark.unlink()
    assert f"{dark} is not there; process {DARK} again" in one(FLAT).cause


def test_a_product_of_before_that_is_not_made_again_goes(one, example):
    one(DARK)
    block = example.block(DARK)
    old = example.root / "product" / "DARK" / DATE / "r.old_MASTER_DARK.npy"
    old.write_bytes(b"old")
    former = f"{old.name} MASTER_DARK {sha256(old)} 3 KEPT"
    example.ab(DARK).write_text(
        block.updated({"PRODUCTS": former, "FINGERPRINT": "0"}).text
    )
    assert one(DARK).is_new
    assert not old.exists()
    assert example.product(DARK, "MASTER_DARK").exists()


def test_leftovers_of_a_killed_call_are_not_taken_for_anything(one, example):
    with example.session() as session:
        workdir = session.run.work_dir(DARK)
    (workdir / "sub").mkdir(parents=True)
    (workdir / "MASTER_DARK.npy").write_bytes(b"half")
    (workdir / ".fingerprint").write_text("whatever")
    assert one(DARK).status is AbStatus.SUCCESSFUL
    assert example.product(DARK, "MASTER_DARK").stat().st_size > 4000
    assert workdirs(example) == []


def test_an_ab_by_itself_is_a_value_that_works_in_another_process(example):
    example.create(select=BETA)
    with example.session() as session:
        work = ProcessAb(session.run, session.pgis, session.sums, print)
        copy = pickle.loads(pickle.dumps(work))  # noqa: S301
        assert copy.run == session.run
        assert copy.started is None
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            outcome = pool.submit(work, Job(DARK)).result()
    assert outcome.status is AbStatus.SUCCESSFUL
    assert outcome.is_new
    assert example.block(DARK).status is AbStatus.SUCCESSFUL


ODD_DRS = """
from pathlib import Path
from phoenix_core import hookimpl
from phoenix_core.errors import ProcessingError
from phoenix_core.model import DrsCall, Finding, Product
import attrs

@hookimpl
def process_ab_drs(run, block, workdir):
    made = workdir / "made.npy"
    made.write_bytes(b"data")
    (workdir / block.log_name).write_text("log of a try")
    DRS
    return [Product(made, "MASTER_DARK", block.name)]

@hookimpl
def process_ab_check_plugin(run, block, products):
    return CHECK

@hookimpl
def process_ab_pre_plugin(run, block):
    return PRE

@hookimpl
def process_ab_post_plugin(run, block, products):
    POST
"""
GOOD = {"DRS": "pass", "CHECK": "[]", "PRE": "None", "POST": "return None"}


@pytest.fixture
def odd(example, pgi_package):
    """A function that processes the dark with a PGI of one's own."""

    def build(**parts):
        source = ODD_DRS
        for key, text in {**GOOD, **parts}.items():
            source = source.replace(f" {key}\n", f" {text}\n")
        name = pgi_package("odd_pgi", source)
        text = example.config.read_text()
        head, rest = text.split("[processAB]")
        _, tail = rest.split("[processQC]")
        slots = ("PRE_PLUGIN", "DRS", "POST_PLUGIN")
        slots = "\n".join(f'{slot} = "{name}"' for slot in slots)
        table = f'[processAB]\n{slots}\nCHECK_PLUGIN = ["{name}"]\n[processQC]'
        tail = tail.split("[pgi_phoenix_EXAMPLE_check]")[0]
        example.config.write_text(f"{head}{table}{tail}")
        example.create(select=DARK)
        with example.session() as session:
            return ProcessAb(session.run, load(session.run.config), FileSums())(
                Job(DARK)
            )

    return build


def test_the_odd_pgi_succeeds_where_it_does_nothing_odd(odd, example):
    assert odd().status is AbStatus.SUCCESSFUL
    assert example.product(DARK, "MASTER_DARK").read_bytes() == b"data"


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"DRS": "raise ProcessingError('no light')"}, "no light"),
        (
            {"DRS": "1 / 0"},
            "odd_pgi failed in process_ab_drs: ZeroDivisionError: division by zero",
        ),
        ({"DRS": "made.unlink()"}, "made.npy is no file"),
        ({"DRS": "made = Path('/etc/hostname')"}, "/etc/hostname is not in"),
        (
            {"DRS": "made = workdir / '../../../../raw/2014-10-22'"},
            "is not in",
        ),
        (
            {"DRS": "made.unlink(); made.symlink_to('/etc/hostname')"},
            "/etc/hostname is not in|made.npy is not in|is no file",
        ),
        (
            {"DRS": "return [Product(made, '../X', '')]"},
            "'../X' is no product category",
        ),
        (
            {"DRS": "return [Product(made, 'A', ''), Product(made, 'B', '')]"},
            "is named twice",
        ),
        ({"DRS": "return None"}, "odd_pgi: wrong answer to process_ab_drs"),
        (
            {"CHECK": "[Finding('too few lines', block.name, is_error=True)]"},
            "too few lines",
        ),
        ({"POST": "raise OSError(28, 'No space left on device')"}, "No space left"),
        (
            {"PRE": "block.with_value('AB_NAME', 'other.ab')"},
            "odd_pgi made another AB of",
        ),
    ],
)
def test_what_goes_wrong_in_a_pgi_fails_the_ab_and_publishes_nothing(
    odd, example, parts, told
):
    outcome = odd(**parts)
    assert outcome.status is AbStatus.FAILED
    assert any(text in outcome.cause for text in told.split("|"))
    assert "\n" not in outcome.cause
    assert example.block(DARK).cause == outcome.cause
    assert example.products() == {}
    assert workdirs(example) == []


def test_the_log_of_a_failed_ab_is_kept(odd, example):
    odd(DRS="raise ProcessingError('no light')")
    log = example.root / "product" / "DARK" / DATE / example.block(DARK).log_name
    assert log.read_text() == "log of a try"


def test_a_warning_of_a_check_fails_nothing(odd):
    assert odd(CHECK="[Finding('a bit noisy')]").status is AbStatus.SUCCESSFUL


def test_several_products_of_a_category_are_numbered_in_order(odd, example):
    three = "[workdir / f'{n}.fits' for n in 'abc']"
    outcome = odd(
        DRS=f"files = {three}; [f.write_text(f.name) for f in files]; "
        "return [Product(f, 'TABLE', block.name) for f in files]",
        POST="return [attrs.evolve(p, interim=True) for p in products]",
    )
    assert outcome.status is AbStatus.SUCCESSFUL
    records = example.block(DARK).products
    root = example.block(DARK).root
    assert [record.file for record in records] == [
        f"{root}_TABLE_000{n}.fits" for n in (1, 2, 3)
    ]
    assert {record.state for record in records} == {"INTERIM"}
    directory = example.root / "product" / "DARK" / DATE
    assert [(directory / r.file).read_text() for r in records] == [
        *("a.fits", "b.fits", "c.fits")
    ]


def test_the_command_does_what_a_line_of_the_job_file_says(example):
    example.create(select=BETA)
    done = example.command("-a", DARK, program="processAB")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{DARK} succeeded (")
    again = example.command("-a", DARK, program="processAB")
    assert (again.returncode, again.stdout) == (0, f"{DARK} is up to date\n")
    early = example.command("-a", BETA, program="processAB")
    assert early.returncode == 4
    assert f"{BETA} was skipped: it needs {EXPOSURE}, which is CREATED" in early.stdout


def test_pickled_work_needs_nothing_of_the_process_that_made_it(example):
    """What a cluster does: the value, as bytes, in a fresh interpreter."""
    example.create(select=BETA)
    with example.session() as session:
        content = pickle.dumps(ProcessAb(session.run, session.pgis, session.sums))
    code = (
        "import pickle, sys; from phoenix_core.model import Job; "
        "print(pickle.load(sys.stdin.buffer)(Job(sys.argv[1])).status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, DARK],
        input=content,
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"SUCCESSFUL\n"
