"""Found by `features.collect`; there is one module for each feature."""
