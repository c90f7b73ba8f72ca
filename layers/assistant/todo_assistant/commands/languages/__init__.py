"""Commands in other languages than English, translated to English commands."""
