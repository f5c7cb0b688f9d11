"""The shared care record of a region: what its organisations each hold of a person, in one secure view."""

__version__ = "0.4.1"
