"""Runs functions that `diagrad code` printed: Python's in an empty namespace, C's as a program."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

from diagrad.verify.points import draw

STRICT = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic")
SANITIZED = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
PARAMETER = re.compile(r" +(?:const )?(size_t|\w+) (\*?(?:restrict )?)(\w+)[,)]( +/\* .* \*/)?")
HEAD = re.compile(r"^void (\w+)\(\n((?: .*\n)+)\{", re.MULTILINE)
ROOM = re.compile(r"^size_t \w+_workspace\((.*)\)$", re.MULTILINE)


def point(problem: Any, seed: int, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
    """Variables that respect their facts, of these sizes."""
    with patch("diagrad.verify.points.draw_sizes", lambda *_: dict(sizes)):
        drawn = draw(problem.source, np.random.default_rng(seed))
    return dict(drawn.arrays)


def python_function(text: str | bytes) -> Any:
    """The last function of a module."""
    names: dict[str, Any] = {"__builtins__": __builtins__}
    exec(compile(text, "emitted", "exec"), names)
    words = text if isinstance(text, str) else text.decode()
    return names[re.findall(r"^def (\w+)", words, re.MULTILINE)[-1]]


class Parameter(NamedTuple):
    kind: str
    pointer: bool
    name: str
    written: bool


class Program:
    """A C function with a main around it, which reads and writes numbers."""

    def __init__(self, text: str, room: Path, flags: Sequence[str] = SANITIZED) -> None:
        head = HEAD.search(text)
        assert head, text
        found = [PARAMETER.fullmatch(line) for line in head[2].splitlines()]
        assert all(found), head[2]
        self.parameters = [
            Parameter(f[1], "*" in f[2], f[3], "restrict" in f[2]) for f in found if f
        ]
        needs = ROOM.search(text)
        self.work = self.parameters.pop() if needs else None
        self.real = next(p.kind for p in self.parameters if p.kind != "size_t")
        lines = [*self._main(head[1], needs[1] if needs else "")]
        (room / "unit.c").write_text(text, "utf-8")
        (room / "main.c").write_text("\n".join(lines), "utf-8")
        self.binary = room / "main"
        command = ["cc", *STRICT, *flags, f"-I{room}", "-o", str(self.binary)]
        made = subprocess.run(
            [*command, str(room / "main.c"), "-lm"], capture_output=True, text=True, timeout=120
        )
        assert made.returncode == 0, made.stderr + text
        assert not made.stderr

    def _main(self, name: str, room: str) -> list[str]:
        real, read = self.real, "%lf" if self.real == "double" else "%f"
        lines = [
            '#include "unit.c"',
            "#include <stdio.h>",
            "#include <stdlib.h>",
            "int main(void)",
            "{",
            "size_t n_;",
        ]
        for p in self.parameters:
            own = f"a_{p.name}"
            if p.kind == "size_t":
                lines += [f"size_t {own};", f'if (scanf("%zu", &{own}) != 1) return 1;']
            elif not p.pointer:
                lines += [f"{real} {own};", f'if (scanf("{read}", &{own}) != 1) return 1;']
            else:
                lines += [
                    'if (scanf("%zu", &n_) != 1) return 1;',
                    f"{real} *const {own} = malloc(n_ * sizeof({real}));",
                    f"const size_t n_{p.name} = n_;",
                ]
                if not p.written:
                    lines.append(
                        f'for (size_t k_ = 0; k_ < n_; k_++) if (scanf("{read}", {own} + k_) != 1) '
                        "return 1;"
                    )
                lines.append(f"(void)n_{p.name};")
        arguments = [f"a_{p.name}" for p in self.parameters]
        if self.work:
            sizes = ", ".join(f"a_{part.split()[-1]}" for part in room.split(",") if part != "void")
            lines.append(f"{real} *w_ = malloc({name}_workspace({sizes}) * sizeof({real}));")
            arguments.append("w_")
        lines.append(f"{name}({', '.join(arguments)});")
        for p in self.parameters:
            if p.written:
                lines.append(
                    f'for (size_t k_ = 0; k_ < n_{p.name}; k_++) printf("%a\\n", '
                    f"(double)a_{p.name}[k_]);"
                )
            if p.pointer:
                lines.append(f"free(a_{p.name});")
        return [*lines, *(["free(w_);"] if self.work else []), "return 0;", "}", ""]

    def __call__(
        self, sizes: Mapping[str, int], inputs: Sequence[Any], shapes: Sequence[tuple[int, ...]]
    ) -> list[np.ndarray]:
        """The outputs, of these shapes; sizes by the names in C."""
        words: list[str] = []
        arrays, counts = iter(inputs), iter([int(np.prod(shape)) for shape in shapes])
        for p in self.parameters:
            if p.kind == "size_t":
                words.append(str(sizes[p.name]))
            elif p.written:
                words.append(str(next(counts)))
            else:
                array = np.ravel(next(arrays))
                words += [str(array.size)] if p.pointer else []
                words += [float(number).hex() for number in array]
        run = subprocess.run(
            [str(self.binary)], input="\n".join(words), capture_output=True, text=True, timeout=60
        )
        assert run.returncode == 0, run.stderr
        numbers = [float.fromhex(word) for word in run.stdout.split()]
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
        assert len(numbers) == ends[-1]
        pieces = np.split(np.array(numbers), ends[:-1])
        return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]
