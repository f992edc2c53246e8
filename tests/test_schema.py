"""The reader of annotated dataclasses, on schemas of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest

from smsc import schema
from smsc.schema import INVALID, FromFile, Reading


def even(text: str) -> int:
    if not text.isdigit() or int(text) % 2:
        raise ValueError("must be even")
    return int(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    size: Annotated[int, even]
    colour: Literal["red", "green"] = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    name: str
    on: bool = False
    from_: tuple[Annotated[int, even], ...] = ()
    inner: Inner = Inner(size=0)
    inners: tuple[Inner, ...] = ()
    shares: Mapping[str, Annotated[int, even]] = field(default_factory=dict)
    secret: Annotated[int, even, FromFile("secret_file")] = 0
    perhaps: Inner | None = None


def read(text: str) -> tuple[Any, list[str]]:
    reading = Reading("f.yaml")
    value = reading.document(text, Outer)
    return value, [str(problem) for problem in reading.problems]


GOOD = [
    ("name: a", Outer(name="a")),
    ("name: a\non:", Outer(name="a")),
    ("{name: a, on: true}", Outer(name="a", on=True)),
    ("{name: a, on: false}", Outer(name="a", on=False)),
    ("{name: 12}", Outer(name="12")),
    ("{name: a, from: 4}", Outer(name="a", from_=(4,))),
    ("{name: a, from: [4, 6]}", Outer(name="a", from_=(4, 6))),
    ("{name: a, from: []}", Outer(name="a")),
    ("{name: a, inner: {size: 2}}", Outer(name="a", inner=Inner(size=2))),
    ("{name: a, perhaps: {size: 2}}", Outer(name="a", perhaps=Inner(size=2))),
    ("{name: a, perhaps: }", Outer(name="a")),
    (
        "{name: a, inner: {size: 2, colour: green}}",
        Outer(name="a", inner=Inner(size=2, colour="green")),
    ),
    (
        "{name: a, inners: [{size: 2}, {size: 4}]}",
        Outer(name="a", inners=(Inner(size=2), Inner(size=4))),
    ),
    ("{name: a, shares: {x: 2, y: 4}}", Outer(name="a", shares={"x": 2, "y": 4})),
    ("{name: a, secret: 8}", Outer(name="a", secret=8)),
]


@pytest.mark.parametrize(("text", "value"), GOOD, ids=[text for text, _ in GOOD])
def test_reads(text: str, value: Outer) -> None:
    assert read(text) == (value, [])


BAD = [
    ("", ["f.yaml: the file is empty"]),
    ("- a", ["f.yaml:1: must be a mapping (lines of `key: value`)"]),
    ("on: true", ["f.yaml:1: name is missing"]),
    ("\n\nname:\non: true", ["f.yaml:3: name is missing"]),
    ("name: ''", ["f.yaml:1: name: must not be empty"]),
    ("name: [a]", ["f.yaml:1: name: must be a single value, not a list or mapping"]),
    ("name: a\non: yes", ["f.yaml:2: on: 'yes' is not one of: false, true"]),
    ("name: a\nfrom: 3", ["f.yaml:2: from[0]: must be even"]),
    (
        "name: a\nfrom:\n - 3\n - 4\n - 5",
        ["f.yaml:3: from[0]: must be even", "f.yaml:5: from[2]: must be even"],
    ),
    ("name: a\nfrom: {a: 2}", ["f.yaml:2: from: must be a list (lines of `- item`)"]),
    ("name: a\ninners: 3", ["f.yaml:2: inners: must be a list (lines of `- item`)"]),
    ("name: a\ninners: [3]", ["f.yaml:2: inners[0]: must be a mapping (lines of `key: value`)"]),
    (
        "name: a\ninner:\n  colour: blue",
        [
            "f.yaml:3: inner.colour: 'blue' is not one of: red, green",
            "f.yaml:2: inner: size is missing",
        ],
    ),
    ("name: a\nshares: {x: 1}", ["f.yaml:2: shares.x: must be even"]),
    ("name: a\nname: b", ["f.yaml:2: name: is given twice"]),
    ("name: a\nfromm: 2", ["f.yaml:2: fromm: unknown key; did you mean from?"]),
    (
        "name: a\nzzz: 2",
        [
            "f.yaml:2: zzz: unknown key; allowed: name, on, from, "
            "inner, inners, shares, secret, secret_file, perhaps"
        ],
    ),
    ("name: a\nfrom_: 2", ["f.yaml:2: from_: unknown key; did you mean from?"]),
    ("name: a\n[1, 2]: 3", ["f.yaml:2: a key must be a plain word"]),
    (
        "name: a\nsecret: 2\nsecret_file: x",
        ["f.yaml:3: secret_file: give one of secret or secret_file, not both"],
    ),
    (
        "name: a\nsecret_file: /nowhere/x",
        ["f.yaml:2: secret_file: /nowhere/x can't be read: No such file or directory"],
    ),
    ("name: a\n on: true", ["f.yaml:2: no YAML: mapping values are not allowed here"]),
    ("name: a\non: 'x", ["f.yaml:2: no YAML: found unexpected end of stream"]),
    ("name: a\non: \x07", ["f.yaml:2: no YAML: special characters are not allowed"]),
    ("name: *other", ["f.yaml:1: no YAML: found undefined alias 'other'"]),
    (
        "name: !!python/object/apply:os.getcwd []",
        ["f.yaml:1: name: must be a single value, not a list or mapping"],
    ),
    ("&a {name: *a}", ["f.yaml:1: name: must be a single value, not a list or mapping"]),
    ("name: a\n---\nname: b", ["f.yaml:2: no YAML: but found another document"]),
]


@pytest.mark.parametrize(("text", "problems"), BAD, ids=[text for text, _ in BAD])
def test_says_what_is_wrong(text: str, problems: list[str]) -> None:
    assert read(text) == (INVALID, problems)


def test_finds_every_problem_at_once() -> None:
    text = "on: 3\nfrom: [1]\ninner: {size: 1}\ninners: [{size: 3}]\nshares: 3\nsecret: 5\nwhat: 1"
    keys = {problem.split(": ")[1] for problem in read(text)[1]}
    assert keys == {
        "on", "from[0]", "inner.size", "inners[0].size", "shares", "secret", "what",
        "name is missing",
    }  # fmt: skip


def test_a_file_may_hold_the_value(tmp_path: Any) -> None:
    path = tmp_path / "secret"
    path.write_text("6\n")
    assert read(f"name: a\nsecret_file: {path}") == (Outer(name="a", secret=6), [])
    path.write_text("7\n")
    assert read(f"name: a\nsecret_file: {path}")[1] == ["f.yaml:2: secret_file: must be even"]
    path.write_bytes(b"\xff")
    assert "is not UTF-8 text" in read(f"name: a\nsecret_file: {path}")[1][0]


def test_a_problem_without_a_line_takes_the_nearest_known() -> None:
    reading = Reading("f.yaml")
    reading.document("name: a\n\ninners:\n- size: 2\n- size: 4", Outer)
    for key in ("inners[1].colour", "inners[1].size", "inners[7]", "nothing", ""):
        reading.problem(key, "x")
    assert [problem.line for problem in reading.problems] == [5, 5, 3, 1, 1]


def test_keys_names_every_key_with_its_path() -> None:
    assert list(schema.keys(Outer)) == [
        "name", "on", "from", "inner", "inner.size", "inner.colour",
        "inners", "inners.size", "inners.colour", "shares", "secret", "secret_file",
        "perhaps", "perhaps.size", "perhaps.colour",
    ]  # fmt: skip
