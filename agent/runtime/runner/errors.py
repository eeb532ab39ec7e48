"""The failure of a step, told to the user."""


class StepFailed(Exception):
    """The work failed in an expected way; the text is shown as the reason."""

    def __init__(self, message: str, exit_code: int = 1, signal: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
        self.signal = signal
