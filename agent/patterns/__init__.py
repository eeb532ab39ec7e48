"""Regular expressions of people's configuration, matched in time bounded by text times pattern.

Their dialect is that of .NET without back references; the standard `re` can take exponential time
and cannot be interrupted, so it is never given a pattern somebody typed.
"""

from agent.patterns.matcher import (
    Pattern,
    PatternMatch,
    PatternTooExpensive,
    compile_pattern,
)
from agent.patterns.syntax import InvalidPattern

__all__ = ["InvalidPattern", "Pattern", "PatternMatch", "PatternTooExpensive", "compile_pattern"]
