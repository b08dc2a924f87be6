"""A night from raw frames: what lacks something is left out and says why, no more."""

import json
import os
import shutil

import numpy as np
import pytest
from astropy.io import fits
from attrs import frozen

from phoenix_core import main
from phoenix_core.ab.file import read_block
from phoenix_core.ab.incomplete import why_incomplete
from phoenix_core.association_block import AbStatus, AssociationBlock
from phoenix_core.config import ENVIRONMENT, read_config
from phoenix_core.errors import ConfigError
from phoenix_core.loader.session import Wishes, open_session
from phoenix_core.model import Job, Run
from phoenix_core.processing.process_ab import ProcessAb
from phoenix_core.run.create import create
from phoenix_core.run.process import process
from phoenix_core.testing import AbSourceContract

NIGHT = "2024-03-10"
MJD = 60379.0
RULES = """
version = "7"
only = { INSTRUME = "TOY" }
match_keys = ["ESO DET DIT"]
[[classify]]
tag = "DARK"
when = { "ESO DPR TYPE" = "DARK" }
[[classify]]
tag = "OBJECT"
when = { "ESO DPR TYPE" = "OBJECT" }
[[group]]
name = "dark"
tags = ["DARK"]
keys = ["ESO DET DIT"]
recipe = "dark"
ab_tag = "_dark"
minimum = 2
products = ["MASTER_DARK"]
[[group]]
name = "science"
tags = ["OBJECT"]
keys = ["ESO OBS ID", "ESO DET DIT"]
recipe = "science"
parameters = ["--method=median", "--cut=3"]
products = ["IMAGE"]
qualifiers = { TARGET = "ESO OBS TARG NAME" }
  [[group.associate]]
  tag = "MASTER_DARK"
  keys = ["ESO DET DIT"]
  levels = [{ window = "12 h" }, { window = "7 d", parameters = ["--dark=old"] }]
[[group]]
name = "stack"
from = ["science"]
keys = ["ESO OBS ID"]
takes = ["IMAGE"]
raw_type = "IMAGE"
ab_tag = "_stack"
recipe = "stack"
"""
CONFIG = """
instrument = "TOY"
mode = "IDP"
[directories]
root = "{root}"
[phoenix]
AB_SOURCE = "createAB"
AB_PGI = "pgi_toy"
JOB_PGI = "pgi_phoenix_GEN_single_stream"
[processAB]
DRS = "pgi_toy"
[createAB]
rules = "{root}/rules.toml"
parameters = {{ science = ["--cut=5"] }}
"""
TOY = """
from phoenix_core import hookimpl
from phoenix_core.ab import inputs
from phoenix_core.ab.cascade import in_order
from phoenix_core.model import Cascade, Product

MAKES = {"dark": "MASTER_DARK", "science": "IMAGE", "stack": "STACK"}

@hookimpl
def ab_pgi(blocks):
    return Cascade(in_order(blocks))

@hookimpl
def process_ab_drs(run, block, workdir):
    path = workdir / "out.txt"
    path.write_text(repr([(p.name, tag) for p, tag in inputs.paths(run, block)]))
    return [Product(path, MAKES[block.recipe])]
"""


@frozen
class Site:
    """A place with raw frames and calibrations, and phoenix working there."""

    root: object
    config: object

    def frame(self, name, hours, folder=f"raw/{NIGHT}", **keywords):
        """Write a frame of some hours after noon."""
        hdu = fits.PrimaryHDU(np.zeros((8, 8), np.float32))
        hdu.header["INSTRUME"] = "TOY"
        hdu.header["MJD-OBS"] = MJD + 0.5 + hours / 24
        hdu.header["EXPTIME"] = 3600.0
        for keyword, value in keywords.items():
            if value is not None:
                hdu.header[f"HIERARCH ESO {keyword.replace('_', ' ')}"] = value
        path = self.root / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        hdu.writeto(path, overwrite=True, checksum=True)
        return path

    def dark(self, name, hours, dit):
        return self.frame(
            name, hours, DPR_CATG="CALIB", DPR_TYPE="DARK", DET_DIT=dit, OBS_ID=9
        )

    def science(self, name, hours, dit, ob, **more):
        keywords = {"DPR_CATG": "SCIENCE", "DPR_TYPE": "OBJECT", "DET_DIT": dit}
        return self.frame(name, hours, **(keywords | {"OBS_ID": ob} | more))

    def master(self, name, hours, dit):
        return self.frame(name, hours, "calib/old", PRO_CATG="MASTER_DARK", DET_DIT=dit)

    def session(self):
        return open_session(read_config(self.config), Wishes(date=NIGHT))

    def create(self):
        with self.session() as session:
            return create(session)

    def process(self):
        with self.session() as session:
            return process(session)

    def block(self, name):
        return read_block(self.root / "ab" / NIGHT / name)


@pytest.fixture
def site(tmp_path, monkeypatch, pgi_package):
    for variable in ENVIRONMENT.values():
        monkeypatch.delenv(variable, raising=False)
    pgi_package("pgi_toy", TOY)
    root = tmp_path / "data"
    root.mkdir()
    (root / "rules.toml").write_text(RULES)
    config = tmp_path / "phoenix.toml"
    config.write_text(CONFIG.format(root=root))
    return Site(root, config)


@pytest.fixture
def night(site):
    """Two OBs that can be done, one without its dark, one with a damaged frame."""
    for number in range(3):
        site.dark(f"D{number}.fits", 18 + number / 10, 10.0)
    site.science("A1.fits", 12, 10.0, 1, OBS_TARG_NAME="NGC 1 # two")
    site.science("A2.fits", 13, 10.0, 1)
    site.science("B1.fits", 14, 2.0, 2)
    site.science("C1.fits", 15, 10.0, 3)
    damaged = site.science("C2.fits", 16, 10.0, 3)
    os.truncate(damaged, 4000)
    site.science("E1.fits", 17, None, 4)
    site.frame("strange.fits", 17, DPR_TYPE="FLAT")
    (site.root / "raw" / NIGHT / "broken.fits").write_bytes(b"no fits")
    return site


def test_an_ab_says_what_is_documented(night):
    night.create()
    block = night.block("A1.ab")
    assert [(name, block.values(name)) for name in block.qualifiers] == [
        ("TOOL_VERSION", ("createAB-0.1.0",)),
        ("CONFIG_VERSION", ("7",)),
        ("INSTRUMENT", ("TOY",)),
        ("DATE", (NIGHT,)),
        ("DPR_CATG", ("SCIENCE",)),
        ("RAW_TYPE", ("OBJECT",)),
        ("RECIPE", ("science",)),
        ("DRS_TYPE", ("CPL",)),
        ("BATCH_ID", (f"SCIENCE_{NIGHT}",)),
        ("AB_NAME", ("A1.ab",)),
        ("AB_EVENT", ("SCIENCE",)),
        ("COMPLETENESS", ("COMPLETE",)),
        ("PROCESS_STATUS", ("CREATED",)),
        ("OBS_MODE", ("NONE",)),
        ("OBS_ID", ("1",)),
        ("MJD-OBS", ("60380.00000000",)),
        ("MJD-OBS_MOD", ("60380.04166667",)),
        ("PROD_ROOT_NAME", ("r.A1",)),
        ("LOG_NAME", ("r.A1.log",)),
        ("RAW_MATCH_KEY", ("DET_DIT=10.0",)),
        ("TARGET", ("NGC 1 No. two",)),
        ("RECIPE_PARAM", ("--method=median", "--cut=5")),
        ("RAWFILE", block.values("RAWFILE")),
        ("MCALIB", block.values("MCALIB")),
        ("AB_SUM", block.values("AB_SUM")),
    ]
    assert [(r.file, r.tag) for r in block.rawfiles] == [
        ("A1.fits", "OBJECT"),
        ("A2.fits", "OBJECT"),
    ]
    (mcalib,) = block.mcalibs
    assert (mcalib.kind, mcalib.file) == ("VIRTUAL", "D0_dark.ab")
    assert "# level 1, 6 h after" in block.text


def test_what_lacks_something_is_left_out_and_the_rest_of_the_night_goes_on(night):
    done = night.process()
    states = {outcome.block: outcome.status for outcome in done.outcomes}
    assert states == dict.fromkeys(
        ["D0_dark.ab", "A1.ab", "A1_stack.ab"], AbStatus.SUCCESSFUL
    )
    causes = {
        "B1.ab": "INCOMPLETE: MASTER_DARK none of 1 fits; nearest: D0_dark.ab, 4 h "
        "after: ESO DET DIT = 10.0, wanted 2.0",
        "B1_stack.ab": "INCOMPLETE: B1.ab is INCOMPLETE: MASTER_DARK none of 1 fits",
        "C1.ab": "INCOMPLETE: RAWFILE C2.fits is truncated: ",
        "E1.ab": "INCOMPLETE: KEYWORD E1.fits has no ESO DET DIT",
    }
    for name, cause in causes.items():
        block = night.block(name)
        assert block.status is AbStatus.SKIPPED
        assert block.cause.startswith(cause)
        assert block.value("COMPLETENESS") == "INCOMPLETE"
    warnings = {f.block: f.message for f in done.plan.findings if f.block}
    assert set(warnings) == {*causes, "C1_stack.ab", "E1_stack.ab"}
    assert not done.plan.errors
    assert not done.failures
    assert "C2.fits" not in [raw.file for raw in night.block("C1.ab").rawfiles]


def test_the_cause_names_the_first_lack_in_full_and_the_others_by_name():
    lacks = [f"B{n}.ab  is INCOMPLETE: MASTER_DARK there is none" for n in range(6)]
    block = AssociationBlock.create({"AB_NAME": "A.ab", "MISSING": lacks})
    assert why_incomplete(block) == (
        "INCOMPLETE: B0.ab is INCOMPLETE: MASTER_DARK there is none; also B1.ab, "
        "B2.ab, B3.ab and 2 more"
    )
    block = AssociationBlock.create({"AB_NAME": "A.ab", "MISSING": lacks[:1]})
    assert why_incomplete(block).endswith("there is none")
    assert why_incomplete(AssociationBlock.create({"AB_NAME": "A.ab"})) == ""


def test_frames_that_are_in_no_ab_are_told(night):
    told = [f.message for f in night.create().findings if not f.block]
    assert told == [
        "1 raw frame is in no AB (no rule classifies it): strange.fits",
        "1 raw frame is in no AB (is no FITS): broken.fits",
    ]
    log = (night.root / "monitor" / NIGHT / "createAB.alog").read_text()
    assert "strange.fits is in no AB: no rule classifies it" in log
    assert "MASTER_DARK: D0_dark.ab, virtual, level 1, 6 h after" in log


def test_an_incomplete_ab_is_refused_by_the_command_for_one(night):
    night.create()
    with night.session() as session:
        outcome = ProcessAb(session.run, session.pgis)(Job("B1.ab"))
    assert outcome.status is AbStatus.SKIPPED
    assert "MASTER_DARK" in outcome.cause
    assert night.block("B1.ab").status is AbStatus.SKIPPED


def test_when_what_was_missing_arrives_the_ab_is_processed(night):
    night.process()
    night.master("M.fits", -60, 2.0)
    night.science("C2.fits", 16, 10.0, 3)
    plan = night.create()
    assert night.block("B1_stack.ab").status is AbStatus.CREATED
    assert "--dark=old" in night.block("B1.ab").params
    assert {f.block for f in plan.findings if f.block} == {"E1.ab", "E1_stack.ab"}
    done = night.process()
    assert {o.block for o in done.outcomes if o.status is AbStatus.SUCCESSFUL} == {
        *("B1.ab", "B1_stack.ab", "C1.ab", "C1_stack.ab"),
    }


def test_an_ab_that_a_person_mended_is_processed(night):
    night.process()
    night.master("M.fits", -600, 2.0)  # too old for the rules
    path = night.root / "ab" / NIGHT / "B1.ab"
    block = night.block("B1.ab").updated(
        {"MISSING": "", "MCALIB": "REAL M.fits MASTER_DARK"}
    )
    path.write_text(block.text)
    (night.root / "ab" / NIGHT / "B1_stack.ab").write_text(
        night.block("B1_stack.ab").with_value("MISSING", "").text
    )
    done = night.process()
    assert {o.block for o in done.outcomes} == {"B1.ab", "B1_stack.ab"}
    assert not done.failures


def test_an_ab_of_a_store_that_says_incomplete_alone_is_not_left_out(night):
    night.create()
    path = night.root / "ab" / NIGHT / "A1.ab"
    path.write_text(night.block("A1.ab").with_value("COMPLETENESS", "INCOMPLETE").text)
    assert "A1.ab" in [job.block for job in night.create().jobs]


def test_the_night_is_its_directory_or_else_its_hours(night):
    night.create()
    wanted = {path.name for path in (night.root / "ab" / NIGHT).glob("*.ab")}
    (night.root / "raw" / NIGHT).rename(night.root / "raw" / "elsewhere")
    night.science("next.fits", 24.5, 10.0, 8)
    (night.root / "raw" / NIGHT / "next.fits").rename(
        night.root / "raw" / "elsewhere" / "next.fits"
    )
    (night.root / "raw" / NIGHT).rmdir()
    for path in (night.root / "ab" / NIGHT).glob("*.ab"):
        path.unlink()
    night.create()
    found = {path.name for path in (night.root / "ab" / NIGHT).glob("*.ab")}
    assert found == wanted


def test_a_night_without_frames_is_an_error(site):
    with pytest.raises(ConfigError, match=f"no raw frames of {NIGHT} below"):
        site.create()


def test_two_calls_make_the_same_and_nothing_is_processed_again(night):
    night.process()
    before = {p: p.read_bytes() for p in (night.root / "ab" / NIGHT).glob("*.ab")}
    assert not night.process().outcomes
    assert before == {p: p.read_bytes() for p in before}


class TestCreateAbIsAnAbSource(AbSourceContract):
    """What holds for every AB_SOURCE."""

    pgi = "createAB"

    @pytest.fixture
    def run(self, night):
        self.options = {"rules": str(night.root / "rules.toml")}
        return Run(NIGHT, read_config(night.config))


# Frames that are not as they should be ---------------------------------------------


def held_up(site, name="A1.ab"):
    """Make the ABs; return what one of them lacks. The others are as they were."""
    plan = site.create()
    assert not plan.errors
    assert {"D0_dark.ab", "F1.ab"} <= {job.block for job in plan.jobs}
    block = site.block(name)
    assert block.status is AbStatus.SKIPPED
    return " ".join(block.values("MISSING"))


@pytest.fixture
def two(site):
    """Two OBs that can be done."""
    for number in range(2):
        site.dark(f"D{number}.fits", 18 + number / 10, 10.0)
    site.science("A1.fits", 12, 10.0, 1)
    site.science("A2.fits", 13, 10.0, 1)
    site.science("F1.fits", 14, 10.0, 2)
    return site


@pytest.mark.parametrize("copy", ["A1.fits.fz", "copy.fits", "deep/A1.fits"])
def test_an_exposure_that_is_there_twice_is_not_taken_twice(two, copy):
    path = two.root / "raw" / NIGHT / "A1.fits"
    other = path.parent / copy
    other.parent.mkdir(exist_ok=True)
    shutil.copy(path, other)
    told = held_up(two)
    assert str(path) in told
    assert str(other) in told


def test_a_calibration_under_two_names_is_not_taken_twice(two):
    path = two.master("M.fits", -60, 10.0)
    shutil.copy(path, path.with_suffix(".fits.fz"))
    (finding,) = two.create().findings
    assert "2 calibration files are not taken" in finding.message
    assert f"{path} and {path}.fz" in finding.message


def test_two_exposures_of_one_time_are_two_where_the_rules_say_how(two):
    rules = two.root / "rules.toml"
    rules.write_text(f"{RULES}\n[keywords]\nexposure_id = 'ESO DET EXP NO'\n")
    two.science("A3.fits", 12, 10.0, 1, DET_EXP_NO=3)
    two.create()
    assert len(two.block("A1.ab").rawfiles) == 3


def test_a_frame_that_lies_in_another_night_as_well_holds_up_its_ab(two):
    path = two.root / "raw" / NIGHT / "A1.fits"
    other = two.root / "raw" / "2024-03-11" / "A1.fits"
    other.parent.mkdir()
    shutil.copy(path, other)
    told = held_up(two)
    assert f"{path} and {other}" in told
    done = two.process()
    assert not done.failures
    assert [o.block for o in done.outcomes if o.block == "F1.ab"]


def test_a_night_that_is_seen_under_two_names_is_there_once(two):
    (two.root / "raw" / "latest").symlink_to(two.root / "raw" / NIGHT)
    assert not two.create().findings


@pytest.mark.parametrize("cut", [True, False])
def test_a_frame_whose_header_is_damaged_holds_up_its_ab(two, cut):
    path = two.root / "raw" / NIGHT / "A2.fits"
    content = bytearray(path.read_bytes())
    content = content[:1100] if cut else content.replace(b"/ conf", b"/ \xe9onf", 1)
    path.write_bytes(bytes(content))
    assert "A2.fits" in held_up(two)


def test_a_frame_that_tells_nothing_is_warned_of_and_counted(two):
    (two.root / "raw" / NIGHT / "A3.fits").write_bytes(b"")
    (finding,) = two.create().findings
    assert finding.message == "1 raw frame is in no AB (is empty): A3.fits"
    log = (two.root / "monitor" / NIGHT / "createAB.alog").read_text()
    assert "0 INCOMPLETE; 1 raw frames in no AB" in log


def test_a_pipe_in_place_of_a_frame_fails_its_ab_and_no_other(two):
    assert not two.process().failures
    path = two.root / "raw" / NIGHT / "A2.fits"
    block = two.block("A1.ab").with_value("RECIPE_PARAM", "--edited=1")
    (two.root / "ab" / NIGHT / "A1.ab").write_text(block.text)
    path.unlink()
    os.mkfifo(path)
    plan = two.create()
    assert not plan.errors
    done = two.process()
    states = {outcome.block: outcome.status for outcome in done.outcomes}
    assert states == {"A1.ab": AbStatus.FAILED, "A1_stack.ab": AbStatus.SKIPPED}
    assert f"{path} is no regular file" in two.block("A1.ab").cause


def test_an_ab_lists_nothing_that_a_terminal_obeys(two):
    path = two.root / "raw" / NIGHT / "A1.fits"
    shutil.copy(path, path.with_name("d\x1b]0;pwn\x07a.fits"))
    assert "d?]0;pwn?a.fits" in held_up(two)
    for path in (two.root / "ab" / NIGHT).glob("*.ab"):
        assert path.read_text().replace("\n", "").isprintable()


def test_a_finished_ab_that_lacked_a_frame_for_a_while_is_not_done_again(two):
    assert not two.process().failures
    path = two.root / "raw" / NIGHT / "A2.fits"
    content = path.read_bytes()
    path.write_bytes(content[:4000])
    two.create()
    assert two.block("A1.ab").status is AbStatus.SKIPPED
    path.write_bytes(content)
    assert not two.create().due
    assert two.block("A1.ab").status is AbStatus.SUCCESSFUL
    path.write_bytes(content[:4000])
    two.create()
    two.science("A2.fits", 13, 10.0, 1, OBS_TARG_NAME="another")
    assert "the input A2.fits changed" in str(two.create().due["A1.ab"])


def test_an_ab_that_was_not_finished_is_done_again_when_its_frame_is_back(two):
    assert not two.process().failures
    file = two.root / "ab" / NIGHT / "A1.ab"
    half = {"PROCESS_STATUS": "CREATED", "PROCESS_CAUSE": "the input A1.fits changed"}
    file.write_text(two.block("A1.ab").updated(half).text)  # killed between products
    path = two.root / "raw" / NIGHT / "A2.fits"
    content = path.read_bytes()
    path.write_bytes(content[:4000])
    two.create()
    path.write_bytes(content)
    assert "A1.ab" in two.create().due


def test_frames_of_another_night_are_taken_and_told(two):
    two.science("G1.fits", 30, 10.0, 7)
    (finding,) = [f for f in two.create().findings if not f.block]
    told = "1 raw frame is of another night (taken all the same, by the directory)"
    assert finding.message == f"{told}: G1.fits"
    assert two.block("G1.ab").values("RAWFILE")


# phoenix why ------------------------------------------------------------------------


@pytest.fixture
def why(night, monkeypatch, capsys):
    def asked(*words):
        argv = ["phoenix", "why", "--config", str(night.config), "-d", NIGHT, *words]
        monkeypatch.setattr("sys.argv", argv)
        with pytest.raises(SystemExit) as left:
            main.phoenix()
        told = capsys.readouterr()
        return left.value.code or 0, told.out, told.err

    night.create()
    return asked


def test_why_names_what_was_taken_and_the_runners_up(night, why):
    night.master("M.fits", -60, 10.0)
    night.master("N.fits", -61, 2.0)
    code, told, _ = why("A1.ab")
    assert code == 0
    assert [" ".join(line.split()) for line in told.splitlines()] == [
        "A1.ab science COMPLETE",
        f"the AB: CREATED, in {night.root}/ab/{NIGHT}",
        "science: A1.fits OBJECT",
        "A2.fits OBJECT",
        "MASTER_DARK: takes D0_dark.ab virtual, level 1, 6 h after",
        "next M.fits calib, level 2, 3 d before",
        "not N.fits calib, 3.042 d before: ESO DET DIT = 2.0, wanted 10.0",
    ]


def test_why_in_json_has_the_key_that_failed_with_both_values(why):
    code, told, _ = why("B1.ab", "--json")
    assert code == 0
    answer = json.loads(told)
    assert answer["completeness"] == "INCOMPLETE"
    (association,) = answer["associations"]
    assert association["taken"] == []
    (miss,) = association["misses"]
    assert miss["name"] == "D0_dark.ab"
    assert miss["failures"] == [
        {
            "what": "ESO DET DIT",
            "has": 10.0,
            "wanted": 2.0,
            "told": "ESO DET DIT = 10.0, wanted 2.0",
        }
    ]


def rows(told):
    return [" ".join(line.split()) for line in told.splitlines()]


def test_why_tells_where_a_raw_frame_went(why):
    name, problem, abs_ = rows(why("C2.fits")[1])
    assert name == "C2.fits OBJECT"
    assert problem.startswith("not taken: is truncated: ")
    assert problem.endswith(" bytes of HDU 0 are missing")
    assert abs_ == "makes INCOMPLETE: C1.ab"
    assert rows(why("A2.fits")[1]) == ["A2.fits OBJECT", "taken by: A1.ab"]
    assert "in no AB: is no FITS" in rows(why("broken.fits")[1])


def test_why_of_a_frame_that_no_rule_names_tells_the_nearest_class(night, why):
    assert rows(why("strange.fits")[1]) == [
        "strange.fits unclassified",
        (
            "in no AB: no rule classifies it; nearest: DARK, but ESO DPR TYPE = "
            "'FLAT', wanted 'DARK'"
        ),
    ]
    night.frame("bare.fits", 17)
    assert "it has no ESO DPR TYPE, wanted 'DARK'" in why("bare.fits")[1]


def test_why_of_a_frame_that_no_group_takes_tells_the_condition(night, why):
    rules = night.root / "rules.toml"
    when = '[[group]]\nname = "science"\nwhen = { "ESO DET DIT" = { above = 5 } }'
    rules.write_text(RULES.replace('[[group]]\nname = "science"', when))
    assert rows(why("B1.fits")[1])[1] == (
        "in no AB: no group takes OBJECT; not of science: ESO DET DIT = 2.0, wanted "
        "above 5"
    )


def test_why_takes_a_path_for_the_name_of_its_file(night, why):
    by_name = why("A2.fits")
    assert by_name[0] == 0
    assert why(str(night.root / "raw" / NIGHT / "A2.fits")) == by_name


def test_why_of_a_frame_of_another_night_tells_which(night, why):
    night.science("next.fits", 30, 10.0, 8).rename(night.root / "raw" / "next.fits")
    other = night.root / "raw" / "2024-03-12"
    other.mkdir()
    night.science("later.fits", 40, 10.0, 8).rename(other / "later.fits")
    assert rows(why("next.fits")[1])[1] == "in no AB: it is of night 2024-03-11"
    assert rows(why("later.fits")[1])[1] == "in no AB: it is of night 2024-03-12"


def test_why_of_a_file_of_another_instrument_says_so(night, why):
    path = night.science("O.fits", 12, 10.0, 1)
    fits.setval(path, "INSTRUME", value="OTHER")
    told = "in no AB: it is not looked at: INSTRUME = 'OTHER', wanted 'TOY'"
    assert rows(why("O.fits")[1]) == ["O.fits unclassified", told]


def test_why_of_a_calibration_tells_who_takes_it(night, why):
    night.master("M.fits", -60, 2.0)
    night.master("old.fits", -600, 2.0)
    night.frame("what.fits", 0, "calib")
    assert rows(why("M.fits")[1]) == ["M.fits MASTER_DARK", "taken by: B1.ab"]
    assert rows(why("old.fits")[1])[1] == "in no AB: nothing takes it"
    assert "no rule classifies it, and it has no ESO PRO CATG" in why("what.fits")[1]


def test_why_of_a_file_that_is_nowhere_says_so(why):
    code, _, told = why("nowhere.fits")
    assert code == 2
    assert "there is no file nowhere.fits below raw and calib, nor an AB" in told


def test_why_marks_what_an_ab_does_not_take_among_its_frames(why):
    assert "C2.fits OBJECT not taken: is truncated: " in " ".join(
        why("C1.ab")[1].split()
    )


def test_a_heading_that_is_long_stands_apart_from_what_follows(night, why):
    rules = night.root / "rules.toml"
    long = "MASTER_LOCAL_CATALOGUE_ASTROM"
    rules.write_text(RULES.replace("MASTER_DARK", long))
    assert f"{long}: takes D0_dark.ab" in why("A1.ab")[1]


def edited(night, name="A1.ab", taken="REAL M.fits MASTER_DARK"):
    night.master("M.fits", -60, 10.0)
    path = night.root / "ab" / NIGHT / name
    path.write_text(night.block(name).with_value("MCALIB", taken).text)
    return path


def test_why_says_of_an_association_what_the_ab_has_that_a_person_edited(night, why):
    edited(night)
    told = rows(why("A1.ab")[1])
    assert told[1] == f"the AB: CREATED, edited by hand, in {night.root}/ab/{NIGHT}"
    at = told.index("MASTER_DARK: takes D0_dark.ab virtual, level 1, 6 h after")
    assert told[at + 1] == "but the AB has M.fits: it was edited by hand"
    answer = json.loads(why("A1.ab", "--json")[1])
    (association,) = answer["associations"]
    assert association["difference"] == "the AB has M.fits: it was edited by hand"


def test_why_says_what_an_ab_has_that_was_made_before(night, why):
    night.process()
    night.master("M.fits", -60, 2.0)
    told = rows(why("B1.ab")[1])
    assert told[0] == "B1.ab science COMPLETE"
    assert told[1].startswith("the AB: SKIPPED (INCOMPLETE: MASTER_DARK none of 1 fits")
    assert "but the AB has none: it was made before, or changed by the AB_PGI" in told


def test_why_says_what_an_ab_has_that_was_moved(night, why):
    path = edited(night)
    moved = night.root / "logs" / NIGHT / "A1.ab"
    moved.parent.mkdir(parents=True)
    path.rename(moved)
    told = rows(why("A1.ab")[1])
    assert told[1] == f"the AB: CREATED, edited by hand, in {moved.parent}"
    assert "but the AB has M.fits: it was edited by hand" in told


def test_why_says_what_else_the_ab_has_otherwise(night, why):
    path = night.root / "ab" / NIGHT / "A1.ab"
    block = night.block("A1.ab").with_value("RECIPE_PARAM", "--cut=9")
    path.write_text(block.with_value("RAWFILE", "A1.fits OBJECT").text)
    assert rows(why("A1.ab")[1])[2] == (
        "the AB was edited by hand: it does not take A2.fits (OBJECT), has --cut=9, "
        "has no --cut=5, has no --method=median"
    )


def test_why_of_an_ab_that_the_rules_make_no_more_tells_of_the_one_there_is(night, why):
    old = night.root / "ab" / NIGHT / "A1.ab"
    (old.parent / "Z9.ab").write_text(
        night.block("A1.ab").with_value("AB_NAME", "Z9.ab").text
    )
    code, _, told = why("Z9.ab")
    assert code == 2
    assert f"the rules make no AB Z9.ab of {NIGHT}; one is in {old.parent}" in told


def test_the_log_has_what_makes_each_ab_and_what_is_not_looked_at(night):
    folder = night.root / "raw" / NIGHT
    (folder / "dead.fits").symlink_to(folder / "nowhere.fits")
    (folder / "a.fits.gz").write_bytes(b"x")
    told = [f.message for f in night.create().findings if not f.block]
    assert "1 raw frame is in no AB (is a dead link): dead.fits" in told
    log = (night.root / "monitor" / NIGHT / "createAB.alog").read_text().splitlines()
    assert log[1] == "  9 ABs, 6 INCOMPLETE; 4 raw frames in no AB"
    assert "  dead.fits is in no AB: is a dead link" in log
    assert any(
        line.startswith("  a.fits.gz is in no AB: is packed (.gz)") for line in log
    )
    at = log.index("A1.ab science COMPLETE")
    assert log[at + 1] == "  ESO OBS ID = 1; ESO DET DIT = 10.0; TARGET = NGC 1 # two"
    assert any("C2.fits, not taken: is truncated" in line for line in log)


def test_what_says_nothing_of_its_night_is_in_the_log_where_nights_are_hours(night):
    (night.root / "raw" / NIGHT).rename(night.root / "raw" / "elsewhere")
    folder = night.root / "raw" / "elsewhere"
    (folder / "dead.fits").symlink_to(folder / "nowhere.fits")
    told = [f.message for f in night.create().findings if not f.block]
    assert not [message for message in told if "dead" in message]
    log = (night.root / "monitor" / NIGHT / "createAB.alog").read_text()
    assert "dead.fits is in no AB: is a dead link; nothing tells whose it is" in log


def test_why_of_a_name_that_is_none_has_the_nearest(why):
    code, _, told = why("A1_stak.ab")
    assert code == 2
    assert told == (
        f"phoenix: the rules make no AB A1_stak.ab of {NIGHT}; did you mean "
        "'A1_stack.ab'?\n"
    )


def test_rules_that_are_not_there_are_told_with_the_line_of_the_configuration(site):
    text = site.config.read_text().replace("rules.toml", "other.toml")
    site.config.write_text(text)
    with pytest.raises(ConfigError, match=r"phoenix.toml, line 13: \[createAB\] rules"):
        site.create()


@pytest.fixture
def check(site, monkeypatch, capsys):
    """Call `phoenix plugins check` of the site, or another command."""

    def called(*words):
        words = words or ("plugins", "check", str(site.config))
        monkeypatch.setattr("sys.argv", ["phoenix", *words])
        with pytest.raises(SystemExit) as left:
            main.phoenix()
        told = capsys.readouterr()
        return left.value.code or 0, told.out, told.err

    return called


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('rules = "{root}/rules.toml"', "", "[createAB] rules: is missing; expected"),
        ("{root}/rules.toml", "nobody_has_this:r.toml", "there is no package 'nobody"),
        ("{root}/rules.toml", "{root}/other.toml", "No such file or directory"),
        (
            "science = [",
            "sciense = [",
            "the recipe 'sciense'; did you mean 'science'?",
        ),
        ('"--cut=5"', '"cut=5"', "'cut=5' of science; expected --name=value"),
    ],
)
def test_a_mistake_around_the_rules_is_told_by_the_check_as_by_a_run(
    site, check, old, new, told
):
    old, new = old.format(root=site.root), new.format(root=site.root)
    assert check()[0] == 0
    text = site.config.read_text()
    assert old in text
    site.config.write_text(text.replace(old, new))
    checked = check()
    assert checked == check("--config", str(site.config), "-d", NIGHT, "-C")
    assert checked[0] == 2
    assert told in checked[2]


def test_a_mistake_within_the_rules_is_told_by_the_check(site, check):
    rules = site.root / "rules.toml"
    rules.write_text(RULES.replace('tags = ["DARK"]', 'tags = ["DRAK"]'))
    code, _, told = check()
    assert code == 2
    assert "rules.toml, line 13: [[group]] 1, tags: no class has the tag 'DRAK'" in told


def test_what_may_be_a_slip_in_the_rules_is_a_warning(night, check):
    rules = night.root / "rules.toml"
    rules.write_text(RULES.replace('tag = "MASTER_DARK"', 'tag = "MASTER_DRAK"'))
    told = "takes MASTER_DRAK, which no class and no group gives; did you mean 'MASTER_"
    code, out, _ = check()
    assert code == 0
    assert f"  warning: [[group]] 'science' {told}" in out
    assert (
        told
        in json.loads(check("plugins", "check", str(night.config), "--json")[1])[
            "doubts"
        ][0]
    )
    warnings = [f.message for f in night.create().findings if not f.block]
    assert told in warnings[0]
    assert "there is none at all (calib, virtual)" in night.block("A1.ab").cause


def test_a_category_that_no_file_has_and_one_nearly_has_is_a_warning(night):
    rules = night.root / "rules.toml"
    more = RULES.replace(
        '[[group]]\nname = "stack"',
        """  [[group.associate]]
  tag = "STATIC_TABEL"
  optional = true
[[group]]
name = "stack\"""",
    )
    assert more != RULES
    rules.write_text(more)
    night.frame("T.fits", 0, "calib", PRO_CATG="STATIC_TABLE")
    warnings = [f.message for f in night.create().findings if not f.block]
    assert warnings[0] == (
        "the rules ask for STATIC_TABEL, and nothing is one; did you mean "
        "'STATIC_TABLE'?"
    )


@pytest.mark.parametrize(
    "value",
    ["x\nAB_NAME evil.ab", "x # y", "  ", "../../etc", "REAL /etc/passwd MASTER", "ü'"],
)
def test_no_value_of_a_header_can_break_an_ab(site, value):
    path = site.science("A1.fits", 12, 10.0, 1, OBS_TARG_NAME="X" * 60)
    site.master("M.fits", 0, 10.0)
    place = value.replace("'", "''").encode("ascii", "replace").ljust(60)
    path.write_bytes(path.read_bytes().replace(b"X" * 60, place[:60]))
    site.create()
    for name in ("A1.ab", "A1_stack.ab"):
        block = site.block(name)
        assert block.name == name
        assert len(block.values("AB_NAME")) == 1
        assert block.values("DATE") == (NIGHT,)
        assert len(block.values("TARGET")) <= 1
