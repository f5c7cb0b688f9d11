"""What each kind of system tells of a person: one file for each kind, each a few functions over a Teller."""
