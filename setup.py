"""Builds the extensions and nothing else; metadata and tools are in pyproject.toml.

``SMSC_DEBUG=1`` builds with bounds checks, assertions and line tracing.
``SMSC_ASAN=1`` builds with AddressSanitizer (run Python with libasan preloaded), and
``SMSC_GUIDED=1`` with the counters of a coverage-guided fuzzer (by clang): both only what handles
memory by itself. `make fuzz` does that, in directories of their own.
``SMSC_NO_EXTENSIONS=1`` installs everything but the extensions, which ``build_ext`` makes later.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("SMSC_DEBUG") == "1"
ASAN = os.environ.get("SMSC_ASAN") == "1"
GUIDED = os.environ.get("SMSC_GUIDED") == "1"

MODULES = {
    "smsc._finished": "smsc/_finished.pyx",
    "smsc._fresh": "smsc/_fresh.pyx",
    "smsc._index": "smsc/_index.pyx",
    "smsc._pdu": "smsc/_pdu.pyx",
    "smsc._plain": "smsc/_plain.pyx",
    "smsc._receipt": "smsc/_receipt.pyx",
    "smsc._record": "smsc/_record.pyx",
    "smsc._spool": "smsc/_spool.pyx",
    "smsc._tally": "smsc/_tally.pyx",
    "smsc._window": "smsc/_window.pyx",
    "smsc.records": "smsc/records.pyx",
    "smsc.journal._frame": "smsc/journal/_frame.pyx",
    "smsc.journal._committer": "smsc/journal/_committer.pyx",
}

#: Python modules of the message path whose classes a .pxd beside them gives C types. They stay
#: plain Python: without the compiled module beside it, the source itself runs.
TYPED = sorted(path.stem for path in Path("smsc").glob("*.pxd") if path.with_suffix(".py").exists())

DIRECTIVES = {
    "language_level": 3,
    "embedsignature": True,
    # Every access of the codec goes through a checked cursor; the debug build proves it.
    "boundscheck": DEBUG,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": DEBUG,
    "linetrace": DEBUG,
}

compile_args = ["-O0", "-g"] if DEBUG else ["-O2", "-g0", "-fstack-protector-strong"]
compile_args += [] if DEBUG or ASAN else ["-D_FORTIFY_SOURCE=2"]
link_args = []
if ASAN:
    compile_args += ["-fsanitize=address", "-fno-omit-frame-pointer"]
    link_args += ["-fsanitize=address"]
if GUIDED:
    # What -fsanitize=fuzzer-no-link stands for, but for the depth of the stack: atheris has none.
    compile_args += ["-fsanitize-coverage=inline-8bit-counters,indirect-calls,trace-cmp,pc-table"]
if ASAN or GUIDED:
    TYPED = []

#: As Python does it: the typed modules must mean the same compiled and not.
PYTHON_DIRECTIVES = {"language_level": 3, "annotation_typing": False, "linetrace": DEBUG}


def extension(name, source):
    return Extension(
        name,
        [source],
        extra_compile_args=compile_args,
        extra_link_args=link_args,
        define_macros=[("CYTHON_TRACE", "1")] if DEBUG else [],
    )


def extensions():
    if os.environ.get("SMSC_NO_EXTENSIONS") == "1":
        return []
    return cythonize(
        [extension(name, source) for name, source in MODULES.items()],
        compiler_directives=DIRECTIVES,
    ) + cythonize(
        [extension(f"smsc.{name}", f"smsc/{name}.py") for name in TYPED],
        compiler_directives=PYTHON_DIRECTIVES,
    )


setup(ext_modules=extensions())
