"""Personal data of readers: forgotten when it is no longer needed, shown and erased on request."""
