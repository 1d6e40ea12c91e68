"""How fast is it, beside a baseline of the same run. `python -m benchmarks` prints the table."""
