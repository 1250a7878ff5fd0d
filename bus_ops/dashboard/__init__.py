"""The manager's page: what the service reached, what it cost, what was read, what went wrong."""
