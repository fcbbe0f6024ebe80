"""The command line, `diagrad derive problem.dg`.

Results go to standard output, everything else to standard error. Exit status: 0 done, 2 bad input
or usage, 4 internal error. `diagrad --help` needs no more than click: the engine is imported where
it is used.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from diagrad.errors import DerivationError, ProblemError
from diagrad.output import emit, form_of, say, show, show_verdicts

if TYPE_CHECKING:
    import diagrad as dg

DONE, BAD_INPUT, INTERNAL, INTERRUPTED = 0, 2, 4, 130
LONGEST = 1_000_000
ROUTES = ("jacobian", "elements", "differential", "both", "all")
DEPTHS = ("overview", "standard", "full")
FORMS = ("text", "latex", "markdown", "html", "typst", "pdf", "ipynb", "json")
# What is read on its own, and has both routes.
PAGES = ("html", "typst", "pdf")
VERDICTS = {"correct": 0, "other-convention": 0, "incorrect": 1, "undecided": 3}
LAYOUTS = ("auto", "gradient", "numerator", "denominator", "vec", "tensor")

# Options of several commands.
OF = click.option("--of", metavar="J", help="What to differentiate; default: the last definition.")
WRT = click.option(
    "--wrt", metavar="x,W1", help="By which names; default: every variable that is not a label."
)
ORDER = click.option(
    "--order", type=click.IntRange(1, 2), default=1, help="2 for second derivatives."
)
LAYOUT = click.option("--layout", type=click.Choice(LAYOUTS), default="auto", show_default=True)
FORMAT = click.option(
    "--format", "form", type=click.Choice(FORMS), default=None,
    help="Default: what the ending of OUT says, else text.",
)  # fmt: skip
OUTPUT = click.option("-o", "--output", metavar="OUT", help="Write to this file, in UTF-8.")


class Guarded(click.Group):
    """Commands whose exceptions become a message and an exit status, never a bare traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(DONE)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except (ProblemError, DerivationError) as error:
            say(str(error))
            ctx.exit(BAD_INPUT)
        except Exception as error:
            from diagrad.reporting import report

            say(report(error))
            ctx.exit(INTERNAL)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands and Path(args[0]).is_file():
            ctx.fail(f"No such command {args[0]!r}: did you mean `diagrad derive {args[0]}`?")
        return super().resolve_command(ctx, args)


@click.group(
    cls=Guarded,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="diagrad", message="%(prog)s %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Derives gradients in matrix notation and checks them against numbers.

    Without a command: derives a network with one hidden layer.
    """
    if context.invoked_subcommand is None:
        show_seed()


@main.command()
@click.argument("file")
@OF
@WRT
@ORDER
@LAYOUT
@click.option(
    "--structure", is_flag=True,
    help="The entries of a symmetric, diagonal or triangular variable move together.",
)  # fmt: skip
@click.option(
    "--route", type=click.Choice(ROUTES), default=None,
    help="Steps by Jacobians, by elements, or by differentials; the first two; all three. "
    "Default: jacobian; both in html, typst and pdf.",
)  # fmt: skip
@click.option(
    "--depth", type=click.Choice(DEPTHS), default="standard", show_default=True,
    help="A line for each step, with its reason, or with all that it rests on.",
)  # fmt: skip
@FORMAT
@OUTPUT
def derive(
    file: str,
    of: str | None,
    wrt: str | None,
    order: int,
    layout: str,
    structure: bool,
    route: str | None,
    depth: str,
    form: str | None,
    output: str | None,
) -> None:
    """Derive what FILE defines, with respect to its variables. FILE may be - for standard input."""
    import diagrad as dg

    keep(output, problem=file)
    problem = dg.parse(read(file), file=shown(file))
    for warning in problem.warnings:
        say(warning)
    target = of or last_definition(problem)
    derivations = problem.derive(
        target,
        wrt=variables(problem, target, wrt),
        order=order,
        layout=layout,
        structure=structure,
    )
    form = form_of(form, output)
    route = route or ("both" if form in PAGES else "jacobian")
    show(derivations, route, depth, form, output)


@main.command()
@click.argument("file")
@click.option("--of", metavar="J", help="What is differentiated; default: the last definition.")
@click.option("--wrt", metavar="x,W1", help="By which names; default: the only one there is.")
@ORDER
@LAYOUT
@click.option("--answer", metavar="A", help="The answer: an expression, or lines with names.")
@click.option("--file", "answers", metavar="ANSWERS", help="A file with the answer's lines.")
@click.option("--strict", is_flag=True, help="Another layout is not right.")
@click.option("--hint", is_flag=True, help="Say the rule alone, not the repair.")
@click.option("--show-answer", is_flag=True, help="Show the right derivative, too.")
@FORMAT
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
@OUTPUT
@click.pass_context
def check(
    context: click.Context,
    file: str,
    of: str | None,
    wrt: str | None,
    order: int,
    layout: str,
    answer: str | None,
    answers: str | None,
    strict: bool,
    hint: bool,
    show_answer: bool,
    form: str | None,
    as_json: bool,
    output: str | None,
) -> None:
    """Check an answer to what FILE asks: is it right, and if not, where does it go wrong and why?

    Exit status: 0 right, 1 wrong, 2 bad input, 3 undecided.
    """
    import diagrad as dg

    if (answer is None) == (answers is None):
        raise ProblemError("give the answer with --answer, or its file with --file")
    if as_json and form not in (None, "json"):
        raise ProblemError(f"--json is short for --format json: leave it out for --format {form}")
    keep(output, problem=file, answer=answers)
    problem = dg.parse(read(file), file=shown(file))
    target = of or last_definition(problem)
    names = variables(problem, target, wrt)
    if wrt is None and len(names) > 1:
        raise DerivationError(f"name the variable with --wrt: {', '.join(names)}")
    text = answer if answer is not None else read(answers or "")
    verdicts = [
        problem.check(target, name, text, order=order, layout=layout, strict=strict)
        for name in names
    ]
    form = form_of("json" if as_json else form, output)
    show_verdicts(verdicts, form, output, hint=hint, show_answer=show_answer)
    context.exit(max(VERDICTS[verdict.kind] for verdict in verdicts))


@main.command()
@click.argument("file")
@OF
@WRT
@ORDER
@LAYOUT
@click.option(
    "--backend", metavar="B", default="numpy", show_default=True,
    help="The language: numpy, or c for C11.",
)  # fmt: skip
@click.option("--float", "single", is_flag=True, help="float32 in place of float64.")
@OUTPUT
def code(
    file: str,
    of: str | None,
    wrt: str | None,
    order: int,
    layout: str,
    backend: str,
    single: bool,
    output: str | None,
) -> None:
    """Print a function that computes what FILE defines and its derivatives, for any sizes.

    It needs nothing of Diagrad.
    """
    import diagrad as dg
    from diagrad.code import code as written

    keep(output, problem=file)
    problem = dg.parse(read(file), file=shown(file))
    for warning in problem.warnings:
        say(warning)
    target = of or last_definition(problem)
    names = variables(problem, target, wrt)
    emit(written(problem.derive(target, names, order, layout), backend, single), output)


def show_seed() -> None:
    """The network of the README with respect to its input, the problem first."""
    from importlib.resources import files

    import diagrad as dg

    text = files("diagrad").joinpath("one_hidden_layer.dg").read_text("utf-8")
    problem = dg.parse(text, file="one_hidden_layer.dg")
    derivations = problem.derive("J", wrt=["x"])
    emit("".join(f"  {line}".rstrip() + "\n" for line in text.splitlines()) + "\n", None)
    show(derivations, "jacobian", "standard", "text", None)
    emit("\n  Your own problem: diagrad derive problem.dg\n", None)


def keep(output: str | None, **inputs: str | None) -> None:
    """Raises ProblemError for a result that would be written over what it is about."""
    for what, file in inputs.items():
        if output is None or file in (None, "-"):
            continue
        if Path(output).resolve() == Path(file or "").resolve():
            raise ProblemError(f"{output} is the {what} itself: choose another file for the result")


def shown(file: str) -> str:
    return "standard input" if file == "-" else file


def read(file: str) -> str:
    """The text of a problem. Raises ProblemError for what is no text."""
    try:
        data = read_bytes(file)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise ProblemError(f"cannot read {shown(file)}: {why}") from None
    if len(data) > LONGEST:
        raise ProblemError(f"{shown(file)} is longer than {LONGEST} bytes, the most a problem has")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ProblemError(f"{shown(file)}:{line}: not UTF-8; save it as UTF-8 text") from None


def read_bytes(file: str) -> bytes:
    """Of a longer file one byte more than the most, never all of it."""
    if file == "-":
        if sys.stdin is None:
            raise OSError(None, "it is closed")
        return sys.stdin.buffer.read(LONGEST + 1)
    with Path(file).open("rb") as stream:
        return stream.read(LONGEST + 1)


def last_definition(problem: dg.Problem) -> str:
    if not problem.last:
        raise ProblemError(
            "the problem defines nothing to differentiate: add a line like J = sum(x), or use --of"
        )
    return problem.last


def variables(problem: dg.Problem, of: str, wrt: str | None) -> list[str]:
    """The names after --wrt, each once; without it those the problem offers."""
    if wrt is not None:
        names = list(dict.fromkeys(name.strip() for name in wrt.split(",") if name.strip()))
    else:
        names = problem.default_wrt(of)
    if not names:
        raise DerivationError(f"no variable to differentiate {of} by: name one with --wrt")
    return names
