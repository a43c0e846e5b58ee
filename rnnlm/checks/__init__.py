"""The self-check: every formula written a second time, from the papers, and comparing the package with them."""
