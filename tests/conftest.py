"""What whole runs are tested with: the example instrument, and PGIs of one's own."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import hypothesis
import numpy as np
import psycopg
import pytest
from attrs import frozen
from phoenix_example.simulate import simulate
from selenium import webdriver

from phoenix_core import main
from phoenix_core.ab.file import read_block
from phoenix_core.config import ENVIRONMENT, read_config
from phoenix_core.loader.session import Watch, Wishes, open_session
from phoenix_core.recipe import recipe_call
from phoenix_core.run.create import create
from phoenix_core.run.process import process
from phoenix_core.testing.calling import call_program

# A test fails by what is wrong, not by how busy the machine is.
hypothesis.settings.register_profile("phoenix", deadline=None)
hypothesis.settings.load_profile("phoenix")

PROGRAMS = {
    "phoenix": main.phoenix,
    "processAB": main.process_ab,
    "processQC": main.process_qc,
    "ingestProducts": main.ingest_products,
    "cleanupProducts": main.cleanup_products,
    "qc1Ingest": main.qc1_ingest,
    "getStatusAB": main.get_status_ab,
    "pgi_phoenix_GEN_getStat": main.get_stat,
    "phoenixMonitor": main.phoenix_monitor,
    "dfoMonitor": main.dfo_monitor,
}
RUN = "094.A-0001A"
DATE = "2094-01-01"
CONFIG = Path(__file__).parent.parent / "config" / "example.toml"
BIN = Path(sys.executable).parent


@frozen
class Called:
    """What became of a command."""

    returncode: int
    stdout: str
    stderr: str


@frozen
class Example:
    """A run of the example instrument: its files, and the commands that work on it."""

    config: Path
    root: Path
    bin: Path = BIN

    @property
    def env(self):
        return {**os.environ, "PHOENIX_CONFIG": str(self.config)}

    def command(self, *words, program="phoenix", start=None):
        """Call a command beside the configuration; or start it, as another Python."""
        command = [self.bin / program, *words]
        if not start:
            return call_program(command, cwd=self.config.parent, env=self.env)
        return start(
            command,
            cwd=self.config.parent,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextlib.contextmanager
    def session(self, watch=None, **wishes):
        wishes = {"run": RUN, **wishes}
        with open_session(
            read_config(self.config), Wishes(**wishes), watch=watch or Watch()
        ) as session:
            yield session

    def create(self, **wishes):
        with self.session(**wishes) as session:
            return create(session)

    def process(self, **wishes):
        with self.session(**wishes) as session:
            return process(session)

    def ab(self, name):
        return self.root / "ab" / DATE / name

    def block(self, name):
        return read_block(self.ab(name))

    def store(self, name):
        return self.root / "qcweb" / "EXAMPLE_deep" / DATE / name

    def raw(self, name):
        return next((self.root / "raw").rglob(name))

    def product(self, name, category):
        """Where the one product of that category of an AB lies."""
        block = self.block(name)
        record = next(p for p in block.products if p.category == category)
        return self.root / "product" / block.raw_type / DATE / record.file

    def products(self):
        """Every published product: its bytes by its path."""
        found = (self.root / "product").rglob("*")
        return {
            path.relative_to(self.root): path.read_bytes()
            for path in found
            if path.suffix in {".npy", ".txt"}
        }

    def edit(self, file, old, new):
        """Change a text file as a person does."""
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), "utf-8")


@pytest.fixture(autouse=True)
def recipes_allowed():
    """A test that stops recipes stops them for itself: the others share its process."""
    yield
    recipe_call.allow_recipes()


@pytest.fixture(scope="session")
def simulated(tmp_path_factory):
    directory = tmp_path_factory.mktemp("example")
    simulate(directory)
    return directory


@pytest.fixture
def example(simulated, tmp_path, monkeypatch):
    """The simulated run in tmp_path, with nothing done to it yet."""
    for variable in ENVIRONMENT.values():
        monkeypatch.delenv(variable, raising=False)
    root = tmp_path / "data"
    shutil.copytree(simulated, root)
    config = tmp_path / "phoenix.toml"
    text = CONFIG.read_text("utf-8").replace("phoenix-data/example", str(root))
    config.write_text(text, "utf-8")
    return Example(config, root)


@pytest.fixture
def call(example, monkeypatch, capsys):
    """A function that calls a command in this process: its code, stdout and stderr."""
    monkeypatch.setenv("PHOENIX_CONFIG", str(example.config))
    monkeypatch.chdir(example.config.parent)
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # the handlers stay pytest's

    def run(*words, program="phoenix"):
        monkeypatch.setattr(sys, "argv", [program, *map(str, words)])
        with pytest.raises(SystemExit) as left:
            PROGRAMS[program]()
        return Called(left.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def pgi_package(tmp_path, monkeypatch):
    """A function that installs a package of one module, also for commands."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))

    def install(name, source, group="phoenix.pgi"):
        (site / f"{name}.py").write_text(textwrap.dedent(source), "utf-8")
        info = site / f"{name}-1.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Name: {name}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {name}\n")
        monkeypatch.delitem(sys.modules, name, raising=False)
        return name

    return install


@pytest.fixture
def frame():
    """A function that writes a frame of the example instrument."""

    def write(path, level):
        np.save(path, np.full((32, 32), level, np.float32))

    return write


POSTGRESQL = Path("/usr/lib/postgresql")


@pytest.fixture(scope="session")
def postgresql_socket():
    """A PostgreSQL of the tests' own: the directory of its socket, no network."""
    programs = sorted(POSTGRESQL.glob("*/bin/postgres"), key=lambda p: int(p.parts[4]))
    assert programs, "PostgreSQL is missing: make postgresql installs it"
    bin_ = programs[-1].parent
    place = Path(tempfile.mkdtemp(prefix="pg-"))  # a socket's path has to be short
    as_whom = ["setpriv", "--pdeathsig", "INT"]
    if os.geteuid() == 0:  # it refuses to be root's
        shutil.chown(place, "postgres", "postgres")
        as_whom += ["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
    data = place / "data"
    subprocess.run(
        [
            *(*as_whom, bin_ / "initdb", "-D", data, "-U", "phoenix"),
            *("-E", "UTF8", "--locale=C.UTF-8", "--auth=trust", "--no-sync"),
        ],
        cwd=place,
        capture_output=True,
        check=True,
    )
    with (place / "log").open("w") as log:
        server = subprocess.Popen(
            [
                *(*as_whom, bin_ / "postgres", "-D", data, "-k", place),
                *("-c", "listen_addresses=", "-c", "fsync=off"),
            ],
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    ready = [bin_ / "pg_isready", "-q", "-h", place, "-U", "phoenix"]
    while subprocess.run(ready, check=False).returncode:
        assert server.poll() is None, (place / "log").read_text()
        time.sleep(0.05)
    yield place
    server.send_signal(signal.SIGINT)  # ends without waiting for who is connected
    server.wait(60)
    shutil.rmtree(place)


@pytest.fixture
def postgresql_url(postgresql_socket):
    """The address of a new, empty database of PostgreSQL."""
    name = f"t{time.monotonic_ns()}"
    with psycopg.connect(
        host=str(postgresql_socket), user="phoenix", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield f"postgresql://phoenix@/{name}?host={postgresql_socket}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """The address of a database that does not hold anything yet, of each kind."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql_url")
    return f"sqlite:///{tmp_path}/deep/phoenix.db"


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A headless Chromium that reaches this machine alone; one a process of tests."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    profile = tmp_path_factory.mktemp("chromium")
    for flag in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-quic",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "disable-dev-shm-usage",
        "host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "window-size=1600,900",
        f"user-data-dir={profile}",
    ):
        options.add_argument(f"--{flag}")
    service = webdriver.ChromeService("/usr/bin/chromedriver")
    driver = webdriver.Chrome(options, service)
    yield driver
    driver.quit()
