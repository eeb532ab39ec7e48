"""Values that are JSON: their members and elements, as text."""

from agent.language.json_values.members import NegativeIndex, items_of, member_text

__all__ = ["NegativeIndex", "items_of", "member_text"]
