"""Commands of the operator on accounts: invites, temporary passwords, ends of sessions and accounts."""
