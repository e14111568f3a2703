"""How long a burst is waited for."""

import pytest

from socialsync.errors import Invalid
from socialsync.features.channels.buffers import check_buffer


@pytest.mark.parametrize(("quiet", "longest"), [(5, 20), (0.001, 0.001), (3600, 3600)])
def test_a_silence_up_to_the_longest_burst_is_taken(quiet, longest):
    check_buffer(quiet_s=quiet, max_s=longest)


@pytest.mark.parametrize(
    ("quiet", "longest", "field"),
    [
        (0, 20, "buffer_quiet_s"),
        (-1, 20, "buffer_quiet_s"),
        (float("nan"), 20, "buffer_quiet_s"),
        (5, 3600.1, "buffer_max_s"),
        (20.1, 20, "buffer_quiet_s"),
    ],
)
def test_anything_else_is_refused_by_name(quiet, longest, field):
    with pytest.raises(Invalid) as refused:
        check_buffer(quiet_s=quiet, max_s=longest)
    assert refused.value.field == field
