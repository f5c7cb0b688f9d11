"""The simulated region: invented people and the systems around them, which speak to the record only over the wire."""
