"""Instagram: publishing and what can be read of it.

Meta, Instagram Platform, "Content Publishing", "IG User Media", "IG Container", "Error Codes".
"""
