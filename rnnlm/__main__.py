"""`python -m rnnlm` is the command `rnnlm`."""

from .cli import main

if __name__ == "__main__":
    main()
