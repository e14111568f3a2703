"""What people write under posts: watched, judged, answered, escalated."""
