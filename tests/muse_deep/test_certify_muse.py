"""phoenixCertify_MUSE: deep cubes are reviewed, with what their QC reports warn of."""

import re
from typing import ClassVar

import pytest
from attrs import evolve

from muse_deep_plugin import certify
from muse_deep_plugin.certify import PGI, certif_pgi
from phoenix_core.ab.file import write_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import CertificationError
from phoenix_core.model import QcReport, Score
from phoenix_core.records.comments import keep_comment
from phoenix_core.records.verdicts import keep_verdict, make_verdict
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


class TestContractUnattended(TestContract):
    options: ClassVar = {"accept_green": True}


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


# Unattended -------------------------------------------------------------------------


@pytest.fixture
def unattended(by_file):
    """The run with accept_green, and nobody there: a function that certifies."""
    options = {**by_file.config.options, PGI: {"accept_green": True}}

    def certify(reports, **more):
        slots = {"phoenix.CERTIF_PGI": (PGI,)}
        all_options = {**options, PGI: {**options[PGI], **more}}
        config = evolve(by_file.config, slots=slots, options=all_options)
        return certif_pgi(evolve(by_file, config=config, verdicts=None), reports)

    return certify


def test_what_is_green_all_over_is_accepted_by_a_rule_that_is_named(unattended):
    (verdict,) = unattended([*single_reports(20.0, 20.0, 20.0, 20.0), deep_report()])
    assert (verdict.block, verdict.is_accepted, verdict.by) == (DPC, True, "rule")
    assert verdict.comment.startswith(f"accept_green of {PGI}: COMBINED passed, 4 ")
    assert verdict.fingerprint == "f1"


def test_without_the_option_nothing_is_accepted_unattended(by_file):
    reports = [*single_reports(20.0, 20.0, 20.0, 20.0), deep_report()]
    with pytest.raises(CertificationError, match="1 product to review and no terminal"):
        certif_pgi(evolve(by_file, verdicts=None), reports)


GREEN = Score("COMBINED", 1.0, 1.0, 1.0)
NOT_GREEN = {
    "a warning": {"comments": ("WARNING Misaligned: look",)},
    "an error": {"comments": ("fine", "ERROR Missing_member: make it anew")},
    "a failed score": {"scores": (GREEN, Score("FWHM", 2.0, high=1.5))},
    "a missing value": {"scores": (GREEN, Score("FWHM", None, high=1.5))},
    "a grey score": {"scores": (GREEN, Score("FWHM", None, is_scored=False))},
    "no number": {"scores": (GREEN, Score("FWHM", float("nan"), high=1.5))},
    "no scores": {"scores": ()},
    "a high background": {"comments": ("WARNING High_background: 400",)},
}


@pytest.mark.parametrize("change", NOT_GREEN.values(), ids=NOT_GREEN)
def test_nothing_else_is_accepted_unattended(unattended, change):
    reports = [
        *single_reports(20.0, 20.0, 20.0, 20.0),
        evolve(deep_report(), **change),
    ]
    with pytest.raises(CertificationError, match="1 product to review"):
        unattended(reports)


def test_exposures_have_to_be_there_and_green_too(unattended):
    singles = single_reports(20.0, 20.0, 20.0, 20.0)
    noted = evolve(singles[1], comments=("WARNING High_background: 512",))
    red = evolve(singles[2], scores=(Score("FWHM", 2.0, high=1.5),))
    for members in (singles[:3], [*singles[:1], noted, *singles[2:]], [*singles, red]):
        with pytest.raises(CertificationError, match="1 product to review"):
            unattended([*members, deep_report()])


def test_a_score_that_does_not_apply_to_an_exposure_is_no_reason(unattended):
    singles = single_reports(20.0, 20.0, 20.0, 20.0)
    grey = (*singles[0].scores, Score("SKY_LINES", None, is_scored=False))
    members = [evolve(singles[0], scores=grey), *singles[1:]]
    assert unattended([*members, deep_report()])[0].is_accepted


def test_a_persons_comment_or_verdict_stops_the_rule(by_file, unattended):
    reports = [*single_reports(20.0, 20.0, 20.0, 20.0), deep_report()]
    rejected = make_verdict(reports[-1], is_accepted=False, comment="no")
    keep_verdict(by_file, reports[-1], rejected)
    assert unattended(reports) == (rejected,)
    (by_file.monitor_dir / "verdicts.jsonl").unlink()
    block = AssociationBlock.create({"AB_NAME": PSTS[0]})
    write_block(by_file.ab_path(PSTS[0]), block)
    keep_comment(by_file, PSTS[0], "hazy")
    with pytest.raises(CertificationError, match="1 product to review"):
        unattended(reports)


def test_a_comment_while_others_are_reviewed_stops_the_rule(
    by_file, unattended, monkeypatch
):
    write_block(by_file.ab_path(PSTS[0]), AssociationBlock.create({"AB_NAME": PSTS[0]}))

    def a_long_review(run, reports, *_):
        assert reports == []
        keep_comment(run, PSTS[0], "hazy")
        return ()

    monkeypatch.setattr(certify, "review", a_long_review)
    reports = [*single_reports(20.0, 20.0, 20.0, 20.0), deep_report()]
    assert unattended(reports) == ()


def test_scores_that_the_rule_needs_have_to_be_there(unattended):
    reports = [*single_reports(20.0, 20.0, 20.0, 20.0), deep_report()]
    assert unattended(reports, green_needs=["COMBINED"])
    with pytest.raises(CertificationError, match="1 product to review"):
        unattended(reports, green_needs=["COMBINED", "SIZE"])
