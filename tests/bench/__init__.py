"""Benchmarks, run by `./scripts/bench NAME`; each prints medians with the least and the most."""
