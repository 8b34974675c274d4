"""Background tasks: a few lines each, which read their arguments and call an action."""
