"""Waits until a server listens at the argument, HOST:PORT. The deadline of the Job limits the wait."""

import socket
import sys
import time
from contextlib import suppress

host, _, port = sys.argv[1].rpartition(":")
while True:
    with suppress(OSError), socket.create_connection((host, int(port)), timeout=5):
        break
    time.sleep(0.5)
