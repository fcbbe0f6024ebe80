"""The command line, `diagrad derive problem.dg`.

Results go to standard output, everything else to standard error. Exit status: 0 done, 2 bad input
or usage, 4 internal error. `diagrad --help` needs no more than click: the engine is imported where
it is used.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from diagrad.errors import DerivationError, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

    import diagrad as dg
    from diagrad.pages import Row

DONE, BAD_INPUT, INTERNAL, INTERRUPTED = 0, 2, 4, 130
LONGEST = 1_000_000
ROUTES = ("jacobian", "elements", "differential", "both", "all")
DEPTHS = ("overview", "standard", "full")
FORMS = ("text", "latex", "markdown", "html", "typst", "pdf", "ipynb", "json")
# What is read on its own, and has both routes.
PAGES = ("html", "typst", "pdf")
VERDICTS = {"correct": 0, "other-convention": 0, "incorrect": 1, "undecided": 3}
LAYOUTS = ("auto", "gradient", "numerator", "denominator", "vec", "tensor")
SYMBOLS = "∂ŷ²ᵀ₁ᵢ∘−×𝟏"
PLAIN = str.maketrans({"×": "x", "−": "-", "∂": "d", "∘": "*", "·": "*", "′": "'", "…": "..."})


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
@click.option("--of", metavar="J", help="What to differentiate; default: the last definition.")
@click.option(
    "--wrt", metavar="x,W1", help="By which names; default: every variable that is not a label."
)
@click.option("--order", type=click.IntRange(1, 2), default=1, help="2 for second derivatives.")
@click.option("--layout", type=click.Choice(LAYOUTS), default="auto", show_default=True)
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
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True)
@click.option("-o", "--output", metavar="OUT", help="Write to this file, in UTF-8.")
def derive(
    file: str,
    of: str | None,
    wrt: str | None,
    order: int,
    layout: str,
    structure: bool,
    route: str | None,
    depth: str,
    form: str,
    output: str | None,
) -> None:
    """Derive what FILE defines, with respect to its variables. FILE may be - for standard input."""
    import diagrad as dg

    keep(file, output)
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
    route = route or ("both" if form in PAGES else "jacobian")
    show(derivations, route, depth, form, output)


@main.command()
@click.argument("file")
@click.option("--of", metavar="J", help="What is differentiated; default: the last definition.")
@click.option("--wrt", metavar="x,W1", help="By which names; default: the only one there is.")
@click.option("--order", type=click.IntRange(1, 2), default=1, help="2 for second derivatives.")
@click.option("--layout", type=click.Choice(LAYOUTS), default="auto", show_default=True)
@click.option("--answer", metavar="A", help="The answer: an expression, or lines with names.")
@click.option("--file", "answers", metavar="ANSWERS", help="A file with the answer's lines.")
@click.option("--strict", is_flag=True, help="Another layout is not right.")
@click.option("--hint", is_flag=True, help="Say the rule alone, not the repair.")
@click.option("--show-answer", is_flag=True, help="Show the right derivative, too.")
@click.option("--json", "as_json", is_flag=True, help="The verdict as JSON.")
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
    as_json: bool,
) -> None:
    """Check an answer to what FILE asks: is it right, and if not, where does it go wrong and why?

    Exit status: 0 right, 1 wrong, 2 bad input, 3 undecided.
    """
    import diagrad as dg

    if (answer is None) == (answers is None):
        raise ProblemError("give the answer with --answer, or its file with --file")
    problem = dg.parse(read(file), file=shown(file))
    target = of or last_definition(problem)
    names = variables(problem, target, wrt)
    if wrt is None and len(names) > 1:
        raise DerivationError(f"name the variable with --wrt: {', '.join(names)}")
    text = answer if answer is not None else read(answers or "")
    verdicts = {
        name: problem.check(target, name, text, order=order, layout=layout, strict=strict)
        for name in names
    }
    if as_json:
        data = [v.data(show_answer) for v in verdicts.values()]
        plain = not can_show(SYMBOLS, sys.stdout)
        whole = data[0] if len(data) == 1 else data
        emit(json.dumps(whole, ensure_ascii=plain, indent=2) + "\n", None)
    else:
        blocks = (v.text(hint=hint, show_answer=show_answer) for v in verdicts.values())
        emit("\n\n".join(blocks) + "\n", None)
    context.exit(max(VERDICTS[v.kind] for v in verdicts.values()))


@main.command()
@click.argument("file")
@click.option("--of", metavar="J", help="What to differentiate; default: the last definition.")
@click.option(
    "--wrt", metavar="x,W1", help="By which names; default: every variable that is not a label."
)
@click.option("--order", type=click.IntRange(1, 2), default=1, help="2 for second derivatives.")
@click.option("--layout", type=click.Choice(LAYOUTS), default="auto", show_default=True)
@click.option(
    "--backend", metavar="B", default="numpy", show_default=True,
    help="The language: numpy, or c for C11.",
)  # fmt: skip
@click.option("--float", "single", is_flag=True, help="float32 in place of float64.")
@click.option("-o", "--output", metavar="OUT", help="Write to this file, in UTF-8.")
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

    keep(file, output)
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


def show(
    derivations: list[dg.Derivation], route: str, depth: str, form: str, output: str | None
) -> None:
    """Derivations in a format, to a file or standard output, there in colour on a terminal."""
    from diagrad import pages

    plain = output is None and not can_show(SYMBOLS, sys.stdout)
    if form == "json":
        data = pages.data(derivations, route)
        emit(json.dumps(data, ensure_ascii=plain, indent=2) + "\n", output)
    elif form == "text":
        on_terminal = output is None and sys.stdout.isatty()
        width = pages.terminal_width() if on_terminal else pages.WIDTH
        rows = pages.rows(derivations, route, depth, width, plain)
        if on_terminal:
            show_painted(rows)
        else:
            emit("".join(row.text + "\n" for row in rows), output)
    elif form == "latex":
        emit(pages.latex(derivations, route, depth, document=output is not None), output)
    elif form == "pdf":
        emit_bytes(pages.pdf(derivations, route, depth), output)
    else:
        write = {
            "markdown": pages.markdown,
            "html": pages.html,
            "typst": pages.typst,
            "ipynb": pages.notebook,
        }[form]
        text = write(derivations, route, depth)
        if form == "html" and plain:
            text = text.encode("ascii", "xmlcharrefreplace").decode("ascii")
        emit(text, output)


def keep(file: str, output: str | None) -> None:
    """Raises ProblemError where the result would replace the problem."""
    if output is not None and file != "-" and Path(output).resolve() == Path(file).resolve():
        raise ProblemError(f"{output} is the problem itself: choose another file for the result")


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


def can_show(text: str, stream: TextIO) -> bool:
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def fitting(text: str, stream: TextIO) -> str:
    """The text as far as the stream can show it, the rest in ASCII."""
    if can_show(text, stream):
        return text
    encoding = stream.encoding or "utf-8"
    return text.translate(PLAIN).encode(encoding, "backslashreplace").decode(encoding)


def say(message: str) -> None:
    """To standard error; control characters, which a problem may hold, are shown, not sent."""
    visible = "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in message)
    print(fitting(visible, sys.stderr), file=sys.stderr)


def emit(text: str, output: str | None) -> None:
    if output is None:
        sys.stdout.write(fitting(text, sys.stdout))
        sys.stdout.flush()
        return
    save(output, lambda path: path.write_text(text, encoding="utf-8"))


def emit_bytes(data: bytes, output: str | None) -> None:
    """To a file, or to another program; a terminal is for text."""
    if output is None:
        if sys.stdout.isatty():
            raise DerivationError("a PDF is not for a terminal: name a file with -o")
        sys.stdout.buffer.write(data)
        return
    save(output, lambda path: path.write_bytes(data))


def save(output: str, write: Callable[[Path], int]) -> None:
    """Raises ProblemError where the file cannot be written."""
    try:
        write(Path(output))
    except OSError as error:
        raise ProblemError(f"cannot write {output}: {error.strerror}") from None


STYLES = {"result": "bold", "heading": "bold", "reason": "dim"}


def show_painted(rows: list[Row]) -> None:
    """On a terminal: results bright, reasons dim."""
    from rich.console import Console
    from rich.text import Text

    console = Console(soft_wrap=True)
    for row in rows:
        console.print(Text(fitting(row.text, sys.stdout), style=STYLES.get(row.kind, "")))
