"""A small simulated run, reduced once by the real recipes; copies of it to break."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from astropy.io import fits
from attrs import frozen
from phoenix_muse_sim import TINY, default_scenario, simulate
from phoenix_muse_sim import select as select_targets

from muse_deep_plugin import qc_measure
from muse_deep_plugin.ab_deep import deep_cascade
from muse_deep_plugin.qc1_tables import SINGLE
from muse_deep_plugin.rules import Call
from phoenix_core.ab import inputs
from phoenix_core.ab.cascade import select
from phoenix_core.ab.file import read_block, read_blocks, write_block
from phoenix_core.config import ENVIRONMENT, read_config
from phoenix_core.files.sums import FileSums
from phoenix_core.loader.pgis import Pgis, load
from phoenix_core.model import (
    AssociationBlock,
    Cascade,
    Outcome,
    Product,
    QcReport,
    Run,
)
from phoenix_core.processing.process_ab import process_ab
from phoenix_core.processing.process_qc import process_qc
from phoenix_core.pseudo_date import pseudo_date
from phoenix_core.qc1.database import open_qc1
from phoenix_core.qc1.ingest import ingest
from phoenix_core.qc1.observatory import OB_GRADES
from phoenix_core.run_id import parse_run_id

RUN = "094.D-0114B"
CONFIG = """
instrument = "MUSE"
mode = "DEEP"
ab_branch = "MUSE_deep"
[directories]
root = "{root}"
[phoenix]
AB_PGI = "pgi_phoenix_MUSE_AB_deep"
HDR_PGI = "pgi_phoenix_MUSE_tags"
JOB_PGI = "pgi_phoenix_MUSE_stream"
[processAB]
PRE_PLUGIN = "pgi_preTPL"
DRS = "pgi_phoenix_GEN_esorex"
CHECK_PLUGIN = ["pgi_phoenix_MUSE_rules"]
POST_PLUGIN = "pgi_postSCI"
FINAL_PLUGIN = "pgi_phoenix_MUSE_postAB"
{options}
"""


@frozen
class Bench:
    """A run's directories with ABs in them, and the PGIs to process them."""

    run: Run
    pgis: Pgis

    def names(self, recipe: str) -> list[str]:
        """The ABs of a recipe, in time."""
        return [b.name for b in read_blocks(self.run.ab_dir) if b.recipe == recipe]

    def name(self, recipe: str) -> str:
        """The first AB of a recipe."""
        return self.names(recipe)[0]

    def block(self, name: str) -> AssociationBlock:
        """Read an AB as it is now."""
        return read_block(self.run.ab_path(name))

    def edit(self, name: str, **changes: object) -> None:
        """Change qualifiers of an AB, as a person would."""
        block = self.block(name).updated(changes)
        write_block(self.run.ab_path(name), block)

    def without(self, name: str, tag: str) -> None:
        """Take the frames of a tag out of an AB."""
        kept = [m for m in self.block(name).values("MCALIB") if m.split()[2] != tag]
        self.edit(name, MCALIB=kept)

    def inputs(self, name: str) -> tuple[tuple[Path, str], ...]:
        """Path and tag of the frames of an AB."""
        return inputs.paths(self.run, self.block(name))

    def input(self, name: str, tag: str, number: int = 0) -> Path:
        """One input of an AB."""
        return [path for path, its in self.inputs(name) if its == tag][number]

    def product(self, name: str, category: str, number: int = 0) -> Path:
        """A published product of an AB."""
        block = self.block(name)
        files = [p.file for p in block.products if p.category == category]
        return self.run.product_dir(block.raw_type) / files[number]

    def process(self, name: str) -> Outcome:
        """Process an AB as phoenix does; one that is done is done again."""
        self.edit(name, PROCESS_STATUS="CREATED")
        return process_ab(self.run, self.pgis, name, FileSums())

    def configured(self, options: str) -> "Bench":
        """The same run with more in its configuration."""
        return open_bench(self.run.config.directories.root, options)

    def copied(self, root: Path, options: str) -> "Bench":
        """A copy of the run below another directory, to break."""
        shutil.copytree(self.run.config.directories.root, root)
        return open_bench(root, options)

    def published(self, name: str) -> list[str]:
        """What of an AB's products lies where products wait for certification."""
        block = self.block(name)
        directory = self.run.product_dir(block.raw_type)
        return sorted(p.name for p in directory.glob(f"{block.root}_*.fits"))


def open_bench(root: Path, options: str = "") -> Bench:
    """Open a run below a directory; `options` is more of the configuration."""
    file = root / "phoenix.toml"
    file.write_text(CONFIG.format(root=root, options=options), "utf-8")
    config = read_config(file)
    run_id = parse_run_id(RUN)
    run = Run(date=pseudo_date(run_id), config=config, run_id=run_id)
    return Bench(run, load(config))


def deep_blocks(root: Path, target: str) -> Cascade:
    """The cascade of one target of the simulated AB store."""
    store = next((root / "qcweb" / "MUSE_deep").iterdir())
    cascade = deep_cascade(read_blocks(store))
    deep = next(
        b.name
        for b in cascade.blocks
        if b.value("TARGET") == target and b.recipe == "muse_exp_combine"
    )
    return select(cascade, [deep])


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Recipes with one thread, directories where the tests say."""
    saved = dict(os.environ)
    os.environ["OMP_NUM_THREADS"] = "1"
    for variable in ENVIRONMENT.values():
        os.environ.pop(variable, None)
    yield
    os.environ.clear()
    os.environ.update(saved)


@pytest.fixture(scope="session")
def observatory(tmp_path_factory) -> Path:
    """Two targets of a run: NGC300 with SKY observations, NGC288 crowded."""
    root = tmp_path_factory.mktemp("observatory") / "data"
    chosen = select_targets(
        default_scenario(), runs=[RUN], targets=["NGC300", "NGC288"]
    )
    simulate(root, chosen, TINY, 1, deep=True)
    return root


def _reduced(observatory: Path, root: Path, target: str) -> Path:
    shutil.copytree(observatory, root)
    bench = open_bench(root)
    bench.run.ab_dir.mkdir(parents=True)
    for block in deep_blocks(root, target).blocks:
        write_block(bench.run.ab_path(block.name), block)
        outcome = process_ab(bench.run, bench.pgis, block.name, FileSums())
        assert outcome.status == "SUCCESSFUL", outcome
    return root


@pytest.fixture(scope="session")
def reduced(observatory, tmp_path_factory) -> Bench:
    """NGC300 from raw exposures to the deep cube; not to be changed."""
    root = tmp_path_factory.mktemp("reduced") / "data"
    return open_bench(_reduced(observatory, root, "NGC300"))


@pytest.fixture(scope="session")
def crowded(observatory, tmp_path_factory) -> Bench:
    """NGC288, in CROWDED mode; not to be changed."""
    root = tmp_path_factory.mktemp("crowded") / "data"
    return open_bench(_reduced(observatory, root, "NGC288"))


QC = '[processQC]\nQC_PROCEDURE = ["pgi_phoenix_MUSE_QC"]\n'


@frozen
class Measured:
    """A run with the QC of its exposures and of its deep cube done."""

    bench: Bench
    reports: dict[str, QcReport]  # as made, rows of the QC1 database included

    @property
    def singles(self) -> list[QcReport]:
        """The reports of the exposures, in time."""
        return [r for r in self.reports.values() if r.recipe == "muse_scipost"]

    @property
    def deep(self) -> QcReport:
        """The report of the deep cube."""
        return self.reports[self.bench.name("muse_exp_combine")]

    def copied(self, root: Path) -> Bench:
        """A copy to break."""
        return self.bench.copied(root, QC)


def _measured(bench: Bench, root: Path) -> Measured:
    copy = bench.copied(root, QC)
    names = [*copy.names("muse_scipost"), copy.name("muse_exp_combine")]
    # What MUSE_R knew of the first exposure and its OB.
    known = {
        "pipefile": f"{copy.block(names[0]).root}.fits",
        "combined": "r.MUSE.2014-10-23T01:10:54.193_tpl.fits",
        "fov_plot": "2014-10-22/fov.png",
        "num_sat": 7,
    }
    ob = int(copy.block(names[0]).value("OBS_ID"))
    times = ("2014-10-23T01:10:54", "2014-10-24T01:10:54")
    grades = [
        {"ob_id": ob, "exec_time": time, "grade": grade, "comment": f"grade {grade}"}
        for time, grade in zip(times, "CA", strict=True)
    ]
    with open_qc1(copy.run.config.database) as engine, engine.begin() as connection:
        ingest(connection, SINGLE, [known])
        ingest(connection, OB_GRADES, grades)
    reports = {name: process_qc(copy.run, copy.pgis, name) for name in names}
    return Measured(copy, reports)


@pytest.fixture(scope="session")
def measured(reduced, tmp_path_factory) -> Measured:
    """NGC300, all of its cubes measured; not to be changed."""
    return _measured(reduced, tmp_path_factory.mktemp("measured") / "data")


@pytest.fixture(scope="session")
def measured_crowded(crowded, tmp_path_factory) -> Measured:
    """NGC288, where no sky is subtracted; not to be changed."""
    return _measured(crowded, tmp_path_factory.mktemp("measured") / "data")


@pytest.fixture
def no_pictures(monkeypatch):
    """QC without its plot, where a test is about scores alone; test_qc_sheet draws."""
    blank = b"\x89PNG\r\n\x1a\n" + b"IEND\xaeB`\x82"
    monkeypatch.setattr(qc_measure, "draw_sheet", lambda _: blank)


@pytest.fixture
def bench(reduced, tmp_path) -> Bench:
    """A copy of the reduced run, to break."""
    root = tmp_path / "data"
    shutil.copytree(reduced.run.config.directories.root, root)
    return open_bench(root)


@frozen
class Ended:
    """A recipe that was called by itself: its exit status, and what the rules see."""

    status: int
    call: Call


CallRecipe = Callable[..., Ended]


@pytest.fixture
def call_recipe(tmp_path) -> CallRecipe:
    """Call the recipe of an AB by itself, with esorex and nothing around it."""

    def call(
        block: AssociationBlock,
        frames: Sequence[tuple[Path, str]],
        params: Sequence[str] | None = None,
    ) -> Ended:
        workdir = tmp_path / "call"
        workdir.mkdir()
        if params is not None:
            block = block.with_values("RECIPE_PARAM", params)
        sof = workdir / "in.sof"
        sof.write_text("".join(f"{path} {tag}\n" for path, tag in frames))
        command = [
            *("esorex", f"--output-dir={workdir}", f"--log-dir={workdir}"),
            *(f"--log-file={block.log_name}", block.recipe, *block.params, str(sof)),
        ]
        ended = subprocess.run(command, cwd=workdir, capture_output=True, check=False)
        headers = {path: fits.getheader(path) for path in workdir.glob("*.fits")}
        products = [
            Product(path, headers[path]["ESO PRO CATG"], block.name)
            for path in sorted(headers)
            if "ESO PRO CATG" in headers[path]  # sdpCube leaves a stray image
        ]
        return Ended(ended.returncode, Call(block, tuple(frames), products))

    return call
