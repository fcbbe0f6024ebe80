"""Derivations: what was asked, the formula that came out, its check, and its steps by several
routes."""

from __future__ import annotations

from diagrad.derivation.result import Derivation as Derivation
from diagrad.derivation.result import Record as Record
