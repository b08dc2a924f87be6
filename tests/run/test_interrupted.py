"""Killed at any moment: nothing finished is lost, nothing half-done counts."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from phoenix_core.ab.file import read_block, write_block
from phoenix_core.association_block import AssociationBlock
from phoenix_core.config import read_config
from phoenix_core.loader.session import Wishes, open_session
from phoenix_core.run import process as process_module
from phoenix_core.testing.calling import call_program

DATE = "2094-01-01"
RUN = ("-r", "094.A-0001A")
KILLS = 20
MAKERS, JOINS = 6, 2  # three makers a join, and one AB at the end

# An instrument whose recipes are real processes. Each leaves two lines in a log of
# calls, and a file made from the content of its inputs.
TOY = '''
import sys
from phoenix_core import hookimpl
from phoenix_core.ab.cascade import in_order
from phoenix_core.errors import ProcessingError
from phoenix_core.ab.inputs import paths
from phoenix_core.model import Cascade, DrsCall, Job, Product
from phoenix_core.recipe.recipe_call import run_recipe
import attrs

RECIPE = """
import hashlib, os, sys, time
name, calls, seconds, *inputs = sys.argv[1:]
def tell(what):
    file = os.open(calls, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{what} {name}\\\\n".encode())
    os.close(file)
tell("start")
total = hashlib.sha256(name.encode())
for path in inputs:
    total.update(open(path, "rb").read())
with open("made", "w") as file:
    for _ in range(4):
        file.write(total.hexdigest() + "\\\\n")
        file.flush()
        time.sleep(float(seconds) / 4)
while os.path.exists(calls + ".closed"):
    time.sleep(0.01)
tell("end")
"""

@hookimpl
def ab_pgi(run, blocks):
    return Cascade(in_order(blocks))

@hookimpl
def job_pgi(run, cascade):
    return [Job(b.name, b.needs, b.recipe, 2) for b in cascade.blocks]

@hookimpl
def process_ab_drs_call(run, block):
    return DrsCall((block.recipe,), "toy 1")

@hookimpl
def process_ab_drs(run, block, workdir):
    seconds = block.value("SECONDS")
    files = [str(path) for path, _ in paths(run, block)]
    calls = str(run.config.directories.root / "calls")
    command = [sys.executable, "-I", "-S", "-c", RECIPE, block.name, calls, seconds]
    ended = run_recipe([*command, *files], workdir, log=workdir / block.log_name)
    if ended.status:
        raise ProcessingError(f"the recipe ended with {ended.status}")
    return [Product(workdir / "made", "MADE", block.name)]

@hookimpl
def process_ab_post_plugin(run, block, products):
    return [attrs.evolve(p, interim=block.recipe == "make") for p in products]
'''
CONFIG = """
instrument = "TOY"
mode = "DEEP"
[directories]
root = "{root}"
[phoenix]
AB_PGI = "toy_real"
JOB_PGI = "toy_real"
[processAB]
DRS = "toy_real"
POST_PLUGIN = "toy_real"
[local]
cores = 3
"""
# Forks a phoenix -P for each line it reads, and kills it after so many seconds: all
# that a phoenix imports is there already, so the moments are those of its work.
DRIVER = """
import os, select, signal, sys, time
from pathlib import Path
from phoenix_core.commands import of_run as cli_parts
from phoenix_core.processing import process_ab, process_qc
from phoenix_core.run import create, process, progress
from phoenix_core.loader.session import Wishes
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        code = 99
        try:
            cli_parts.run_part("P", None, Wishes(run="094.A-0001A"), as_json=True)
        except SystemExit as left:
            code = left.code
        finally:
            sys.stdout.flush()
            os._exit(code)
    end = os.pidfd_open(pid)
    if not select.select([end], [], [], float(line))[0]:
        os.kill(pid, signal.SIGKILL)
    os.close(end)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print("\\nENDED", code, flush=True)
"""


def ab(name, recipe, needs=(), seconds=0.03):
    return AssociationBlock.create(
        {
            "RAW_TYPE": recipe.upper(),
            "RECIPE": recipe,
            "AB_NAME": name,
            "MCALIB": [f"VIRTUAL {need} MADE" for need in needs],
            "SECONDS": str(seconds),
        }
    )


def cascade(seconds=0.03):
    makers = [f"m{n}.ab" for n in range(MAKERS)]
    joins = [f"j{n}.ab" for n in range(JOINS)]
    return (
        *(ab(name, "make", seconds=seconds) for name in makers),
        *(ab(name, "join", makers[n::JOINS], seconds) for n, name in enumerate(joins)),
        ab("z.ab", "final", joins, seconds),
    )


class Toy:
    """A run of the toy instrument below a directory."""

    def __init__(self, directory, blocks):
        self.root = directory / "data"
        self.config = directory / "phoenix.toml"
        self.config.write_text(CONFIG.format(root=self.root))
        store = self.root / "qcweb" / DATE
        store.mkdir(parents=True)
        for block in blocks:
            write_block(store / block.name, block)

    @property
    def env(self):
        return {**os.environ, "PHOENIX_CONFIG": str(self.config)}

    @property
    def calls(self):
        log = self.root / "calls"
        return log.read_text().splitlines() if log.exists() else []

    @property
    def gate(self):
        """As long as there is this file, no recipe ends."""
        return self.root / "calls.closed"

    @property
    def products(self):
        found = (self.root / "product").rglob("*_MADE")
        return {path.name: path.read_text() for path in found}

    @property
    def leftovers(self):
        found = [*self.root.rglob("*.tmp"), *self.root.glob("product/.work/*/*")]
        return [str(path.relative_to(self.root)) for path in found]

    def command(self, *words, start=None):
        command = [Path(sys.executable).parent / "phoenix", *words]
        if not start:
            return call_program(command, cwd=self.root, env=self.env)
        return start(
            command,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, call):
        """Wait until a recipe told that it has started or ended."""
        end = time.monotonic() + 30
        while call not in self.calls:
            assert time.monotonic() < end
            time.sleep(0.005)


@pytest.fixture
def toy(tmp_path, pgi_package):
    pgi_package("toy_real", TOY)

    def build(blocks, name="run"):
        (tmp_path / name).mkdir()
        return Toy(tmp_path / name, blocks)

    return build


@pytest.fixture
def driver(toy):
    """A function that does -P of a run, and kills it after some seconds."""
    started = []

    def drive(run):
        process = subprocess.Popen(
            [sys.executable, "-c", DRIVER],
            env=run.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)

        def go(seconds):
            process.stdin.write(f"{seconds}\n")
            process.stdin.flush()
            told = []
            while not (line := process.stdout.readline()).startswith("ENDED"):
                assert line, "the driver is gone"
                told.append(line)
            return int(line.split()[1]), "".join(told)

        return go

    yield drive
    for process in started:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def test_kills_at_random_moments_lose_nothing_finished_and_run_nothing_twice(
    toy, driver
):
    blocks = cascade()
    expected = toy(blocks, "undisturbed")
    code, told = driver(expected)(60)
    assert code == 0, told
    assert sorted(expected.products) == ["r.j0_MADE", "r.j1_MADE", "r.z_MADE"]

    seed = random.randrange(10**6)  # noqa: S311
    moments = random.Random(seed)  # noqa: S311
    kills, number = 0, 0
    while kills < KILLS:
        run = toy(blocks, f"run{number}")
        number += 1
        go = driver(run)
        longest = 0.35
        while (ended := go(moments.uniform(0.0, longest)))[0] == -signal.SIGKILL:
            kills += 1
            longest *= 1.1  # on a busy machine it would never come to its end
        code, told = ended
        assert code == 0, f"seed {seed}: {told}"
        assert run.products == expected.products, f"seed {seed}"
        assert run.leftovers == [], f"seed {seed}"
        called = [f"{what} {b.name}" for b in blocks for what in ("end", "start")]
        assert sorted(run.calls) == sorted(called), f"seed {seed}"
        assert go(60)[0] == 0
        assert len(run.calls) == len(called), f"seed {seed}"


def test_a_recipe_that_outlives_a_killed_phoenix_is_waited_for(toy):
    run = toy([ab("m0.ab", "make", seconds=2), ab("z.ab", "final", ["m0.ab"])])
    with run.command(*RUN, "-P", start=subprocess.Popen) as first:
        run.wait_for("start m0.ab")
        first.kill()
        first.communicate()
    second = run.command(*RUN, "-P", "--json")
    assert second.returncode == 0, second.stderr
    assert run.calls == ["start m0.ab", "end m0.ab", "start z.ab", "end z.ab"]
    outcomes = {o["block"]: o for o in json.loads(second.stdout)["outcomes"]}
    assert outcomes["m0.ab"]["status"] == "SUCCESSFUL"
    assert outcomes["m0.ab"]["seconds"] >= 2
    assert outcomes["m0.ab"]["memory"] > 1_000_000
    assert run.leftovers == []


def test_a_recipe_that_outlives_its_definition_is_not_taken(toy):
    """The AB was edited meanwhile: its former call still runs, with other inputs."""
    run = toy([ab("m0.ab", "make")])
    run.gate.touch()
    with run.command(*RUN, "-P", start=subprocess.Popen) as first:
        run.wait_for("start m0.ab")
        first.kill()
        first.communicate()
    with (run.root / "ab" / DATE / "m0.ab").open("a") as file:
        file.write("RECIPE_PARAM  --new=yes\n")
    second = run.command(*RUN, "-P")
    assert second.returncode == 4
    assert "a recipe of an earlier call still runs" in second.stdout
    run.gate.unlink()
    run.wait_for("end m0.ab")
    third = run.command(*RUN, "-P")
    assert third.returncode == 0
    assert run.calls == ["start m0.ab", "end m0.ab"] * 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_stops_the_recipes_and_the_next_call_goes_on(toy, number):
    run = toy([ab("m0.ab", "make"), ab("z.ab", "final", ["m0.ab"], seconds=60)])
    with run.command(*RUN, "-P", start=subprocess.Popen) as first:
        run.wait_for("start z.ab")
        first.send_signal(number)
        _, told = first.communicate(timeout=30)
    assert first.returncode == 130
    assert told.endswith("phoenix: interrupted; call again to go on\n")
    assert "Traceback" not in told
    status = json.loads(run.command("status", *RUN, "--json").stdout)
    assert {ab["name"]: ab["status"] for ab in status["abs"]} == {
        "m0.ab": "SUCCESSFUL",
        "z.ab": "CREATED",
    }
    store = run.root / "qcweb" / DATE / "z.ab"
    write_block(store, ab("z.ab", "final", ["m0.ab"]))
    assert run.command(*RUN, "-P").returncode == 0
    assert run.calls.count("end m0.ab") == 1
    assert run.leftovers == []


def test_an_interruption_between_two_outcomes_stops_the_recipes_too(toy, monkeypatch):
    """Not while phoenix waits for a job, but while it writes down what one did."""
    run = toy([ab("m0.ab", "make"), ab("m1.ab", "make", seconds=60)])

    def interrupted(*_):
        run.wait_for("start m1.ab")
        raise KeyboardInterrupt

    monkeypatch.setattr(process_module, "_tell", interrupted)
    before = threading.active_count()
    with (
        open_session(read_config(run.config), Wishes(run=RUN[1])) as session,
        pytest.raises(KeyboardInterrupt),
    ):
        process_module.process(session)
    assert threading.active_count() == before
    assert run.calls.count("end m1.ab") == 0
    assert read_block(run.root / "ab" / DATE / "m1.ab").status == "CREATED"


EXAMPLE_KILLS = 8


def test_kills_of_an_instrument_without_recipes_end_in_the_same_products(
    example, driver
):
    """Its data reduction dies with phoenix; QC and cover sheet are killed as well."""

    def made():
        kept = (".npy", ".txt", ".json", ".png")
        found = [p for p in (example.root / "product").rglob("*") if p.suffix in kept]
        return {path.name: path.read_bytes() for path in found}

    go = driver(example)
    assert go(60)[0] == 0
    expected = made()
    for directory in ("product", "ab", "monitor"):
        shutil.rmtree(example.root / directory)
    seed = random.randrange(10**6)  # noqa: S311
    moments = random.Random(seed)  # noqa: S311
    for _ in range(EXAMPLE_KILLS):
        go(moments.uniform(0.0, 0.3))
    code, told = go(60)
    assert code == 0, f"seed {seed}: {told}"
    assert made() == expected, f"seed {seed}"
    assert not [*example.root.rglob("*.tmp"), *example.root.glob("product/.work/*/*")]


def test_a_second_phoenix_is_told_who_holds_the_run_and_status_works_meanwhile(toy):
    run = toy([ab("m0.ab", "make"), ab("z.ab", "final", ["m0.ab"], seconds=60)])
    with run.command(*RUN, "-P", start=subprocess.Popen) as first:
        run.wait_for("start z.ab")
        for part in ("-C", "-P"):
            second = run.command(*RUN, part)
            assert second.returncode == 4
            told = f"run 094.A-0001A is held by process {first.pid} of "
            assert told in second.stderr
        status = run.command("status", *RUN, "--json")
        assert status.returncode == 0
        document = json.loads(status.stdout)
        states = {ab["name"]: ab["status"] for ab in document["abs"]}
        assert states == {"m0.ab": "SUCCESSFUL", "z.ab": "RUNNING"}
        assert document["held_by"].startswith(f"process {first.pid} of ")
        shown = run.command("status", *RUN).stdout
        assert "1 SUCCESSFUL, 1 RUNNING" in shown
        assert f"held by process {first.pid}" in shown
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=30)
    assert run.calls.count("start z.ab") == 1
