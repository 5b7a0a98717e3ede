"""One run of all benchmarks: what there is to run, what its figures say, and how they are told."""
