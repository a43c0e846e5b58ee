"""A text of a few hundred words, and settings with which a run on it takes a moment."""

TEXT = "\n".join(" ".join(f"w{(3 * i + j * j) % 23}" for j in range(2 + i % 5)) for i in range(60))
SMALL = {"hidden": 5, "classes": 4, "streams": 3, "block": 5, "epochs": 2, "seed": 3}
