"""What was found, in lines for people and as a document for programs."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import attrs

from phoenix_core.sdp.rule import Finding, Rule, Severity
from phoenix_core.sdp.validate import FileReport, Report
from phoenix_core.words.terminal import safe

_SHOWN = 3  # findings of one rule in one file
_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def report_lines(report: Report) -> Iterator[str]:
    """Tell what was found, file by file, in rich's markup."""
    for file in report.files:
        yield _title(file)
        for _, same in groupby(file.findings, key=lambda finding: finding.rule):
            yield from _rule_lines(list(same))
    for left_out in report.not_checked:
        yield f"[dim]not checked: {safe(left_out)}[/]"
    yield _sum(report)


def _title(file: FileReport) -> str:
    told = f"  {safe(file.category)}" if file.category else ""
    state = "" if file.findings else "  [green]ok[/]"
    return f"[bold]{safe(str(file.path))}[/]{told}{state}"


def _rule_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Tell all that one rule has found in a file, and once what it expects."""
    for finding in findings[:_SHOWN]:
        yield _finding_line(finding)
    if len(findings) > _SHOWN:
        yield f"    and {len(findings) - _SHOWN} more (--json tells them all)"
    first = findings[0]
    rule = safe(f"[{first.rule}, {first.section}]")
    yield f"    expected: {safe(first.expects)} [dim]{rule}[/]"


def _finding_line(finding: Finding) -> str:
    style = _STYLES[finding.severity]
    place = f"HDU {finding.hdu}: " if finding.hdu else ""
    key = finding.key
    if key and finding.value:
        key = f"{key} = {finding.value}"
    subject = f"{key} " if key else ""
    told = safe(f"{place}{subject}{finding.what}")
    return f"  [{style}]{finding.severity}[/] {told}"


def _sum(report: Report) -> str:
    files = _number(len(report.files), "file")
    if not report.errors and not report.warnings:
        return f"{files}: [green]nothing found[/]"
    errors = _number(report.errors, "error")
    warnings = _number(report.warnings, "warning")
    style = "red" if report.errors else "yellow"
    return f"{files}: [{style}]{errors}, {warnings}[/]"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def report_document(report: Report, exit_code: int) -> dict[str, object]:
    """Tell what was found as one JSON document does."""
    return {
        "ok": not report.errors,
        "exit_code": exit_code,
        "errors": report.errors,
        "warnings": report.warnings,
        "files": [attrs.asdict(file) for file in report.files],
        "not_checked": report.not_checked,
    }


def rule_row(rule: Rule) -> tuple[str, str, str, str, str]:
    """The cells of a rule: id, section, severity, which files, what is expected."""
    about = ", ".join(rule.about)
    return rule.id, rule.section, str(rule.severity), about, rule.expects


def rule_lines(rules: Sequence[Rule]) -> Iterator[str]:
    """The table of rules, a line each: what is asked of which files stands last."""
    rows = [rule_row(rule) for rule in rules]
    widths = [max((len(row[n]) for row in rows), default=0) for n in range(3)]
    for name, section, severity, about, expects in rows:
        cells = zip((name, section, severity), widths, strict=True)
        head = "  ".join(safe(cell).ljust(width) for cell, width in cells)
        yield f"{head}  {safe(expects)} [dim]({safe(about)})[/]"


def rules_document(rules: Iterable[Rule]) -> dict[str, object]:
    """The table of rules as one JSON document."""
    names = ("id", "section", "severity", "about", "expects")
    return {
        "rules": [
            {
                **dict(zip(names, rule_row(rule), strict=True)),
                "about": list(rule.about),
                "needs_data": rule.needs_data,
            }
            for rule in rules
        ]
    }
