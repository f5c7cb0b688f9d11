"""A person's own pages: who looked at their record, questions about it, and objecting to its being shared."""
