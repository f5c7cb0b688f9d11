"""The systems around the record: one simulator for each kind, configured by a file, each a process of its own.

In: a configuration. Out: HL7 v2, FHIR, documents, launches, tokens. Invariant: nothing here imports the record.
"""
