"""The command line: plan, submit, follow, cancel; the embedded fleet."""
