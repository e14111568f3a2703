"""A worker is killed at every boundary of a mail, and another one finds what it left."""

import pytest

from tests.chaos.conftest import wait_for

POINTS = {
    "intent": (("escalation_mails", "insert", "new.status = 'sending'"), 0, 1),
    "mail": ("before", 1, 1),
    "answer": ("after", 1, 2),
    "outcome": (("escalation_mails", "update", "new.status = 'sent'"), 1, 2),
    "job's end": (
        (
            "procrastinate_jobs",
            "update",
            "new.status = 'succeeded' and new.task_name = 'escalations.notify_escalation'",
        ),
        0,
        1,
    ),
}
"""Where, how many doubts that makes, and how often the mail is seen."""


@pytest.mark.parametrize("name", POINTS)
def test_people_are_told_wherever_the_worker_dies(lookout, name):
    lookout.staff()
    lookout.later()
    point, doubts, times = POINTS[name]
    if isinstance(point, str):
        lookout.letterbox.held.clear()
        lookout.letterbox.hold = point
        (one,) = lookout.open()
        wait_for(lookout.letterbox.held.is_set, f"the point {name!r}", tell=lookout.tell)
        lookout.kill(lookout.busy())
        lookout.letterbox.hold = None
    else:
        with lookout.gate(*point):
            (one,) = lookout.open()
            wait_for(lookout.somebody_waits, f"the point {name!r}", tell=lookout.tell)
            lookout.kill(lookout.busy())
    rest = lookout.open(3)
    lookout.settle()
    lookout.start()  # for the next point
    lookout.audit()
    mail = lookout.mail_of(one)
    assert (mail.status, mail.doubts) == ("sent", doubts)
    assert len(lookout.seen()[str(mail.id)]) == times
    assert len({lookout.mail_of(each).id for each in rest}) == 1, "one digest"
