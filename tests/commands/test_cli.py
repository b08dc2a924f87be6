"""The command line: exit codes, one line for people, one document for programs."""

import json

import pytest

RUN = ("-r", "094.A-0001A")
NIGHT = "EXAMPLE.2014-10-22T"
SECOND = f"{NIGHT}21:10:00.ab"
BETA = f"{NIGHT}21:00:00_stk.ab"
DARK = f"{NIGHT}18:00:00.ab"


def refused(call, *words, program="phoenix"):
    """Call it plain and with --json; return the exit code and the one line."""
    plain = call(*words, program=program)
    assert "Traceback" not in plain.stderr + plain.stdout
    (line,) = plain.stderr.splitlines()
    as_json = call("--json", *words, program=program)
    document = json.loads(as_json.stdout)
    assert line == f"{program}: {document['error']}"
    assert plain.returncode == as_json.returncode == document["exit_code"]
    return plain.returncode, document["error"]


def test_a_run_goes_from_part_1_to_part_3(example):
    created = example.command(*RUN, "-C")
    assert (created.returncode, created.stderr) == (0, "")
    assert "Plan of 094.A-0001A (2094-01-01)" in created.stdout
    assert str(example.root / "jobs" / "execAB_2094-01-01") in created.stdout
    processed = example.command(*RUN, "-P")
    assert (processed.returncode, processed.stderr) == (0, "")
    assert "094.A-0001A: 19 ABs processed" in processed.stdout
    again = example.command(*RUN, "-P")
    assert "094.A-0001A: 0 ABs processed, 19 up to date" in again.stdout
    moved = example.command(*RUN, "-M")
    assert moved.returncode == 0
    stack = f"094.A-0001A_r.{NIGHT}21:00:00_stk_STACK.npy"
    assert (example.root / "reduced" / "2094-01-01" / stack).is_file()


def test_json_is_one_document_on_stdout(example, call):
    created = call(*RUN, "-C", "--json")
    document = json.loads(created.stdout)
    assert (document["ok"], document["exit_code"]) == (True, 0)
    assert len(document["abs"]) == 19
    assert document["run"] == "094.A-0001A"
    assert {row["recipe"]: row["number"] for row in document["plan"]} == {
        "example_dark": 2,
        "example_flat": 2,
        "example_science": 12,
        "example_stack": 3,
    }
    example.raw(f"{NIGHT}21:10:00.npy").write_text("no frame")
    processed = call(*RUN, "-P", "--json")
    document = json.loads(processed.stdout)
    assert processed.returncode == document["exit_code"] == 4
    assert not document["ok"]
    states = {o["block"]: o["status"] for o in document["outcomes"]}
    assert states[SECOND] == "FAILED"
    assert states[BETA] == "SKIPPED"
    assert {report["target"] for report in document["reports"]} == {"ALPHA", "GAMMA"}


def test_an_ab_that_fails_ends_with_4_and_a_summary_of_what_to_do(example, call):
    example.raw(f"{NIGHT}21:10:00.npy").write_text("no frame")
    done = call(*RUN, "-P", "-a", BETA)
    assert done.returncode == 4
    assert "094.A-0001A: 4 ABs processed, 1 failed, 1 skipped" in done.stdout
    assert f"{SECOND} failed: {NIGHT}21:10:00.npy is no frame" in done.stdout
    assert f"{BETA} was skipped: it needs {SECOND}" in done.stdout
    assert "phoenix explain -r 094.A-0001A AB tells more" in done.stdout
    assert "Traceback" not in done.stderr + done.stdout


def test_findings_of_part_1_end_with_4_before_anything_is_run(example, call):
    example.raw(f"{NIGHT}21:10:00.npy").unlink()
    for part in ("-C", "-P"):
        done = call(*RUN, part)
        assert done.returncode == 4
        assert f"error: {SECOND}" in done.stdout
        assert "1 error(s): mend them and call again" in done.stdout
    assert not example.products()


def test_an_edited_ab_is_said_to_be_taken_as_it_is(example, call):
    example.create()
    example.edit(example.ab(BETA), "--combine=median", "--combine=mean")
    note = f"note: {BETA} was edited by hand and is taken as it is"
    for part in ("-C", "-P"):
        assert note in call(*RUN, part, "-a", BETA).stdout
    assert note not in call(*RUN, "-C", "--fresh", "-a", BETA).stdout


def test_why_something_is_processed_again_is_told(example, call):
    example.process(select=BETA)
    example.product(BETA, "STACK").unlink()
    told = call(*RUN, "-P", "-a", BETA).stdout
    assert (
        f"{BETA} is processed again: its product r.{NIGHT}21:00:00_stk_STACK.npy "
        "is missing or not whole"
    ) in told


def test_no_part_is_refused_where_the_review_is_mandatory(example, call):
    code, line = refused(call, *RUN)
    assert code == 2
    assert line.startswith("name a part, -C, -P or -M: ")
    assert 'CERTIF_PGI = "pgi_phoenix_EXAMPLE_certify"' in line
    assert "have to be reviewed" in line
    assert not (example.root / "ab").exists()


def test_no_part_means_all_of_them_where_no_review_is_mandatory(example, call):
    line = 'CERTIF_PGI = "pgi_phoenix_EXAMPLE_certify"\n'
    example.edit(example.config, line, "")
    done = call(*RUN, "--json")
    assert done.returncode == 0, done.stderr
    parts = json.loads(done.stdout)["parts"]
    assert [part["part"] for part in parts] == ["P", "M"]
    assert list((example.root / "reduced" / "2094-01-01").glob("*_STACK.npy"))


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((*RUN, "-C", "-P"), 2, "-C and -P: one part at a time"),
        ((*RUN, "-P", "-M"), 2, "-P and -M: one part at a time"),
        ((*RUN, "-P", "-n"), 2, "-n, --verdicts and --web go with -M"),
        (("-C",), 2, "name the run with -r, or the night with -d"),
        ((*RUN, "-d", "2014-10-22", "-C"), 2, "give one of them"),
        (("-r", "094A", "-C"), 2, "'094A' is no run id; expected for example"),
        (("-d", "2014-10-22", "-C"), 2, "works by run (mode DEEP): give -r RUN"),
        (("-d", "22.10.2014", "-C"), 2, "'22.10.2014' is no date"),
        ((*RUN, "-C", "-a", "nothing.ab"), 2, "094.A-0001A has no AB nothing.ab"),
        ((*RUN, "-X"), 2, "No such option: -X"),
        ((*RUN, "-C", "-a"), 2, "requires an argument"),
        (("staus", *RUN), 2, "staus"),
        (("explain", *RUN, "nothing.ab"), 2, "phoenix has not seen run 094.A-0001A"),
        (("pseudo-date", "2094-04-14"), 2, "no run has the pseudo-date 2094-04-14"),
        (("pseudo-date", "x"), 2, "'x' is no run id"),
        ((*RUN, "-C", "--config", "no.toml"), 2, "no configuration file no.toml"),
    ],
)
def test_a_wrong_command_line_is_one_line_that_says_what_is_wrong(
    example, words, code, told, call
):
    ended, line = refused(call, *words)
    assert ended == code
    assert told in line


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-a", "../../etc/passwd"), "is no name of an AB"),
        (("-a", "*"), "is no name of an AB"),
        (("-a", BETA.replace("_stk", "_stc")), f"did you mean '{BETA}'"),
        (("-a", BETA, "-r", "094.A-0009A"), "no AB"),
    ],
)
@pytest.mark.parametrize("program", ["processAB", "processQC"])
def test_a_wrong_ab_is_one_line_that_says_what_is_wrong(
    example, program, words, told, call
):
    example.create()
    code, line = refused(call, *words, program=program)
    assert code == 2
    assert told in line


def test_a_pgi_that_fails_ends_with_3_and_no_trace(example, pgi_package, call):
    name = pgi_package(
        "broken_jobs",
        """
        from phoenix_core import hookimpl

        @hookimpl
        def job_pgi(run, cascade):
            raise KeyError("x")
        """,
    )
    text = example.config.read_text().replace('pgi_phoenix_EXAMPLE_JOB"', f'{name}"')
    head, _, tail = text.partition("[pgi_phoenix_EXAMPLE_JOB]")
    example.config.write_text(head + tail[tail.index("[pgi") :])
    code, line = refused(call, *RUN, "-C")
    assert code == 3
    assert line == "broken_jobs failed in job_pgi: KeyError: 'x'"
    with_trace = call(*RUN, "-C", "--debug")
    assert with_trace.returncode == 3
    assert "Traceback" in with_trace.stderr
    assert "broken_jobs.py" in with_trace.stderr


def test_the_trace_of_the_hooks_is_on_stderr_where_it_is_asked_for(
    example, monkeypatch, call
):
    assert "[trace]" not in call(*RUN, "-C").stderr
    monkeypatch.setenv("PHOENIX_TRACE", "1")
    done = call(*RUN, "-P", "-a", DARK, "--json")
    lines = [line for line in done.stderr.splitlines() if line.startswith("[trace] ")]
    hooks = [line.split()[1] for line in lines]
    assert hooks[:4] == ["ab_source", "ab_pgi", "hdr_pgi", "job_pgi"]
    assert "<- pgi_phoenix_EXAMPLE_AB:" in lines[1]
    (drs,) = [line for line in lines if line.startswith("[trace] process_ab_drs ")]
    assert DARK in drs
    assert drs.endswith(" ms")
    assert json.loads(done.stdout)["ok"]


def test_pseudo_dates_are_told_in_both_directions(example, call):
    new = call("pseudo-date", "094.D-0114(B)")
    assert new.returncode == 0
    assert new.stdout.startswith("094.D-0114B  2094-04-14  (not registered yet")
    example.create()
    known = call("pseudo-date", "094.A-0001A")
    assert known.stdout == "094.A-0001A  2094-01-01\n"
    back = call("pseudo-date", "2094-01-01", "--json")
    assert json.loads(back.stdout) == {
        "run": "094.A-0001A",
        "date": "2094-01-01",
        "registered": True,
    }


def test_a_run_is_known_by_its_pseudo_date_too(example, call):
    example.create()
    done = call("-d", "2094-01-01", "-C", "--json")
    assert json.loads(done.stdout)["run"] == "094.A-0001A"


def test_the_job_files_lines_find_their_run_beside_a_night_of_the_same_abs(
    example, call
):
    """The example's two configurations share their directories."""
    night = example.config.with_name("night.toml")
    text = example.config.read_text().replace('"DEEP"', '"IDP"')
    night.write_text(text.replace("EXAMPLE_deep", "EXAMPLE_R"))
    assert call("--config", night, "-d", "2014-10-22", "-C").returncode == 0
    example.create()
    done = call("-a", DARK, program="processAB")
    assert (done.returncode, done.stderr) == (0, "")
    done = call("--config", night, "-a", DARK, program="processAB")
    assert (done.returncode, done.stderr) == (0, "")
    for date in ("2094-01-01", "2014-10-22"):
        assert list((example.root / "product" / "DARK" / date).glob("*.npy"))


def test_process_qc_makes_the_report_of_one_ab(example, call):
    example.process(select=BETA)
    report = example.root / "product" / "STACK" / "2094-01-01"
    (report / f"r.{NIGHT}21:00:00_stk.qc.json").unlink()
    done = call("-a", BETA, program="processQC")
    assert (done.returncode, done.stderr) == (0, "")
    assert (report / f"r.{NIGHT}21:00:00_stk.qc.json").is_file()
    (report / f"r.{NIGHT}21:00:00_stk.qc.json").unlink()
    (report / f"r.{NIGHT}21:00:00_stk.qc.json").mkdir()
    failed = call("-a", BETA, program="processQC")
    assert failed.returncode == 4
    assert "cannot be written" in failed.stdout
    early = call("-a", f"{NIGHT}20:00:00_stk.ab", program="processQC")
    assert early.returncode == 2  # only BETA was made
