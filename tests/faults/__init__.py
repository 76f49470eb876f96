"""`make faults`, to be read in this order; each group knows only of those before it.

tests/worlds  the small world with time in it (living.py), the same behind a proxy (behind_proxy.py), on instances
              (wordpress.py), over nodes of Redis (redis.py), with a Vault (vaulted.py), in pods beside it
              (workloads.py), with a function of the user's own (own_function.py), with keys that a provider issues
              (keyed.py) or a person (by_hand.py), with a JWKS (jwks.py) and in a Swarm (in_a_swarm.py), a call of a
              function in it (invocation.py), the shipped machine as a value (asl.py)
laws/         what must hold: at every instant, of every act, at the end
calls/        where a run may begin (scenarios.py, proxied.py, wordpress.py, nodes.py, vaulted.py, workloads.py,
              own_function.py, keyed.py, signing.py, by_hand.py, in_a_swarm.py), a call under the laws' eyes
              (machinery.py), how it may go wrong (kinds.py), Secrets Manager that rotates by itself (secrets_manager.py)
alike/        when two situations are one: what of a payload is still read (liveness.py), what can be told apart (likeness.py)
walk/         one run after the other: a search (search.py), all that may come of one call (attempt.py), every run (explorer.py),
              one run shown again (again.py), and one that nothing happens to (whole.py)
crowd/        several at once, and people: in every order (actors.py, rivals.py), Secrets Manager beside them (button.py), beside
              the target that owns a shared admin (owner.py), drawn at random (schedules.py), edits (edits.py)
teeth/        faults put back, each of which must be found: what one is (mutation.py), the peers' (peers.py), the protocol's
              (record.py, passwords.py, order.py, looks.py, turns.py, shared.py, proxy.py, instances.py, nodes.py, vaulted.py,
              workloads.py, own_function.py, in_a_swarm.py, keyed.py, signing.py, by_hand.py), adapters by themselves
              (adapters.py, described.py, certified.py, acmed.py), the hunt (hunt.py)
jobs.py, table.py, __main__.py    the pieces of work, what is said of them, the command
"""
