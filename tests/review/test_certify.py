"""Certification: a person's word or a rule's, on just what was seen, and kept."""

import hashlib
import json
import os
import pty
import re
import select
import signal
import sys
import time
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from phoenix_core.ab.file import read_block, write_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.errors import CertificationError, PgiError
from phoenix_core.loader.pgis import load
from phoenix_core.model import QcReport, Score
from phoenix_core.processing.qc_report import StoredReport, report_path, write_report
from phoenix_core.records.comments import read_comments
from phoenix_core.records.verdicts import (
    keep_verdict,
    make_verdict,
    read_verdicts,
    reviewed,
)
from phoenix_core.review.certify import certify, command_of, review
from phoenix_core.review.verdict_file import (
    ToReview,
    check_table,
    parse_table,
    write_template,
)
from phoenix_core.run_id import parse_run_id
from phoenix_core.slots import slot_of

PASSED = Score("FWHM", 0.8, high=1.5)
FAILED = Score("FILLED", 0.1, low=0.4)


def make_report(run, name="one_dpc.ab", target="NGC300", scores=(PASSED,), made="1"):
    """A report on an AB that is there, with a product made at that time."""
    block = AssociationBlock.create(
        {
            "RAW_TYPE": "DEEP",
            "RECIPE": "toy",
            "AB_NAME": name,
            "PROCESS_STATUS": "SUCCESSFUL",
            "FINGERPRINT": f"f-{name}",
            "PRODUCTS": [f"r.{name}.fits CUBE {made * 64} 7 KEPT"],
        }
    )
    run.ab_dir.mkdir(parents=True, exist_ok=True)
    write_block(run.ab_path(name), block)
    return QcReport(
        name,
        recipe="toy",
        target=target,
        parameters={"FWHM": 0.8, "PATTERN": "DEEP_4", "N": 4},
        scores=scores,
        plots=(run.product_dir("DEEP") / f"r.{name}.png",),
        fingerprint=block.fingerprint,
    )


@pytest.fixture
def by_file(run, tmp_path):
    """The same run, reviewed by a table."""
    return evolve(run, verdicts=tmp_path / "verdicts.txt")


def ask_for_table(run, reports):
    """Have the table written that is to be filled in."""
    with pytest.raises(CertificationError, match="to review: fill in"):
        review(run, reports)
    return run.verdicts.read_text("utf-8")


# The table --------------------------------------------------------------------------


def test_a_table_that_is_not_there_is_written_with_all_one_has_to_know(by_file):
    green = make_report(by_file)
    red = make_report(by_file, "two_dpc.ab", "Orion\n\x1b[31m", (PASSED, FAILED))
    with pytest.raises(CertificationError, match=r"^2 products to review") as told:
        review(by_file, [green, red])
    assert told.value.exit_code == 5
    assert str(by_file.verdicts) in str(told.value)
    text = by_file.verdicts.read_text("utf-8")
    rows = parse_table(text, by_file.verdicts)
    assert [(row.block, row.verdict) for row in rows] == [
        ("one_dpc.ab", "TBD"),
        ("two_dpc.ab", "TBD"),
    ]
    assert [row.report for row in rows] == [
        reviewed(by_file, report).report for report in (green, red)
    ]
    assert str(green.plots[0]) in text
    assert "FILLED = 0.1 FAILED (at least 0.4)" in text
    assert "\x1b" not in text
    assert read_verdicts(by_file) == {}


def test_a_table_that_is_there_is_never_overwritten(by_file):
    report = make_report(by_file)
    for text in ("", "# nothing yet\n"):
        by_file.verdicts.write_text(text)
        assert review(by_file, [report]) == ()
        assert by_file.verdicts.read_text() == text
    with pytest.raises(CertificationError, match="File exists"):
        write_template(by_file.verdicts, [ToReview(report, "1" * 12)], "094.A", "c")
    assert by_file.verdicts.read_text() == text


def test_verdicts_of_the_table_are_returned_and_tbd_stays(by_file):
    reports = [make_report(by_file, f"{n}_dpc.ab") for n in ("one", "two", "three")]
    text = ask_for_table(by_file, reports)
    text = re.sub(r'(one\S+\s+)TBD(\s+\S+\s+)""', r"\1 accept \2", text)
    text = re.sub(r'(two\S+\s+)TBD(\s+\S+\s+)""', r'\1 REJECT \2 "bad sky"', text)
    by_file.verdicts.write_text(text)
    verdicts = review(by_file, reports)
    assert [(v.block, v.is_accepted, v.comment) for v in verdicts] == [
        ("one_dpc.ab", True, ""),
        ("two_dpc.ab", False, "bad sky"),
    ]
    assert {v.fingerprint for v in verdicts} == {"f-one_dpc.ab", "f-two_dpc.ab"}
    assert review(by_file, reports) == verdicts
    kept = by_file.monitor_dir / "verdicts.jsonl"
    assert len(kept.read_text().splitlines()) == 2


def test_a_verdict_on_products_that_were_made_again_is_void(by_file):
    text = ask_for_table(by_file, [make_report(by_file)])
    by_file.verdicts.write_text(text.replace("TBD  ", "ACCEPT"))
    assert len(review(by_file, [make_report(by_file)])) == 1
    again = make_report(by_file, made="2")
    with pytest.raises(CertificationError, match="was made again") as told:
        review(by_file, [again])
    assert reviewed(by_file, again).report in str(told.value)
    by_file.verdicts.unlink()
    assert "TBD" in ask_for_table(by_file, [again])


def test_every_mistake_is_named_by_file_line_and_nearest_word(by_file):
    reports = [make_report(by_file), make_report(by_file, "two_dpc.ab")]
    one, two = (reviewed(by_file, report).report for report in reports)
    by_file.verdicts.write_text(
        f'one_dpc.ab ACEPT {one} ""\ntwo_dpc.ab\nx ACCEPT {one} bad sky\n'
        f'y REJECT {one} "open\n'
    )
    with pytest.raises(CertificationError) as told:
        review(by_file, reports)
    lines = str(told.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        f"{by_file.verdicts}, line {number}" for number in (1, 2, 3, 4)
    ]
    assert "VERDICT is 'ACEPT'" in lines[0]
    assert "did you mean 'ACCEPT'?" in lines[0]
    assert "VERDICT is missing" in lines[1]
    assert 'write "bad sky"' in lines[2]
    by_file.verdicts.write_text(
        f"one_dcp.ab ACCEPT {one}\ntwo_dpc.ab REJECT {two}\ntwo_dpc.ab TBD {two}\n"
    )
    with pytest.raises(CertificationError) as told:
        review(by_file, reports)
    lines = str(told.value).splitlines()
    assert "there is no AB one_dcp.ab; did you mean 'one_dpc.ab'?" in lines[0]
    assert "REJECT of two_dpc.ab needs a COMMENT" in lines[1]
    assert "two_dpc.ab stands on line 2 already" in lines[2]
    assert read_verdicts(by_file) == {}


def test_failed_scores_are_accepted_only_with_a_word_on_them(by_file):
    report = make_report(by_file, scores=(FAILED,))
    number = reviewed(by_file, report).report
    by_file.verdicts.write_text(f"one_dpc.ab ACCEPT {number}\n")
    with pytest.raises(CertificationError, match=r"scores failed \(FILLED\)"):
        review(by_file, [report])
    by_file.verdicts.write_text(f'one_dpc.ab ACCEPT {number} "two fields"\n')
    assert review(by_file, [report])[0].comment == "two fields"


def test_a_table_may_name_abs_that_were_moved_or_are_not_asked_for(by_file):
    report = make_report(by_file)
    make_report(by_file, "waits_dpc.ab")
    logs = by_file.config.directories.logs / by_file.date
    logs.mkdir(parents=True)
    (logs / "moved_dpc.ab").write_text("AB_NAME moved_dpc.ab\n")
    by_file.verdicts.write_text(
        f"moved_dpc.ab ACCEPT 0\nwaits_dpc.ab REJECT 1 no\n"
        f"one_dpc.ab ACCEPT {reviewed(by_file, report).report}\n"
    )
    assert [v.block for v in review(by_file, [report])] == ["one_dpc.ab"]


def test_a_verdict_is_decided_anew_by_editing_its_line(by_file):
    report = make_report(by_file)
    rejected = make_verdict(report, is_accepted=False, comment='too "bright"')
    keep_verdict(by_file, report, rejected)
    with pytest.raises(CertificationError, match=r"^all is decided \(1 of 1 rejected"):
        review(by_file, [report])
    text = by_file.verdicts.read_text("utf-8")
    assert "decided anew by editing its line" in text
    assert re.search(r'one_dpc.ab  REJECT .* "too \\"bright\\""', text)
    assert review(by_file, [report]) == (rejected,)
    by_file.verdicts.write_text(text.replace("ab  REJECT", "ab  ACCEPT"))
    (verdict,) = review(by_file, [report])
    assert verdict.is_accepted
    assert review(evolve(by_file, verdicts=None), [report]) == (verdict,)


def test_the_command_that_takes_the_table_is_told_whole(by_file):
    run = evolve(by_file, keep=True, select="one_dpc.ab")
    command = f"phoenix -r 094.A-0001A -M -a one_dpc.ab -n --verdicts {run.verdicts}"
    with pytest.raises(CertificationError) as told:
        review(evolve(run, run_id=parse_run_id("094.A-0001A")), [make_report(run)])
    assert str(told.value).endswith(f"then call {command}")
    assert f"\n# Then call: {command}\n" in run.verdicts.read_text()
    assert "-M --verdicts FILE" in command_of(evolve(run, select="", keep=False))


def test_the_table_of_another_run_is_one_clear_message(by_file):
    reports = [make_report(by_file, f"{n}_dpc.ab") for n in ("one", "two", "three")]
    text = ask_for_table(by_file, reports)
    other = text.replace(by_file.label, "095.B-0934A", 1).replace("_dpc", "_dcp")
    by_file.verdicts.write_text(other)
    with pytest.raises(CertificationError) as told:
        review(by_file, reports)
    assert len(str(told.value).splitlines()) == 1
    assert f"verdicts on 095.B-0934A, not on {by_file.label}" in str(told.value)
    assert "did you mean" not in str(told.value)


def test_only_the_lines_of_products_say_tbd_between_blanks(by_file):
    """So that a plain replacement accepts all and leaves the explanation as it is."""
    text = ask_for_table(by_file, [make_report(by_file)])
    (line,) = [line for line in text.splitlines() if " TBD " in line]
    assert line.startswith("one_dpc.ab ")


def test_a_table_that_is_no_text_is_refused(by_file):
    by_file.verdicts.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CertificationError, match="cannot be read"):
        review(by_file, [make_report(by_file)])


WORDS = st.text(
    st.characters(exclude_categories=("Z", "C"), exclude_characters='"#'), min_size=1
)
COMMENTS = st.text(
    st.characters(exclude_categories=("C", "Zl", "Zp"))
).map(lambda text: " ".join(text.split()))  # fmt: skip
BLANKS = st.text(" \t", min_size=1, max_size=5)


@given(st.text())
def test_any_text_is_read_or_refused_by_line(text):
    told, rows = "", ()
    try:
        rows = parse_table(text, Path("v"))
    except CertificationError as error:
        told = str(error)
    assert all(re.match(r"v, line \d+: ", line) for line in told.splitlines())
    assert all(row.block and row.report for row in rows)


@given(st.lists(st.tuples(WORDS, WORDS, COMMENTS, BLANKS, st.sampled_from("aAtR"))))
def test_spacing_and_case_do_not_matter(rows):
    words = {"a": "accept", "A": "ACCEPT", "t": "Tbd", "R": "Reject"}
    lines = []
    for block, report, comment, blank, letter in rows:
        quoted = comment.replace("\\", "\\\\").replace('"', '\\"')
        cells = (block, words[letter], report, f'"{quoted}"')
        lines += [blank + blank.join(cells) + blank, "# a comment", blank]
    found = parse_table("\r\n".join(lines), Path("v"))
    assert [(r.block, r.report, r.comment) for r in found] == [row[:3] for row in rows]
    assert [r.verdict for r in found] == [words[row[4]].upper() for row in rows]


@given(name=WORDS, target=st.text(), comment=COMMENTS, recipe=st.text())
def test_a_template_says_what_was_given_whatever_the_report_holds(
    tmp_path_factory, name, target, comment, recipe
):
    scores = (Score(target, float("nan"), low=1.0),)
    report = QcReport(f"{name}.ab", recipe, target, {}, scores, (comment, target))
    given_before = make_verdict(report, is_accepted=False, comment=comment)
    path = tmp_path_factory.mktemp("table") / "v"
    write_template(path, [ToReview(report, "0" * 12, given_before)], target, "c")
    (row,) = parse_table(path.read_text("utf-8"), path)
    assert (row.block, row.verdict, row.report) == (f"{name}.ab", "REJECT", "0" * 12)
    shown = "".join(c if c.isprintable() else "?" for c in comment)
    assert row.comment == shown
    if comment:
        check_table([row], path, [ToReview(report, "0" * 12)], ())


# Verdicts are kept ------------------------------------------------------------------


def test_the_last_verdict_on_the_same_products_counts(run):
    report = make_report(run)
    for accepted, comment in ((True, "fine"), (False, "no, look again")):
        keep_verdict(
            run, report, make_verdict(report, is_accepted=accepted, comment=comment)
        )
    (verdict,) = read_verdicts(run).values()
    assert (verdict.is_accepted, verdict.comment) == (False, "no, look again")
    assert verdict.by
    assert verdict.at.endswith("+00:00")
    line = (run.monitor_dir / "verdicts.jsonl").read_text().splitlines()[0]
    told = json.loads(line)
    limits = {"low": None, "high": 1.5}
    words = {"is_passed": True, "is_scored": True}
    assert told["scores"] == {"FWHM": {"value": 0.8, **limits, **words}}
    assert told["products"] == {"r.one_dpc.ab.fits": "1" * 64}


def test_a_line_cut_by_a_death_was_never_given_and_hides_no_other(run):
    report = make_report(run)
    accepted = make_verdict(report, is_accepted=True)
    path = run.monitor_dir / "verdicts.jsonl"
    keep_verdict(run, report, accepted)
    whole = path.read_bytes()
    for length in range(1, len(whole) - 1):
        path.write_bytes(whole + whole[:length].replace(b"ACCEPT", b"REJECT"))
        assert list(read_verdicts(run).values()) == [accepted]
    rejected = make_verdict(report, is_accepted=False, comment="no")
    keep_verdict(run, report, rejected)
    assert list(read_verdicts(run).values()) == [rejected]


def test_a_damaged_verdict_is_not_passed_over_for_an_older_one(run):
    report = make_report(run)
    for accepted in (True, False):
        keep_verdict(run, report, make_verdict(report, is_accepted=accepted))
    path = run.monitor_dir / "verdicts.jsonl"
    accept, reject = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(accept + b"\0" + reject[1:])
    with pytest.raises(CertificationError, match="jsonl, line 2: damaged"):
        read_verdicts(run)


def test_a_verdict_that_somebody_changed_in_the_file_is_not_taken(run):
    report = make_report(run)
    keep_verdict(run, report, make_verdict(report, is_accepted=False, comment="no"))
    keep_verdict(run, report, make_verdict(report, is_accepted=False, comment="no!"))
    path = run.monitor_dir / "verdicts.jsonl"
    first, second = path.read_text().splitlines(keepends=True)
    path.write_text(first.replace("REJECT", "ACCEPT") + second)
    with pytest.raises(CertificationError, match=r"line 2: does not follow on"):
        read_verdicts(run)


def test_a_kept_line_that_is_no_verdict_is_named(run):
    path = run.monitor_dir / "verdicts.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('\n{"block": "one_dpc.ab"}\n')
    with pytest.raises(CertificationError, match="jsonl, line 2: no verdict"):
        read_verdicts(run)


# In the terminal --------------------------------------------------------------------


def in_terminal(run, reports, answers, shown=()):
    """Review in a real terminal, typing the answers; return its text and exit code.

    Each answer is typed once its question has appeared.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        try:
            sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
            os.environ.update(TERM="xterm", COLUMNS="120")
            verdicts = review(run, reports, shown)
            sys.stdout.write(f"END {len(verdicts)}\n")
            sys.stdout.flush()
            os._exit(0)
        except CertificationError as error:
            sys.stdout.write(f"{error}\n")
            sys.stdout.flush()
            os._exit(5)
        finally:
            os._exit(1)
    text, waiting = b"", list(answers)
    seen, key = 0, b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 0.5)
        if ready:
            try:
                text += os.read(terminal, 4096)
            except OSError:
                break  # its end
        elif key in CONTROL:
            os.write(terminal, key)  # the first came before input() was listening
        if waiting and waiting[0][0].encode() in text[seen:]:
            seen, key = len(text), waiting.pop(0)[1].encode()
            os.write(terminal, key)
    else:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert not waiting, text.decode()
    return text.decode(), os.waitstatus_to_exitcode(status)


CONTROL = (b"\x03", b"\x04")
CHOICE = "[a/r/s/b/q]"


def test_one_product_after_the_other_is_shown_and_judged(run):
    reports = [
        make_report(run, "one_dpc.ab", "NGC [bold]300[/bold]"),
        make_report(run, "two_dpc.ab", scores=(FAILED,)),
        make_report(run, "three_dpc.ab"),
    ]
    text, code = in_terminal(
        run,
        reports,
        [
            (CHOICE, "a\n"),
            ("Comment", "fine [red]\n"),
            (CHOICE, "reject\n"),
            ("Enter: back", "\n"),
            (CHOICE, "r\n"),
            ("Why", "half empty\n"),
            (CHOICE, "s\n"),
        ],
        shown=["PATTERN"],
    )
    assert code == 0, text
    assert "END 2" in text
    assert "1 of 3: NGC [bold]300[/bold]" in text
    assert "DEEP_4" in text
    assert f"file://{reports[0].plots[0]}" in text
    assert re.search(r"\x1b\[32mok", text)
    assert re.search(r"\x1b\[31mFAILED", text)
    verdicts = {v.block: v for v in read_verdicts(run).values()}
    assert verdicts["one_dpc.ab"].is_accepted
    assert verdicts["one_dpc.ab"].comment == "fine [red]"
    assert not verdicts["two_dpc.ab"].is_accepted
    assert verdicts["two_dpc.ab"].comment == "half empty"
    assert set(verdicts) == {"one_dpc.ab", "two_dpc.ab"}


def test_failed_scores_have_to_be_confirmed(run):
    report = make_report(run, scores=(FAILED,))
    dialogue = [
        (CHOICE, "a\n"),
        ("Why accept it", "\n"),
        (CHOICE, "x\n"),
        (CHOICE, "a\n"),
        ("Why accept it", "two fields\n"),
    ]
    text, code = in_terminal(run, [report], dialogue)
    assert code == 0, text
    assert "Failed: FILLED." in text
    (verdict,) = read_verdicts(run).values()
    assert verdict.is_accepted
    assert verdict.comment == "two fields"


def test_one_goes_back_and_a_new_verdict_replaces_the_former_one(run):
    reports = [make_report(run, f"{n}_dpc.ab") for n in ("one", "two")]
    dialogue = [
        (CHOICE, "b\n"),  # there is none before the first
        (CHOICE, "a\n"),
        ("Comment", "fine\n"),
        (CHOICE, "back\n"),
        (CHOICE, "r\n"),
        ("Why", "no, look at the edge\n"),
        (CHOICE, "b\n"),
        (CHOICE, "skip\n"),  # leaves it as it is
        (CHOICE, "a\n"),
        ("Comment", "\n"),
    ]
    text, code = in_terminal(run, reports, dialogue)
    assert code == 0, text
    assert re.search(r"one_dpc\.ab \S*accepted\S* by ", text)
    verdicts = {v.block: v for v in read_verdicts(run).values()}
    assert not verdicts["one_dpc.ab"].is_accepted
    assert verdicts["two_dpc.ab"].is_accepted
    kept = (run.monitor_dir / "verdicts.jsonl").read_text().splitlines()
    assert [json.loads(line)["verdict"] for line in kept] == [
        "ACCEPT",
        "REJECT",
        "ACCEPT",
    ]


def test_a_verdict_of_an_earlier_review_is_changed_by_going_back(run):
    reports = [make_report(run, f"{n}_dpc.ab") for n in ("one", "two")]
    keep_verdict(run, reports[0], make_verdict(reports[0], is_accepted=True))
    dialogue = [(CHOICE, "b\n"), (CHOICE, "r\n"), ("Why", "no\n"), (CHOICE, "q\n")]
    text, code = in_terminal(run, reports, dialogue)
    assert code == 0, text
    (verdict,) = read_verdicts(run).values()
    assert not verdict.is_accepted


def test_comments_are_kept_on_the_product_and_on_what_it_was_made_from(run):
    report, single = make_report(run), make_report(run, "one_pst.ab")
    block = read_block(run.ab_path("one_dpc.ab"))
    needs = ["VIRTUAL one_pst.ab CUBE"]
    write_block(run.ab_path("one_dpc.ab"), block.with_values("MCALIB", needs))
    path = report_path(run, read_block(run.ab_path("one_pst.ab")))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_report(path, StoredReport(single))
    dialogue = [
        *((CHOICE, "c\n"), ("which number", "1\n"), ("Comment on one_pst", "hazy\n")),
        *((CHOICE, "c\n"), ("which number", "\n"), ("Comment on one_dpc", "deep\n")),
        *((CHOICE, "c\n"), ("which number", "7\n")),
        *((CHOICE, "i\n"), (CHOICE, "q\n")),
    ]
    text, code = in_terminal(run, [report], dialogue)
    assert code == 0, text
    assert {c.block: c.text for c in read_comments(run).values()} == {
        "one_pst.ab": "hazy",
        "one_dpc.ab": "deep",
    }
    assert "there is no such number" in text
    assert "one_pst.ab: hazy (" in text


def test_plots_are_opened_on_the_desktop_where_there_is_one(run, tmp_path, monkeypatch):
    report = make_report(run, target="$(touch x); NGC 300")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    text, _ = in_terminal(run, [report], [(CHOICE, "o\n"), (CHOICE, "q\n")])
    assert "no desktop to open it on" in text
    opener = tmp_path / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text(f'#!/bin/sh\nprintf "%s\\n" "$#" "$1" > {tmp_path}/got.part\n')
    with opener.open("a") as script:
        script.write(f"mv {tmp_path}/got.part {tmp_path}/got\n")
    opener.chmod(0o755)
    monkeypatch.setenv("PATH", f"{opener.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":0")
    text, code = in_terminal(run, [report], [(CHOICE, "o\n"), (CHOICE, "q\n")])
    assert code == 0, text
    deadline = time.monotonic() + 60
    while not (tmp_path / "got").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (tmp_path / "got").read_text() == f"1\n{report.plots[0]}\n"


def test_what_one_decides_on_stands_right_above_the_question(run):
    report = evolve(make_report(run, scores=(FAILED,)), comments=("WARNING: high",))
    text, code = in_terminal(run, [report], [(CHOICE, "q\n")])
    assert code == 0, text
    shown = text.partition("accept, reject")[0]
    assert shown.index("PATTERN") < shown.index(".png") < shown.index("! WARNING")
    assert shown.index("! WARNING") < shown.index("FILLED")
    assert len(shown[shown.index("FILLED") :].splitlines()) <= 2


def test_keys_show_all_parameters_the_inputs_and_what_keys_there_are(run):
    report = make_report(run)
    single = make_report(run, "one_pst.ab", scores=(PASSED, FAILED))
    older = evolve(make_report(run, "two_pst.ab"), fingerprint="older")
    block = read_block(run.ab_path("one_dpc.ab"))
    needs = [f"VIRTUAL {one.block} CUBE" for one in (single, older)]
    write_block(run.ab_path("one_dpc.ab"), block.with_values("MCALIB", needs))
    for one in (report, single, older):
        path = report_path(run, read_block(run.ab_path(one.block)))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_report(path, StoredReport(one))
    dialogue = [(CHOICE, f"{key}\n") for key in ("x", "p", "i", "q")]
    text, code = in_terminal(run, [report], dialogue, shown=["PATTERN"])
    assert code == 0, text
    first, unknown, parameters, below = text.split(CHOICE)[:4]
    assert f"report  {run.product_dir('DEEP')}/r.one_dpc.qc.json" in first
    assert "a accept, r reject" in unknown
    assert "p all its parameters, i the reports" in unknown
    assert re.search(r"N .*4", parameters)
    assert re.search(r"one_pst\.ab.*0\.8.*0\.1 FAILED", below)
    assert "two_pst.ab" not in below
    assert str(run.product_dir("DEEP")) in below


def test_a_rejected_product_is_told_with_the_command_that_decides_anew(run):
    report = make_report(run)
    keep_verdict(run, report, make_verdict(report, is_accepted=False, comment="no"))
    text, code = in_terminal(run, [report], [])
    assert code == 0, text
    assert re.search(r"one_dpc\.ab \S*rejected\S* by \S+, ", text)
    assert f"To decide anew: {command_of(run)}" in text


def test_quitting_keeps_what_was_said_and_it_is_not_asked_again(run):
    reports = [make_report(run), make_report(run, "two_dpc.ab")]
    _, code = in_terminal(
        run, reports, [(CHOICE, "a\n"), ("Comment", "good\n"), (CHOICE, "q\n")]
    )
    assert code == 0
    text, code = in_terminal(run, reports, [(CHOICE, "\x04")])
    assert code == 0, text
    assert re.search(r"one_dpc.ab.*accepted.*good", text)
    assert "END 1" in text
    assert [v.block for v in read_verdicts(run).values()] == ["one_dpc.ab"]


def test_a_killed_terminal_loses_no_verdict(run):
    reports = [make_report(run), make_report(run, "two_dpc.ab")]
    dialogue = [(CHOICE, "a\n"), ("Comment", "\n"), (CHOICE, "\x03")]
    _, code = in_terminal(run, reports, dialogue)
    assert code != 0
    assert [v.block for v in read_verdicts(run).values()] == ["one_dpc.ab"]


def test_text_from_elsewhere_cannot_steer_the_terminal(run):
    evil = "x\x1b]0;owned\x07\x1b[2J\ud800[link=http://x]"
    report = evolve(
        make_report(run, target=evil),
        comments=(evil,),
        parameters={evil: evil},
        scores=(Score(evil, 1.0),),
    )
    text, code = in_terminal(run, [report], [(CHOICE, "q\n")])
    assert code == 0, text
    assert "\x1b]0;" not in text
    assert "\x1b[2J" not in text
    assert "[link=http://x]" in text


def test_what_is_all_accepted_is_not_shown_in_a_browser_again(run):
    report = make_report(run)
    accepted = make_verdict(report, is_accepted=True)
    keep_verdict(run, report, accepted)
    assert review(evolve(run, web=0), [report]) == (accepted,)


def test_without_a_terminal_one_is_told_of_the_table(run):
    with pytest.raises(
        CertificationError, match=r"phoenix -. .* -M --verdicts FILE, in"
    ):
        review(run, [make_report(run)])


# What the core makes of the answer of a CERTIF_PGI ----------------------------------


@pytest.fixture
def certified(run, tmp_path, monkeypatch):
    """A function that certifies a report by a PGI with this answer."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    def ask(answer, reports, finals=("one_dpc.ab",)):
        name = f"toy_{hashlib.sha256((answer + str(tmp_path)).encode()).hexdigest()}"
        info = tmp_path / "site" / f"{name}-1.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(f"Name: {name}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[phoenix.pgi]\n{name} = {name}\n")
        (tmp_path / "site" / f"{name}.py").write_text(
            "from phoenix_core import hookimpl\n"
            "from phoenix_core.model import Verdict\n"
            "from phoenix_core.review.certify import review\n"
            "def say(block, fingerprint, by='me', at='2026-01-01T00:00:00+00:00'):\n"
            "    return Verdict(block, True, by, at, '', fingerprint)\n"
            "@hookimpl\ndef certif_pgi(run, reports):\n"
            f"    return {answer}\n"
        )
        slots = {"phoenix.CERTIF_PGI": (name,)} if answer else {}
        config = evolve(run.config, slots=slots)
        pgis = load(config, [slot_of("certif_pgi")])
        return certify(evolve(run, config=config), pgis, reports, finals)

    return ask


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        ("[say('two_dpc.ab', '')]", PgiError, "on nothing that was to be reviewed"),
        ("[say('one_dpc.ab', 'f-one_dpc.ab')] * 2", PgiError, "is there twice"),
        ("[say('one_dpc.ab', 'f-one_dpc.ab', by='')]", PgiError, "who gave it"),
        ("[say('one_dpc.ab', 'f-one_dpc.ab', at='now')]", PgiError, "when"),
        ("[say('one_dpc.ab', 'f-older')]", CertificationError, "other products"),
    ],
)
def test_a_wrong_verdict_is_refused_and_not_kept(
    run, certified, answer, error, message
):
    with pytest.raises(error, match=message) as told:
        certified(answer, [make_report(run)])
    assert str(told.value).startswith("toy_")
    assert read_verdicts(run) == {}


def test_a_verdict_of_a_pgi_is_kept_once(run, certified):
    answer = "[say('one_dpc.ab', 'f-one_dpc.ab')]"
    report = make_report(run)
    assert certified(answer, [report]) == certified(answer, [report])
    assert len((run.monitor_dir / "verdicts.jsonl").read_text().splitlines()) == 1


def test_no_report_no_question(certified):
    assert certified("1 / 0", []) == ()


def test_the_rule_accepts_green_final_abs_and_respects_a_verdict_given_before(
    run, certified
):
    green = make_report(run)
    red = make_report(run, "two_dpc.ab", scores=(FAILED,))
    not_final = make_report(run, "three_pst.ab")
    before = make_report(run, "four_dpc.ab")
    rejected = make_verdict(before, is_accepted=False, comment="no")
    keep_verdict(run, before, rejected)
    finals = ("one_dpc.ab", "two_dpc.ab", "four_dpc.ab")
    verdicts = certified("", [green, red, not_final, before], finals)
    assert [(v.block, v.is_accepted, v.by) for v in verdicts[:1]] == [
        ("one_dpc.ab", True, "phoenix")
    ]
    assert verdicts[1:] == (rejected,)
    assert certified("", [green, red, not_final, before], finals) == verdicts


@pytest.mark.parametrize("scores", [(), (Score("SKY", None, is_scored=False),)])
def test_the_rule_accepts_nothing_of_which_no_score_applies(run, certified, scores):
    report = make_report(run, scores=scores)
    assert certified("", [report], ("one_dpc.ab",)) == ()
