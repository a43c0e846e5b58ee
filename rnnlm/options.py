"""Options declared once: a dataclass field with its type, default, range, unit and one line of help.

    @dataclass(frozen=True, kw_only=True)
    class Options:
        hidden: int = option(200, "Hidden units.", least=1, metavar="H")

From such a declaration are made the keywords of the Python interface (`make`) and their help (`option_help`), the
options of the command line, the tables of a TOML file (`convert`), the check of every value (`check`) and the record in
a model file. A subclass that only changes a default writes `layers: int = 2`, and keeps the rest of the declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from functools import cache
from numbers import Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from .errors import UsageError, unknown_name

_KEY = "rnnlm.option"
_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


@dataclass(frozen=True)
class Option:
    """What a declaration says of an option besides its name, type and default.

    `help`            one line, for `--help`
    `group`           the heading under which `--help` lists it; "" for an option that is not listed
    `metavar`         the letter or word that stands for its value
    `choices`         the words that are allowed, or a function that returns them; empty where any value is
    `least`, `most`   bounds that are allowed values themselves
    `above`, `below`  bounds that are not
    `advice`          what an error message adds to the bounds, such as "in minutes"
    `none`            what None does, where a user may ask for it, such as "no clipping"
    `names`           further names on the command line
    `off`             the name on the command line that turns a switch off, where it is not --no-NAME
    `usual`           what None stands for, in words
    `common`          whether most people need it, so that the short `--help` shows it
    `free`            whether a resumed run may have another value
    `envvar`          the environment variable that is read where no value is given
    `selector`        the option that chooses a kind (of model, of schedule), for an option that only some `kinds` have
    `kinds`           those kinds; empty where all have it
    `kind_defaults`   what None means for each kind that has the option
    `fallback`        what None means where the kind is not known, or makes no difference
    `by_kind`         whether the kinds allow different values, so that the declaration of the chosen kind checks them
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
    off: str = ""
    usual: str = ""
    common: bool = False
    free: bool = False
    envvar: str = ""
    selector: str = ""
    kinds: tuple[str, ...] = ()
    kind_defaults: tuple[tuple[str, Any], ...] = ()
    fallback: Any = None
    by_kind: bool = False

    def belongs_to(self, kind: str | None) -> bool:
        """Return whether a kind has the option; every kind has one that names none."""
        return not self.kinds or kind in self.kinds

    def default_of(self, kind: str | None) -> Any:
        """Return what None means for a kind; `fallback` for a kind that says nothing else."""
        return dict(self.kind_defaults).get(kind or "", self.fallback)


def option(default: Any, help: str, **more: Any) -> Any:
    """Return a dataclass field that declares an option; the keywords are the fields of `Option`."""
    return field(default=default, metadata={_KEY: Option(help, **more)})


@dataclass(frozen=True)
class Declared:
    """An option of a class: its name, the types of its values, its default, and the declaration."""

    name: str
    types: tuple[type, ...]
    default: Any
    option: Option
    elements: tuple[type, ...] = ()  # of a sequence

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that are allowed; empty where any value is."""
        choices = self.option.choices
        return tuple(choices() if callable(choices) else choices)

    @property
    def is_flag(self) -> bool:
        """Whether the option is a switch, which its name alone turns on."""
        return bool in self.types

    @property
    def optional(self) -> bool:
        """Whether None is an allowed value."""
        return NoneType in self.types

    @property
    def kind(self) -> str:
        """What a value must be, in words: "a whole number", "a list of texts"."""
        if self.elements:
            return f"a list, each of it {listed([words for type_, words in _WORDS.items() if type_ in self.elements])}"
        return listed([words for type_, words in _WORDS.items() if type_ in self.types])

    def accepts(self, value: Any) -> bool:
        """Return whether a value of a JSON file is of the option's type; a whole number is a number too."""
        if value is None:
            return self.optional
        if isinstance(value, list):
            return bool(self.elements) and all(_is_of(element, self.elements) for element in value)
        return _is_of(value, self.types)

    def check(self, value: Any) -> None:
        """Raise UsageError for a value that is not one of the choices, or out of range.

        An option whose kinds allow different values is not checked here, but with the options of the chosen kind.
        """
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
        """Return the allowed range as text, such as "0 <= dropout < 1"; "" where there is no limit."""
        limits, name = self.option, self.name
        lower = limits.above if limits.least is None else limits.least
        upper = limits.below if limits.most is None else limits.most
        low, high = (
            "" if bound is None else f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"
            for bound in (lower, upper)
        )
        under, over = "<" if limits.least is None else "<=", "<" if limits.most is None else "<="
        if low and high:
            return f"{low} {under} {name} {over} {high}"
        return f"{name} >{under[1:]} {low}" if low else f"{name} {over} {high}" if high else ""

    def _inside(self, value: float) -> bool:
        limits = self.option
        return (
            (limits.least is None or value >= limits.least)
            and (limits.most is None or value <= limits.most)
            and (limits.above is None or value > limits.above)
            and (limits.below is None or value < limits.below)
            and value not in (float("inf"), float("-inf"))
        )

    def convert(self, value: Any) -> Any:
        """Return a value of a TOML or JSON file as the type of the option; "none" becomes None where None is allowed.

        Raises ValueError for a value of another type.
        """
        if value is None or (value == "none" and self.optional and str not in self.types):
            if self.optional:
                return None
        elif type(value) in self.types:
            return value
        elif float in self.types and type(value) is int:
            return float(value)
        elif isinstance(value, list) and any(type_ in (tuple, Sequence) for type_ in self.types):
            return tuple(value)
        elif isinstance(value, str) and Path in self.types:
            return value
        allowed = " or ".join(words for type_, words in _WORDS.items() if type_ in self.types)
        raise ValueError(f"{self.name} = {value!r} is not {allowed}")


def declared(cls: type) -> dict[str, Declared]:
    """Return the options of a class by name, in the order of their declaration."""
    return _declared(cls)


@cache
def _declared(cls: Any) -> dict[str, Declared]:
    hints = get_type_hints(cls)
    options = {}
    for f in fields(cls):
        declaration = next(_declarations(cls, f.name), None)
        if declaration is not None and f.init:
            hint = hints[f.name]
            options[f.name] = Declared(f.name, _types(hint), _default(f), declaration, _elements(hint))
    return options


def make(cls: type, keywords: Mapping[str, Any], *, what: str = "option") -> Any:
    """Return an instance of an options class made from keywords, with every value checked.

    `what` is what messages call an option. Raises UsageError for an unknown name or a value that is not allowed.
    """
    declarations = declared(cls)
    for name in keywords:
        if name not in declarations:
            raise UsageError(unknown_name(f"{what} {name!r}", name, declarations, allowed=f"{what.capitalize()}s are"))
    options = cls(**{name: _python_number(value) for name, value in keywords.items()})
    check(options)
    return options


def check(options: Any) -> None:
    """Raise UsageError for the first value of an options object that is not allowed."""
    cls: Any = type(options)
    for name, entry in declared(cls).items():
        entry.check(getattr(options, name))


def as_dict(options: Any) -> dict[str, Any]:
    """Return all values by name, as a JSON file can hold them: paths as text, tuples as lists."""
    return {name: _plain(value) for name, value in asdict(options).items()}


def listed(words: Sequence[str]) -> str:
    """Return words as in a sentence: "elman, jordan or rnnlm"."""
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _types(hint: Any) -> tuple[type, ...]:
    """Return the types in `int | None`, or the one type."""
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return tuple(get_origin(part) or part for part in parts)


def _elements(hint: Any) -> tuple[type, ...]:
    """Return the types of the elements of a sequence; nothing for another type."""
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return tuple(type_ for part in parts if get_origin(part) in (tuple, Sequence) for type_ in get_args(part)[:1])


def _is_of(value: Any, types: Sequence[type]) -> bool:
    return type(value) in types or (float in types and type(value) is int)


def _default(f: Field) -> Any:
    if f.default is not MISSING:
        return f.default
    return f.default_factory() if f.default_factory is not MISSING else MISSING


def _declarations(cls: type, name: str) -> Iterator[Option]:
    """Yield the declarations of an option by a class and its bases, nearest first: one may change a default only."""
    for base in cls.__mro__:
        f = vars(base).get("__dataclass_fields__", {}).get(name)
        if f is not None and _KEY in f.metadata:
            yield f.metadata[_KEY]


def _python_number(value: Any) -> Any:
    """Return a number of NumPy as one of Python, which a JSON file can hold; anything else as it is."""
    is_foreign = isinstance(value, Real) and not isinstance(value, int | float)
    return value.item() if is_foreign and hasattr(value, "item") else value


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
