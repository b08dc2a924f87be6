"""Why an AB is due: only for what its products depend on, and said in words."""

import pytest

from phoenix_core.association_block import AssociationBlock
from phoenix_core.processing.staleness import damaged, fingerprint, reasons

VERSION = "pipeline 2.8"
PARAMS = "--save=cube --lambdamin=4000"
BLOCK = AssociationBlock.create(
    {
        "RAW_TYPE": "OBJECT",
        "RECIPE": "muse_scipost",
        "AB_NAME": "A.ab",
        "TARGET": "NGC300",
        "RECIPE_PARAM": ["--save=cube", "--lambdamin=4000"],
        "SOF_CONTENT": ["a.fits OBJECT 11", "b.fits OBJECT 22", "c.fits FLAT 33"],
    }
)


@pytest.fixture
def done(tmp_path):
    """The AB as it is after a successful call, with its product in tmp_path."""
    (tmp_path / "r.A_CUBE.fits").write_text("cube")
    return BLOCK.updated(
        {
            "PROCESS_STATUS": "SUCCESSFUL",
            "RECIPE_VERSION": VERSION,
            "CALL_PARAM": BLOCK.params,
            "FINGERPRINT": fingerprint(BLOCK, VERSION),
            "PRODUCTS": ["r.A_CUBE.fits CUBE 00 4 KEPT", "r.A_T.fits T 00 9 DELETED"],
        }
    )


def test_an_ab_that_nothing_changed_for_is_up_to_date(done, tmp_path):
    assert reasons(done, BLOCK, VERSION, tmp_path) == ()


@pytest.mark.parametrize(
    "contents",
    [
        {"TARGET": "other", "OBS_ID": "1"},
        {"PROCESS_SECONDS": "3", "AB_SUM": "00"},
        {"SOF_CONTENT": ["c.fits FLAT 33", "b.fits OBJECT 22", "a.fits OBJECT 11"]},
        {"SOF_CONTENT": ["z.fits OBJECT 11", "b.fits OBJECT 22", "c.fits FLAT 33"]},
    ],
)
def test_what_no_product_depends_on_makes_nothing_due(done, tmp_path, contents):
    """Names and order of the inputs among it: the content is what counts."""
    assert reasons(done, BLOCK.updated(contents), VERSION, tmp_path) == ()


@pytest.mark.parametrize(
    ("contents", "version", "told"),
    [
        (
            {"RECIPE_PARAM": "--save=cube"},
            VERSION,
            ("the parameters were --save=cube --lambdamin=4000 and are --save=cube",),
        ),
        (
            {"RECIPE_PARAM": ["--lambdamin=4000", "--save=cube"]},
            VERSION,
            (f"the parameters were {PARAMS} and are --lambdamin=4000 --save=cube",),
        ),
        ({}, "pipeline 3", ("the version was 'pipeline 2.8' and is 'pipeline 3'",)),
        ({"RECIPE": "muse_scibasic"}, VERSION, ("the recipe changed",)),
        (
            {"SOF_CONTENT": ["a.fits OBJECT 11", "b.fits OBJECT 2X", "d.fits FLAT 44"]},
            VERSION,
            (
                "the input b.fits changed",
                "the input d.fits is new",
                "the input c.fits is no longer taken",
            ),
        ),
        (
            {"SOF_CONTENT": ["a.fits SKY 11", "b.fits OBJECT 22", "c.fits FLAT 33"]},
            VERSION,
            ("the input a.fits is SKY and was OBJECT",),
        ),
    ],
)
def test_what_changed_is_told(done, tmp_path, contents, version, told):
    assert reasons(done, BLOCK.updated(contents), version, tmp_path) == told


@pytest.mark.parametrize(
    ("contents", "told"),
    [
        ({"PROCESS_STATUS": "CREATED"}, "it was not processed yet"),
        (
            {"PROCESS_STATUS": "CREATED", "PROCESS_CAUSE": "the input x changed"},
            "the input x changed",
        ),
        (
            {"PROCESS_STATUS": "FAILED", "PROCESS_CAUSE": "no room"},
            "it failed: no room",
        ),
        (
            {"PROCESS_STATUS": "SKIPPED", "PROCESS_CAUSE": "it needs B.ab"},
            "it was skipped: it needs B.ab",
        ),
    ],
)
def test_what_did_not_succeed_is_due_whatever_else_is_recorded(
    done, tmp_path, contents, told
):
    assert reasons(done.updated(contents), BLOCK, VERSION, tmp_path) == (told,)


@pytest.mark.parametrize("content", [None, "cub", "cubes", ""])
def test_a_product_that_is_missing_or_not_whole_is_told(done, tmp_path, content):
    product = tmp_path / "r.A_CUBE.fits"
    product.unlink()
    if content is not None:
        product.write_text(content)
    told = "its product r.A_CUBE.fits is missing or not whole"
    assert reasons(done, BLOCK, VERSION, tmp_path) == (told,)
    assert [record.file for record in damaged(done.products, tmp_path)] == [
        "r.A_CUBE.fits"
    ]


def test_parameters_do_not_run_into_inputs_or_versions():
    """What is the same letter by letter, only cut otherwise, is another call."""
    one = BLOCK.updated({"RECIPE_PARAM": ["--a=b", "--c=d"]})
    two = BLOCK.updated({"RECIPE_PARAM": ["--a=b --c=d"]})
    assert fingerprint(one, VERSION) != fingerprint(two, VERSION)
    assert fingerprint(BLOCK, "") != fingerprint(BLOCK, VERSION)
