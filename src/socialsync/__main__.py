"""``python -m socialsync``."""

from socialsync.cli import main

if __name__ == "__main__":
    main()
