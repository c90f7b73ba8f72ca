"""The faces of the service: one package per route group, `main` for all of them in one app."""

import gc
from typing import Final

# A start makes objects by the hundred thousand that live as long as the process: to look for garbage among them
# every 2,000, as is the default, takes a tenth of the start. `create_app` sets the threshold for what comes after.
_MORE_OBJECTS_THAN_A_START_MAKES: Final = 1_000_000
gc.set_threshold(_MORE_OBJECTS_THAN_A_START_MAKES)
