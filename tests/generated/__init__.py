"""Random problems in the problem language, and an oracle for their derivatives from values alone.

Nothing here reads the engine: `problems` writes text, `oracle` evaluates it with NumPy and
differentiates by complex steps, `check` compares what the engine says with that.
"""
