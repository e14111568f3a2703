"""What a person must see: opened once, mailed, claimed, resolved; and mailed again when nobody comes."""
