"""Right and wrong answers to problems whose answer is known, each with the verdict it deserves.

Nothing here reads the checker: variants are made on Python's syntax trees, and what they are worth
is found by evaluating them with the interpreter of `generated` at random points.
"""
