"""The route groups, one package each, and `main`, which serves all of them in one app."""

import gc
from typing import Final

# Set here, because it must precede all other imports: they make several hundred thousand objects that are never freed.
# With the default threshold of 2,000, garbage collection takes 10% of the start. `create_app` sets the final threshold.
_GC_THRESHOLD_DURING_IMPORTS: Final = 1_000_000
gc.set_threshold(_GC_THRESHOLD_DURING_IMPORTS)
