"""`python -m drskit` is the command line."""

from drskit.cli import main

if __name__ == "__main__":
    main()
