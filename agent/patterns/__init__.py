"""Regular expressions of people's configuration, matched in bounded time.

Their dialect is that of .NET. The time is bounded by text times pattern, but for patterns that ask
what a group holds, whose steps are counted and given up; the standard `re` can take exponential
time and cannot be interrupted, so it is never given a pattern somebody typed.
"""

from agent.patterns.matcher import (
    Pattern,
    PatternMatch,
    PatternTooExpensive,
    compile_pattern,
)
from agent.patterns.syntax import InvalidPattern

__all__ = ["InvalidPattern", "Pattern", "PatternMatch", "PatternTooExpensive", "compile_pattern"]
