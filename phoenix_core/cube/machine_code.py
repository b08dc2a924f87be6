"""What numba has compiled, kept as machine code and called without numba.

numba takes most of a second to start, even where it has compiled everything before; the
library below it, that makes and runs machine code, a twentieth of that. The code is
kept beside the module, or, where nothing can be written there, in the user's cache; it
is made anew when the module, numba, or the processor is another one.
"""

import ctypes
import hashlib
import importlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from phoenix_core.files.atomic import write_bytes

_ALWAYS_THERE: Final = ("llvm.", "sqrt")  # the compiler's, and the C library's


class _Functions(dict[str, Callable[..., Any]]):
    """Functions in memory that goes with their engine."""

    engine: Any = None


def load(
    module: str, prototypes: Mapping[str, Sequence[Any]]
) -> Mapping[str, Callable[..., Any]]:
    """Return functions of a module, compiled; they let other threads run meanwhile.

    Args:
        module: it has functions that `numba.cfunc` compiles. None of them raises
            anything, or keeps an array.
        prototypes: for ctypes, by name: what is returned, then what is given.

    Raises:
        ImportError: numba is not installed.
        RuntimeError: there is no place to keep the code, or it needs numba to run.
    """
    if find_spec("numba") is None:
        raise ImportError("numba is not installed")
    import llvmlite.binding as llvm  # noqa: PLC0415, only where numba is there

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    cpu, features = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=cpu, features=features, opt=3, jit=True
    )
    source = find_spec(module)
    assert source is not None
    assert source.origin is not None
    path = Path(source.origin)
    made_of = f"{version('numba')} {cpu} {features} ".encode() + path.read_bytes()
    name = f"{path.stem}-{hashlib.sha256(made_of).hexdigest()[:16]}.o"
    code = _kept(path.parent, name, lambda: _compile(module, prototypes, machine))
    functions = _Functions()
    functions.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    functions.engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    functions.engine.finalize_object()
    for name, prototype in prototypes.items():
        address = functions.engine.get_function_address(name)
        functions[name] = ctypes.CFUNCTYPE(*prototype)(address)
    return functions


def _kept(beside: Path, name: str, make: Callable[[], bytes]) -> bytes:
    """The code that is kept, or what is made, and kept from now on."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    places = (beside / "__pycache__", Path(cache) / "phoenix")
    for place in places:
        with suppress(OSError):
            return (place / name).read_bytes()
    writable = [place for place in places if _is_writable(place)]
    if not writable:
        raise RuntimeError(f"nothing can be written into {places[0]} or {places[1]}")
    code = make()
    write_bytes(writable[0] / name, code)
    return code


def _is_writable(place: Path) -> bool:
    with suppress(OSError):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.access(place, os.W_OK | os.X_OK)
    return False


def _compile(module: str, names: Collection[str], machine: Any) -> bytes:
    """Have numba compile functions, and return what stands on its own."""
    import llvmlite.binding as llvm  # noqa: PLC0415, as above

    functions = importlib.import_module(module)
    whole = llvm.parse_assembly("")
    for name in names:
        function = getattr(functions, name)
        part = llvm.parse_assembly(function.inspect_llvm())
        part.get_function(function.native_name).name = name
        whole.link_in(part)
    for function in whole.functions:
        if not (function.is_declaration or function.name in names):
            function.linkage = "internal"
    # What nobody else can call is built in, and what it would do on errors, which it
    # has none of, goes.
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(3))
    passes.getModulePassManager().run(whole, passes)
    missing = [f.name for f in whole.functions if f.is_declaration]
    missing = [name for name in missing if not name.startswith(_ALWAYS_THERE)]
    if missing:
        raise RuntimeError(f"{module} cannot run without {', '.join(missing)}")
    return bytes(machine.emit_object(whole))
