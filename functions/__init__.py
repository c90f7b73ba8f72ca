"""The route groups, one package each, and `main`, which serves all of them in one app."""

import gc
from typing import Final

# Set here, before any other import: the imports make several hundred thousand lasting objects, and garbage collection
# after every 2,000 of them (the default) takes 10% of the start. `create_app` sets the threshold for serving.
_GC_THRESHOLD_DURING_IMPORTS: Final = 1_000_000
gc.set_threshold(_GC_THRESHOLD_DURING_IMPORTS)
