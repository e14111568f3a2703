"""What answers in the model's place: words, their meanings in five languages, and rules.

Nothing here knows HTTP or keeps anything but caches. The same input gives the same output in every process.
"""
