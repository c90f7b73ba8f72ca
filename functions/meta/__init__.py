"""The route group of the health checks, the OpenAPI document and the pages that show this document."""
