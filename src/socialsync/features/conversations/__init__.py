"""Who has the floor in a conversation, and who answers it."""
