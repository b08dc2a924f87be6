"""Rules files: every mistake is told with file, line, key and the nearest word."""

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.create_ab import read_rules
from phoenix_core.create_ab.read_rules import find_rules
from phoenix_core.create_ab.rules import Source, Time
from phoenix_core.create_ab.toml_lines import lines_of
from phoenix_core.errors import ConfigError

DOCS = Path(__file__).parents[2] / "docs" / "create_ab.md"
GOOD = """\
version = "2.1"
[tolerance]
"ESO DET DIT" = 0.001

[[classify]]
tag = "DARK"
when = { "ESO DPR TYPE" = "DARK" }

[[group]]
name = "dark"
tags = ["DARK"]
keys = ["ESO DET DIT"]
recipe = "dark_combine"
ab_tag = "_dark"
minimum = 3
products = ["MASTER_DARK"]

[[group]]
name = "science"
tags = ["OBJECT", "SKY"]
keys = ["ESO OBS ID"]
recipe = "reduce"
products = ["IMAGE_{tag}"]

  [[group.associate]]
  tag = "MASTER_DARK"
  keys = ["ESO DET DIT"]
  window = "7 d"
  levels = [{ window = "2 h" }, { time = "before", sources = ["calib"], level = 5 }]

[[group]]
name = "combined"
from = ["science"]
takes = ["IMAGE_OBJECT"]
keys = ["ESO OBS ID"]
raw_type = "IMAGE"
ab_tag = "_all"
recipe = "combine"

[[classify]]
tag = "OBJECT"
when = { "ESO DPR TYPE" = "OBJECT" }

[[classify]]
tag = "SKY"
when = { "ESO DPR TYPE" = "SKY" }
"""


def changed(old, new):
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_a_level_has_what_its_association_says_where_it_says_nothing():
    rules = read_rules(GOOD)
    first, second = rules.groups[1].associations[0].levels
    assert (first.number, first.window, first.time) == (
        1,
        pytest.approx(2 / 24),
        "nearest",
    )
    assert first.sources == (Source.VIRTUAL, Source.CALIB)
    assert (second.number, second.window, second.time) == (5, 7.0, Time.BEFORE)
    assert second.sources == (Source.CALIB,)
    assert first.keys == second.keys == ("ESO DET DIT",)


def test_all_keywords_that_rules_look_at_are_read():
    wanted = read_rules(GOOD).wanted
    expected = {"ESO DET DIT", "ESO DPR TYPE", "ESO OBS ID", "ESO PRO CATG", "MJD-OBS"}
    assert expected <= set(wanted)
    assert "file" not in read_rules(changed('["ESO OBS ID"]', '["file"]')).wanted


def test_makers_come_before_takers_whatever_the_order_in_the_file():
    head, *groups = GOOD.split("[[group]]")
    for order in (groups, groups[::-1], [groups[1], groups[0], groups[2]]):
        found = read_rules("[[group]]".join([head, *order])).order
        assert found.index("dark") < found.index("science") < found.index("combined")


MISTAKES = {
    "unknown key of a group": (
        changed("minimum = 3", "minimun = 3"),
        "r.toml, line 15: [[group]] 1, minimun: unknown key; did you mean 'minimum'?",
    ),
    "unknown key at the top": (
        changed("version =", "versoin ="),
        "r.toml, line 1: versoin: unknown key; did you mean 'version'?",
    ),
    "no recipe": (
        changed('recipe = "reduce"\n', ""),
        "r.toml, line 18: [[group]] 2, recipe: is missing",
    ),
    "no keys": (
        changed('keys = ["ESO OBS ID"]\n', ""),
        "r.toml, line 18: [[group]] 2, keys: is missing",
    ),
    "a number for a text": (
        changed('tag = "DARK"', "tag = 3"),
        "r.toml, line 6: [[classify]] 1, tag: is 3; expected a text",
    ),
    "a text for a list": (
        changed('tags = ["DARK"]', 'tags = "DARK"'),
        "r.toml, line 11: [[group]] 1, tags: is 'DARK'; expected a list of texts",
    ),
    "a time without a unit": (
        changed('window = "7 d"', 'window = "7"'),
        (
            "r.toml, line 28: [[group.associate]] 1, window: is '7'; expected a time "
            'as "30 min", "2 h" or "7 d"'
        ),
    ),
    "a word that is none": (
        changed('time = "before"', 'time = "befor"'),
        (
            "r.toml, line 29: [[group.associate.levels]] 2, time: is 'befor'; expected "
            "nearest or before or after; did you mean 'before'?"
        ),
    ),
    "a source that is none": (
        changed('["calib"]', '["calibs"]'),
        (
            "r.toml, line 29: [[group.associate.levels]] 2, sources: names 'calibs'; "
            "expected virtual, calib, raw; did you mean 'calib'?"
        ),
    ),
    "a comparison that is none": (
        changed('= "DARK" }', "= { at_leats = 1 } }"),
        (
            "r.toml, line 7: [[classify]] 1, at_leats: unknown key; did you mean "
            "'at_least'?"
        ),
    ),
    "an unknown group": (
        changed('["science"]', '["sience"]'),
        (
            "r.toml, line 33: [[group]] 3, from: there is no group 'sience'; did you "
            "mean 'science'?"
        ),
    ),
    "a product that nobody makes": (
        changed('["IMAGE_OBJECT"]', '["IMGE_OBJECT"]'),
        "r.toml, line 34: [[group]] 3, takes: 'IMGE_OBJECT' is no product of science",
    ),
    "a minimum of a tag it does not take": (
        changed("minimum = 3", "minimum = { DARKS = 3 }"),
        (
            "r.toml, line 15: [[group]] 1, minimum: 'DARKS' is not among its tags; did "
            "you mean 'DARK'?"
        ),
    ),
    "a maximum below the minimum": (
        changed("minimum = 3", "minimum = 3\nmaximum = 2"),
        "r.toml, line 16: [[group]] 1, maximum: is 2, below the minimum",
    ),
    "two groups of one name": (
        changed('name = "science"', 'name = "dark"'),
        "r.toml, line 19: [[group]] 2, name: 'dark' is another group's name",
    ),
    "ABs that would have one name": (
        changed('ab_tag = "_all"', 'ab_tag = ""'),
        "r.toml, line 37: [[group]] 3, ab_tag: is '' as that of 'science': ABs of",
    ),
    "groups that need each other": (
        changed(
            'products = ["MASTER_DARK"]',
            'products = ["MASTER_DARK"]\n[[group.associate]]\ntag = "IMAGE_OBJECT"',
        ),
        "groups need each other:",
    ),
    "no group": (
        "version = '1'\n",
        "r.toml: group: is missing; expected one [[group]]",
    ),
    "a directory in a name": (
        changed('name = "dark"', 'name = "../dark"'),
        "r.toml, line 10: [[group]] 1, name: is '../dark'; expected a name without",
    ),
    "a directory in the kind of raw files": (
        changed('raw_type = "IMAGE"', 'raw_type = "a/b"'),
        "r.toml, line 36: [[group]] 3, raw_type: is 'a/b'; expected a name without",
    ),
    "a line break in a name tag": (
        changed('ab_tag = "_dark"', 'ab_tag = "_\\n"'),
        "r.toml, line 14: [[group]] 1, ab_tag: is '_ '; expected letters, digits",
    ),
    "a parameter that is none": (
        changed("minimum = 3", 'parameters = ["x=1"]'),
        "r.toml, line 15: [[group]] 1, parameters: 'x=1'; expected --name=value",
    ),
    "no TOML": (
        "version = \n",
        "r.toml: not TOML: Invalid value (at line 1, column 11)",
    ),
    "an empty condition": (
        changed('when = { "ESO DPR TYPE" = "DARK" }', "when = {}"),
        "r.toml, line 7: [[classify]] 1, when: is missing or empty",
    ),
    "a tolerance below 0": (
        changed("= 0.001", "= -1"),
        "r.toml, line 3: ESO DET DIT: is -1.0; expected a number from 0 on",
    ),
    "a time of day that is none": (
        'noon = "25:00"\n' + GOOD,
        "r.toml, line 1: noon: is '25:00'; expected a time of day as 12:00",
    ),
    "a tag that no class gives": (
        changed('tags = ["DARK"]', 'tags = ["DRAK"]'),
        (
            "r.toml, line 11: [[group]] 1, tags: no class has the tag 'DRAK'; did you "
            "mean 'DARK'?"
        ),
    ),
    "a tag that no AB begins with": (
        changed('from = ["science"]', 'from = ["science"]\ntags = ["OBJCT"]'),
        (
            "r.toml, line 34: [[group]] 3, tags: no AB of science has the tag 'OBJCT'; "
            "did you mean 'OBJECT'?"
        ),
    ),
    "a raw frame to go with it that no class gives": (
        changed('window = "7 d"\n', 'window = "7 d"\nsources = ["raw"]\n').replace(
            'sources = ["calib"], ', ""
        ),
        "line 26: [[group.associate]] 1, tag: no class has the tag 'MASTER_DARK'",
    ),
    "a level of raw frames that no class gives": (
        changed('["calib"]', '["raw"]'),
        "line 29: [[group.associate.levels]] 2, sources: no class has the tag",
    ),
    "a product that no group makes": (
        changed('tag = "MASTER_DARK"', 'tag = "MASTER_DRAK"').replace(
            'levels = [{ window = "2 h" }', 'levels = [{ sources = ["virtual"] }'
        ),
        (
            "r.toml, line 29: [[group.associate.levels]] 1, sources: no group has the "
            "product 'MASTER_DRAK'; did you mean 'MASTER_DARK'?"
        ),
    ),
    "a keyword with HIERARCH": (
        changed('keys = ["ESO DET DIT"]', 'keys = ["HIERARCH ESO DET DIT"]'),
        (
            "r.toml, line 12: [[group]] 1, keys: 'HIERARCH ESO DET DIT' is written "
            "'ESO DET DIT'"
        ),
    ),
    "a keyword with dots": (
        changed('when = { "ESO DPR TYPE"', 'when = { "DPR.TYPE"'),
        (
            "r.toml, line 7: [[classify]] 1, DPR.TYPE: 'DPR.TYPE' is written "
            "'ESO DPR TYPE'"
        ),
    ),
    "a keyword in small letters": (
        changed('  keys = ["ESO DET DIT"]', '  keys = ["eso det dit"]'),
        "line 27: [[group.associate]] 1, keys: 'eso det dit' is written 'ESO DET DIT'",
    ),
    "a pseudo keyword that is none": (
        changed('["ESO OBS ID"]', '["files"]'),
        "line 21: [[group]] 2, keys: 'files' is no keyword; did you mean 'file'?",
    ),
    "a tolerance of what is never compared": (
        changed('"ESO DET DIT" = 0.001', '"ESO DET DITS" = 0.001'),
        (
            "r.toml, line 3: ESO DET DITS: no group and no association has this key; "
            "did you mean 'ESO DET DIT'?"
        ),
    ),
    "a pause that is none": (
        changed("minimum = 3", 'gap = "0 h"'),
        'r.toml, line 15: [[group]] 1, gap: is "0 h"; expected a time above 0',
    ),
    "a pause without an end": (
        changed("minimum = 3", f'gap = "{"9" * 400} d"'),
        "line 15: [[group]] 1, gap: is",
    ),
    "a number that no float can be": (
        changed("= 0.001", f"= {'9' * 400}"),
        "r.toml, line 3: ESO DET DIT: is 999",
    ),
    "a number that nobody can write": (
        changed("= 0.001", f"= {'9' * 5000}"),
        "r.toml: not TOML: Exceeds the limit",
    ),
    "tables in tables without an end": (
        changed("= 0.001", f"= {'[' * 5000}"),
        "r.toml: not TOML: ",
    ),
    "a parameter with a line break": (
        changed("minimum = 3", 'parameters = ["--a=1\\n2"]'),
        "line 15: [[group]] 1, parameters: '--a=1 2'; expected --name=value",
    ),
    "a parameter that a terminal obeys": (
        changed("minimum = 3", 'parameters = ["--a=\\u001b[2J"]'),
        "line 15: [[group]] 1, parameters: '--a=?[2J'; expected --name=value",
    ),
    "raw frames mixed with files": (
        changed('["calib"]', '["raw", "calib"]'),
        "r.toml, line 29: [[group.associate.levels]] 2, sources: raw goes alone",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_file_line_key_and_the_nearest_word(mistake):
    text, told = MISTAKES[mistake]
    with pytest.raises(ConfigError) as caught:
        read_rules(text, "r.toml")
    assert told in str(caught.value)
    assert len(set(str(caught.value).splitlines())) == 1


@pytest.mark.parametrize(
    "name",
    [
        *("AB_NAME", "COMPLETENESS", "PROD_ROOT_NAME", "DATE", "RAWFILE", "MCALIB"),
        *("MISSING", "PROCESS_STATUS", "FINGERPRINT", "PRODUCTS", "RECIPE_PARAM"),
    ],
)
def test_a_header_cannot_say_what_phoenix_says_of_an_ab(name):
    text = changed("minimum = 3", f'qualifiers = {{ {name} = "OBJECT" }}')
    expected = "phoenix writes this one; expected PROC_MODE, RUN_ID, TARGET or one of"
    with pytest.raises(ConfigError, match=f"line 15.* {name}: {expected}"):
        read_rules(text, "r.toml")


@pytest.mark.parametrize("named", ["os.path:x", "phoenix_core.errors:x", ".x:y", ":y"])
def test_rules_of_what_is_no_package_are_one_line(named):
    with pytest.raises(ConfigError) as caught:
        find_rules(named)
    assert str(caught.value).startswith(f"{named}: ")
    assert len(str(caught.value).splitlines()) == 1


def test_words_that_name_nothing_are_told_all_at_once():
    text = changed('tags = ["DARK"]', 'tags = ["DRAK"]').replace('"SKY"]', '"SKI"]')
    with pytest.raises(ConfigError) as caught:
        read_rules(text.replace('"ESO DET DIT" = 0.001', '"EXPTIME" = 1'), "r.toml")
    lines = str(caught.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "r.toml, line 11",
        "r.toml, line 20",
        "r.toml, line 3",
    ]


def test_a_calibration_that_looks_like_a_slip_is_doubted_and_no_more():
    assert read_rules(GOOD).doubts == ()
    (told,) = read_rules(changed('tag = "MASTER_DARK"', 'tag = "MASTER_DRAK"')).doubts
    assert told == (
        "[[group]] 'science' takes MASTER_DRAK, which no class and no group gives; did "
        "you mean 'MASTER_DARK'?"
    )
    assert not read_rules(changed('tag = "MASTER_DARK"', 'tag = "STATIC"')).doubts


def test_a_category_with_a_tag_in_it_is_that_of_the_tags_of_its_group():
    both = """
[[classify]]
tag = "OBJECT"
when = { TYPE = "OBJECT" }
[[classify]]
tag = "STD"
when = { TYPE = "STD" }
[[group]]
name = "object"
tags = ["OBJECT"]
keys = []
recipe = "x"
products = ["SPEC_{tag}"]
  [[group.associate]]
  tag = "SPEC_STD"
[[group]]
name = "standard"
tags = ["STD"]
keys = []
recipe = "x"
products = ["SPEC_{tag}"]
"""
    assert read_rules(both).order == ("standard", "object")
    ring = both.replace('tags = ["OBJECT"]', 'tags = ["OBJECT", "STD"]')
    with pytest.raises(ConfigError, match="groups need each other: object -> object"):
        read_rules(ring)


@given(st.text(alphabet='[]{}="group.\n \t#13tagsnamekeysé\x00', max_size=60))
def test_whatever_the_file_holds_it_is_rules_or_one_error(text):
    with contextlib.suppress(ConfigError):
        assert read_rules(text, "r.toml").groups


def test_the_line_of_a_key_is_that_of_its_own_table():
    lines = lines_of(GOOD)
    text = GOOD.splitlines()
    assert text[lines["group", 1, "name"] - 1] == 'name = "science"'
    assert (
        text[lines["group", 1, "associate", 0, "window"] - 1].strip()
        == 'window = "7 d"'
    )
    assert text[lines["group", 2] - 1] == "[[group]]"


def test_rules_are_found_in_a_package_or_by_their_path(tmp_path):
    path = tmp_path / "rules.toml"
    path.write_text(GOOD)
    assert find_rules(str(path)) == (str(path), GOOD)
    with pytest.raises(ConfigError, match="there is no package 'nobody_has_this'"):
        find_rules("nobody_has_this:rules.toml")
    with pytest.raises(ConfigError, match="No such file"):
        find_rules("phoenix_core:rules.toml")
    with pytest.raises(ConfigError, match="No such file"):
        find_rules(str(tmp_path / "others.toml"))


def test_the_rules_of_the_documentation_are_rules():
    found = re.findall(r"```toml\n(version.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert found
    for text in found:
        assert read_rules(text, "docs").groups
