"""Our App with the benchmark's tasks, declared as any user's."""

from declared import declare, main

from socialsync.worker import app

declare(app)

if __name__ == "__main__":
    main(app)
