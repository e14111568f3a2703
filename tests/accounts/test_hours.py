"""Business hours."""

import pytest

from socialsync.errors import Invalid
from socialsync.features.accounts.hours import check_hours


def test_days_and_spans_come_in_order():
    given = {"tue": [["14:00", "24:00"], ["00:00", "09:30"]], "mon": [["09:00", "18:00"]], "sun": []}
    assert check_hours(given) == {
        "mon": [["09:00", "18:00"]],
        "tue": [["00:00", "09:30"], ["14:00", "24:00"]],
        "sun": [],
    }
    assert list(check_hours(given)) == ["mon", "tue", "sun"]


def test_spans_may_touch():
    assert check_hours({"mon": [["09:00", "12:00"], ["12:00", "18:00"]]})


@pytest.mark.parametrize(
    ("hours", "field"),
    [
        ({"monday": [["09:00", "18:00"]]}, "business_hours"),
        ({"mon": [["9:00", "18:00"]]}, "business_hours.mon[0]"),
        ({"mon": [["09:00", "18:00"], ["19:00", "19:60"]]}, "business_hours.mon[1]"),
        ({"mon": [["24:00", "24:00"]]}, "business_hours.mon[0]"),
        ({"mon": [["09:00", "25:00"]]}, "business_hours.mon[0]"),
        ({"mon": [["18:00", "09:00"]]}, "business_hours.mon[0]"),
        ({"mon": [["09:00", "09:00"]]}, "business_hours.mon[0]"),
        ({"mon": [["09:00"]]}, "business_hours.mon[0]"),
        ({"mon": [[]]}, "business_hours.mon[0]"),
        ({"mon": [["09:00", "12:00", "18:00"]]}, "business_hours.mon[0]"),
        ({"mon": [["09:00", "12:00\n"]]}, "business_hours.mon[0]"),
        ({"mon": [["14:00", "18:00"], ["09:00", "14:01"]]}, "business_hours.mon"),
        ({"mon": [["00:00", "00:01"]] * 11}, "business_hours.mon"),
    ],
)
def test_what_cannot_be_is_refused_by_name(hours, field):
    with pytest.raises(Invalid) as refused:
        check_hours(hours)
    assert refused.value.field == field
