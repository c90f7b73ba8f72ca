"""Commands of the operator on accounts: invites, passwords, lost second factors, ends of sessions and accounts."""
