"""The problem language: text to typed expressions, by Python's own parser and without execution."""

from __future__ import annotations

from diagrad.language.reading import read as read
from diagrad.language.reading import read_definitions as read_definitions
from diagrad.language.reading import read_expression as read_expression
from diagrad.language.reading import read_over as read_over
from diagrad.language.source import Declaration as Declaration
from diagrad.language.source import Definition as Definition
from diagrad.language.source import Source as Source
