"""What `socialsync worker` refuses, and how it says so."""

import pytest
from typer.testing import CliRunner

from socialsync import cli
from socialsync.cli.worker import _bounds, _memory, _queues
from socialsync.worker.autoscale import Bounds

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--autoscale", "8"), "--autoscale: '8' is not two numbers; write it like 8,2"),
        (("--autoscale", "2,8"), "--autoscale: MAX comes first; write it like 8,2"),
        (("--autoscale", "8,0"), "--autoscale: processes are 1 to 512; write it like 8,2"),
        (("--autoscale", "8,2", "--processes", "3"), "--autoscale: says how many; leave --processes out"),
        (("--max-memory-per-child", "lots"), "--max-memory-per-child: 'lots' is no size; write it like 400,"),
        (("--max-memory-per-child", "200000"), "Celery counts in KiB: write 195M"),
        (("-q", " , "), "--queues: names no queue; write it like ingest,scheduler"),
        (("-q", ""), "--queues: names no queue; write it like ingest,scheduler"),
        (("--processes", "0"), "--processes"),
        (("--max-tasks-per-child", "-1"), "--max-tasks-per-child"),
        (("--drain-timeout", "soon"), "--drain-timeout"),
        (("--log-level", "loud"), "--log-level"),
    ],
)
def test_a_bad_value_is_named_with_its_fix(options, said):
    result = CliRunner(env={"TERMINAL_WIDTH": "200", "COLUMNS": "200"}).invoke(cli.app, ["worker", *options])
    assert result.exit_code == 2
    assert said in result.stderr


def test_values_are_read_as_they_are_written():
    assert _bounds("8, 2") == Bounds(2, 8)
    assert _bounds("3,3") == Bounds(3, 3)
    assert _queues(" ingest, scheduler,,ingest") == ["ingest", "scheduler"]
    sizes = {"400": 400, "400M": 400, "400MiB": 400, "1.5g": 1536, "524288K": 512, "1 ": 1}
    assert {given: _memory(given) // MIB for given in sizes} == sizes
