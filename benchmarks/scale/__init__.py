"""How far one catalog and one broker carry: many simulated workers, a run of many assets."""
