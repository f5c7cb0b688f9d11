"""One file a promise: what we said it would cost, measured."""
