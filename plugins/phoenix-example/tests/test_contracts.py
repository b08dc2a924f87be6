"""Every PGI of the example keeps the promises of its slot."""

from typing import ClassVar

import attrs
import numpy as np
import pytest
from phoenix_example.ab import ab_pgi, stack_of
from phoenix_example.cover import process_qc_pgi_cover
from phoenix_example.simulate import simulate, truth

from phoenix_core.ab.file import read_blocks
from phoenix_core.model import Product, QcReport, Score
from phoenix_core.testing import (
    AbPgiContract,
    CertifPgiContract,
    CheckPluginContract,
    CleanupPluginContract,
    ConversionToolContract,
    DrsContract,
    FinalPluginContract,
    HdrPgiContract,
    JobPgiContract,
    MoveProductsContract,
    PgiCoverContract,
    PostPluginContract,
    PrePluginContract,
    QcFinalPluginContract,
    QcProcedureContract,
    RenameProductsContract,
    toy_block,
    with_inputs,
)


@pytest.fixture
def blocks(run):
    """The ABs of a simulated run, whose frames lie in the directories of `run`."""
    simulate(run.config.directories.root)
    store = run.config.directories.root / "qcweb"
    return read_blocks(store / "EXAMPLE_deep" / run.date)


@pytest.fixture
def block(blocks):
    exposures = [b for b in blocks if b.recipe == "example_science"]
    return stack_of(exposures[:3])


@pytest.fixture
def products(run, block):
    return images(run.work_dir(block.name), block, truth())


def images(directory, block, image):
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{block.root}_STACK.npy"
    np.save(path, image)
    return [Product(path, "STACK", block.name)]


class TestAb(AbPgiContract):
    pgi = "pgi_phoenix_EXAMPLE_AB"

    @pytest.fixture
    def blocks(self, blocks):
        return [*blocks, toy_block("stranger.ab")]


class TestAbOfOneNight(TestAb):
    options: ClassVar = {"stack_by": "OBS_ID"}


class TestHdr(HdrPgiContract):
    pgi = "pgi_phoenix_EXAMPLE_HDR"

    @pytest.fixture
    def cascade(self, run, blocks):
        return ab_pgi(run, blocks)

    @pytest.fixture
    def needed(self, run):
        return run.config.directories.calib / "EXAMPLE_BADPIX.npy"


class TestHdrWithoutARawFrame(TestHdr):
    @pytest.fixture
    def needed(self, run):
        return min(run.config.directories.raw.rglob("*.npy"))


class TestJob(JobPgiContract):
    pgi = "pgi_phoenix_EXAMPLE_JOB"

    @pytest.fixture
    def cascade(self, run, blocks):
        return ab_pgi(run, blocks)


class TestPre(PrePluginContract):
    pgi = "pgi_phoenix_EXAMPLE_pre"


class TestDrs(DrsContract):
    pgi = "pgi_phoenix_EXAMPLE_DRS"

    @pytest.fixture
    def block(self, run, blocks):
        return with_inputs(run, next(b for b in blocks if b.recipe == "example_dark"))


class TestCheck(CheckPluginContract):
    pgi = "pgi_phoenix_EXAMPLE_check"

    @pytest.fixture
    def spoiled(self, run, block):
        return images(run.work_dir(block.name), block, np.full((32, 32), np.nan))


class TestPost(PostPluginContract):
    pgi = "pgi_phoenix_EXAMPLE_post"


class TestFinal(FinalPluginContract):
    pgi = "pgi_phoenix_EXAMPLE_final"


class TestQc(QcProcedureContract):
    pgi = "pgi_phoenix_EXAMPLE_QC"

    @pytest.fixture
    def products(self, run, block):
        return images(run.product_dir("STACK"), block, truth())


@pytest.fixture
def reports():
    """A green report and one of a cloudy night."""
    green = QcReport(
        block="a_stk.ab",
        recipe="example_stack",
        target="ALPHA",
        parameters={"NOISE": 5.0},
        scores=(Score("NOISE", 5.0, high=8.0),),
        fingerprint="0123",
    )
    red = attrs.evolve(
        green, block="b_stk.ab", scores=(Score("NOISE", 20.0, high=8.0),)
    )
    return [green, red]


class TestQcFinal(QcFinalPluginContract):
    pgi = "pgi_phoenix_EXAMPLE_QC_final"

    @pytest.fixture
    def reports(self, reports):
        return reports


class TestCover(PgiCoverContract):
    pgi = "pgi_phoenix_EXAMPLE_cover"

    @pytest.fixture
    def reports(self, reports):
        return reports

    def test_the_sheet_takes_the_place_of_whatever_has_its_name(
        self, run, reports, tmp_path
    ):
        elsewhere = tmp_path / "precious.txt"
        elsewhere.write_text("precious")
        run.monitor_dir.mkdir(parents=True, exist_ok=True)
        (run.monitor_dir / "cover.txt").symlink_to(elsewhere)
        cover = process_qc_pgi_cover(run, reports)
        assert "stacks" in cover.read_text("utf-8")
        assert elsewhere.read_text() == "precious"


class TestCertify(CertifPgiContract):
    pgi = "pgi_phoenix_EXAMPLE_certify"

    @pytest.fixture
    def reports(self, reports):
        return reports


class TestRename(RenameProductsContract):
    pgi = "pgi_phoenix_EXAMPLE_rename"


class TestMove(MoveProductsContract):
    pgi = "pgi_phoenix_EXAMPLE_move"


class TestConvert(ConversionToolContract):
    pgi = "pgi_phoenix_EXAMPLE_convert"

    @pytest.fixture
    def products(self, run, block):
        (stack,) = images(run.config.directories.reduced / run.date, block, truth())
        history = run.config.directories.logs / run.date / f"{block.root}_HISTORY.txt"
        history.parent.mkdir()
        history.write_text("stacked")
        return [stack, Product(history, "HISTORY", block.name)]


class TestCleanup(CleanupPluginContract):
    pgi = "pgi_phoenix_EXAMPLE_cleanup"
