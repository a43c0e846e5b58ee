"""Options declared once: a dataclass field with its type, default, range, unit and one line of help.

    @dataclass(frozen=True, kw_only=True)
    class Options:
        hidden: int = option(200, "Hidden units.", least=1, metavar="H")

From such a declaration are made the keywords of the Python interface (`make`, `signature`), the options of the command
line, the tables of a TOML file (`convert`), the check of every value (`check`) and the record in a model file. A
subclass that only changes a default writes `layers: int = 2`, and keeps the rest of the declaration.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, make_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from .errors import UsageError, unknown_name

_KEY = "rnnlm.option"
_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


@dataclass(frozen=True)
class Option:
    """What a declaration says of an option besides its name, type and default.

    `help` one line; `group` the heading under which it is listed; `metavar` the letter or word for its value; `choices`
    the words allowed (a function where they are worked out); `least` and `most` bounds that are allowed, `above` and
    `below` bounds that are not; `advice` what an error adds to them, as in "in minutes"; `none` what None does where a
    person may ask for it, as in "no clipping"; `names` further names on the command line; `usual` what None stands for,
    in words; `common` whether most people need it; `free` whether a resumed run may have another value; `envvar` the
    environment variable that is read where nothing is given. `kinds` are the kinds of what `selector` chooses (a model,
    a schedule) that have the option, none where all have it; `fallback` is what None means for all of these; `by_kind`
    whether each kind allows other values, so that the kind's own declaration checks them.
    """

    help: str = ""
    group: str = "Model"
    metavar: str = ""
    choices: tuple[str, ...] | Callable[[], Iterable[str]] = ()
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    advice: str = ""
    none: str = ""
    names: tuple[str, ...] = ()
    usual: str = ""
    common: bool = False
    free: bool = False
    envvar: str = ""
    selector: str = ""
    kinds: tuple[str, ...] = ()
    fallback: Any = None
    by_kind: bool = False


def option(default: Any, help: str, **more: Any) -> Any:
    """A dataclass field that declares an option; the keywords are the fields of `Option`."""
    return field(default=default, metadata={_KEY: Option(help, **more)})


@dataclass(frozen=True)
class Declared:
    """An option with all that is known of it: its name, the types of its values, its default, and the declaration."""

    name: str
    types: tuple[type, ...]
    default: Any
    option: Option

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that are allowed, or none where any are."""
        known = self.option.choices
        return tuple(known() if callable(known) else known)

    @property
    def is_flag(self) -> bool:
        """Whether it is switched on by its name alone."""
        return bool in self.types

    @property
    def optional(self) -> bool:
        """Whether None is a value."""
        return NoneType in self.types

    def check(self, value: Any) -> None:
        """UsageError for a value that is not one of the choices, or out of range; `by_kind` leaves that to the kind."""
        if self.option.by_kind or (value is None and (self.optional or self.default is None)):
            return
        choices = self.choices
        if choices and value not in choices:
            raise UsageError(unknown_name(f"{self.name}={value!r}", value, choices))
        allowed = self.range()
        if allowed and not (isinstance(value, int | float) and self._inside(value)):
            too_small = self.option.least is not None and isinstance(value, int | float) and value < self.option.least
            problem = "is too small" if too_small and int in self.types else "is not possible"
            advice = [self.option.advice, self.option.none and f"or none for {self.option.none}"]
            raise UsageError(f"{self.name}={value} {problem}. Give {', '.join(filter(None, [allowed, *advice]))}.")

    def range(self) -> str:
        """The values that are allowed, as in "0 <= dropout < 1"; empty where there is no limit."""
        o, name = self.option, self.name
        low = f"{o.least:g}" if o.least is not None else f"{o.above:g}" if o.above is not None else ""
        high = f"{o.most:g}" if o.most is not None else f"{o.below:g}" if o.below is not None else ""
        under, over = "<" if o.least is None else "<=", "<" if o.most is None else "<="
        if low and high:
            return f"{low} {under} {name} {over} {high}"
        return f"{name} >{under[1:]} {low}" if low else f"{name} {over} {high}" if high else ""

    def _inside(self, value: float) -> bool:
        o = self.option
        return (
            (o.least is None or value >= o.least)
            and (o.most is None or value <= o.most)
            and (o.above is None or value > o.above)
            and (o.below is None or value < o.below)
            and value not in (float("inf"), float("-inf"))
        )

    def convert(self, value: Any) -> Any:
        """A value from a TOML or JSON file as the option has it; "none" is None where that is a value.

        ValueError where it is of another type.
        """
        if value is None or (value == "none" and self.optional and str not in self.types):
            if self.optional:
                return None
        elif type(value) in self.types:
            return value
        elif float in self.types and type(value) is int:
            return float(value)
        elif isinstance(value, list) and any(kind in (tuple, Sequence) for kind in self.types):
            return tuple(value)
        elif isinstance(value, str) and Path in self.types:
            return value
        allowed = " or ".join(words for kind, words in _WORDS.items() if kind in self.types)
        raise ValueError(f"{self.name} = {value!r} is not {allowed}")


def declared(cls: type) -> dict[str, Declared]:
    """The options of a class by name, in the order of their declaration."""
    return _declared(cls)


@cache
def _declared(cls: Any) -> dict[str, Declared]:
    hints = get_type_hints(cls)
    found = {}
    for f in fields(cls):
        declaration = next(_declarations(cls, f.name), None)
        if declaration is not None and f.init:
            found[f.name] = Declared(f.name, _types(hints[f.name]), _default(f), declaration)
    return found


def make(cls: type, keywords: Mapping[str, Any], *, what: str = "option") -> Any:
    """The options of a class from keywords, each checked. UsageError for a name that is none, or a bad value."""
    known = declared(cls)
    for name in keywords:
        if name not in known:
            raise UsageError(unknown_name(f"{what} {name!r}", name, known, allowed=f"{what.capitalize()}s are"))
    options = cls(**keywords)
    check(options)
    return options


def check(options: Any) -> None:
    """UsageError for the first value that is not allowed."""
    cls: Any = type(options)
    for name, one in declared(cls).items():
        one.check(getattr(options, name))


def as_dict(options: Any) -> dict[str, Any]:
    """All values by name as a JSON file holds them: paths as text, tuples as lists."""
    return {name: _plain(value) for name, value in asdict(options).items()}


def signature(function: Callable[..., Any], cls: type, *, without: Sequence[str] = ()) -> None:
    """Let help() show the options of a class instead of the function's `**keywords`."""
    own = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_KEYWORD]
    names = {p.name for p in own} | set(without)
    more = [
        inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default)
        for one in declared(cls).values()
        if one.name not in names
    ]
    function.__signature__ = inspect.Signature([*own, *more])  # type: ignore[attr-defined]


def merge(name: str, classes: Iterable[type]) -> Any:
    """A dataclass with the options of all classes, defaults as declared: what stands beside each other is told apart
    by name, so two classes may not declare the same name differently. TypeError where they do."""
    found: dict[str, tuple[Any, Any]] = {}
    for cls in classes:
        for one in declared(cls).values():
            entry = (_annotation(one.types), option(one.default, **_as_keywords(one.option)))
            if one.name in found and (found[one.name][0] != entry[0] or found[one.name][1].default != one.default):
                raise TypeError(f"{cls.__name__} declares {one.name} in another way than a class before it")
            found.setdefault(one.name, entry)
    return _new(name, found)


def union(name: str, selector: str, classes: Mapping[str, type]) -> Any:
    """A dataclass with the options of several kinds, of which a run has the one that the option `selector` names.

    An option of all kinds with one default keeps it. For every other one None is the default and stands for the kind's
    own; one that only some kinds have names them in `Option.kinds`. Options without a group are left out.
    """
    owners: dict[str, dict[str, Declared]] = {}
    for kind, cls in classes.items():
        for one in declared(cls).values():
            if one.option.group:
                owners.setdefault(one.name, {})[kind] = one
    found: dict[str, tuple[Any, Any]] = {}
    for option_name, own in owners.items():
        first, defaults = next(iter(own.values())), {repr(one.default) for one in own.values()}
        keywords = _as_keywords(first.option)
        if len(own) == len(classes) and len(defaults) == 1:
            found[option_name] = (_annotation(first.types), option(first.default, **keywords))
            continue
        keywords["choices"] = tuple(dict.fromkeys(word for one in own.values() for word in one.choices))
        keywords["by_kind"] = len({(one.choices, one.range()) for one in own.values()}) > 1
        if len(own) < len(classes):
            keywords |= {"selector": selector, "kinds": tuple(own)}
        if len(defaults) == 1:
            keywords["fallback"] = first.default
            if first.default not in (None, False) and not first.option.usual:
                keywords["usual"] = _typed(first.default)
        elif not first.option.usual:
            keywords["usual"] = f"the {selector}'s own"
        found[option_name] = (_annotation((*first.types, NoneType)), option(None, **keywords))
    return _new(name, found)


def subset(cls: type, options: Any) -> dict[str, Any]:
    """Those of the options that the class declares and that have a value, by name."""
    return {name: value for name in declared(cls) if (value := getattr(options, name, None)) is not None}


def refuse_others(options: Any, selector: str, kind: str, shown: str = "") -> None:
    """UsageError for an option that has a value, but that the chosen `kind` does not have; `shown` is what the user
    calls that kind."""
    cls: Any = type(options)
    for name, one in declared(cls).items():
        value, owners = getattr(options, name), one.option.kinds
        if value is not None and one.option.selector == selector and kind not in owners:
            raise UsageError(
                f"{name}={value!r} is for the {selector} {listed(owners)}, and this is {shown or kind}. Leave it out."
            )


def listed(words: Sequence[str]) -> str:
    """Words for a sentence: "elman, jordan or rnnlm"."""
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _new(name: str, found: Mapping[str, tuple[Any, Any]]) -> Any:
    return make_dataclass(name, [(key, *declaration) for key, declaration in found.items()], frozen=True, kw_only=True)


def _as_keywords(declaration: Option) -> dict[str, Any]:
    return {f.name: getattr(declaration, f.name) for f in fields(Option)}


def _annotation(types: Sequence[type]) -> Any:
    return Union[tuple(dict.fromkeys(types))]  # noqa: UP007  made at run time


def _types(hint: Any) -> tuple[type, ...]:
    """The types in `int | None`, or the one type."""
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return tuple(get_origin(part) or part for part in parts)


def _default(f: Field) -> Any:
    if f.default is not MISSING:
        return f.default
    return f.default_factory() if f.default_factory is not MISSING else MISSING


def _declarations(cls: type, name: str) -> Iterator[Option]:
    """The declarations of an option by a class and its bases, the nearest first: one may change a default only."""
    for base in cls.__mro__:
        f = vars(base).get("__dataclass_fields__", {}).get(name)
        if f is not None and _KEY in f.metadata:
            yield f.metadata[_KEY]


def _typed(value: Any) -> str:
    """A default as a person would ask for it."""
    if isinstance(value, tuple):
        return ",".join(map(_typed, value))
    return "on" if value is True else f"{value:g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
