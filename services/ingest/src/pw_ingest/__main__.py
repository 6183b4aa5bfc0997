"""`python -m pw_ingest`."""

import sys

from pw_ingest.main import main

sys.exit(main())
