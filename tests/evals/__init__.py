"""Tests of `benchmarks/evals`, which measures the assistant."""
