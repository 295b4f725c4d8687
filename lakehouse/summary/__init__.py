"""Words about the market that can be trusted: facts → brief → a model's answer → verdict.

    facts = pulse_facts(answer_of_v1_pulse)
    asked = brief(facts)               # what to send to a model, and the fallback
    judged = verdict(facts, answer)    # ok, complaints, what to send to people

docs/summaries.md tells the rules.
"""

from lakehouse.summary.brief import brief
from lakehouse.summary.facts import Facts, pulse_facts, spike_facts
from lakehouse.summary.render import Rendered
from lakehouse.summary.verify import verdict

__all__ = ["Facts", "Rendered", "brief", "pulse_facts", "spike_facts", "verdict"]
