"""Routes of an account that few requests need: below `/api/v1/auth`."""
