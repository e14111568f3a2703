"""Meta Graph, as far as SocialSync needs it: strict where Meta is, and saying the same when it refuses."""
