"""What a problem may not exceed: reading takes bounded time and memory whatever the text."""

from __future__ import annotations

LONGEST_TEXT = 100_000
MOST_TOKENS = 20_000
DEEPEST = 100
LONGEST_NAME = 50
MOST_DIGITS = 40
LARGEST_TENS = 300
LARGEST_POWER = 1000
LARGEST_COEFFICIENT = 10**6
LARGEST_DEGREE = 8
MOST_SIZE_TERMS = 64
MOST_LABELS = 8
MOST_GROWTH = 4000
LONGEST_SHOWN = 40
