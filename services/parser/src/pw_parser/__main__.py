"""`python -m pw_parser`."""

import sys

from pw_parser.main import main

sys.exit(main())
