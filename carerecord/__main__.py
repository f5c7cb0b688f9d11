"""`python -m carerecord` is the operator's hand."""

import sys

from carerecord.cli import main

sys.exit(main())
