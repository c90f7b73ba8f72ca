"""Mail: texts from templates, and their way to an SMTP server or, in development, into files."""
