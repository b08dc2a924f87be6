"""phoenixCertify_MUSE: deep cubes are reviewed, with what their QC reports warn of."""

import re

import pytest
from attrs import evolve

from muse_deep_plugin.certify import PGI, certif_pgi
from phoenix_core.ab_file import write_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import CertificationError
from phoenix_core.model import QcReport, Score
from phoenix_core.testing import CertifPgiContract

DPC = "MUSE.2014-10-22T23:57:32.123_dpc.ab"
PSTS = tuple(f"MUSE.2014-10-22T23:57:32.12{n}_pst.ab" for n in range(4))


def deep_report(level=20.0, comments=(), **parameters):
    return QcReport(
        DPC,
        recipe="muse_exp_combine",
        target="NGC300",
        parameters={"BKG_MEDIAN": level, **parameters},
        scores=(Score("COMBINED", 1.0, 1.0, 1.0),),
        comments=comments,
        fingerprint="f1",
    )


def single_reports(*levels):
    return [
        QcReport(
            name,
            recipe="muse_scipost",
            parameters={"BKG_MEDIAN": level},
            scores=(Score("BACKGROUND", level, high=300.0),),
            fingerprint=f"f-{name}",
        )
        for name, level in zip(PSTS, levels, strict=False)
    ]


class TestContract(CertifPgiContract):
    pgi = PGI

    @pytest.fixture
    def reports(self):
        red = evolve(deep_report(), scores=(Score("COMBINED", 0.5, 1.0, 1.0),))
        return [*single_reports(20.0, 500.0), red]


@pytest.fixture
def by_file(run, tmp_path):
    """A run with the dpc AB of four exposures, reviewed by a table."""
    run.ab_dir.mkdir(parents=True)
    block = AssociationBlock.create(
        {
            "RAW_TYPE": "MUSE_DEEP",
            "RECIPE": "muse_exp_combine",
            "AB_NAME": DPC,
            "MCALIB": [
                *(f"VIRTUAL {name} PIXTABLE_REDUCED" for name in PSTS),
                "VIRTUAL MUSE.2014-10-22T23:57:32.123_dal.ab OFFSET_LIST",
            ],
        }
    )
    write_block(run.ab_path(DPC), block)
    return evolve(run, verdicts=tmp_path / "verdicts.txt")


def table(run, reports):
    with pytest.raises(CertificationError, match="1 product to review"):
        certif_pgi(run, reports)
    return run.verdicts.read_text()


def test_only_dpc_abs_are_reviewed(by_file):
    text = table(by_file, [*single_reports(20.0, 20.0), deep_report()])
    assert re.findall(r"^\S+\.ab", text, re.MULTILINE) == [DPC]
    assert "WARNING" not in text


def test_warnings_of_the_report_are_shown_to_the_reviewer(by_file):
    warning = f"WARNING High_background: above 300 in 1 of 4 exposures; {PSTS[1]} (512)"
    text = table(by_file, [deep_report(comments=(warning, "shifted"))])
    assert warning in text
    assert "shifted" in text


@pytest.mark.parametrize(
    ("measured", "told"), [({}, "DEEP_4"), ({"PATTERN": "DEEP_3"}, "DEEP_3")]
)
def test_the_pattern_is_deep_and_the_number_of_combined_frames(by_file, measured, told):
    text = table(by_file, [deep_report(**measured)])
    assert f"#   PATTERN = {told}\n" in text
