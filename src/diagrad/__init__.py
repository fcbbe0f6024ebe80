"""Diagrad derives gradients, Jacobians and Hessians in matrix form, and checks them."""

from diagrad.derivation import Derivation as Derivation
from diagrad.errors import DerivationError as DerivationError
from diagrad.errors import InternalError as InternalError
from diagrad.errors import ProblemError as ProblemError
from diagrad.errors import Unsupported as Unsupported
from diagrad.formula import Formula as Formula
from diagrad.problem import Problem as Problem
from diagrad.problem import load as load
from diagrad.problem import parse as parse
from diagrad.verify import Verification as Verification


def __getattr__(name: str) -> object:
    """What only checks and compiled functions need is imported at its first use."""
    if name in ("FunctionVerdict", "Mistake", "Verdict", "check_function"):
        from diagrad import check

        return getattr(check, name)
    if name in ("d", "hvp"):
        from diagrad.compile import asked

        return getattr(asked, name)
    raise AttributeError(f"module 'diagrad' has no attribute {name!r}")


def load_ipython_extension(shell: object) -> None:
    """`%load_ext diagrad`: the cell magic `%%diagrad`, see `diagrad.notebook`."""
    from diagrad import notebook

    notebook.load(shell)


__version__ = "0.1.0"
