"""How many messages a number may send, and to whom.

Meta, WhatsApp Cloud API, "Throughput" (80 messages per second) and "Pair rate limits" (one per six seconds to
one person; 45 may be borrowed from the future).
"""

from datetime import timedelta

from socialsync.simulator.graph.errors import graph_error
from socialsync.simulator.world import World


def admit(account: str, person: str, world: World) -> None:
    """Count one message. What is refused is not counted.

    Raises:
        GraphError: 130429, 131056, or 131050 from a person who opted out.
    """
    setup, now, paces = world.setup, world.now(), world.whatsapp
    if person in setup.opted_out:
        raise graph_error(131050)
    beat = timedelta(seconds=1 / setup.throughput_per_s) if setup.throughput_per_s else None
    if beat and not paces.throughput.allows(account, now, setup.throughput_per_s, beat):
        raise graph_error(130429)
    pause = timedelta(seconds=setup.pair_interval_s)
    if setup.pair_burst and not paces.pairs.allows((account, person), now, setup.pair_burst, pause):
        raise graph_error(131056)
    if beat:
        paces.throughput.count(account, now, beat)
    if setup.pair_burst:
        paces.pairs.count((account, person), now, pause)
