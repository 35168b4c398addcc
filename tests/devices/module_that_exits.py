"""What a plug-in's module may do while it is imported."""

import sys

sys.exit("no licence found")
