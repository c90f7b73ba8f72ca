"""The routes that mail links to the owner of an account, and those that use the links."""
