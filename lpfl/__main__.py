"""``python -m lpfl`` is the command ``lpfl``."""

import sys

from lpfl.cli import main

if __name__ == "__main__":
    sys.exit(main())
