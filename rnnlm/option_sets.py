"""The options of several classes as one: of parts that stand beside each other, and of kinds of which a run has one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, make_dataclass
from types import NoneType
from typing import Any, Union

from .errors import UsageError
from .options import Declared, Option, declared, listed, option


def merge(name: str, classes: Iterable[type]) -> Any:
    """Return a dataclass with the options of all classes, with the defaults as declared.

    Raises TypeError where two classes declare an option of the same name differently.
    """
    options: dict[str, tuple[Any, Any]] = {}
    for cls in classes:
        for entry in declared(cls).values():
            declaration = (_annotation(entry.types), option(entry.default, **_as_keywords(entry.option)))
            types, first = options.get(entry.name, declaration)
            if types != declaration[0] or first.default != entry.default:
                raise TypeError(f"{cls.__name__} declares {entry.name} in another way than a class before it")
            options.setdefault(entry.name, declaration)
    return _new(name, options)


def union(name: str, selector: str, classes: Mapping[str, type]) -> Any:
    """Return a dataclass with the options of several kinds, one of which the option `selector` chooses.

    `classes` maps each kind to its options class. An option that all kinds have with the same default keeps that
    default. The default of any other is None, which stands for the default of the chosen kind (`Option.kind_defaults`);
    an option that only some kinds have names them in `Option.kinds`. Options without a group are left out.
    """
    owners: dict[str, dict[str, Declared]] = {}
    for kind, cls in classes.items():
        for entry in declared(cls).values():
            if entry.option.group:
                owners.setdefault(entry.name, {})[kind] = entry
    options: dict[str, tuple[Any, Any]] = {}
    for option_name, by_kind in owners.items():
        first, defaults = next(iter(by_kind.values())), {repr(entry.default) for entry in by_kind.values()}
        keywords = _as_keywords(first.option)
        if len(by_kind) == len(classes) and len(defaults) == 1:
            options[option_name] = (_annotation(first.types), option(first.default, **keywords))
            continue
        keywords["choices"] = tuple(dict.fromkeys(word for entry in by_kind.values() for word in entry.choices))
        keywords["by_kind"] = len({(entry.choices, entry.range()) for entry in by_kind.values()}) > 1
        keywords["selector"] = selector
        keywords["kind_defaults"] = tuple((kind, entry.default) for kind, entry in by_kind.items())
        if len(by_kind) < len(classes):
            keywords["kinds"] = tuple(by_kind)
        if len(defaults) == 1:
            keywords["fallback"] = first.default
            if first.default not in (None, False) and not first.option.usual:
                keywords["usual"] = _typed(first.default)
        elif not first.option.usual:
            keywords["usual"] = f"the {selector}'s own"
        options[option_name] = (_annotation((*first.types, NoneType)), option(None, **keywords))
    return _new(name, options)


def subset(cls: type, options: Any) -> dict[str, Any]:
    """Return by name the options that the class declares and whose value is not None."""
    return {name: value for name in declared(cls) if (value := getattr(options, name, None)) is not None}


def refuse_others(options: Any, selector: str, kind: str, shown: str = "") -> None:
    """Raise UsageError for an option that has a value though the chosen `kind` lacks that option.

    `selector` is the option that chose the kind; `shown` is what messages call the kind, where that is another word.
    A value that asks for nothing is allowed: None, False, an empty list, and the word that is the default.
    """
    cls: Any = type(options)
    for name, entry in declared(cls).items():
        value, its = getattr(options, name), entry.option
        if its.selector == selector and not its.belongs_to(kind) and not _changes_nothing(value, its):
            raise UsageError(
                f"{name}={value!r} is for the {selector} {listed(its.kinds)}, and this is {shown or kind}. "
                "Leave it out."
            )


def _changes_nothing(value: Any, its: Option) -> bool:
    nothing = value is None or value is False or value in ("", (), [])
    return nothing or (value == its.fallback and (isinstance(value, str) or not value))


def _new(name: str, options: Mapping[str, tuple[Any, Any]]) -> Any:
    options_of_class = [(option_name, *declaration) for option_name, declaration in options.items()]
    return make_dataclass(name, options_of_class, frozen=True, kw_only=True)


def _as_keywords(declaration: Option) -> dict[str, Any]:
    return {f.name: getattr(declaration, f.name) for f in fields(Option)}


def _annotation(types: Sequence[type]) -> Any:
    return Union[tuple(dict.fromkeys(types))]  # noqa: UP007  made at run time


def _typed(value: Any) -> str:
    """Return a default as a user would type it."""
    if isinstance(value, tuple):
        return ",".join(map(_typed, value))
    return "on" if value is True else f"{value:g}" if isinstance(value, float) else str(value)
