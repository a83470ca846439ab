"""When to stop: rules on trees."""
