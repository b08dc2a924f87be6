"""The command that holds files to the Science Data Products standard."""

from collections.abc import Sequence
from pathlib import Path

from phoenix_core.errors import ConfigError, IngestionError
from phoenix_core.sdp.rules import RULES
from phoenix_core.sdp.tell import (
    report_document,
    report_lines,
    rule_lines,
    rules_document,
)
from phoenix_core.sdp.validate import validate as validated
from phoenix_core.words.answer import answer
from phoenix_core.words.terminal import Terminal


def validate(paths: Sequence[Path], *, with_data: bool, as_json: bool) -> None:
    """Tell what is wrong with files; end with IngestionError's code if it is an error.

    Raises:
        ConfigError: no file was named, or one that does not exist.
    """
    if not paths:
        raise ConfigError("name files, or directories of datasets, to validate")
    report = validated(paths, with_data=with_data)
    code = IngestionError.exit_code if report.errors else 0
    if as_json:
        answer(report_document(report, code))
    else:
        console = Terminal(soft_wrap=True, highlight=False)
        for line in report_lines(report):
            console.print(line)
    raise SystemExit(code)


def list_rules(paths: Sequence[Path], *, as_json: bool) -> None:
    """List the table of rules.

    Raises:
        ConfigError: files were named as well.
    """
    if paths:
        raise ConfigError("--rules goes without files")
    if as_json:
        answer(rules_document(RULES))
        return
    console = Terminal(soft_wrap=True, highlight=False)
    for line in rule_lines(RULES):
        console.print(line)
