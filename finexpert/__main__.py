"""`python -m finexpert` is the command `finexpert`."""

from finexpert.cli.main import main

if __name__ == "__main__":
    main()
