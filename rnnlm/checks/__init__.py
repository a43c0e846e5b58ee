"""The judges: every formula written a second time, from the papers, and what compares the package with them."""
