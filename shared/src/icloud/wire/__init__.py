"""CalDAV on the wire: requests out, answers in. Pure functions without I/O; nobody else sees XML."""
