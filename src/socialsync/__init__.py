"""SocialSync: posts, DMs and comments for WhatsApp and Instagram, on one Postgres and nothing else."""

__version__ = "0.1.0"
