"""The checks have teeth: faults put back one at a time, and each must be found.

The first fifteen are those of the best-known tool of this kind; the others are what each clause of the protocol is there for.
"""

from tests.faults.teeth.acmed import ACMED
from tests.faults.teeth.by_hand import BY_HAND
from tests.faults.teeth.certified import CERTIFIED
from tests.faults.teeth.described import DESCRIBED
from tests.faults.teeth.in_a_swarm import IN_A_SWARM
from tests.faults.teeth.instances import INSTANCES
from tests.faults.teeth.keyed import KEYED
from tests.faults.teeth.looks import LOOKS
from tests.faults.teeth.nodes import NODES
from tests.faults.teeth.order import ORDER
from tests.faults.teeth.own_function import OWN_FUNCTION
from tests.faults.teeth.passwords import PASSWORDS
from tests.faults.teeth.peers import PEERS
from tests.faults.teeth.proxy import PROXIED
from tests.faults.teeth.record import RECORD
from tests.faults.teeth.shared import SHARED
from tests.faults.teeth.signing import KEYS
from tests.faults.teeth.turns import TURNS
from tests.faults.teeth.vaulted import VAULTED
from tests.faults.teeth.workloads import WORKLOADS

OF_KINDS = [
    *(*PROXIED, *INSTANCES, *NODES, *VAULTED, *WORKLOADS, *OWN_FUNCTION, *IN_A_SWARM),
    *(*KEYED, *DESCRIBED, *ACMED, *CERTIFIED, *KEYS, *BY_HAND),
]
PROTOCOL = [*RECORD, *PASSWORDS, *ORDER, *LOOKS, *TURNS, *SHARED, *OF_KINDS]
MUTATIONS = [*PEERS, *PROTOCOL]
