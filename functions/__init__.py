"""The faces of the service: one package per route group, `main` for all of them in one app."""

import gc
from typing import Final

# A start makes objects by the hundred thousand that live as long as the process: to look for garbage among them
# every 2,000, as is the default, takes a tenth of the start.
_OBJECTS_UNTIL_GARBAGE_IS_COLLECTED: Final = 50_000
gc.set_threshold(_OBJECTS_UNTIL_GARBAGE_IS_COLLECTED)
