"""The command line's options, made from where they are declared (`rnnlm.options`), and their help."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import click

from ..option_help import GROUPS, help_line
from ..options import Declared, declared

COMMON = "Options that most people need"
_SHOW_ALL = "rnnlm.show all options"  # key of click's context


class Number(click.ParamType):
    """The type of an option that takes a number or the word `none`."""

    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.name = "integer" if kind is int else "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        """The number, or None for `none`. click.BadParameter for anything else."""
        if value is None or str(value).lower() == "none":
            return None
        try:
            return self.kind(value)
        except ValueError:
            what = "a whole number" if self.kind is int else "a number"
            self.fail(f"{value!r} is neither {what} nor none.", param, ctx)


class GroupedOption(click.Option):
    """An option under a heading of the help; those that are `common` come first."""

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
        """Write the common options, or after --help-all every option under the heading of its group."""
        groups: dict[str, list[tuple[str, str]]] = {}
        everything = ctx.meta.get(_SHOW_ALL, False)
        shown = 0
        for param in sorted(self.get_params(ctx), key=_position):
            record = None if isinstance(param, click.Argument) else param.get_help_record(ctx)
            if record is None:
                continue
            group, common = "Other", True
            if isinstance(param, GroupedOption):
                group, common, shown = param.group, param.common, shown + 1
            if everything:
                groups.setdefault(group, []).append(record)
            elif common:
                groups.setdefault(COMMON if isinstance(param, GroupedOption) else "Help", []).append(record)
        for name in (COMMON, "Help", *GROUPS):
            if name in groups:
                with formatter.section(name):
                    formatter.write_dl(groups[name])
        if not everything:
            formatter.write_paragraph()
            formatter.write_text(f"All {shown} options, by group: {ctx.command_path} --help-all")


def _position(param: click.Parameter) -> int:
    """The position of an option's group in the help."""
    return GROUPS.index(param.group) if isinstance(param, GroupedOption) else len(GROUPS)


def _show_all(ctx: click.Context, param: click.Parameter, show: bool) -> None:
    """Print the help with all options, and end the command."""
    if show and not ctx.resilient_parsing:
        ctx.meta[_SHOW_ALL] = True
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


def option(*names: str, group: str = "Other", common: bool = False, **more: Any) -> Callable[[Any], Any]:
    """A `click.option` that belongs to the command line alone, under a heading of the help."""
    return click.option(*names, cls=GroupedOption, group=group, common=common, **more)


json_option = option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")


def with_options(
    cls: type, *, into: str | None = None, without: Sequence[str] = (), common: Sequence[str] = ()
) -> Callable[[Any], Any]:
    """A decorator that gives a command an option for each one that the class declares, in its order.

    With `into` the command gets them as one argument of that name, a value of the class; else each by its name.
    `without` are left out; those in `common` count as such, whatever they are declared.
    """
    declarations = [one for name, one in declared(cls).items() if name not in without]

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        names = [declaration.name for declaration in declarations]
        wrapped = command if into is None else _gathered(command, cls, into, names)
        for declaration in reversed(declarations):
            wrapped = _click_option(declaration, declaration.option.common or declaration.name in common)(wrapped)
        return wrapped

    return decorate


def _gathered(command: Callable[..., Any], cls: type, into: str, names: Sequence[str]) -> Callable[..., Any]:
    """The command, called with the options `names` gathered in one value of the class."""

    @functools.wraps(command)
    def gathered(*arguments: Any, **values: Any) -> Any:
        options = {name: values.pop(name) for name in names}
        return command(*arguments, **values, **{into: cls(**options)})

    return gathered


def _click_option(declaration: Declared, common: bool) -> Callable[[Any], Any]:
    """The click option for a declared one: its names, type, default and help."""
    o, name = declaration.option, declaration.name.replace("_", "-")
    names = [*(n for n in o.names if not n.startswith("--")), f"--{name}", *(n for n in o.names if n.startswith("--"))]
    more: dict[str, Any] = {
        "group": o.group,
        "common": common,
        "help": help_line(declaration),
        "default": _typed(declaration.default),
    }
    if o.metavar or declaration.choices:
        more["metavar"] = o.metavar or "NAME"
    if o.envvar:
        more |= {"envvar": o.envvar, "show_envvar": True}
    if declaration.is_flag:
        has_off = o.off or declaration.default or o.fallback or any(on for _, on in o.kind_defaults)
        names = [f"--{name}/{o.off or f'--no-{name}'}"] if has_off else names
        more |= {"is_flag": True, "show_default": declaration.default is True}
    else:
        number = next(
            (kind for kind in (int, float) if kind in declaration.types and str not in declaration.types), None
        )
        more["type"] = str if number is None else Number(number) if o.none else number
        more["show_default"] = more["default"] is not None
    return option(*names, declaration.name, **more)


def _typed(default: Any) -> Any:
    """A default as it would be typed: the parts of a sequence joined by commas, None for an empty one."""
    return (",".join(map(str, default)) or None) if isinstance(default, tuple) else default
