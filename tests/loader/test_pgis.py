"""The loader: what is wrong with a plug-in is one clear line, at load or at the call.

The packages are real ones on the path, found by importlib.metadata as any other.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from attrs import evolve

from phoenix_core import hookspecs
from phoenix_core.config import read_config
from phoenix_core.errors import ConfigError, PgiError, ProcessingError
from phoenix_core.loader.pgis import Installed, installed, load, trace
from phoenix_core.model import AssociationBlock, Cascade
from phoenix_core.slots import SLOTS
from phoenix_core.testing import toy_block
from phoenix_core.testing.contract import files_below
from phoenix_core.testing.packages import hook_source, write_package

HEAD = """\
from attrs import field, frozen, validators
from phoenix_core import hookimpl
from phoenix_core.errors import ProcessingError
from phoenix_core.model import *
"""
BIN = Path(sys.executable).parent
COMPLETE = {"AB_PGI": "toy_ab", "JOB_PGI": "toy_job", "DRS": "toy_drs"}
TOYS = {
    "toy_ab": hook_source("ab_pgi", "return Cascade(tuple(blocks))"),
    "toy_job": hook_source(
        "job_pgi", "return [Job(b.name, b.needs) for b in cascade.blocks]"
    ),
    "toy_drs": hook_source("process_ab_drs", "return []"),
}


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A directory in which this Python finds packages."""
    directory = tmp_path / "site"
    directory.mkdir()
    monkeypatch.syspath_prepend(directory)
    before = set(sys.modules)
    yield directory
    for name in set(sys.modules) - before:
        if name.startswith(("toy_pgis", "second_pgis")):
            del sys.modules[name]


@pytest.fixture
def install(site):
    """A function that installs PGIs, beside those that a configuration has to name."""

    def install(pgis, distribution="toy-pgis", version="1.0"):
        toys = TOYS if distribution == "toy-pgis" else {}
        sources = {
            name: source and HEAD + source for name, source in {**toys, **pgis}.items()
        }
        write_package(site, distribution, sources, version)

    return install


@pytest.fixture
def config(tmp_path):
    """A function that writes a configuration, one line a key, and reads it."""

    def write(tables="", **pgis):
        named = {**COMPLETE, **pgis}
        lines = ['instrument = "TOY"', 'mode = "DEEP"']
        for table in dict.fromkeys(slot.table for slot in SLOTS):
            lines.append(f"[{table}]")
            keys = [slot.key for slot in SLOTS if slot.table == table]
            lines += [f"{k} = {json.dumps(named[k])}" for k in keys if k in named]
        file = tmp_path / "phoenix.toml"
        file.write_text("\n".join([*lines, tables, ""]), "utf-8")
        return read_config(file)

    return write


def told(kind, call, *arguments, **named):
    """What a call tells that fails with an error of that kind."""
    with pytest.raises(kind) as error:
        call(*arguments, **named)
    return f"{error.value}"


JOB_LINE = 5


def test_a_misspelt_pgi_is_told_with_the_nearest_name(install, config):
    install({})
    settings = config(JOB_PGI="toy_jop")
    assert told(ConfigError, load, settings) == (
        f"{settings.path}, line {JOB_LINE}: [phoenix] JOB_PGI: no installed PGI is "
        "called 'toy_jop'; did you mean 'toy_job'?"
    )


def test_a_pgi_that_is_like_no_other_is_told_without_a_guess(install, config):
    install({})
    settings = config(JOB_PGI="quark")
    assert told(ConfigError, load, settings) == (
        f"{settings.path}, line {JOB_LINE}: [phoenix] JOB_PGI: no installed PGI is "
        "called 'quark'"
    )


def test_a_required_slot_that_is_empty_is_told(install, config, tmp_path):
    install({})
    settings = evolve(config(), slots={})
    assert told(ConfigError, load, settings) == (
        f"{settings.path}, line 4: [phoenix] AB_PGI: is missing; it has to name a PGI"
    )


def test_pgi_in_the_wrong_slot_is_refused_at_load(install, config):
    install({})
    settings = config(JOB_PGI="toy_drs")
    assert told(PgiError, load, settings) == (
        f"{settings.path}, line {JOB_LINE}: [phoenix] JOB_PGI: toy_drs has no hook "
        "job_pgi; it fills processAB.DRS"
    )


def test_a_hook_without_its_decorator_is_told(install, config):
    install({"bare": "def job_pgi(run, cascade):\n    return []\n"})
    assert told(PgiError, load, config(JOB_PGI="bare")) == (
        "bare: job_pgi lacks @hookimpl"
    )
    (row,) = (row for row in installed() if row.name == "bare")
    assert (row.fills, row.problem) == ((), "job_pgi lacks @hookimpl")


def test_a_companion_without_its_decorator_is_told_too(install, config):
    """Nobody would ask it, and nobody would notice."""
    bare = "def process_ab_drs_call(run, block):\n    return None\n"
    install({"drs": TOYS["toy_drs"] + bare})
    assert told(PgiError, load, config(DRS="drs")) == (
        "drs: process_ab_drs_call lacks @hookimpl"
    )


def test_a_function_of_another_module_may_be_called_as_a_hook(install, config):
    source = f"from phoenix_core.hookspecs import ab_pgi\n{TOYS['toy_job']}"
    install({"borrower": source})
    pgis = load(config(JOB_PGI="borrower"))
    assert pgis.names(hookspecs.job_pgi) == ("borrower",)


def test_a_misspelt_hook_is_told_with_the_nearest_one(install, config):
    install({"slip": "@hookimpl\ndef job_pgy(run, cascade):\n    return []\n"})
    assert told(PgiError, load, config(JOB_PGI="slip")) == (
        "slip: there is no hook 'job_pgy'; did you mean 'job_pgi'?"
    )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            "run, casc",
            "takes 'casc'; it can have run, cascade; did you mean 'cascade'?",
        ),
        ("run, quark", "takes 'quark'; it can have run, cascade"),
        ("run, *rest", "takes '*rest'; it can have run, cascade"),
        ("**rest", "takes '**rest'; it can have run, cascade"),
        ("run, *, cascade", "takes 'cascade' behind a *; leave it out"),
    ],
)
def test_an_argument_that_the_hook_cannot_have_is_told_with_those_it_can(
    install, config, arguments, problem
):
    install({"slip": f"@hookimpl\ndef job_pgi({arguments}):\n    return []\n"})
    assert told(PgiError, load, config(JOB_PGI="slip")) == f"slip: job_pgi {problem}"


def test_a_hook_with_a_defaulted_argument_is_refused(install, config):
    install({"lazy": "@hookimpl\ndef job_pgi(run, cascade=None):\n    return []\n"})
    assert told(PgiError, load, config(JOB_PGI="lazy")) == (
        "lazy: job_pgi gives 'cascade' a default; hooks take their arguments as they "
        "are"
    )


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("None", "None is not a sequence"),
        ("['a.ab']", "item 0 of list is not an instance of phoenix_core.model.Job"),
        (
            "[Job('a.ab'), 3]",
            "item 1 of list is not an instance of phoenix_core.model.Job",
        ),
    ],
)
def test_a_wrong_answer_names_pgi_and_hook(install, config, answer, problem):
    install({"odd": hook_source("job_pgi", f"return {answer}")})
    pgis = load(config(JOB_PGI="odd"))
    message = told(PgiError, pgis.call, hookspecs.job_pgi, run=None, cascade=Cascade())
    assert message == f"odd: wrong answer to job_pgi: {problem}"


def test_a_wrong_answer_to_an_optional_hook_is_one_line_too(install, config):
    install({"odd": hook_source("process_ab_pre_plugin", "return 3")})
    pgis = load(config(PRE_PLUGIN="odd"))
    spec = hookspecs.process_ab_pre_plugin
    message = told(PgiError, pgis.ask, spec, run=None, block=toy_block("a.ab"))
    assert message.startswith("odd: wrong answer to process_ab_pre_plugin: int ")
    assert "\n" not in message


def test_an_exception_in_a_pgi_is_one_line_that_names_it(install, config):
    install({"bad": hook_source("job_pgi", 'raise ValueError("one\\ntwo")')})
    pgis = load(config(JOB_PGI="bad"))
    assert told(
        PgiError, pgis.call, hookspecs.job_pgi, run=None, cascade=Cascade()
    ) == ("bad failed in job_pgi: ValueError: one two")


def test_an_error_that_a_pgi_raises_for_the_person_is_told_as_it_is(install, config):
    body = 'raise ProcessingError("the dome is closed")'
    install({"bad": hook_source("job_pgi", body)})
    pgis = load(config(JOB_PGI="bad"))
    with pytest.raises(ProcessingError, match=r"^the dome is closed$"):
        pgis.call(hookspecs.job_pgi, run=None, cascade=Cascade())


# Options ----------------------------------------------------------------------------

OPTIONS = """
@frozen
class Options:
    streams: int = field(default=3, validator=validators.ge(1))
    share: float = 0.5
    kind: str = field(default="fast", validator=validators.in_(("fast", "slow")))
    names: tuple[str, ...] = ()

@hookimpl
def job_pgi(run):
    o = run.options("choosy", Options)
    return [Job(f"{o.streams} {o.share} {o.kind} {o.names}")]
"""


MISSPELT = (
    "13: [choosy] streems: unknown option; did you mean 'streams'? (known: "
    "kind, names, share, streams)"
)


@pytest.mark.parametrize(
    ("table", "meant"),
    [("processAb", "processAB"), ("choosey", "choosy"), ("diretories", "directories")],
)
def test_a_table_that_is_no_pgis_is_refused(install, config, table, meant):
    install({"choosy": OPTIONS})
    with pytest.raises(ConfigError) as told:
        load(config(f"[{table}]"))
    assert str(told.value).endswith(
        f"[{table}]: unknown table: no installed PGI is called '{table}'; did you mean "
        f"'{meant}'?"
    )


def test_the_options_of_a_pgi_stay_where_another_takes_its_slot(install, config):
    install({"choosy": OPTIONS})
    assert load(config("[choosy]\nnumber = 3"))


@pytest.fixture
def choosy(install, config, run):
    """A function that gives options to a PGI, and returns what reached it."""
    install({"choosy": OPTIONS})

    def ask(line):
        settings = config(f"[choosy]\n{line}", JOB_PGI="choosy")
        pgis = load(settings)
        (job,) = pgis.call(
            hookspecs.job_pgi, run=evolve(run, config=settings), cascade=Cascade()
        )
        return job.block

    return ask


def test_options_reach_the_pgi(choosy):
    assert choosy("streams = 2\nshare = 1\nnames = ['a', 'b']") == (
        "2 1 fast ('a', 'b')"
    )
    assert choosy("") == "3 0.5 fast ()"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            "streems = 2",
            MISSPELT,
        ),
        ("streams = '2'", "13: [choosy] streams: is '2'; expected int"),
        ("streams = true", "13: [choosy] streams: is True; expected int"),
        ("share = 'half'", "13: [choosy] share: is 'half'; expected float"),
        (
            "names = [1]",
            "13: [choosy] names: is [1]; expected tuple[str, ...]",
        ),
        ("streams = 0", "12: [choosy]: 'streams' must be >= 1: 0"),
        (
            "kind = 'odd'",
            "12: [choosy]: 'kind' must be in ('fast', 'slow') (got 'odd')",
        ),
    ],
)
def test_a_wrong_option_is_told_at_load(choosy, tmp_path, line, problem):
    expected = f"{tmp_path / 'phoenix.toml'}, line {problem}"
    assert told(ConfigError, choosy, line) == expected


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (
            "@frozen\nclass Options:\n    x: int\n",
            "option 'x' has no default; give it one",
        ),
        (
            "@frozen\nclass Options:\n    x = field(default=3)\n",
            "option 'x' has no type",
        ),
        (
            "class Options:\n    x: int = 3\n",
            "Options is no attrs class; put @frozen before it",
        ),
        ("Options = 3\n", "Options is no attrs class; put @frozen before it"),
        (
            "@frozen\nclass Options:\n    x: 'Nowhere' = 3\n",
            "its Options cannot be made: NameError: name 'Nowhere' is not defined",
        ),
    ],
)
def test_options_that_an_author_got_wrong_are_one_line(
    install, config, source, problem
):
    install({"slip": source + TOYS["toy_job"]})
    assert told(PgiError, load, config(JOB_PGI="slip")) == f"slip: {problem}"


WARY = """
from phoenix_core.errors import ConfigError

@frozen
class Options:
    limit: int = 3

def check_config(config, options):
    if options.limit > 9:
        raise config.wrong("wary", "limit", "is too much for " + config.instrument)
    return ["limit is low"] if options.limit < 2 else None
"""


def test_a_pgi_looks_at_its_configuration_before_a_run(install, config):
    install({"wary": WARY + TOYS["toy_job"]})
    assert load(config(JOB_PGI="wary")).doubts == ()
    low = config("[wary]\nlimit = 1", JOB_PGI="wary")
    assert load(low).doubts == ("limit is low",)
    high = config("[wary]\nlimit = 10", JOB_PGI="wary")
    assert "[wary] limit: is too much for " in told(ConfigError, load, high)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (
            "def check_config(config): return 1 / 0\n",
            "wary failed in check_config: ZeroDivisionError: division by zero",
        ),
        (
            "def check_config(confg): pass\n",
            (
                "wary: check_config takes 'confg'; it can have config; did you mean "
                "'config'?"
            ),
        ),
        ("check_config = 3\n", "wary: check_config is no function"),
        (
            "def check_config(): return 'text'\n",
            "wary failed in check_config: TypeCheckError: str did not match any",
        ),
    ],
)
def test_a_check_that_an_author_got_wrong_is_one_line(install, config, source, problem):
    install({"wary": source + TOYS["toy_job"]})
    assert told(PgiError, load, config(JOB_PGI="wary")).startswith(problem)


def test_options_of_a_pgi_that_no_slot_names_may_stand(install, config):
    install({"choosy": OPTIONS})
    pgis = load(config("[choosy]\nstreams = 2"))
    assert pgis.names(hookspecs.job_pgi) == ("toy_job",)
    assert pgis.unused_options() == ("choosy",)


def test_options_of_no_installed_pgi_are_told_with_the_nearest(install, config):
    install({"choosy": OPTIONS})
    settings = config("[chosy]\nstreams = 2", JOB_PGI="choosy")
    assert told(ConfigError, load, settings) == (
        f"{settings.path}, line 12: [chosy]: unknown table: no installed PGI is called "
        "'chosy'; did you mean 'choosy'?"
    )


def test_a_misspelt_pgi_is_told_before_its_options(install, config):
    install({"choosy": OPTIONS})
    settings = config("[choosi]\nstreams = 2", JOB_PGI="choosi")
    assert "JOB_PGI: no installed PGI is called 'choosi'" in told(
        ConfigError, load, settings
    )


def test_options_of_a_pgi_that_takes_none_are_refused(install, config):
    install({})
    settings = config("[toy_job]\nstreams = 2")
    expected = f"{settings.path}, line 12: [toy_job]: this PGI takes no options"
    assert told(ConfigError, load, settings) == expected


# Packages ---------------------------------------------------------------------------


def test_two_installed_pgis_of_one_name_are_an_error_not_a_choice(install, config):
    install({})
    install({"toy_job": TOYS["toy_job"]}, "second-pgis", "2.0")
    assert told(PgiError, load, config()) == (
        "two installed PGIs are called 'toy_job': second-pgis 2.0 and toy-pgis 1.0"
    )
    rows = [row for row in installed() if row.name == "toy_job"]
    assert [row.distribution for row in rows] == ["second-pgis 2.0", "toy-pgis 1.0"]
    problem = "two installed PGIs have this name"
    assert [row.problem for row in rows] == [problem, problem]


BROKEN = {
    "import spam\n": "No module named 'spam'",
    "def (\n": "SyntaxError: invalid syntax (broken.py, line 5)",
    "raise SystemExit(3)\n": "SystemExit: 3",
    None: "No module named 'toy_pgis.broken'",
}


@pytest.mark.parametrize(("source", "problem"), BROKEN.items())
def test_a_package_that_cannot_be_imported_is_told_with_its_version(
    install, config, source, problem
):
    install({"broken": source})
    assert told(PgiError, load, config(JOB_PGI="broken")) == (
        f"broken (from toy-pgis 1.0) cannot be imported: {problem}"
    )


@pytest.mark.parametrize(("source", "problem"), BROKEN.items())
def test_a_broken_package_is_a_row_of_the_list_and_never_a_crash(
    install, source, problem
):
    install({"broken": source})
    rows = {row.name: row for row in installed()}
    assert rows["broken"] == Installed(
        "broken", "toy-pgis 1.0", problem=f"cannot be imported: {problem}"
    )
    assert rows["toy_job"] == Installed("toy_job", "toy-pgis 1.0", ("phoenix.JOB_PGI",))


def test_a_broken_package_that_a_run_does_not_name_does_not_concern_it(install, config):
    install({"broken": "import spam\n"})
    pgis = load(config())
    assert pgis.names(hookspecs.job_pgi) == ("toy_job",)
    assert "toy_pgis.broken" not in sys.modules


def test_an_entry_point_has_to_name_a_module(install, config, site):
    install({})
    points = site / "toy_pgis-1.0.dist-info" / "entry_points.txt"
    points.write_text(points.read_text() + "inner = toy_pgis.toy_job:job_pgi\n")
    assert told(PgiError, load, config(JOB_PGI="inner")) == (
        "inner (from toy-pgis 1.0) cannot be imported: entry point "
        "'toy_pgis.toy_job:job_pgi' names no module"
    )


# Hooks ------------------------------------------------------------------------------


def test_every_named_pgi_answers_its_hook_in_the_order_of_the_file(install, config):
    qc = hook_source("process_qc_procedure", "return None")
    install({"qc_b": qc, "qc_a": qc, "qc_c": qc})
    pgis = load(config(QC_PROCEDURE=["qc_b", "qc_c", "qc_a"]))
    assert pgis.names(hookspecs.process_qc_procedure) == ("qc_b", "qc_c", "qc_a")
    assert pgis.names(hookspecs.ab_pgi) == ("toy_ab",)
    assert pgis.names(hookspecs.ab_source) == ("qcweb",)
    assert pgis.names(hookspecs.bqs) == ("local",)
    assert pgis.names(hookspecs.hdr_pgi) == ()


def test_the_first_that_has_an_answer_decides(install, config):
    answer = "return QcReport(block.name, recipe={!r})"
    install(
        {
            "silent": hook_source("process_qc_procedure", "return None"),
            "first": hook_source("process_qc_procedure", answer.format("first")),
            "second": hook_source("process_qc_procedure", answer.format("second")),
        }
    )
    pgis = load(config(QC_PROCEDURE=["silent", "first", "second"]))
    spec = hookspecs.process_qc_procedure
    report = pgis.ask(spec, run=None, block=toy_block("a.ab"), products=())
    assert report.recipe == "first"


def test_a_pgi_is_asked_only_in_the_slots_that_name_it(install, config):
    both = hook_source("job_pgi", "return []") + hook_source("hdr_pgi", "return []")
    install({"both": both})
    pgis = load(config(JOB_PGI="both"))
    assert pgis.names(hookspecs.job_pgi) == ("both",)
    assert pgis.names(hookspecs.hdr_pgi) == ()


def test_an_empty_slot_has_no_answer_or_is_told(install, config):
    install({})
    pgis = load(config())
    block = toy_block("a.ab")
    assert pgis.ask(hookspecs.process_ab_pre_plugin, run=None, block=block) is None
    assert told(PgiError, pgis.call, hookspecs.certif_pgi, run=None, reports=()) == (
        f"{pgis.config.path}: no PGI answers phoenix.CERTIF_PGI"
    )


def test_hooks_take_only_the_arguments_that_they_name(install, config):
    source = "@hookimpl\ndef ab_pgi(blocks):\n    return Cascade(tuple(blocks[:1]))\n"
    install({"short": source})
    pgis = load(config(AB_PGI="short"))
    blocks = [toy_block("a.ab"), toy_block("b.ab")]
    cascade = pgis.call(hookspecs.ab_pgi, run=None, blocks=blocks)
    assert cascade == Cascade((blocks[0],))


def test_configurations_loaded_side_by_side_do_not_meet(install, config):
    install({"other": hook_source("job_pgi", "return [Job('other.ab')]")})
    first, second = load(config()), load(config(JOB_PGI="other"))
    found = {}

    def ask(name, pgis):
        for _ in range(50):
            answer = pgis.call(hookspecs.job_pgi, run=None, cascade=Cascade())
            found.setdefault(name, set()).add(len(answer))

    threads = [
        threading.Thread(target=ask, args=pair)
        for pair in (("first", first), ("second", second))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {"first": {0}, "second": {1}}


def test_the_trace_tells_hook_block_and_pgi(install, config, monkeypatch, capsys):
    install({"pre": hook_source("process_ab_pre_plugin", "return None")})
    pgis = load(config(PRE_PLUGIN="pre"))
    block = toy_block("a.ab")
    pgis.ask(hookspecs.process_ab_pre_plugin, run=None, block=block)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("PHOENIX_TRACE", "1")
    pgis.ask(hookspecs.process_ab_pre_plugin, run=None, block=block)
    line = capsys.readouterr().err
    assert line.startswith("[trace] process_ab_pre_plugin a.ab <- pre: None, ")


@pytest.fixture
def traced(install, config, monkeypatch, capsys):
    """A function that calls a hook with this body, and returns its trace."""

    def call(hook, body, asked):
        install({"toy": hook_source(hook, body)})
        (slot,) = (slot for slot in SLOTS if slot.hook == hook)
        pgis = load(config(**{slot.key: "toy"}), [slot])
        monkeypatch.setenv("PHOENIX_TRACE", "1")
        pgis.ask(getattr(hookspecs, hook), run=None, **asked)
        return capsys.readouterr().err

    return call


@pytest.mark.parametrize(
    ("hook", "asked", "body", "answer"),
    [
        (
            "job_pgi",
            {"cascade": Cascade()},
            "return [Job('a.ab'), Job('b.ab')]",
            "job_pgi <- toy: 2 Job",
        ),
        (
            "job_pgi",
            {"cascade": Cascade()},
            "return []",
            "job_pgi <- toy: nothing",
        ),
        (
            "ab_pgi",
            {"blocks": ()},
            "return Cascade((AssociationBlock.create({'AB_NAME': 'a.ab'}),))",
            "ab_pgi <- toy: Cascade of 1 ABs",
        ),
        (
            "process_ab_pre_plugin",
            {"block": toy_block("a.ab")},
            "return block",
            "process_ab_pre_plugin a.ab <- toy: AssociationBlock a.ab",
        ),
        (
            "process_qc_procedure",
            {"block": toy_block("a.ab"), "products": ()},
            "return QcReport(block.name, scores=(Score('S', 1.0),))",
            "process_qc_procedure a.ab <- toy: QcReport of a.ab, 1 scores",
        ),
        (
            "process_qc_pgi_cover",
            {"reports": ()},
            "from pathlib import Path\nreturn Path('cover.txt')",
            "process_qc_pgi_cover <- toy: PosixPath cover.txt",
        ),
    ],
)
def test_the_trace_tells_what_was_answered(traced, hook, asked, body, answer):
    assert traced(hook, body, asked).startswith(f"[trace] {answer}, ")


def test_the_trace_tells_that_a_hook_failed(install, config, monkeypatch, capsys):
    install({"bad": hook_source("job_pgi", "raise KeyError('x')")})
    pgis = load(config(JOB_PGI="bad"))
    monkeypatch.setenv("PHOENIX_TRACE", "1")
    told(PgiError, pgis.call, hookspecs.job_pgi, run=None, cascade=Cascade())
    assert capsys.readouterr().err.startswith("[trace] job_pgi <- bad: raised KeyError")


def test_the_trace_of_several_threads_is_whole_lines(monkeypatch):
    """Each line is one piece: a stream that splits pieces shows where they meet."""
    pieces = []
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(write=pieces.append))
    trace("first")
    trace("second")
    assert pieces == ["[trace] first\n", "[trace] second\n"]


# The real thing ---------------------------------------------------------------------


def wheel_of(directory, name):
    """Pack what `write_package` wrote as a wheel, which is a zip file with sums."""
    package = name.replace("-", "_")
    about = f"{package}-1.0.dist-info"
    tags = "Wheel-Version: 1.0\nGenerator: test\nTag: py3-none-any\n"
    (directory / about / "WHEEL").write_text(tags, "utf-8")
    wheel = directory / f"{package}-1.0-py3-none-any.whl"
    record = []
    with zipfile.ZipFile(wheel, "w") as packed:
        for path in sorted(p for p in directory.rglob("*") if p != wheel):
            if path.is_file():
                inside = path.relative_to(directory).as_posix()
                digest = hashlib.sha256(path.read_bytes()).digest()
                total = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
                record.append(f"{inside},sha256={total},{path.stat().st_size}")
                packed.write(path, inside)
        record.append(f"{about}/RECORD,,")
        packed.writestr(f"{about}/RECORD", "\n".join(record))
    return wheel


def test_a_package_from_elsewhere_replaces_job_pgi_by_one_line(example, tmp_path):
    body = 'return [Job(b.name, b.needs, stream="elsewhere") for b in cascade.blocks]'
    sources = {"pgi_elsewhere": HEAD + hook_source("job_pgi", body)}
    (tmp_path / "built").mkdir()
    write_package(tmp_path / "built", "elsewhere-pgis", sources)
    wheel = wheel_of(tmp_path / "built", "elsewhere-pgis")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-index"),
            *("--no-deps", "--disable-pip-version-check", "--root-user-action=ignore"),
            *("--target", tmp_path / "installed", wheel),
        ],
        check=True,
    )
    example.edit(example.config, '"pgi_phoenix_EXAMPLE_JOB"', '"pgi_elsewhere"')
    done = subprocess.run(
        [
            BIN / "phoenix",
            "--config",
            example.config,
            "-r",
            "094.A-0001A",
            "-C",
            "--json",
        ],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)["plan"]
    assert {row["stream"] for row in plan} == {"elsewhere"}


def test_the_commands_tell_what_is_wrong_in_one_line(example):
    example.edit(example.config, "EXAMPLE_JOB", "EXAMPLE_JOP")
    done = example.command("plugins", "check", str(example.config))
    assert done.returncode == 2
    line = next(
        number
        for number, text in enumerate(example.config.read_text().splitlines(), 1)
        if text.startswith("JOB_PGI")
    )
    assert done.stderr == (
        f"phoenix: {example.config.name}, line {line}: [phoenix] JOB_PGI: no installed "
        "PGI is called 'pgi_phoenix_EXAMPLE_JOP'; did you mean "
        "'pgi_phoenix_EXAMPLE_JOB'?\n"
    )


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("sqllite:///x.db", "Can't load plugin: sqlalchemy.dialects:sqllite"),
        ("mysql+nodriver://host/x", "Can't load plugin: "),
        ("x.db", "Could not parse SQLAlchemy URL"),
        ("postgresql://host:port/x", "invalid literal for int()"),
    ],
)
def test_the_check_refuses_a_database_that_cannot_be(example, call, address, told):
    example.edit(example.config, "sqlite:///{root}/phoenix.db", address)
    done = call("plugins", "check", str(example.config))
    assert done.returncode == 2
    where = f"phoenix: {example.config.name}, line 8: database: the database {address}"
    assert done.stderr.startswith(f"{where} cannot be used: {told}")
    assert done.stderr.count("\n") == 1


def test_the_check_makes_nothing_and_names_options_that_are_not_used(
    example, call, pgi_package
):
    name = pgi_package("my_jobs", HEAD + TOYS["toy_job"])
    example.edit(example.config, "pgi_phoenix_EXAMPLE_JOB", name)
    before = files_below(example.root)
    done = call("plugins", "check", str(example.config))
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(
        "  [pgi_phoenix_EXAMPLE_JOB] is not used: no slot names this PGI\n"
    )
    document = json.loads(call("plugins", "check", example.config, "--json").stdout)
    assert document["unused_options"] == ["pgi_phoenix_EXAMPLE_JOB"]
    assert files_below(example.root) == before


def test_the_list_shows_the_broken_beside_the_good(install, site, example, monkeypatch):
    install({"broken": "import spam\n"})
    monkeypatch.setenv("PYTHONPATH", str(site))
    done = example.command("plugins", "list", "--json")
    assert done.returncode == 0
    assert "cannot be imported: No module named 'spam'" in done.stdout
    assert "pgi_phoenix_EXAMPLE_AB" in done.stdout


def test_the_list_has_a_pgi_a_line_where_no_terminal_ends_it(example):
    lines = example.command("plugins", "list").stdout.splitlines()
    (line,) = [one for one in lines if one.startswith("pgi_phoenix_EXAMPLE_convert ")]
    assert " ingestProducts.CONVERSION_TOOL " in line


def test_blocks_reach_hooks_as_they_are(install, config):
    install({})
    pgis = load(config())
    block = AssociationBlock.parse("AB_NAME  a.ab\nWHATEVER  it says\n")
    (kept,) = pgis.call(hookspecs.ab_pgi, run=None, blocks=[block]).blocks
    assert kept.text == "AB_NAME  a.ab\nWHATEVER  it says\n"
