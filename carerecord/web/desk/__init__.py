"""The desks: pages for those who look after the record itself, each guarded by the role that may work there."""
