"""Builds the extensions and nothing else; metadata and tools are in pyproject.toml.

``SMSC_DEBUG=1`` builds with bounds checks, assertions and line tracing.
``SMSC_ASAN=1`` builds with AddressSanitizer (run Python with libasan preloaded).
"""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("SMSC_DEBUG") == "1"
ASAN = os.environ.get("SMSC_ASAN") == "1"

MODULES = {
    "smsc._pdu": "smsc/_pdu.pyx",
    "smsc._spool": "smsc/_spool.pyx",
    "smsc.records": "smsc/records.pyx",
    "smsc.journal._frame": "smsc/journal/_frame.pyx",
    "smsc.journal._committer": "smsc/journal/_committer.pyx",
}

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

compile_args = ["-O0", "-g"] if DEBUG else ["-O3", "-fstack-protector-strong"]
compile_args += [] if DEBUG or ASAN else ["-D_FORTIFY_SOURCE=2"]
link_args = []
if ASAN:
    compile_args += ["-fsanitize=address", "-fno-omit-frame-pointer"]
    link_args += ["-fsanitize=address"]

setup(
    ext_modules=cythonize(
        [
            Extension(
                name,
                [source],
                extra_compile_args=compile_args,
                extra_link_args=link_args,
                define_macros=[("CYTHON_TRACE", "1")] if DEBUG else [],
            )
            for name, source in MODULES.items()
            if os.path.exists(source)
        ],
        compiler_directives=DIRECTIVES,
    )
)
