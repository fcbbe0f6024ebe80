"""Expressions as text: one printer, the notations as data."""

from __future__ import annotations

from diagrad.show.names import Names as Names
from diagrad.show.notation import NOTATIONS as NOTATIONS
from diagrad.show.printer import printed as printed
