"""House rules that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

#: Modules that have no test file of their name, since others show them better: nothing is in
#: them, or they only make sense together.
SHOWN_BY = {
    "__init__": "test_source",
    "__main__": "test_demo",
    "errors": "test_source",
    "ports": "test_log_port",
    "book": "test_core",
    "counters": "test_core",
    "purses": "test_till",
    "binds": "test_listener",
    "client": "test_listener",
    "placement": "test_networks",
    "asgi": "test_ops",
    "lessons": "test_profile",
    "hearing": "test_profile",
    "relaying": "test_core",
    "reports": "test_core",
    "joins": "test_joining",
}

#: What belongs to somebody's machine and not to this repository.
MACHINES = re.compile(
    r"/(?:work|home|root|Users)/\w|/tmp/\w|\b(?:pypi|npmjs)[\w.-]*\.(?:org|com)\b"
)

#: A number with a country's code that nobody reserved for tests or examples (Ofcom's 07700 900xxx,
#: and 999, a code that the ITU gave to nobody).
REAL_NUMBER = re.compile(
    r"(?<![\w.-])\+?(?!447700900\d{3}(?!\d)|999)(?:44|49|33|39|1)\d{9,11}(?![\w.])"
)


def tracked() -> list[Path]:
    """Files that are or would be in the repository; all of them where there is no git."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
    )
    names = listed.stdout.splitlines()
    if listed.returncode:
        ours = ("smsc", "tests", "bench", "config", "systemd")
        names = [str(p.relative_to(ROOT)) for d in ours for p in (ROOT / d).rglob("*")]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


FILES = tracked()
MODULES = [path for path in FILES if path.suffix == ".py" and path.is_relative_to(ROOT / "smsc")]
SHIPPED = [
    path
    for path in FILES
    if path.suffix
    in (".py", ".pyx", ".pxd", ".pyi", ".h", ".yaml", ".yml", ".toml", ".md", ".service", ".timer")
    or path.name == "Makefile"
]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines(path: Path) -> Iterator[tuple[int, str]]:
    return enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)


def found(pattern: re.Pattern[str], path: Path) -> list[int]:
    return [number for number, line in lines(path) if pattern.search(line)]


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (MACHINES, "/home/" + "ada/smsc", True),
        (MACHINES, "https://files.pypi" + "hosted.org/x", True),
        (MACHINES, "/var/lib/smsc", False),
        (REAL_NUMBER, "447700900123", False),
        (REAL_NUMBER, "447700" + "800123", True),
        (REAL_NUMBER, "+49170" + "1234567", True),
        (REAL_NUMBER, "999000000000001", False),
    ],
)
def test_the_rules_can_be_broken(pattern: re.Pattern[str], text: str, matches: bool) -> None:
    assert bool(pattern.search(text)) is matches


@pytest.mark.parametrize("path", SHIPPED, ids=name)
def test_nothing_names_a_machine(path: Path) -> None:
    assert not found(MACHINES, path)


@pytest.mark.parametrize("path", SHIPPED, ids=name)
def test_no_number_is_anybodys(path: Path) -> None:
    assert not found(REAL_NUMBER, path)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_every_module_says_what_it_is(path: Path) -> None:
    documented = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert documented and documented.splitlines()[0].endswith((".", "?", ":"))


@pytest.mark.parametrize("path", [p for p in MODULES if p.parent == ROOT / "smsc"], ids=name)
def test_every_module_has_its_tests(path: Path) -> None:
    shown_by = SHOWN_BY.get(path.stem, f"test_{path.stem}")
    assert (ROOT / "tests" / f"{shown_by}.py").exists()


def test_no_module_is_excused_without_need() -> None:
    tests = {path.stem for path in (ROOT / "tests").glob("test_*.py")}
    assert not {module for module in SHOWN_BY if f"test_{module}" in tests}
    assert set(SHOWN_BY) <= {path.stem for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_nothing_is_left_to_do(path: Path) -> None:
    assert not found(re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b"), path)
