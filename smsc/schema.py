"""YAML into annotated dataclasses, every problem named by file, line and key.

A frozen dataclass is the schema: its field names are the keys (a trailing underscore is dropped,
so that ``from_`` reads ``from``), its defaults are the defaults, and its annotations say how a
value is read:

    Annotated[T, convert]    a scalar; ``convert(text) -> T`` raises ValueError with the reason
    Annotated[T, Form(...)]  anything; the form reads the node itself
    Literal["a", "b"]        one of these words
    bool, str                ``true`` or ``false``; any text but none
    tuple[X, ...]            a list of X; where X is a scalar, one alone will do
    Mapping[K, V]            keys read as K, values as V
    a dataclass              a mapping with exactly its keys
    X | None                 an X, where it is given at all

An empty value is the same as a missing key. Reading goes on after a problem, so that one reading
finds them all. Nothing but plain scalars, lists and mappings is constructed from the document.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import yaml

from smsc.errors import ConfigError

NULL_TAG = "tag:yaml.org,2002:null"

#: How alike a misspelt key must be to be suggested; difflib's own default.
LIKENESS = 0.6


class Invalid:
    """What a value is that could not be read. Its problem has been noted."""


INVALID = Invalid()


@dataclass(frozen=True)
class Form:
    """How a field with a shape of its own is read: a value, or INVALID once a problem is noted."""

    read: Callable[[Reading, yaml.Node, str], Any]


@dataclass(frozen=True)
class FromFile:
    """The field may be given as the name of a file that holds its value, under another key."""

    key: str


class Spec(NamedTuple):
    """One key of a mapping: the field that it fills, and how its value is read."""

    field: str
    hint: Any


class Reading:
    """One reading of one document. Owns the problems found and the line each key stands on."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[ConfigError] = []
        self.lines: dict[str, int] = {}

    def problem(self, key: str, message: str, line: int = 0) -> Invalid:
        """Note a problem with the value of ``key``; without a line, the nearest known is taken."""
        line = line or self._line(key)
        self.problems.append(ConfigError(message, file=self.file, line=line, key=key))
        return INVALID

    def document(self, text: str, cls: type, loader: Any = yaml.SafeLoader) -> Any:
        """Read a whole document as a ``cls``: the value, or INVALID if there is any problem."""
        try:
            node = yaml.compose(text, Loader=loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            return self.problem("", f"no YAML: {error.problem}", mark.line + 1 if mark else 0)
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            return self.problem("", f"no YAML: {error.reason}", line)
        if node is None:
            return self.problem("", "the file is empty")
        value = self.value(node, cls, "")
        return INVALID if self.problems else value

    def value(self, node: yaml.Node, hint: Any, key: str) -> Any:
        """Read one node as ``hint`` says: the value, or INVALID."""
        self.lines.setdefault(key, node.start_mark.line + 1)
        if is_dataclass(hint):
            return self._dataclass(node, hint, key)
        if hint in SCALARS:
            return self._scalar(node, SCALARS[hint], key)
        return SHAPES[get_origin(hint)](self, node, hint, key)

    def pairs(self, node: yaml.Node, key: str) -> dict[str, yaml.Node] | Invalid:
        """The keys of a mapping and their nodes, without those that have no value."""
        if not isinstance(node, yaml.MappingNode):
            return self.problem(key, "must be a mapping (lines of `key: value`)")
        found: dict[str, yaml.Node] = {}
        for name, child in node.value:
            line = name.start_mark.line + 1
            if not isinstance(name, yaml.ScalarNode):
                self.problem(key, "a key must be a plain word", line)
            elif name.value in found:
                self.problem(_join(key, name.value), "is given twice", line)
            else:
                self.lines[_join(key, name.value)] = line
                found[name.value] = child
        return {name: child for name, child in found.items() if child.tag != NULL_TAG}

    def _line(self, key: str) -> int:
        while key and key not in self.lines:
            key = key[: max(key.rfind("."), key.rfind("["), 0)]
        return self.lines.get(key, 0)

    def _dataclass(self, node: yaml.Node, cls: Any, key: str) -> Any:
        pairs = self.pairs(node, key)
        if isinstance(pairs, Invalid):
            return INVALID
        specs = specs_of(cls)
        values: dict[str, Any] = {}
        for name, child in pairs.items():
            path = _join(key, name)
            spec = specs.get(name)
            if spec is None:
                self.problem(path, _unknown(name, specs))
            elif spec.field in values:
                self.problem(path, f"give one of {_keys_of(specs, spec.field)}, not both")
            else:
                values[spec.field] = self.value(child, spec.hint, path)
        for field in sorted(required(cls) - values.keys()):
            self.problem(key, f"{_keys_of(specs, field)} is missing")
        if not required(cls) <= values.keys() or INVALID in values.values():
            return INVALID
        return cls(**values)

    def _scalar(self, node: yaml.Node, convert: Callable[[str], Any], key: str) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            return self.problem(key, "must be a single value, not a list or mapping")
        try:
            return convert(node.value)
        except ValueError as error:
            return self.problem(key, str(error))

    def _annotated(self, node: yaml.Node, hint: Any, key: str) -> Any:
        how = hint.__metadata__[0]
        return how.read(self, node, key) if isinstance(how, Form) else self._scalar(node, how, key)

    def _literal(self, node: yaml.Node, hint: Any, key: str) -> Any:
        return self._scalar(node, functools.partial(one_of, get_args(hint)), key)

    def _tuple(self, node: yaml.Node, hint: Any, key: str) -> Any:
        item = get_args(hint)[0]
        if isinstance(node, yaml.ScalarNode) and not is_dataclass(item):
            nodes = [node]
        elif isinstance(node, yaml.SequenceNode):
            nodes = node.value
        else:
            return self.problem(key, "must be a list (lines of `- item`)")
        values = [self.value(child, item, f"{key}[{at}]") for at, child in enumerate(nodes)]
        return INVALID if INVALID in values else tuple(values)

    def _optional(self, node: yaml.Node, hint: Any, key: str) -> Any:
        return self.value(node, get_args(hint)[0], key)

    def _map(self, node: yaml.Node, hint: Any, key: str) -> Any:
        pairs = self.pairs(node, key)
        if isinstance(pairs, Invalid):
            return INVALID
        key_hint, value_hint = get_args(hint)
        values: dict[Any, Any] = {}
        for name, child in pairs.items():
            path = _join(key, name)
            as_key = yaml.ScalarNode(child.tag, name, child.start_mark, child.end_mark)
            values[self.value(as_key, key_hint, path)] = self.value(child, value_hint, path)
        return INVALID if INVALID in (*values, *values.values()) else values


def boolean(text: str) -> bool:
    """``true`` or ``false``."""
    return one_of(("false", "true"), text) == "true"


def words(text: str) -> str:
    """Any text but none."""
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def one_of(allowed: tuple[str, ...], text: str) -> str:
    """One of the allowed words, exactly."""
    if text not in allowed:
        raise ValueError(f"{text!r} is not one of: {', '.join(allowed)}")
    return text


SCALARS: Mapping[Any, Callable[[str], Any]] = {bool: boolean, str: words}

SHAPES: Mapping[Any, Callable[[Reading, yaml.Node, Any, str], Any]] = {
    Annotated: Reading._annotated,
    Literal: Reading._literal,
    tuple: Reading._tuple,
    Mapping: Reading._map,
    UnionType: Reading._optional,
}


@functools.cache
def specs_of(cls: Any) -> Mapping[str, Spec]:
    """Every key that a mapping of this dataclass may have."""
    hints = get_type_hints(cls, include_extras=True)
    specs: dict[str, Spec] = {}
    for field in fields(cls):
        hint = hints[field.name]
        specs[field.name.rstrip("_")] = Spec(field.name, hint)
        for how in getattr(hint, "__metadata__", ()):
            if isinstance(how, FromFile):
                convert = functools.partial(_file_value, hint.__metadata__[0])
                specs[how.key] = Spec(field.name, Annotated[Any, convert])
    return specs


@functools.cache
def required(cls: Any) -> frozenset[str]:
    """The fields of this dataclass that have no default."""
    return frozenset(
        field.name
        for field in fields(cls)
        if field.default is MISSING and field.default_factory is MISSING
    )


def keys(cls: Any) -> Iterator[str]:
    """Every key of the schema with its path, like ``accounts.mailbox.lifetime``."""
    for name, spec in specs_of(cls).items():
        yield name
        for inner in (spec.hint, *get_args(spec.hint)):
            if isinstance(inner, type) and is_dataclass(inner):
                yield from (f"{name}.{key}" for key in keys(inner))


def _file_value(convert: Callable[[str], Any], path: str) -> Any:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
    return convert(text.rstrip("\r\n"))


def _unknown(name: str, known: Mapping[str, Spec]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=LIKENESS)
    hint = f"did you mean {near[0]}?" if near else f"allowed: {', '.join(known)}"
    return f"unknown key; {hint}"


def _keys_of(specs: Mapping[str, Spec], field: str) -> str:
    return " or ".join(key for key, spec in specs.items() if spec.field == field)


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name
