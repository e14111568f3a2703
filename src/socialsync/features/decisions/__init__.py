"""What becomes of what people write: answered, ignored, or shown to a person. Every decision is kept."""
