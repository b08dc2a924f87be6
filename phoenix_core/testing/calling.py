"""Call a command as a person does, in a process forked for it.

What calls before it have imported is imported there already, so that a call costs what
the command does and not a second for a new Python. It is the installed program of that
name with words, directory, environment and streams of its own: what it prints, its exit
code and what it leaves on disk are what a person gets. What depends on a fresh Python
(that a command imports nothing heavy, say) is tested with the program itself.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import IO, NoReturn

# What Python itself does not show, unless asked to.
_UNSHOWN = (
    DeprecationWarning,
    PendingDeprecationWarning,
    ImportWarning,
    ResourceWarning,
)


Words = Sequence[str | Path]
_Files = tuple[IO[bytes], IO[bytes], IO[bytes]]  # output, errors, what was imported


def call_program(
    words: Words, *, cwd: Path, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Call an installed program to its end, with nothing to read on standard input.

    Args:
        words: the program, of which the name counts, and its arguments.
        cwd: the directory that it is called in.
        env: the whole environment of the call.

    Returns:
        Its exit code (negative: the signal that killed it), output and errors.

    Raises:
        LookupError: no installed package has a program of that name.
    """
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        tempfile.TemporaryFile() as imported,
    ):
        child = _start(words, cwd, env, (out, err, imported))
        try:
            _, status = os.waitpid(child, 0)
        except BaseException:  # a test that takes too long leaves nobody behind
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise
        code = os.waitstatus_to_exitcode(status)
        _import_for_the_next(_text(imported).split())
        return subprocess.CompletedProcess(list(words), code, _text(out), _text(err))


def start_program(words: Words, *, cwd: Path, env: Mapping[str, str], out: Path) -> int:
    """Start an installed program, to be killed, and return its process id.

    What it says, errors as well, goes to the file `out`. Who starts it waits for it.
    """
    with out.open("wb") as file, tempfile.TemporaryFile() as imported:
        return _start(words, cwd, env, (file, file, imported))


def _start(words: Words, cwd: Path, env: Mapping[str, str], files: _Files) -> int:
    program = _program(Path(words[0]).name)
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        _be_child(program, words, cwd, env, files)
    return child


def _program(name: str) -> EntryPoint:
    found = entry_points(group="console_scripts", name=name)
    if not found:
        raise LookupError(f"no installed package has a program {name!r}")
    return next(iter(found))


def _import_for_the_next(modules: Sequence[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in modules:
            with contextlib.suppress(Exception):  # optional, or broken for a test
                import_module(name)


def _imported(since: frozenset[str], env: Mapping[str, str]) -> list[str]:
    """Modules of installed packages; what a test has put on the path is its own."""
    of_tests = tuple(f"{Path(p)}/" for p in _path_of(env))
    return [
        name
        for name, module in list(sys.modules.items())
        if name not in since
        and (file := getattr(module, "__file__", None))
        and not file.startswith(of_tests)
    ]


def _path_of(env: Mapping[str, str]) -> list[str]:
    return [folder for folder in env.get("PYTHONPATH", "").split(":") if folder]


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


def _be_child(
    program: EntryPoint,
    words: Words,
    cwd: Path,
    env: Mapping[str, str],
    files: _Files,
) -> NoReturn:
    leave, code = os._exit, 1
    *streams, imported = files
    before = frozenset(sys.modules)
    try:
        _begin_anew(words, cwd, env, streams)
        code = _ended(program)
        sys.stdout.flush()
        sys.stderr.flush()
        imported.write("\n".join(_imported(before, env)).encode())
        imported.flush()
    finally:
        leave(code)


def _begin_anew(
    words: Words,
    cwd: Path,
    env: Mapping[str, str],
    streams: Sequence[IO[bytes]],
) -> None:
    """Let nothing be seen of the tests: their streams, words, signals and warnings."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, stream in enumerate((nothing, *(s.fileno() for s in streams))):
        os.dup2(stream, number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(  # noqa: SIM115
        2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False
    )
    sys.argv = [str(word) for word in words]
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    sys.path[:0] = _path_of(env)
    warnings.resetwarnings()
    for category in _UNSHOWN:
        warnings.simplefilter("ignore", category)


def _ended(program: EntryPoint) -> int:
    """Do the work, and return the exit code, as Python would."""
    try:
        told = program.load()()
    except SystemExit as left:
        told = left.code
    except BaseException:  # noqa: BLE001, as Python tells it
        traceback.print_exc()
        return 1
    if told is None or isinstance(told, int):
        return int(told or 0) & 0xFF
    print(told, file=sys.stderr)  # noqa: T201, as Python tells it
    return 1
