"""docs/qc_muse.md says what the code does."""

import re
import tomllib
from pathlib import Path

import pytest

from muse_deep_plugin.qc_parameters import OF_ANY, OF_DEEP, OF_SINGLE
from muse_deep_plugin.qc_procedure import PGI
from muse_deep_plugin.qc_scores import DEEP, SINGLE, Options
from muse_deep_plugin.score_bit import FLAGS
from phoenix_core.words.plain_text import limits

PAGE = (Path(__file__).parents[2] / "docs" / "qc_muse.md").read_text("utf-8")


@pytest.mark.parametrize("parameters", [OF_ANY, OF_SINGLE, OF_DEEP])
def test_every_parameter_is_on_the_page_in_its_order(parameters):
    rows = [f"| `{n}` | {unit} | {what} |" for n, (unit, what) in parameters.items()]
    assert "\n".join(rows) in PAGE


@pytest.mark.parametrize("rows", [SINGLE, DEEP])
def test_every_score_is_on_the_page_with_its_limits(rows):
    options = Options()
    for one in (*options.of_single, *options.of_deep):
        told = limits(one.score({}))
        line = f"| {one.name} | `{one.parameter}` | {told} | {one.comment} |"
        assert line in PAGE
    assert rows


def test_every_flag_is_on_the_page_in_its_order():
    named = re.findall(r"^\| \d+ \| (\w+) \|", PAGE, re.MULTILINE)
    assert tuple(named) == FLAGS


def test_every_warning_is_on_the_page():
    code = Path(__file__).parents[2] / "muse_deep_plugin" / "qc_deviations.py"
    deep = code.read_text("utf-8").split("# Exposures by themselves")[0]
    names = set(re.findall(r'Deviation\(\s*"(\w+)"', deep)) | {"High_background"}
    assert len(names) > 10
    assert (
        names
        == set(re.findall(r"^\| `(\w+)`(?: \(ERROR\))? \| \w", PAGE, re.MULTILINE))
        & names
    )
    assert all(f"| `{name}`" in PAGE for name in names)


def test_the_example_of_the_page_is_a_configuration():
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert Options(**tomllib.loads(example)[PGI]).of_deep[0].may_lack
