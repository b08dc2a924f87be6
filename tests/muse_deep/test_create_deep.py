"""The dpc AB of a target, as the preparation makes it."""

import pytest

from muse_deep_plugin.create_deep import deep_block
from phoenix_core.ab.file import check_block
from phoenix_core.errors import ConfigError
from phoenix_core.model import AssociationBlock

RUN = "094.D-0114(B)"


def pst(minute, **more):
    name = f"MUSE.2014-10-22T23:{minute:02d}:00.123"
    start = 56952.0 + minute / 1440
    return AssociationBlock.create(
        {
            "INSTRUMENT": "MUSE",
            "RAW_TYPE": "PIXTABLE_OBJECT",
            "RECIPE": "muse_scipost",
            "AB_NAME": f"{name}_pst.ab",
            "COMPLETENESS": "COMPLETE",
            "OBS_PROG_ID": RUN,
            "OBS_MODE": "SM",
            "OBS_ID": f"{minute}",
            "MJD-OBS": f"{start:.8f}",
            "MJD-OBS_MOD": f"{start + 5 / 1440:.8f}",
            "RAW_MATCH_KEY": "INS_MODE=WFM-NOAO-N",
            "MCALIB": [
                f"VIRTUAL {name}.ab PIXTABLE_OBJECT",
                "REAL MU_FILT.fits FILTER_LIST",
                "REAL MU_SRES.fits STD_RESPONSE",
            ],
            **more,
        }
    )


def test_it_is_named_after_the_first_exposure_whatever_the_order():
    block = deep_block("NGC300_P1", [pst(40), pst(10), pst(25)], RUN)
    assert block.name == "MUSE.2014-10-22T23:10:00.123_dpc.ab"
    assert block.root == "r.MUSE.2014-10-22T23:10:00.123_dpc"
    assert block.log_name == f"{block.root}.log"
    assert [need[19:21] for need in block.needs] == ["10", "25", "40"]
    assert block.value("OBS_ID") == "10"
    assert check_block(block) == block


def test_it_says_target_run_and_mode():
    block = deep_block("NGC300_P1", [pst(1), pst(2)], "094.D-0114B", crowded=True)
    assert block.value("TARGET") == "NGC300_P1"
    assert block.value("RUN_ID") == RUN
    assert block.value("PROC_MODE") == "CROWDED"
    assert block.value("DATE") == "2094-04-14"
    assert deep_block("A", [pst(1), pst(2)], RUN).values("PROC_MODE") == ()


def test_its_times_are_those_of_the_whole_group():
    block = deep_block("A", [pst(0), pst(30)], RUN)
    assert float(block.value("MJD-OBS")) == pytest.approx(56952.0)
    # From the start of the first to the end of the last: 40 minutes.
    assert float(block.value("MJD-OBS_MOD")) == pytest.approx(56952.0 + 20 / 1440)


def test_it_takes_the_filter_list_and_no_other_calibration():
    block = deep_block("A", [pst(1), pst(2)], RUN, params=["--filter=white"])
    real = [(m.file, m.tag) for m in block.mcalibs if not m.is_virtual]
    assert real == [("MU_FILT.fits", "FILTER_LIST")]
    assert block.params == ("--filter=white",)


def test_it_is_incomplete_where_a_member_is():
    members = [pst(1), pst(2, COMPLETENESS="INCOMPLETE")]
    assert deep_block("A", members, RUN).value("COMPLETENESS") == "INCOMPLETE"


@pytest.mark.parametrize(
    ("target", "members", "told"),
    [
        ("A", [pst(1)], "a deep cube needs 2"),
        ("A", [pst(1), pst(1)], "given twice"),
        ("A", [pst(1), pst(2, RECIPE="muse_scibasic")], "expected muse_scipost"),
        ("NGC 300", [pst(1), pst(2)], "expected one word"),
        ("", [pst(1), pst(2)], "expected one word"),
    ],
)
def test_what_makes_no_deep_cube_is_refused(target, members, told):
    with pytest.raises(ConfigError, match=told):
        deep_block(target, members, RUN)
