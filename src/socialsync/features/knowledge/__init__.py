"""What a workspace knows: documents and FAQ entries, in chunks that are found by meaning and by words."""
