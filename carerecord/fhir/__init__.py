"""The language: R4 UK Core resources, paths, search, outcomes."""
