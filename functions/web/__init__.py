"""The page: a web app that uses the public API. Its files are in `page`."""
