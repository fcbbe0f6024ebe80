"""Formulas as compiled C: the machine's own compiler, kept libraries, and calls of low cost."""
