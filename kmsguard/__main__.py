"""`python -m kmsguard`."""

import sys

from kmsguard.cli import main

if __name__ == "__main__":
    sys.exit(main())
