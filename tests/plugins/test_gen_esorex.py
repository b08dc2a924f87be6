"""What pgi_phoenix_GEN_esorex promises, with the real esorex and a real recipe."""

import contextlib
import os
import resource
import shutil
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import pytest
from astropy.io import fits
from phoenix_gen import esorex
from phoenix_muse_sim import TINY, default_scenario, select, simulate

from phoenix_core.ab import inputs
from phoenix_core.ab.file import read_block
from phoenix_core.errors import ConfigError, ProcessingError
from phoenix_core.files.sums import FileSums
from phoenix_core.fits.file import check_fits
from phoenix_core.recipe import recipe_call
from phoenix_core.testing import DrsContract

pytestmark = pytest.mark.skipif(
    not shutil.which("esorex"), reason="esorex is not installed"
)
NAME = "MUSE.2014-10-23T01:10:54.193.ab"


@pytest.fixture(scope="session")
def observatory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("observatory")
    simulate(directory, select(default_scenario(), targets=["NGC300"]), TINY, 1)
    return directory


@pytest.fixture
def run(run, observatory):
    """A run of the observatory; its options do not need a configured slot."""
    directories = attrs.evolve(
        run.config.directories,
        raw=observatory / "raw",
        calib=observatory / "calib",
    )
    return attrs.evolve(run, config=attrs.evolve(run.config, directories=directories))


@pytest.fixture
def block(run, observatory):
    path = next(observatory.rglob(NAME))
    return inputs.resolve(run, read_block(path), {}, FileSums())


@pytest.fixture
def workdir(run, block):
    directory = run.work_dir(block.name)
    directory.mkdir(parents=True)
    return directory


def with_options(run, **options):
    config = attrs.evolve(run.config, options={esorex.PGI: options})
    return attrs.evolve(run, config=config)


@pytest.fixture
def program(tmp_path):
    """Make a program that calls the real esorex, then does what the code says."""

    def make(before="", after=""):
        path = tmp_path / "my_esorex"
        path.write_text(
            f"#!{sys.executable} -SE\n"
            "import os, signal, subprocess, sys\n"
            f"{textwrap.dedent(before)}\n"
            "status = subprocess.call(['esorex', *sys.argv[1:]])\n"
            f"{textwrap.dedent(after)}\n"
            "sys.exit(status)\n"
        )
        path.chmod(0o755)
        return str(path)

    return make


def failure_of(run, block, workdir):
    with pytest.raises(ProcessingError) as caught:
        esorex.process_ab_drs(run, block, workdir)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Success --------------------------------------------------------------------------


class TestEsorex(DrsContract):
    pgi = "pgi_phoenix_GEN_esorex"

    @pytest.fixture
    def workdir(self, workdir):
        return workdir


def test_products_are_those_of_a_call_typed_by_hand(run, block, workdir, tmp_path):
    products = esorex.process_ab_drs(run, block, workdir)
    assert {product.category for product in products} == {"PIXTABLE_OBJECT"}
    by_hand = tmp_path / "by_hand"
    by_hand.mkdir()
    sof = "".join(f"{path} {tag}\n" for path, tag in inputs.paths(run, block))
    (by_hand / "a.sof").write_text(sof)
    words = ["esorex", block.recipe, *block.params, "a.sof"]
    subprocess.run(words, cwd=by_hand, check=True, stdout=subprocess.DEVNULL)
    for product in products:
        assert data_sums(product.path) == data_sums(by_hand / product.path.name)


def data_sums(path):
    with fits.open(path) as hdus:
        return [hdu.header["DATASUM"] for hdu in hdus]


def test_the_log_has_its_name_and_the_sof_its_inputs_in_their_order(
    run, block, workdir
):
    esorex.process_ab_drs(run, block, workdir)
    assert "This is EsoRex" in (workdir / block.log_name).read_text()
    lines = (workdir / f"{block.root}.sof").read_text().splitlines()
    assert [line.split()[1] for line in lines] == [entry.tag for entry in block.sof]
    assert all(Path(line.split()[0]).is_absolute() for line in lines)


def test_a_finished_call_is_taken_over_and_not_run_again(run, block, workdir, program):
    counting = program(before="open('calls', 'a').write('x')")
    run = with_options(run, esorex=counting)
    first = esorex.process_ab_drs(run, block, workdir)
    assert esorex.process_ab_drs(run, block, workdir) == first
    assert (workdir / "calls").read_text() == "x"


def test_what_is_taken_over_is_checked_again(run, block, workdir):
    (product,) = esorex.process_ab_drs(run, block, workdir)
    product.path.write_bytes(product.path.read_bytes()[:-2880])
    assert "not complete: truncated" in failure_of(run, block, workdir)


def test_neither_environment_nor_home_changes_what_an_ab_says(
    run, block, workdir, tmp_path, monkeypatch
):
    monkeypatch.setenv("ESOREX_NO_CHECKSUM", "TRUE")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".esorex").mkdir()
    (tmp_path / ".esorex" / "esorex.rc").write_text("esorex.caller.no-datamd5=TRUE\n")
    (product,) = esorex.process_ab_drs(run, block, workdir)
    assert check_fits(product.path).unsigned == ()


def test_the_recipe_gets_the_threads_of_the_options(run, block, workdir, program):
    told = program(before="print(os.environ['OMP_NUM_THREADS'], flush=True)")
    esorex.process_ab_drs(with_options(run, esorex=told, threads=2), block, workdir)
    assert (workdir / recipe_call.OUTPUT).read_text().startswith("2\n")


# What would be called -------------------------------------------------------------


def test_what_would_be_called_is_what_is_called(run, block, workdir):
    call = esorex.process_ab_drs_call(run, block)
    esorex.process_ab_drs(run, block, workdir)
    assert recipe_call.find_exit(workdir).command == call.command


def test_the_version_names_recipe_and_esorex(run, block):
    words = esorex.process_ab_drs_call(run, block).version.split()
    assert words[::2] == ["muse_scibasic", "esorex"]
    assert all(word[0].isdigit() for word in words[1::2])


def test_the_version_is_asked_once_and_again_when_the_program_changes(
    run, block, program, tmp_path
):
    asked = tmp_path / "asked"
    counting = program(before=f"open({str(asked)!r}, 'a').write('x')")
    run = with_options(run, esorex=counting)
    for _ in range(3):
        esorex.process_ab_drs_call(run, block)
    assert asked.read_text() == "x"
    os.utime(counting, (1, 1))
    esorex.process_ab_drs_call(run, block)
    assert asked.read_text() == "xx"


def test_a_recipe_that_is_not_installed_is_told(run, block):
    with pytest.raises(ProcessingError, match="has no recipe 'muse_none'; install"):
        esorex.process_ab_drs_call(run, block.with_value("RECIPE", "muse_none"))


def test_an_esorex_that_is_not_installed_is_told(run, block):
    with pytest.raises(ProcessingError, match="no program 'no_esorex'; install"):
        esorex.process_ab_drs_call(with_options(run, esorex="no_esorex"), block)


@pytest.mark.parametrize("recipe", ["--version", "muse-x", "a.so", "1", "a=b"])
def test_a_recipe_can_never_be_an_option(run, block, recipe):
    with pytest.raises(ConfigError, match="RECIPE"):
        esorex.process_ab_drs_call(run, block.with_value("RECIPE", recipe))


@pytest.mark.parametrize("param", ["--output-dir=/tmp", "--version", "--no-checksum"])
def test_a_parameter_can_never_be_an_option_of_esorex(run, block, workdir, param):
    told = failure_of(run, block.with_values("RECIPE_PARAM", [param]), workdir)
    assert f"'{param}' not recognized" in told


def test_options_out_of_range_are_refused(run, block):
    with pytest.raises(ConfigError, match="threads"):
        esorex.process_ab_drs_call(with_options(run, threads=0), block)


# Failures -------------------------------------------------------------------------


def test_a_missing_calibration_is_told_in_the_recipes_words(run, block, workdir):
    kept = [line for line in block.values("SOF_CONTENT") if "MASTER_FLAT" not in line]
    told = failure_of(run, block.with_values("SOF_CONTENT", kept), workdir)
    assert told == (
        "muse_scibasic ended with status 255: Required 1, found 0 frames with tag "
        '"MASTER_FLAT" with IFU 1; log: '
        f"{run.product_dir(block.raw_type) / block.log_name}"
    )
    assert "MASTER_FLAT" in (workdir / block.log_name).read_text()


def test_a_bad_value_of_a_parameter_is_told(run, block, workdir):
    told = failure_of(run, block.with_values("RECIPE_PARAM", ["--nifu=abc"]), workdir)
    assert "occurred during the processing of the option '--nifu'" in told


def test_a_recipe_over_its_time_is_told(run, block, workdir, program):
    slow = program(before="import time; time.sleep(60)")
    run = with_options(run, esorex=slow, time_limits={"muse_scibasic": 0.1})
    assert "was stopped at its time limit, after 0 s" in failure_of(run, block, workdir)


def test_time_limits_of_other_recipes_do_not_matter(run, block, workdir):
    run = with_options(run, time_limits={"muse_scipost": 0.001})
    assert esorex.process_ab_drs(run, block, workdir)


def test_a_recipe_without_memory_is_told_and_never_believed(run, block, workdir):
    """From too little to load the program up to enough."""
    causes = []
    for megabytes in range(20, 400):
        for entry in workdir.iterdir():
            entry.unlink()
        limited = with_options(run, memory_limit=megabytes * 1_000_000)
        try:
            products = esorex.process_ab_drs(limited, block, workdir)
        except ProcessingError as error:
            causes.append(str(error))
        else:
            break
    assert check_fits(products[0].path).is_whole
    assert any("ran out of memory" in told for told in causes)
    assert any("failed to allocate" in told for told in causes)


def test_a_recipe_without_room_is_told(run, block, workdir):
    with files_no_larger_than(100_000):
        told = failure_of(run, block, workdir)
    assert "had no room to write" in told
    assert "make room" in told


@contextlib.contextmanager
def files_no_larger_than(size):
    """What a full disk does, without one: for this process's recipes."""
    recipe_call._CLIENT.send(b'{"stop": true}', [])  # now there is a keeper
    keeper = recipe_call._CLIENT._keeper
    usual = resource.prlimit(keeper, resource.RLIMIT_FSIZE, (size, -1))
    try:
        yield
    finally:
        resource.prlimit(keeper, resource.RLIMIT_FSIZE, usual)


@pytest.mark.parametrize(
    "killing",
    [
        ("SIGKILL", "was killed, perhaps by the system for want of memory"),
        ("SIGSEGV", "crashed (Segmentation fault)"),
        ("SIGTERM", "was stopped by somebody"),
    ],
)
def test_a_killed_recipe_is_told_and_its_unfinished_log_kept(
    run, block, workdir, program, killing
):
    number, cause = killing
    crashing = program(
        after=f"""
        os.rename({block.log_name!r}, ".logfile")
        os.kill(os.getpid(), signal.{number})
        """
    )
    assert cause in failure_of(with_options(run, esorex=crashing), block, workdir)
    assert "This is EsoRex" in (workdir / block.log_name).read_text()


def test_without_a_log_the_output_is_one(run, block, workdir, program):
    mute = program(before="print('[ ERROR ] esorex: no way', flush=True); sys.exit(3)")
    told = failure_of(with_options(run, esorex=mute), block, workdir)
    assert told.startswith("muse_scibasic ended with status 3: no way; log:")
    assert "no way" in (workdir / block.log_name).read_text()


OUTSIDE = '[{"name": "../x.fits", "category": "A"}]'
PRODUCT = "PIXTABLE_OBJECT_0001-01.fits"


@pytest.mark.parametrize(
    "spoiling",
    [
        (f"os.truncate({PRODUCT!r}, 300000)", f"{PRODUCT} is not complete: truncated"),
        (f"os.truncate({PRODUCT!r}, 0)", f"{PRODUCT} is not complete: truncated"),
        (f"os.remove({PRODUCT!r})", f"{PRODUCT} is not there"),
        ("os.truncate('.products.json', 0)", "lists no products"),
        ("os.remove('.products.json')", "lists no products"),
        ("open('.products.json', 'w').write('[]')", "lists no products"),
        ("open('.products.json', 'w').write('{\"a\": 1}')", "lists no products"),
        (f"open('.products.json', 'w').write({OUTSIDE!r})", "strange name"),
        (
            f"f = open({PRODUCT!r}, 'r+b'); f.seek(400000); f.write(b'?'); f.close()",
            "DATASUM of HDU",
        ),
    ],
)
def test_status_0_is_not_success(run, block, workdir, program, spoiling):
    spoil, cause = spoiling
    told = failure_of(with_options(run, esorex=program(after=spoil)), block, workdir)
    assert "ended with status 0, but" in told
    assert cause in told


@pytest.mark.parametrize(
    "leaving_out",
    [
        ("--no-checksum=true", "no CHECKSUM in HDU 0"),
        ("--no-datamd5=true", "no DATAMD5"),
    ],
)
def test_a_product_without_the_marks_of_the_last_step_is_not_complete(
    run, block, workdir, program, leaving_out
):
    option, cause = leaving_out
    bare = program(before=f"sys.argv.insert(1, {option!r})")
    told = failure_of(with_options(run, esorex=bare), block, workdir)
    assert cause in told


def test_a_stopped_recipe_says_that_it_can_be_called_again(
    run, block, workdir, program
):
    stopping = program(before="import time; time.sleep(60)")
    run = with_options(run, esorex=stopping)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(failure_of, run, block, workdir)
        while not call.done():
            recipe_call.stop_recipes()
        assert "was stopped; process it again" in call.result()
