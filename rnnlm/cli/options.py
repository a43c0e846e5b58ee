"""The command line's options, made from where they are declared (`rnnlm.options`), and their help."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import click

from ..options import Declared, declared, listed

GROUPS = ("Text", "Data", "Model", "Output", "Training", "Regularisation", "Several runs", "Files", "Machine", "Other")
NEEDED = "Options that most people need"
_KEY = "rnnlm.show all options"


class Number(click.ParamType):
    """A number, or `none` where a person may ask for none."""

    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.name = "integer" if kind is int else "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        if value is None or str(value).lower() == "none":
            return None
        try:
            return self.kind(value)
        except ValueError:
            what = "a whole number" if self.kind is int else "a number"
            self.fail(f"{value!r} is neither {what} nor none.", param, ctx)


class GroupedOption(click.Option):
    """An option that stands under a heading of the help; `common` ones come first."""

    def __init__(self, *names: Any, group: str = "Other", common: bool = False, **more: Any) -> None:
        super().__init__(*names, **more)
        self.group, self.common = group, common


class GroupedCommand(click.Command):
    """A command whose `--help` shows the options that most people need, and `--help-all` all of them by group."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.params.append(
            click.Option(
                ["--help-all"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                help="Show all options, by group.",
                callback=_show_all,
            )
        )

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        everything = ctx.meta.get(_KEY, False)
        shown = 0
        for param in sorted(self.get_params(ctx), key=_place):
            record = None if isinstance(param, click.Argument) else param.get_help_record(ctx)
            if record is None:
                continue
            group, common = "Other", True
            if isinstance(param, GroupedOption):
                group, common, shown = param.group, param.common, shown + 1
            if everything:
                groups.setdefault(group, []).append(record)
            elif common:
                own = isinstance(param, GroupedOption)
                groups.setdefault(NEEDED if own else "Help", []).append(record)
        for name in (NEEDED, "Help", *GROUPS):
            if name in groups:
                with formatter.section(name):
                    formatter.write_dl(groups[name])
        if not everything:
            formatter.write_paragraph()
            formatter.write_text(f"All {shown} options, by group: {ctx.command_path} --help-all")


def _place(param: click.Parameter) -> int:
    """Where the group of an option stands among the others."""
    return GROUPS.index(param.group) if isinstance(param, GroupedOption) else len(GROUPS)


def _show_all(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        ctx.meta[_KEY] = True
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


def option(*names: str, group: str = "Other", common: bool = False, **more: Any) -> Callable[[Any], Any]:
    """A `click.option` that belongs to the command line alone, under a heading of the help."""
    return click.option(*names, cls=GroupedOption, group=group, common=common, **more)


def with_options(
    cls: type, *, into: str | None = None, without: Sequence[str] = (), common: Sequence[str] = ()
) -> Callable[[Any], Any]:
    """A decorator that gives a command an option for each one that the class declares, in its order.

    With `into` the command gets them as one argument of that name, a value of the class; else each by its name.
    `without` are left out; of those in `common` every person should hear, whatever is declared.
    """
    every = [one for name, one in declared(cls).items() if name not in without]

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        wrapped = command if into is None else _gathered(command, cls, into, [one.name for one in every])
        for one in reversed(every):
            wrapped = _click_option(one, one.option.common or one.name in common)(wrapped)
        return wrapped

    return decorate


def _gathered(command: Callable[..., Any], cls: type, into: str, names: Sequence[str]) -> Callable[..., Any]:
    """The command with its options as one value; a decorator above it may have put some there already."""

    @functools.wraps(command)
    def gathered(*arguments: Any, **values: Any) -> Any:
        own = {name: values.pop(name) for name in names}
        return command(*arguments, **values, **{into: cls(**own)})

    return gathered


def _click_option(one: Declared, common: bool) -> Callable[[Any], Any]:
    o, name = one.option, one.name.replace("_", "-")
    names = [*(n for n in o.names if not n.startswith("--")), f"--{name}", *(n for n in o.names if n.startswith("--"))]
    more: dict[str, Any] = {"group": o.group, "common": common, "help": _help(one), "default": _typed(one.default)}
    if o.metavar or one.choices:
        more["metavar"] = o.metavar or "NAME"
    if o.envvar:
        more |= {"envvar": o.envvar, "show_envvar": True}
    if one.is_flag:
        usually_on = one.default or o.fallback
        names = [f"--{name}/--no-{name}"] if usually_on else names
        more |= {"is_flag": True, "show_default": one.default is True}
    else:
        number = next((kind for kind in (int, float) if kind in one.types and str not in one.types), None)
        more["type"] = str if number is None else Number(number) if o.none else number
        more["show_default"] = more["default"] is not None
    return option(*names, one.name, **more)


def _typed(default: Any) -> Any:
    """A default as it would be typed: the parts of a sequence with commas, nothing where there are none."""
    return (",".join(map(str, default)) or None) if isinstance(default, tuple) else default


def _help(one: Declared) -> str:
    """The declared line, with whom it is for, the words that are allowed, and what stands for nothing."""
    o = one.option
    whose = f"{', '.join(o.kinds)}: " if 0 < len(o.kinds) <= 3 else ""
    told = all(word in o.help for word in one.choices)
    line = o.help if told else f"{o.help.removesuffix('.')}: {listed(one.choices)}."
    usual = f"  [{o.usual}]" if o.usual else ""
    return f"{whose}{line}{usual}"
