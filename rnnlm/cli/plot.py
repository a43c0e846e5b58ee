"""`rnnlm plot`: training curves."""

from __future__ import annotations

import click

from .console import say
from .names import claim, models_and_texts


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
@click.pass_context
def command(context: click.Context, runs: tuple[str, ...], output: str) -> None:
    """Draw loss, accuracy, gradient norm and learning rate of each RUN (a model or checkpoint file)."""
    from ..curves import check_picture, draw, read_log

    check_picture(output)
    claim(context, output, "the picture", models_and_texts(runs))
    draw({path: read_log(path) for path in runs}, output)
    say(f"curves written to {output}")
