"""The cell magic of notebooks: a cell that begins with `%%diagrad` is a problem.

    %load_ext diagrad

    %%diagrad J --wrt x,W1 --route both --name p
    x: row[Dx]; W1: matrix[Dx, H]
    J = sum(tanh(x @ W1) ** 2)

The line takes the options of `diagrad derive`, read by the same parser. All that is needed of
IPython comes with the shell that loads the extension, so that nothing here imports it.
"""

from __future__ import annotations

import keyword
import shlex
from dataclasses import dataclass
from typing import Any, NoReturn

import click

import diagrad as dg
from diagrad import cli, output, pages

DERIVE = ("of", "wrt", "order", "layout", "structure", "route", "depth")
HELP = "Derive what the cell defines, and show the derivation. J is short for --of J."


class Shown(Exception):
    """An error that a notebook shows by its message alone. It stops the cell as any other does."""

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


def _bindable(context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    """The name, which has to be one that Python can bind."""
    if name is not None and (not name.isidentifier() or keyword.iskeyword(name)):
        raise click.BadParameter(f"{name!r} is not a name in Python", context, option)
    return name


COMMAND = click.Command(
    "%%diagrad",
    params=[
        click.Argument(["what"], required=False, metavar="[J]"),
        *(parameter for parameter in cli.derive.params if parameter.name in DERIVE),
        click.Option(["--name"], callback=_bindable, metavar="p", help="Keep the problem as p."),
        click.Option(
            ["--into"], callback=_bindable, metavar="d",
            help="Keep the derivation as d; with several variables a list of them.",
        ),
    ],
    help=HELP,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """Derivations that share a page, by a route and in a depth, as a notebook shows them."""

    derivations: list[dg.Derivation]
    route: str | None
    depth: str

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return pages.shown(self.derivations, self.route or "jacobian", self.depth)


def load(shell: Any) -> None:
    """Makes `%%diagrad` known to an IPython shell."""

    def diagrad(line: str, cell: str) -> None:
        try:
            options = _options(line)
            if options is not None:
                _run(shell, cell, **options)
        except (dg.ProblemError, dg.DerivationError) as error:
            _fail(str(error))

    shell.register_magic_function(diagrad, magic_kind="cell")
    shell.register_magic_function(_line_alone, magic_kind="line", magic_name="diagrad")


def _options(line: str) -> dict[str, Any] | None:
    """What the line asks for; None where it asked for help, which is then printed."""
    try:
        return COMMAND.make_context("%%diagrad", shlex.split(line)).params
    except click.exceptions.Exit:
        return None
    except ValueError as error:
        _fail(f"{error} in %%diagrad {line.strip()}")
    except click.ClickException as error:
        _fail(f"{error.format_message()}\n%diagrad --help says what there is.")


def _run(
    shell: Any,
    cell: str,
    what: str | None,
    of: str | None,
    wrt: str | None,
    route: str | None,
    depth: str,
    name: str | None,
    into: str | None,
    **request: Any,
) -> None:
    """Shows the derivations of a cell, and keeps what is to be kept under its name."""
    if what and of:
        raise dg.DerivationError(f"what is differentiated, {what} or {of}? Name one of them")
    problem = dg.parse(f"\n{cell}", file="cell")  # lines are counted as the notebook counts them
    for warning in problem.warnings:
        output.say(warning)
    target = what or of or cli.last_definition(problem)
    names = cli.variables(problem, target, wrt)
    derivations = problem.derive(target, wrt=names, **request)
    alone = len(derivations) == 1
    as_usual = alone and (route, depth) in ((None, "standard"), ("jacobian", "standard"))
    shown = derivations[0] if as_usual else Told(derivations, route, depth)
    shell.display_pub.publish(*shell.display_formatter.format(shown))
    found = {name: problem, into: derivations[0] if alone else derivations}
    shell.push({key: value for key, value in found.items() if key})


def _line_alone(line: str) -> None:
    """`%diagrad` alone has no cell to read; `%diagrad --help` says what there is."""
    if "--help" not in line and "-h" not in line.split():
        _fail("%%diagrad, with two percent signs, begins a cell; the problem stands below it")
    _options(line)


def _fail(message: str) -> NoReturn:
    raise Shown(message) from None
