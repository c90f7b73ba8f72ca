"""The routes of the change log: pages, long polls and streams."""
