"""Everything that can die dies, at random and again and again; then it is counted whether anything was lost
or done twice.

`plan` says what happens when, `stage` holds the processes, `faults` does the harm, `load` and `watching` are
the users, `verdict` is the judge, and `run` puts them together: `make chaos SEED=1`.
"""
