"""What is kept for a time only, taken away once that is over."""
