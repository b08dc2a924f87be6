"""docs/validate.md has the table of rules as the code has it.

After a change, the failing test shows the lines that the page has to have.
"""

from pathlib import Path

from phoenix_core.sdp.rules import RULES
from phoenix_core.sdp.tell import rule_row

PAGE = (Path(__file__).parents[2] / "docs" / "validate.md").read_text("utf-8")


def row(rule):
    name, section, severity, about, expects = rule_row(rule)
    data = ", reads data" if rule.needs_data else ""
    cells = (f"`{name}`", section, f"{severity}{data}", about, expects)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def test_the_table_of_the_page_is_the_table_of_rules():
    _, _, table = PAGE.partition("| --- | --- | --- | --- | --- |\n")
    assert table.strip().splitlines() == [row(rule) for rule in RULES]


def test_the_page_tells_how_many_rules_are_ours():
    ours = sum(rule.section == "ours" for rule in RULES)
    assert f"{len(RULES)} rules, {ours} of them ours" in PAGE
