"""What each source said, and when. Append-only; nothing merged.

In: `append.append`, for intake alone. Out: `read.read_statements` and `read.read_original`, for disclosure, witness in
hand. Beneath: `chunk` packs statements, `dictionary` makes them small, `fold` moves them together, `versions` orders.
Invariant: no statement is ever changed or lost, but by a lawful, witnessed removal (`withdrawn`, `rewrite`); folding
moves statements, and everything it makes can be made again.
"""
