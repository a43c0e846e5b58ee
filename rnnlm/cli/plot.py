"""`rnnlm plot`: training curves."""

from __future__ import annotations

import click

from .console import say


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "-o",
    "--output",
    default="curves.png",
    show_default=True,
    metavar="FILE",
    help="Picture to write: .png, .svg or .pdf.",
)
def command(runs: tuple[str, ...], output: str) -> None:
    """Draw loss, accuracy, gradient norm and learning rate of each RUN (a model or checkpoint file)."""
    from ..curves import draw, read_log

    draw({path: read_log(path) for path in runs}, output)
    say(f"curves written to {output}")
