"""`python -m golgi`, the same as the command `golgi`."""

import sys

from golgi.command import main

if __name__ == "__main__":
    sys.exit(main())
