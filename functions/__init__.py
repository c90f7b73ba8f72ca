"""The faces: one folder is one route group is one Lambda function; `main` puts them into one app."""
