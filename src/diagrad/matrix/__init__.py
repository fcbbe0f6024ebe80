"""From index form back to the matrix notation that people write."""
