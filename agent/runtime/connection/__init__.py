"""The agent's connection to a gateway: dial, greet, carry messages and output, come back."""
