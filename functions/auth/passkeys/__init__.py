"""Routes of passkeys: to register, list and remove them, and to sign in with one."""
