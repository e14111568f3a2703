"""Stock procrastinate with the same tasks."""

import os

import procrastinate
from declared import declare, main

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["BENCH_URL"]))
declare(app)

if __name__ == "__main__":
    main(app)
