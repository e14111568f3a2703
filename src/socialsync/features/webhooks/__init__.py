"""What Meta tells us: stored first, byte by byte, then handed to the rooms that it is about."""
