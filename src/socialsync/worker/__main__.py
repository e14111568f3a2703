"""``python -m socialsync.worker OPTIONS DESCRIPTOR``: one worker process, for its supervisor."""

from socialsync import later

later.imported("socialsync.worker.child").main()
