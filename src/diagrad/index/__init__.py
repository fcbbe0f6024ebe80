"""Index notation: closed tensors, sums of products of them, and their normal form."""
