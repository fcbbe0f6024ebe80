"""`python -m diagrad` is the command `diagrad`."""

from diagrad.cli import main

if __name__ == "__main__":
    main()
