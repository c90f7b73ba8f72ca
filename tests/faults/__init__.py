"""Clients with a ledger of acknowledged writes, while database, service and network fail (`make test SUITE=faults`)."""
