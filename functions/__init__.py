"""One package for each Lambda function, and `main`, which serves all route groups in one app."""

import gc
from typing import Final

# Keeps garbage collection from running during the imports, and is therefore set before them. They create several
# hundred thousand objects that are never freed. With Python's default threshold of 2,000 new objects, garbage
# collection takes 10% of the start time.
# `create_app` sets the threshold for the time after the start.
_GC_THRESHOLD_DURING_IMPORTS: Final = 1_000_000
gc.set_threshold(_GC_THRESHOLD_DURING_IMPORTS)
