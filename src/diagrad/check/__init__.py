"""Answers checked: whether they are right, and if not which line is wrong first and why."""

from __future__ import annotations

from diagrad.check.answers import check_answer as check_answer
from diagrad.check.function import FunctionVerdict as FunctionVerdict
from diagrad.check.function import check_function as check_function
from diagrad.check.verdict import Mistake as Mistake
from diagrad.check.verdict import Verdict as Verdict
