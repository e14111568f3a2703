"""Who writes to us and what, what we write to them, and when a burst of messages is over."""
