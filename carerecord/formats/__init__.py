"""How others say it: HL7 v2, pushed FHIR and dropped documents, put into FHIR. Pure.

In: an original as it arrived, and the source it is from. Out: a Reading: statements and problems, whole or in part.
Invariant: a translation is a function of its arguments alone, takes bounded time and memory, and never raises.
"""
